"""Some of the channels, all of them interleaved, and their mean and maximum."""

from __future__ import annotations

from dataclasses import dataclass, field

from inception_dsl.diagnostics.codes.shapes import PAST_THE_CHANNELS
from inception_dsl.ir.op import Op, concrete
from inception_dsl.ir.shapes import Pair, ShapeError, TensorType, check_even
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
