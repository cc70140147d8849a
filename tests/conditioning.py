"""Whether float32 has the digits that a comparison of values needs: a network drawn at random may amplify rounding."""

from __future__ import annotations

import numpy as np

from inception_dsl.crosscheck import probe
from inception_dsl.crosscheck.compare import TOLERANCE, relative_difference
from inception_dsl.emit.pytorch.executor import PyTorch
from inception_dsl.ir.typed import Typed

LARGE = 1e4
"""Values whose squares swallow what is added to them, as onnxruntime's LRN adds and subtracts them in turn."""


def is_stable(typed: Typed) -> bool:
    """Whether every row is the same in float32 and in float64, to a tenth of the tolerance, and no value is large."""
    network = PyTorch(typed)
    network.load(network.scale(probe.weights(typed)))
    images = probe.images(typed.input.shape, 2, probe.level(typed))
    single = dict(network.at(typed)(images))
    network.net.double()
    double = dict(network.at(typed)(images.astype(np.float64)))
    return all(
        relative_difference(values, single[row], values) < TOLERANCE / 10 and np.abs(values).max() < LARGE
        for row, values in double.items()
    )
