"""Some of the channels, all of them interleaved, and their mean and maximum."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.onnx import protobuf as pb
from inception_dsl.emit.onnx.node import OnnxNode, Site, Spelling, over_channels, slice_of
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.op import concrete
from inception_dsl.ir.ops.channels import ChannelMax, ChannelMean, ChannelPart, ChannelShuffle, ChannelSlice

rules: Final = Rules[Spelling]("ONNX")


@rules(ChannelPart)
def _part(op: ChannelPart, site: Site) -> OnnxNode:
    which, parts = op.part
    width = site.types[0].channels // parts
    return slice_of({1: ((which - 1) * width, which * width)})


@rules(ChannelSlice)
def _slice(op: ChannelSlice, site: Site) -> OnnxNode:
    start = concrete(op.start)
    return slice_of({1: (start, start + concrete(op.width))})


@rules(ChannelShuffle)
def _shuffle(op: ChannelShuffle, site: Site) -> OnnxNode:
    channels = site.types[0].channels
    width = channels // op.groups
    order = (channel for first in range(width) for channel in range(first, channels, width))
    return OnnxNode("Gather", {"axis": 1}, {"order": pb.Integers(tuple(order))})


@rules(ChannelMean)
def _mean(op: ChannelMean, site: Site) -> OnnxNode:
    return over_channels("ReduceMean", site)


@rules(ChannelMax)
def _max(op: ChannelMax, site: Site) -> OnnxNode:
    return over_channels("ReduceMax", site)
