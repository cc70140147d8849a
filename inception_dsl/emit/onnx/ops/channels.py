"""Some of the channels, all of them interleaved, their mean and maximum, and a convolution along them."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.onnx import protobuf as pb
from inception_dsl.emit.onnx.node import OnnxNode, Site, Spelling, over_channels, slice_of
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.op import concrete
from inception_dsl.ir.ops.channels import (
    ChannelConv,
    ChannelMax,
    ChannelMean,
    ChannelPart,
    ChannelShuffle,
    ChannelSlice,
)

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


@rules(ChannelConv)
def _conv(op: ChannelConv, site: Site) -> list[OnnxNode]:
    """A convolution in three dimensions of an image with one channel, whose depth are the channels."""
    slides: dict[str, pb.Parameter] = {"kernel_shape": (op.kernel, 1, 1), "strides": (op.stride, 1, 1)}
    slides |= {"pads": (op.pad, 0, 0, op.pad, 0, 0)}
    axis, weights = {"axis": pb.Integers((1,))}, ("weight", "bias") if op.bias else ("weight",)
    nodes = [
        OnnxNode("Unsqueeze", {}, axis, ("x", "axis"), "deep"),
        OnnxNode("Conv", slides, {}, ("deep", *weights), "outputs"),
    ]
    if op.kernels == 1:
        return [*nodes, OnnxNode("Squeeze", {}, {}, ("outputs", "axis"))]
    channels, *image = op.infer(*site.types).shape
    if not site.dynamic:
        return [*nodes, OnnxNode("Reshape", {}, {"shape": pb.Integers((0, channels, *image))}, ("outputs", "shape"))]
    return [
        *nodes,
        OnnxNode("Shape", {"start": 2}, {}, ("x",), "image"),
        OnnxNode("Concat", {"axis": 0}, {"groups": pb.Integers((0, channels))}, ("groups", "image"), "shape"),
        OnnxNode("Reshape", {}, {}, ("outputs", "shape")),
    ]
