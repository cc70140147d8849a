"""Pooling: the maximum and the average under a window; and unpooling, to the places of the maxima."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.python import CallExpr, Expression
from inception_dsl.emit.pytorch.layers import LayerPrinter
from inception_dsl.emit.pytorch.windows import pair, window_items
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool, Unpool
from inception_dsl.ir.values import Width

rules: Final = Rules[Expression]("PyTorch")


@rules(MaxPool)
def _max_pool(op: MaxPool, channels: Width, layers: LayerPrinter) -> Expression:
    if op.window is None:
        return "nn.AdaptiveMaxPool2d(1)"
    items = (pair(op.window.kernel), *window_items(op.window, pool=True))
    uneven = layers.pads_unevenly(op.window)
    return layers.helper("SameMaxPool2d", *items) if uneven else CallExpr("nn.MaxPool2d", items)


@rules(AvgPool)
def _avg_pool(op: AvgPool, channels: Width, layers: LayerPrinter) -> Expression:
    if op.window is None:
        return CallExpr("nn.AdaptiveAvgPool2d", (pair(op.to),))
    items = window_items(op.window, pool=True)
    uneven = layers.pads_unevenly(op.window)
    if not op.count_pad and (uneven or any(isinstance(item, tuple) and item[0] == "padding" for item in items)):
        items.append(("count_include_pad", "False"))
    items.insert(0, pair(op.window.kernel))
    return layers.helper("SameAvgPool2d", *items) if uneven else CallExpr("nn.AvgPool2d", tuple(items))


@rules(Unpool)
def _unpool(op: Unpool, channels: Width, layers: LayerPrinter) -> Expression:
    return layers.helper("MaxUnpool", pair(op.window.kernel), *window_items(op.window, pool=True))
