"""Weights: read from other libraries' files, checked tensor by tensor, and written back under their names.

Weights are a mapping from state_dict names to float32 arrays. Where a file has the counter that torch keeps with each
batch norm (`num_batches_tracked`, int64), the counter is kept too.
"""
