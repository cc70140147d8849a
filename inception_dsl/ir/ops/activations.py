"""Activations: functions of one element, and softmax, of all channels."""

from __future__ import annotations

from inception_dsl.ir.op import Op


class ReLU(Op):
    """Rectified linear activation, max(x, 0)."""

    name = "relu"
    storage = "in_place"


class Softmax(Op):
    """Turns channels into probabilities: exp(x) / sum of exp(x)."""

    name = "softmax"
