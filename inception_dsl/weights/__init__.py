"""Weights of a network: read from what other libraries write, checked tensor by tensor, and written for them again.

A set of weights is a mapping from a tensor's name in the network's state_dict to its values, all float32. The counter
that torch keeps beside a batch norm (`num_batches_tracked`, int64) goes with it where a file has it.
"""
