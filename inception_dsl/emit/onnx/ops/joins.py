"""Joins of branches."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.onnx.node import OnnxNode, Site, Spelling
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.joins import Add, Concat, Mul

rules: Final = Rules[Spelling]("ONNX")


@rules(Concat)
def _concat(op: Concat, site: Site) -> OnnxNode:
    return OnnxNode("Concat", {"axis": 1})


@rules(Add)
def _add(op: Add, site: Site) -> OnnxNode:
    return OnnxNode("Add" if len(site.types) == 2 else "Sum")


@rules(Mul)
def _mul(op: Mul, site: Site) -> Spelling:
    nodes = [OnnxNode("Mul", inputs=("x", "x2"), name="2")]
    for factor in range(3, len(site.types) + 1):  # ONNX multiplies two factors at a time
        nodes.append(OnnxNode("Mul", inputs=(nodes[-1].name, f"x{factor}"), name=f"{factor}"))
    return nodes
