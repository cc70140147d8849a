"""Normalisations."""

from __future__ import annotations

from dataclasses import dataclass

from inception_dsl.ir.op import Op, concrete
from inception_dsl.ir.shapes import ReceptiveFields, TensorType, Weight, check_even, image_receptive_field
from inception_dsl.ir.values import Width


@dataclass(frozen=True)
class BatchNorm(Op):
    """Batch normalisation over each channel of an image, or number of a vector (1502.03167).

    `eps` is added to the variance. In training, the running statistics move by the share `momentum` towards those of
    the batch. weight (gamma), bias (beta), running_mean and running_var, each (channels,); the last two are not
    trained. With `gamma=none` it shifts and does not scale, and has no weight (TF-Slim's and Keras's Inception).
    """

    name = "bn"
    eps: float = 0.001
    gamma: bool = True
    momentum: float = 0.1

    def weights(self, *inputs: TensorType) -> dict[str, Weight]:
        shape = (inputs[0].channels,)
        running = Weight(shape, trained=False)
        gamma = {"weight": Weight(shape)} if self.gamma else {}
        return {**gamma, "bias": Weight(shape), "running_mean": running, "running_var": running}


@dataclass(frozen=True)
class GroupNorm(Op):
    """Group normalisation (1803.08494): each of `groups` equal groups of channels, over all pixels of one image.

    `eps` is added to the variance. weight and bias: (channels,). The receptive field is the whole image.
    """

    name = "gn"
    groups: Width
    eps: float = 1e-5

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        check_even(x.channels, concrete(self.groups), "groups", self.name)
        return x

    def weights(self, *inputs: TensorType) -> dict[str, Weight]:
        shape = (inputs[0].channels,)
        return {"weight": Weight(shape), "bias": Weight(shape)}

    def receptive_field(self, image: TensorType, before: ReceptiveFields) -> ReceptiveFields:
        return image_receptive_field(image.image, before) if len(image.shape) == 3 else before


@dataclass(frozen=True)
class LayerNorm(Op):
    """Layer normalisation (1607.06450): a vector over its features, an image over the channels of each pixel.

    `eps` is added to the variance. weight and bias: (channels,).
    """

    name = "ln"
    eps: float = 1e-5

    def weights(self, *inputs: TensorType) -> dict[str, Weight]:
        shape = (inputs[0].channels,)
        return {"weight": Weight(shape), "bias": Weight(shape)}


Norm = BatchNorm | GroupNorm | LayerNorm
"""The norms that follow a layer; `lrn` has no statistics that an `eps` keeps from 0."""


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


class L2Norm(Op):
    """Divides the channels of a pixel, or the features of a vector, by the root of the sum of their squares.

    A root below 1e-12 counts as that. Embeddings of faces have this length of 1 (FaceNet, 1503.03832).
    """

    name = "l2norm"
