"""Normalisations."""

from __future__ import annotations

from dataclasses import dataclass

from inception_dsl.ir.op import Op
from inception_dsl.ir.shapes import (
    TensorType,
    Weight,
)


@dataclass(frozen=True)
class BatchNorm(Op):
    """Batch normalisation over each channel of an image, or number of a vector (1502.03167).

    `eps` is added to the variance. weight (gamma), bias (beta), running_mean and running_var, each (channels,); the
    last two are not trained. With `gamma=none` it shifts and does not scale, and has no weight (TF-Slim's and Keras's
    Inception).
    """

    name = "bn"
    eps: float = 0.001
    gamma: bool = True

    def weights(self, *inputs: TensorType) -> dict[str, Weight]:
        shape = (inputs[0].channels,)
        running = Weight(shape, trained=False)
        gamma = {"weight": Weight(shape)} if self.gamma else {}
        return {**gamma, "bias": Weight(shape), "running_mean": running, "running_var": running}


@dataclass(frozen=True)
class LRN(Op):
    """Local response normalisation across `size` neighbouring channels (AlexNet, section 3.3).

    y = x / (k + alpha / size * sum of x^2) ^ beta; size is odd.
    """

    name = "lrn"
    size: int = 5
    alpha: float = 1e-4
    beta: float = 0.75
    k: float = 1.0

    def infer(self, *inputs: TensorType) -> TensorType:
        return TensorType((inputs[0].channels, *inputs[0].image))
