"""Changes of an image's size without a window."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.python import CallExpr, Expression, Item
from inception_dsl.emit.pytorch.layers import LayerPrinter
from inception_dsl.emit.pytorch.windows import pair
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.resampling import PixelShuffle, PixelUnshuffle, Resize
from inception_dsl.ir.values import Width

rules: Final = Rules[Expression]("PyTorch")


@rules(Resize)
def _resize(op: Resize, channels: Width, layers: LayerPrinter) -> Expression:
    size: Item = ("size", str(op.to)) if op.to else ("scale_factor", pair(op.factor or (1, 1)))
    mode: list[Item] = [("mode", '"bilinear"')] if op.bilinear else []
    corners: list[Item] = [("align_corners", "True")] if op.align_corners else []
    return CallExpr("nn.Upsample", (size, *mode, *corners))


@rules(PixelShuffle, PixelUnshuffle)
def _shuffle(op: PixelShuffle | PixelUnshuffle, channels: Width, layers: LayerPrinter) -> Expression:
    return CallExpr(f"nn.{type(op).__name__}", (str(op.factor),))
