"""Groups of channels."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.onnx import protobuf as pb
from inception_dsl.emit.onnx.node import OnnxNode, Site, Spelling
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.channels import ChannelPart, ChannelShuffle

rules: Final = Rules[Spelling]("ONNX")


@rules(ChannelPart)
def _part(op: ChannelPart, site: Site) -> OnnxNode:
    which, parts = op.part
    width = site.types[0].channels // parts
    ends = {"starts": (which - 1) * width, "ends": which * width, "axes": 1}
    return OnnxNode("Slice", constants={name: pb.Integers((number,)) for name, number in ends.items()})


@rules(ChannelShuffle)
def _shuffle(op: ChannelShuffle, site: Site) -> OnnxNode:
    channels = site.types[0].channels
    width = channels // op.groups
    order = (channel for first in range(width) for channel in range(first, channels, width))
    return OnnxNode("Gather", {"axis": 1}, {"order": pb.Integers(tuple(order))})
