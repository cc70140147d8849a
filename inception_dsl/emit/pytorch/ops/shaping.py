"""Changes of form that compute nothing."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.python import CallExpr, Expression
from inception_dsl.emit.pytorch.layers import LayerPrinter
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.shaping import Flatten, Identity, Shift
from inception_dsl.ir.values import Width

rules: Final = Rules[Expression]("PyTorch")


@rules(Flatten)
def _flatten(op: Flatten, channels: Width, layers: LayerPrinter) -> Expression:
    return "nn.Flatten()"


@rules(Shift)
def _shift(op: Shift, channels: Width, layers: LayerPrinter) -> Expression:
    return CallExpr("nn.ZeroPad2d", (str((-op.pixels, op.pixels) * 2),))


@rules(Identity)
def _identity(op: Identity, channels: Width, layers: LayerPrinter) -> Expression:
    return "nn.Identity()"
