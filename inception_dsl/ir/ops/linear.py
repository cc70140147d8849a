"""Layers that are linear in their input: convolution, its transpose, and the fully connected layer."""

from __future__ import annotations

import math
from dataclasses import dataclass

from inception_dsl.diagnostics.codes.layers import IMPOSSIBLE_PADDING
from inception_dsl.diagnostics.codes.shapes import KERNEL_TOO_LARGE, UNEVEN_GROUPS, WRONG_RANK
from inception_dsl.ir.op import Op, concrete
from inception_dsl.ir.shapes import (
    Pair,
    ReceptiveFields,
    ShapeError,
    TensorType,
    Weight,
    Window,
    nearest_divisor,
    transposed_receptive_field,
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

    @property
    def uneven(self) -> bool:
        """Whether it may pad one side of an image more than the other."""
        return self.window.pads_unevenly

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        image = self.window.out(x.image)
        _check_groups(x.channels, concrete(self.width), concrete(self.groups))
        return TensorType((concrete(self.width), *image))

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
        return 0 if _is_depthwise(inputs[0], self.groups) else self.depth

    def receptive_field(self, image: TensorType, before: ReceptiveFields) -> ReceptiveFields:
        return window_receptive_field(self.window, image.image, before)

    def channels(self, *inputs: Width) -> Width:
        return self.width


@dataclass(frozen=True)
class ConvTranspose(Op):
    """Transposed convolution, or deconvolution: every pixel adds the kernel, times itself, to a larger image.

    It is the transpose of a convolution that reads its output and gives its input (1603.07285, section 4). The pixels
    that this would pad are cut off; with `same` and `same_upper` the image grows by the stride exactly, and
    `output_padding` keeps some of the pixels below and on the right. weight: (in, width / groups, kernel height, kernel
    width); bias: (width,) where asked. Multiply-adds: one per weight and input pixel. Depth is counted as in `conv`.
    """

    name = "conv_transpose"
    depth = 1
    width: Width
    window: Window
    groups: Width = 1
    bias: bool = False
    output_padding: Pair = (0, 0)

    @property
    def cut(self) -> tuple[Pair, Pair]:
        """The pixels cut off before and after the height, and the width; below 0 it is what remains empty there."""
        padding = self.window.padding
        axes = zip(self.window.reach, self.window.stride, padding.amount, self.output_padding, strict=True)
        height, width = (self._cut(*axis) for axis in axes)
        return height, width

    def _cut(self, reach: int, stride: int, amount: int, more: int) -> Pair:
        match self.window.padding.kind:
            case "pad":
                return amount, amount - more
            case "same":
                before = (reach - 1) // 2
            case "same_upper":
                before = max(reach - stride, 0) // 2
        return before, reach - stride - before

    @property
    def uneven(self) -> bool:
        """Whether it may cut off more below or on the right than before."""
        return any(after > before for before, after in self.cut)

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        steps = zip(x.image, self.window.stride, self.window.reach, self.cut, strict=True)
        image = [(size - 1) * stride + reach - sum(cut) for size, stride, reach, cut in steps]
        if min(image) < 1:
            message = f"its padding cuts off all pixels that it makes of {'x'.join(map(str, x.image))}"
            raise ShapeError(KERNEL_TOO_LARGE, message, "pad less, or write `same`")
        axes = zip(self.output_padding, self.window.stride, self.window.dilation, strict=True)
        if any(more >= max(stride, dilation) for more, stride, dilation in axes):
            message = "`output_padding` must be less than the stride or the dilation"
            raise ShapeError(IMPOSSIBLE_PADDING, message, "write less, or pad less")
        _check_groups(x.channels, concrete(self.width), concrete(self.groups))
        return TensorType((concrete(self.width), *image))

    def weights(self, *inputs: TensorType) -> dict[str, Weight]:
        (x,) = inputs
        width = concrete(self.width)
        weights = {"weight": Weight((x.channels, width // concrete(self.groups), *self.window.kernel))}
        return {**weights, "bias": Weight((width,))} if self.bias else weights

    def macs(self, *inputs: TensorType) -> int:
        (x,) = inputs
        return x.size * concrete(self.width) // concrete(self.groups) * math.prod(self.window.kernel)

    def layers(self, *inputs: TensorType) -> int:
        return 0 if _is_depthwise(inputs[0], self.groups) else self.depth

    def receptive_field(self, image: TensorType, before: ReceptiveFields) -> ReceptiveFields:
        return transposed_receptive_field(self.window, [before for before, _ in self.cut], before)

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


LinearLayer = Conv | ConvTranspose | FullyConnected
"""The layers that a norm and an activation can follow as words."""


def _is_depthwise(x: TensorType, groups: Width) -> bool:
    """Whether a convolution reads every channel by itself."""
    return 1 < concrete(groups) == x.channels


def _check_groups(channels: int, width: int, groups: int) -> None:
    """Raise `ShapeError` E212 for groups that do not divide the channels that a convolution reads and gives."""
    for what, number in (("input", channels), ("output", width)):
        if number % groups:
            message = f"{groups} groups do not divide {number} {what} channels"
            hint = f"write a width that is a multiple of {groups}, such as {max(width // groups, 1) * groups}"
            if what == "input":
                hint = f"write a number of groups that divides {channels} and {width}, such as "
                hint += str(nearest_divisor(math.gcd(channels, width), groups))
            raise ShapeError(UNEVEN_GROUPS, message, hint)
