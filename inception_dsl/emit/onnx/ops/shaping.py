"""Changes of form that compute nothing."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.onnx import protobuf as pb
from inception_dsl.emit.onnx.node import OnnxNode, Site, Spelling, slice_of
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.shaping import Crop, Flatten, Identity, Pad, Permute, Shift

LAST: Final = 2**63 - 1
"""The end of a range that goes on to the last element, by the specification of Slice."""

rules: Final = Rules[Spelling]("ONNX")


@rules(Flatten)
def _flatten(op: Flatten, site: Site) -> OnnxNode:
    return OnnxNode("Flatten", {"axis": 1})


@rules(Shift)
def _shift(op: Shift, site: Site) -> OnnxNode:
    pads = (0, 0, -op.pixels, -op.pixels, 0, 0, op.pixels, op.pixels)
    return OnnxNode("Pad", constants={"pads": pb.Integers(pads)})


@rules(Crop)
def _crop(op: Crop, site: Site) -> OnnxNode:
    sides = zip((2, 3), op.before, op.after, strict=True)
    return slice_of({axis: (low, -high if high else LAST) for axis, low, high in sides if low or high})


@rules(Pad)
def _pad(op: Pad, site: Site) -> OnnxNode:
    mode: dict[str, pb.Parameter] = {"mode": "reflect"} if op.reflect else {}
    return OnnxNode("Pad", mode, {"pads": pb.Integers((0, 0, *op.before, 0, 0, *op.after))})


@rules(Permute)
def _permute(op: Permute, site: Site) -> OnnxNode:
    return OnnxNode("Transpose", {"perm": (0, *(axis + 1 for axis in op.axes))})


@rules(Identity)
def _identity(op: Identity, site: Site) -> OnnxNode:
    return OnnxNode("Identity")
