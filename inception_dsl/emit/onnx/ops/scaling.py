"""Multiplication by constants and by learnt scales."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.onnx.node import OnnxNode, Site, Spelling, over_image
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.scaling import Affine, Scale

rules: Final = Rules[Spelling]("ONNX")


@rules(Scale)
def _scale(op: Scale, site: Site) -> OnnxNode:
    return OnnxNode("Mul", constants={"factor": op.factor})


@rules(Affine)
def _affine(op: Affine, site: Site) -> Spelling:
    image = len(site.types[0].shape) == 3
    weight, bias = ("weight_image", "bias_image") if image else ("weight", "bias")
    names = ("weight", "bias") if op.bias else ("weight",)
    return [
        *(over_image(name) for name in names if image),
        OnnxNode("Mul", inputs=("x", weight), name="scaled"),
        *([OnnxNode("Add", inputs=("scaled", bias))] if op.bias else []),
    ]
