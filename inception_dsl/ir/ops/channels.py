"""Groups of channels: one of them alone, or all of them interleaved."""

from __future__ import annotations

from dataclasses import dataclass

from inception_dsl.ir.op import Op
from inception_dsl.ir.shapes import Pair, TensorType, check_even
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
