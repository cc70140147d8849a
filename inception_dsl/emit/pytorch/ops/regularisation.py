"""What acts in training only."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.python import CallExpr, Expression, literal
from inception_dsl.emit.pytorch.layers import LayerPrinter
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.regularisation import Dropout
from inception_dsl.ir.values import Width

rules: Final = Rules[Expression]("PyTorch")


@rules(Dropout)
def _dropout(op: Dropout, channels: Width, layers: LayerPrinter) -> Expression:
    return CallExpr("nn.Dropout", (literal(op.p),))
