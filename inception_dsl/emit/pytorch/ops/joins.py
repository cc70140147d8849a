"""Joins of branches."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.python import Expression
from inception_dsl.emit.pytorch.layers import LayerPrinter
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.joins import Add, Concat
from inception_dsl.ir.values import Width

rules: Final = Rules[Expression]("PyTorch")


@rules(Concat)
def _concat(op: Concat, channels: Width, layers: LayerPrinter) -> Expression:
    return layers.helper("Concat")


@rules(Add)
def _add(op: Add, channels: Width, layers: LayerPrinter) -> Expression:
    return layers.helper("Add")
