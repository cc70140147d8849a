"""Every operation: its output shape, weights, multiply-adds and receptive field.

What holds in every target stands here; how a target spells an op stands in its emitter. Shapes are of one example.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from inception_dsl.diagnostics.codes.shapes import BRANCH_SIZES_DIFFER, SUM_SHAPES_DIFFER, UNEVEN_GROUPS, WRONG_RANK
from inception_dsl.ir.op import Op, concrete
from inception_dsl.ir.shapes import (
    Pair,
    ReceptiveFields,
    ShapeError,
    TensorType,
    Weight,
    Window,
    pool_shape,
    window_receptive_field,
)
from inception_dsl.ir.values import Number, Operation, Value, Width


@dataclass(frozen=True)
class Conv(Op):
    """2-D convolution. weight: (width, in / groups, kernel height, kernel width); bias: (width,) where asked.

    Multiply-adds: one per weight and output pixel. A depthwise convolution (groups = input channels) adds no depth:
    with the 1x1 after it, it is one separable layer (Xception, section 2).
    """

    name = "conv"
    depth = 1
    width: Width
    window: Window
    groups: Width = 1
    bias: bool = False

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        width, groups = concrete(self.width), concrete(self.groups)
        image = self.window.out(x.image)
        for what, number in (("input", x.channels), ("output", width)):
            if number % groups:
                message = f"{groups} groups do not divide {number} {what} channels"
                raise ShapeError(UNEVEN_GROUPS, message, "groups divide the input channels and the width")
        return TensorType((width, *image))

    def weights(self, *inputs: TensorType) -> dict[str, Weight]:
        (x,) = inputs
        width, groups = concrete(self.width), concrete(self.groups)
        weights = {"weight": Weight((width, x.channels // groups, *self.window.kernel))}
        return {**weights, "bias": Weight((width,))} if self.bias else weights

    def macs(self, *inputs: TensorType) -> int:
        (x,) = inputs
        pixels = math.prod(self.window.out(x.image))
        return pixels * concrete(self.width) * x.channels // concrete(self.groups) * math.prod(self.window.kernel)

    def layers(self, *inputs: TensorType) -> int:
        depthwise = 1 < concrete(self.groups) == inputs[0].channels
        return 0 if depthwise else self.depth

    def receptive_field(self, image: TensorType, before: ReceptiveFields) -> ReceptiveFields:
        return window_receptive_field(self.window, image.image, before)

    def channels(self, *inputs: Width) -> Width:
        return self.width


@dataclass(frozen=True)
class BatchNorm(Op):
    """Batch normalisation over each channel (1502.03167); `eps` is added to the variance.

    weight (gamma), bias (beta), running_mean and running_var, each (channels,); the last two are not trained. With
    `gamma=none` it shifts and does not scale, and has no weight (TF-Slim's and Keras's Inception).
    """

    name = "bn"
    eps: float = 0.001
    gamma: bool = True

    def infer(self, *inputs: TensorType) -> TensorType:
        return TensorType((inputs[0].channels, *inputs[0].image))

    def weights(self, *inputs: TensorType) -> dict[str, Weight]:
        shape = (inputs[0].channels,)
        running = Weight(shape, trained=False)
        gamma = {"weight": Weight(shape)} if self.gamma else {}
        return {**gamma, "bias": Weight(shape), "running_mean": running, "running_var": running}


class ReLU(Op):
    """Rectified linear activation, max(x, 0)."""

    name = "relu"
    storage = "in_place"


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


@dataclass(frozen=True)
class MaxPool(Op):
    """The maximum under a sliding window, each channel by itself; `maxpool global` takes the whole image."""

    name = "maxpool"
    window: Window | None

    def infer(self, *inputs: TensorType) -> TensorType:
        return pool_shape(self.window, inputs[0])

    def receptive_field(self, image: TensorType, before: ReceptiveFields) -> ReceptiveFields:
        return window_receptive_field(self.window, image.image, before)


@dataclass(frozen=True)
class AvgPool(Op):
    """The average under a sliding window, each channel by itself; `avgpool global` takes the whole image.

    Pixels of padding are left out of the average (TF-Slim, Keras) unless `count_pad` counts them as zeros (Caffe,
    torchvision). `avgpool to=4x4` covers an image of any size with 4x4 windows: on an axis of n pixels, window i reads
    from floor(i * n / 4) to ceil((i + 1) * n / 4) (torch's adaptive pool); `global` is `to=1x1`.
    """

    name = "avgpool"
    window: Window | None
    count_pad: bool = False
    to: Pair = (1, 1)

    def infer(self, *inputs: TensorType) -> TensorType:
        return pool_shape(self.window, inputs[0], self.to)

    def receptive_field(self, image: TensorType, before: ReceptiveFields) -> ReceptiveFields:
        return window_receptive_field(self.window, image.image, before, self.to)


@dataclass(frozen=True)
class Dropout(Op):
    """Sets a share `p` of the elements to zero in training and scales up the others; does nothing in inference."""

    name = "dropout"
    training_only = True
    p: float = 0.5


@dataclass(frozen=True)
class FullyConnected(Op):
    """Every output from every input of a vector. weight: (width, features); bias: (width,) unless `bias=none`."""

    name = "fc"
    depth = 1
    width: Width
    bias: bool = True

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        if len(x.shape) != 1:
            raise ShapeError(WRONG_RANK, f"`fc` expects a vector, not an image of {x}", "write `flatten` before it")
        return TensorType((concrete(self.width),))

    def weights(self, *inputs: TensorType) -> dict[str, Weight]:
        width = concrete(self.width)
        weights = {"weight": Weight((width, inputs[0].channels))}
        return {**weights, "bias": Weight((width,))} if self.bias else weights

    def macs(self, *inputs: TensorType) -> int:
        return concrete(self.width) * inputs[0].channels

    def channels(self, *inputs: Width) -> Width:
        return self.width


class Softmax(Op):
    """Turns channels into probabilities: exp(x) / sum of exp(x)."""

    name = "softmax"


class Flatten(Op):
    """The image as one vector, channel by channel, row by row."""

    name = "flatten"
    storage = "view"

    def infer(self, *inputs: TensorType) -> TensorType:
        return TensorType((inputs[0].size,))

    def receptive_field(self, image: TensorType, before: ReceptiveFields) -> ReceptiveFields:
        return window_receptive_field(None, image.image, before) if len(image.shape) == 3 else before


@dataclass(frozen=True)
class Scale(Op):
    """Multiplies by `factor`: the residual scaling of 1602.07261, section 3.3."""

    name = "scale"
    factor: float


class Identity(Op):
    """`pass`: the input itself."""

    name = "pass"
    storage = "view"


class Concat(Op):
    """Joins branches along the channels, in the order written: the papers' filter concatenation, DepthConcat."""

    name = "concat"

    def infer(self, *inputs: TensorType) -> TensorType:
        if len({x.shape[1:] for x in inputs}) != 1:
            raise ShapeError(BRANCH_SIZES_DIFFER, "the branches disagree on image size")
        return TensorType((sum(x.channels for x in inputs), *inputs[0].shape[1:]))

    def channels(self, *inputs: Width) -> Width:
        total: Width = sum(width for width in inputs if isinstance(width, int))
        for width in inputs:
            if not isinstance(width, int):
                left = total if isinstance(total, Value) else Number(total)
                total = width if total == 0 else Operation("+", left, width)
        return total


class Add(Op):
    """Adds branches elementwise: the residual connection of 1512.03385."""

    name = "add"

    def infer(self, *inputs: TensorType) -> TensorType:
        if len(set(inputs)) != 1:
            raise ShapeError(SUM_SHAPES_DIFFER, "the terms of a sum differ in shape")
        return inputs[0]
