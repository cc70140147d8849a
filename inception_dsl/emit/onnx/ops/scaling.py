"""Multiplication by constants."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.onnx.node import OnnxNode, Site, Spelling
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.scaling import Scale

rules: Final = Rules[Spelling]("ONNX")


@rules(Scale)
def _scale(op: Scale, site: Site) -> OnnxNode:
    return OnnxNode("Mul", constants={"factor": op.factor})
