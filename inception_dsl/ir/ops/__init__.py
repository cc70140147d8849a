"""Every operation, by family: its output shape, weights, multiply-adds and receptive field.

What holds in every target stands here; how a target spells an op stands in its emitter. Shapes are of one example.
"""
