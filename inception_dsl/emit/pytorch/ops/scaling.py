"""Multiplication by constants and by learnt scales."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.python import Expression, Item, literal
from inception_dsl.emit.pytorch.layers import LayerPrinter
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.scaling import Affine, Scale
from inception_dsl.ir.values import Width

rules: Final = Rules[Expression]("PyTorch")


@rules(Scale)
def _scale(op: Scale, channels: Width, layers: LayerPrinter) -> Expression:
    return layers.helper("Scale", literal(op.factor))


@rules(Affine)
def _affine(op: Affine, channels: Width, layers: LayerPrinter) -> Expression:
    bias: list[Item] = [] if op.bias else [("bias", "False")]
    return layers.helper("Affine", layers.width(channels), *bias)
