"""Changes of form that compute nothing."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.python import CallExpr, Expression
from inception_dsl.emit.pytorch.layers import LayerPrinter
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.shaping import Crop, Flatten, Identity, Pad, Permute, Shift
from inception_dsl.ir.values import Width

rules: Final = Rules[Expression]("PyTorch")


@rules(Flatten)
def _flatten(op: Flatten, channels: Width, layers: LayerPrinter) -> Expression:
    return "nn.Flatten()"


@rules(Shift)
def _shift(op: Shift, channels: Width, layers: LayerPrinter) -> Expression:
    return CallExpr("nn.ZeroPad2d", (str((-op.pixels, op.pixels) * 2),))


@rules(Crop, Pad)
def _margin(op: Crop | Pad, channels: Width, layers: LayerPrinter) -> Expression:
    sign = -1 if isinstance(op, Crop) else 1
    (top, left), (bottom, right) = op.before, op.after
    sides = tuple(sign * pixels for pixels in (left, right, top, bottom))
    layer = "nn.ReflectionPad2d" if isinstance(op, Pad) and op.reflect else "nn.ZeroPad2d"
    return CallExpr(layer, (str(sides if len({*sides}) > 1 else sides[0]),))


@rules(Permute)
def _permute(op: Permute, channels: Width, layers: LayerPrinter) -> Expression:
    return layers.helper("Permute", *(str(axis + 1) for axis in op.axes))


@rules(Identity)
def _identity(op: Identity, channels: Width, layers: LayerPrinter) -> Expression:
    return "nn.Identity()"
