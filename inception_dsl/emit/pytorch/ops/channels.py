"""Some of the channels, all of them interleaved, their mean and maximum, and a convolution along them."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.python import CallExpr, Expression, Item
from inception_dsl.emit.pytorch.layers import LayerPrinter
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.channels import (
    ChannelConv,
    ChannelMax,
    ChannelMean,
    ChannelPart,
    ChannelShuffle,
    ChannelSlice,
)
from inception_dsl.ir.values import Width

rules: Final = Rules[Expression]("PyTorch")


@rules(ChannelPart)
def _part(op: ChannelPart, channels: Width, layers: LayerPrinter) -> Expression:
    return layers.helper("ChannelPart", *map(str, op.part))


@rules(ChannelShuffle)
def _shuffle(op: ChannelShuffle, channels: Width, layers: LayerPrinter) -> Expression:
    return CallExpr("nn.ChannelShuffle", (str(op.groups),))


@rules(ChannelSlice)
def _slice(op: ChannelSlice, channels: Width, layers: LayerPrinter) -> Expression:
    start = () if op.start == 0 else (("start", layers.width(op.start)),)
    return layers.helper("ChannelSlice", layers.width(op.width), *start)


@rules(ChannelMean, ChannelMax)
def _reduced(op: ChannelMean | ChannelMax, channels: Width, layers: LayerPrinter) -> Expression:
    return layers.helper(type(op).__name__)


@rules(ChannelConv)
def _conv(op: ChannelConv, channels: Width, layers: LayerPrinter) -> Expression:
    items: list[Item] = [str(op.kernel)]
    items += [("stride", str(op.stride))] if op.stride != 1 else []
    items += [("padding", str(op.pad))] if op.pad else []
    items += [("kernels", layers.width(op.kernels))] if op.kernels != 1 else []
    items += [("bias", "True")] if op.bias else []
    return layers.helper("ChannelConv", *items)
