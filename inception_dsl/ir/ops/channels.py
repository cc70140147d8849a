"""Some of the channels, all of them interleaved, their mean and maximum, and a convolution along them."""

from __future__ import annotations

from dataclasses import dataclass, field

from inception_dsl.diagnostics.codes.shapes import KERNEL_TOO_LARGE, PAST_THE_CHANNELS
from inception_dsl.ir.op import Op, concrete
from inception_dsl.ir.shapes import Pair, ShapeError, TensorType, Weight, check_even
from inception_dsl.ir.values import Number, Operation, Width


@dataclass(frozen=True)
class ChannelPart(Op):
    """One of several equal parts of the channels: `part 1/2` is the first half (channel split, 1807.11164)."""

    name = "part"
    storage = "view"
    part: Pair
    """Which part, from 1, and of how many."""

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        check_even(x.channels, self.part[1], "parts", self.name)
        return TensorType((x.channels // self.part[1], *x.shape[1:]))

    def channels(self, *inputs: Width) -> Width:
        (width,) = inputs
        return width // self.part[1] if isinstance(width, int) else Operation("//", width, Number(self.part[1]))


@dataclass(frozen=True)
class ChannelSlice(Op):
    """A range of the channels: `slice 64 start=32` are 64 of them, the first of which is number 32, counted from 0."""

    name = "slice"
    storage = "view"
    width: Width
    start: Width = field(default=0, metadata={"least": 0})

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        width, start = concrete(self.width), concrete(self.start)
        if start + width > x.channels:
            message = f"`slice {width} start={start}` ends at channel {start + width}, but {x.channels} arrive"
            raise ShapeError(
                PAST_THE_CHANNELS, message, f"write `slice {{in - {start}}} start={start}` for all that follow"
            )
        return TensorType((width, *x.shape[1:]))

    def channels(self, *inputs: Width) -> Width:
        return self.width


@dataclass(frozen=True)
class ChannelShuffle(Op):
    """Interleaves `groups` groups of channels: the first of every group, then the second of every group, and so on.

    With the channels as a matrix of one row for each group, it is the transpose (ShuffleNet, 1707.01083, section 3.1).
    """

    name = "shuffle"
    groups: int

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        check_even(x.channels, self.groups, "groups", self.name)
        return TensorType((x.channels, *x.image))


class OneChannel:
    """What gives one number for every pixel."""

    def infer(self, *inputs: TensorType) -> TensorType:
        """The image with one channel."""
        return TensorType((1, *inputs[0].image))

    def channels(self, *inputs: Width) -> Width:
        """The number of channels."""
        return 1


class ChannelMean(OneChannel, Op):
    """The mean over the channels of every pixel: one channel, which a gate of CBAM (1807.06521) reads."""

    name = "channel_mean"


class ChannelMax(OneChannel, Op):
    """The maximum over the channels of every pixel: one channel, as `channel_mean` is."""

    name = "channel_max"


@dataclass(frozen=True)
class ChannelConv(Op):
    """Convolution along the channels, the same at every pixel (ChannelNets, 1809.01330; ECA-Net, 1910.03151).

    The channels of a pixel are a row of numbers, over which a kernel slides, with zeros beside the first and the last.
    The outputs of several kernels stand one group after the other. weight: (kernels, 1, kernel, 1, 1), as a 3-D
    convolution has it; bias: (kernels,) where asked. Multiply-adds: one per number of a kernel and output.
    """

    name = "channel_conv"
    depth = 1
    kernel: int
    stride: int = 1
    pad: int = 0
    kernels: Width = 1
    bias: bool = False

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        image = x.image
        if x.channels + 2 * self.pad < self.kernel:
            padded = f" padded by {self.pad}" if self.pad else ""
            message = f"a kernel of {self.kernel} does not fit on {x.channels} channels{padded}"
            raise ShapeError(KERNEL_TOO_LARGE, message, "use a smaller kernel, or pad more")
        return TensorType((concrete(self.kernels) * ((x.channels + self._beyond) // self.stride), *image))

    @property
    def _beyond(self) -> int:
        """What is added to the channels that arrive before the stride divides them into the places of a kernel."""
        return 2 * self.pad - self.kernel + self.stride

    def weights(self, *inputs: TensorType) -> dict[str, Weight]:
        kernels = concrete(self.kernels)
        weights = {"weight": Weight((kernels, 1, self.kernel, 1, 1))}
        return {**weights, "bias": Weight((kernels,))} if self.bias else weights

    def macs(self, *inputs: TensorType) -> int:
        return self.kernel * self.infer(*inputs).size

    def channels(self, *inputs: Width) -> Width:
        (width,) = inputs
        if isinstance(width, int) and isinstance(self.kernels, int):
            return self.kernels * ((width + self._beyond) // self.stride)
        sign, beyond = "-" if self._beyond < 0 else "+", Number(abs(self._beyond))
        arriving, kernels = (Number(each) if isinstance(each, int) else each for each in (width, self.kernels))
        places = Operation(sign, arriving, beyond) if beyond.value else arriving
        places = Operation("//", places, Number(self.stride)) if self.stride > 1 else places
        return Operation("*", kernels, places) if self.kernels != 1 else places
