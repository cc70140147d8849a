"""Multiplication by constants."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.python import Expression, literal
from inception_dsl.emit.pytorch.layers import LayerPrinter
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.ir.values import Width

rules: Final = Rules[Expression]("PyTorch")


@rules(Scale)
def _scale(op: Scale, channels: Width, layers: LayerPrinter) -> Expression:
    return layers.helper("Scale", literal(op.factor))
