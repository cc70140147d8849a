"""Joins of branches."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.python import Expression
from inception_dsl.emit.pytorch.layers import LayerPrinter
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.joins import Add, Concat, Mul
from inception_dsl.ir.values import Width

rules: Final = Rules[Expression]("PyTorch")


@rules(Concat, Add, Mul)
def _join(op: Concat | Add | Mul, channels: Width, layers: LayerPrinter) -> Expression:
    return layers.helper(type(op).__name__)
