"""Normalisations."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.python import CallExpr, Expression, literal
from inception_dsl.emit.pytorch.layers import LayerPrinter
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.norms import LRN, BatchNorm
from inception_dsl.ir.values import Width

rules: Final = Rules[Expression]("PyTorch")


@rules(BatchNorm)
def _batch_norm(op: BatchNorm, channels: Width, layers: LayerPrinter) -> Expression:
    items = (layers.width(channels), ("eps", literal(op.eps)))
    return CallExpr("nn.BatchNorm2d", items) if op.gamma else layers.helper("beta_batch_norm", *items)


@rules(LRN)
def _lrn(op: LRN, channels: Width, layers: LayerPrinter) -> Expression:
    usual = LRN()
    changed = [
        (key, literal(getattr(op, key))) for key in ("alpha", "beta", "k") if getattr(op, key) != getattr(usual, key)
    ]
    return CallExpr("nn.LocalResponseNorm", (str(op.size), *changed))
