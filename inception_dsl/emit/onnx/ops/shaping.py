"""Changes of form that compute nothing."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.onnx import protobuf as pb
from inception_dsl.emit.onnx.node import OnnxNode, Site, Spelling
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.shaping import Flatten, Identity, Shift

rules: Final = Rules[Spelling]("ONNX")


@rules(Flatten)
def _flatten(op: Flatten, site: Site) -> OnnxNode:
    return OnnxNode("Flatten", {"axis": 1})


@rules(Shift)
def _shift(op: Shift, site: Site) -> OnnxNode:
    pads = (0, 0, -op.pixels, -op.pixels, 0, 0, op.pixels, op.pixels)
    return OnnxNode("Pad", constants={"pads": pb.Integers(pads)})


@rules(Identity)
def _identity(op: Identity, site: Site) -> OnnxNode:
    return OnnxNode("Identity")
