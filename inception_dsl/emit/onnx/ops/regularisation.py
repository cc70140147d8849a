"""What acts in training only."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.onnx.node import OnnxNode, Site, Spelling
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.regularisation import Dropout, DropPath

rules: Final = Rules[Spelling]("ONNX")


@rules(Dropout)
def _dropout(op: Dropout, site: Site) -> OnnxNode:
    return OnnxNode("Dropout", constants={"ratio": op.p})


@rules(DropPath)
def _drop_path(op: DropPath, site: Site) -> OnnxNode:
    return OnnxNode("Identity")
