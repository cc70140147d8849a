"""Changes of an image's size without a window."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.onnx import protobuf as pb
from inception_dsl.emit.onnx.node import OnnxNode, Site, Spelling
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.resampling import Upsample

rules: Final = Rules[Spelling]("ONNX")


@rules(Upsample)
def _upsample(op: Upsample, site: Site) -> OnnxNode:
    sides = {"roi": pb.Array((0,), ()), "scales": pb.Array((4,), (1.0, 1.0, *map(float, op.factor)))}
    if not op.bilinear:
        repeated: dict[str, pb.Parameter] = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return OnnxNode("Resize", {"mode": "nearest", **repeated}, sides)
    corners = "align_corners" if op.align_corners else "half_pixel"
    return OnnxNode("Resize", {"mode": "linear", "coordinate_transformation_mode": corners}, sides)
