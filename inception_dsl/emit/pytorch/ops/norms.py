"""Normalisations."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.python import CallExpr, Expression, Item, literal
from inception_dsl.emit.pytorch.layers import LayerPrinter
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.norms import LRN, BatchNorm, GroupNorm, L2Norm, LayerNorm
from inception_dsl.ir.values import Width

rules: Final = Rules[Expression]("PyTorch")


@rules(BatchNorm)
def _batch_norm(op: BatchNorm, channels: Width, layers: LayerPrinter) -> Expression:
    items: tuple[Item, ...] = (layers.width(channels), ("eps", literal(op.eps)))
    items += (("momentum", literal(op.momentum)),) if layers.states_momentum else ()
    match sorted(layers.ranks):
        case [1]:
            kind = "nn.BatchNorm1d"
        case [3]:
            kind = "nn.BatchNorm2d"
        case _:
            kind = layers.helper("AnyBatchNorm").head
    if op.gamma:
        return CallExpr(kind, items)
    return layers.helper("beta_batch_norm", *items, *([] if kind == "nn.BatchNorm2d" else [("kind", kind)]))


@rules(GroupNorm)
def _group_norm(op: GroupNorm, channels: Width, layers: LayerPrinter) -> Expression:
    items = ("num_groups", layers.width(op.groups)), ("num_channels", layers.width(channels)), ("eps", literal(op.eps))
    return CallExpr("nn.GroupNorm", items)


@rules(LayerNorm)
def _layer_norm(op: LayerNorm, channels: Width, layers: LayerPrinter) -> Expression:
    items = layers.width(channels), ("eps", literal(op.eps))
    return CallExpr("nn.LayerNorm", items) if layers.ranks == {1} else layers.helper("LayerNorm2d", *items)


@rules(LRN)
def _lrn(op: LRN, channels: Width, layers: LayerPrinter) -> Expression:
    usual = LRN()
    changed = [
        (key, literal(getattr(op, key))) for key in ("alpha", "beta", "k") if getattr(op, key) != getattr(usual, key)
    ]
    return CallExpr("nn.LocalResponseNorm", (str(op.size), *changed))


@rules(L2Norm)
def _l2_norm(op: L2Norm, channels: Width, layers: LayerPrinter) -> Expression:
    return layers.helper("L2Norm")
