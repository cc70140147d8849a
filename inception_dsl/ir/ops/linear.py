"""Layers that are linear in their input: convolution and the fully connected layer."""

from __future__ import annotations

import math
from dataclasses import dataclass

from inception_dsl.diagnostics.codes.shapes import UNEVEN_GROUPS, WRONG_RANK
from inception_dsl.ir.op import Op, concrete
from inception_dsl.ir.shapes import (
    ReceptiveFields,
    ShapeError,
    TensorType,
    Weight,
    Window,
    nearest_divisor,
    window_receptive_field,
)
from inception_dsl.ir.values import Width


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
                hint = f"write a width that is a multiple of {groups}, such as {max(width // groups, 1) * groups}"
                if what == "input":
                    hint = f"write a number of groups that divides {x.channels} and {width}, such as "
                    hint += str(nearest_divisor(math.gcd(x.channels, width), groups))
                raise ShapeError(UNEVEN_GROUPS, message, hint)
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
