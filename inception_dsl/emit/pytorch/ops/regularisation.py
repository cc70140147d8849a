"""What acts in training only."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.python import CallExpr, Expression, literal
from inception_dsl.emit.pytorch.layers import LayerPrinter
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.regularisation import Dropout, DropPath
from inception_dsl.ir.values import Value, Width

rules: Final = Rules[Expression]("PyTorch")


@rules(Dropout)
def _dropout(op: Dropout, channels: Width, layers: LayerPrinter) -> Expression:
    return CallExpr("nn.Dropout", (literal(op.p),))


@rules(DropPath)
def _drop_path(op: DropPath, channels: Width, layers: LayerPrinter) -> Expression:
    return layers.helper("DropPath", layers.width(op.p) if isinstance(op.p, Value) else literal(op.p))
