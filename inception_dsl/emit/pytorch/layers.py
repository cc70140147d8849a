"""How PyTorch writes each op, and each layer of several ops, as the call of a constructor."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from inception_dsl.emit.python import CallExpr, Expression, Item, literal, width_expression
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops import (
    LRN,
    Add,
    AvgPool,
    BatchNorm,
    Concat,
    Conv,
    Dropout,
    Flatten,
    FullyConnected,
    Identity,
    MaxPool,
    ReLU,
    Scale,
    Softmax,
)
from inception_dsl.ir.program import Layer
from inception_dsl.ir.shapes import Pair, Window
from inception_dsl.ir.values import Width

HELPER_NAMES: Final = frozenset(
    "Concat Add Scale Output Size SameMaxPool2d SameAvgPool2d Tensor NamedTuple OrderedDict F".split()
)
"""Names that a generated file may define or import itself, beside those of `_is_composed`."""


def free(name: str, taken: Collection[str], suffix: str) -> str:
    """A class name that neither the file's helpers nor its other classes have."""
    while name in HELPER_NAMES or name in taken or _is_composed(name):
        name += suffix
    return name


def _is_composed(name: str) -> bool:
    """Whether a helper class that owns a convolution or a fully connected layer may have this name."""
    added = "|".join(["BN", "BetaBN", *(kind.__name__ for kind in rules)])
    return bool(re.fullmatch(f"(Same)?Conv({added})+|SameConv|Linear({added})+|FlattenLinear({added})*", name))


ComposedLayer = Literal["Conv", "SameConv", "Linear", "FlattenLinear"]
"""The layer that a helper class owns, as the class's name begins: `Same` pads unevenly, `Flatten` flattens first."""


class Composed(NamedTuple):
    """What a helper class composes: a layer of `torch.nn`, or one with a step before it, and the ops that follow."""

    layer: ComposedLayer
    added: tuple[Op, ...]


@dataclass
class LayerPrinter:
    """Prints layers as constructor calls, and records the helper classes that the file then needs.

    `names` maps the symbols in widths to the arguments that hold them. `helpers` maps each helper class in use to the
    optional arguments that its calls set, and `composed` those that own a convolution or a fully connected layer to
    what they compose; `uneven` are the windows that pad unevenly. `eps` is the usual epsilon of the network's batch
    norms, which their helper classes use by default.
    """

    names: dict[str, str] = field(default_factory=dict)
    helpers: dict[str, set[str]] = field(default_factory=dict)
    composed: dict[str, Composed] = field(default_factory=dict)
    uneven: set[Window] = field(default_factory=set)
    eps: float = 0.001

    def width(self, value: Width) -> str:
        """A number of channels."""
        return width_expression(value, self.names)

    def helper(self, name: str, *items: Item) -> CallExpr:
        """The call of a helper class, which the file then needs."""
        self.helpers.setdefault(name, set()).update(item[0] for item in items if isinstance(item, tuple))
        return CallExpr(name, items)

    def layer(self, layer: Layer, channels: Width, features: str, flattens: bool = False) -> Expression:
        """The constructor of a layer that reads `channels`.

        A fully connected layer reads `features`, and `flattens` an image first. A convolution or fully connected layer
        with a norm, an activation, a flattening or uneven padding is a helper class that owns the layer of `torch.nn`.
        Raises `LookupError` for an op that no helper class has.
        """
        main = next((op for op in layer.ops if op.depth), layer.ops[0])
        added = layer.ops[layer.ops.index(main) + 1 :]
        match main:
            case Conv():
                return self._conv(main, added, channels)
            case FullyConnected():
                bias: list[Item] = [] if main.bias else [("bias", "False")]
                items = [features, self.width(main.width), *bias]
                return self._composed(main, "FlattenLinear" if flattens else "Linear", added, items)
            case _:
                if added:
                    raise LookupError(f"no helper class has `{added[0].name}` after `{main.name}`")
                return rules[type(main)](main, channels, self)

    def _conv(self, conv: Conv, added: tuple[Op, ...], channels: Width) -> Expression:
        norm = next((op for op in added if isinstance(op, BatchNorm)), None)
        items = [self.width(channels), self.width(conv.width), _pair(conv.window.kernel), *window_items(conv.window)]
        if conv.window.dilation != (1, 1):
            items.append(("dilation", _pair(conv.window.dilation)))
        if conv.groups != 1:
            items.append(("groups", self.width(conv.groups)))
        if conv.bias != (norm is None):
            items.append(("bias", str(conv.bias)))
        if norm and norm.eps != self.eps:
            items.append(("eps", literal(norm.eps)))
        if norm and not norm.gamma:
            self.helper("beta_batch_norm")
        return self._composed(conv, "SameConv" if self.pads_unevenly(conv.window) else "Conv", added, items)

    def _composed(
        self, main: Conv | FullyConnected, layer: ComposedLayer, added: tuple[Op, ...], items: list[Item]
    ) -> Expression:
        """A layer of `torch.nn`, or the helper class that owns it and the ops that follow it.

        The class has the layers of batch norm and ReLU itself; a call passes those of other ops, built by their rules.
        """
        if not added and layer in ("Conv", "Linear"):
            return CallExpr("nn.Conv2d" if layer == "Conv" else "nn.Linear", tuple(items))
        name: str = layer
        for op in added:
            if isinstance(op, BatchNorm):
                name += "BN" if op.gamma else "BetaBN"
            else:
                name += type(op).__name__
                items += [] if isinstance(op, ReLU) else [(op.name, rules[type(op)](op, main.width, self))]
        self.composed[name] = Composed(layer, added)
        return self.helper(name, *items)

    def pads_unevenly(self, window: Window) -> bool:
        """Whether a window needs padding that `torch.nn` has not; the file then defines `pad_same`."""
        if window.pads_unevenly:
            self.uneven.add(window)
        return window.pads_unevenly


def window_items(window: Window, pool: bool = False) -> list[Item]:
    """Stride and padding, as PyTorch's layers take them."""
    items: list[Item] = []
    if pool or window.stride != (1, 1):
        items.append(("stride", _pair(window.stride)))
    padding = window.padding.amount
    if window.padding.kind != "pad" and not window.pads_unevenly:
        padding = (window.reach[0] // 2, window.reach[1] // 2)
    if padding != (0, 0):
        items.append(("padding", _pair(padding)))
    if window.padding.ceil:
        items.append(("ceil_mode", "True"))
    return items


def _pair(pair: Pair) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"({pair[0]}, {pair[1]})"


rules: Final = Rules[Expression]("PyTorch")


@rules(Conv, FullyConnected)
def _alone(op: Op, channels: Width, layers: LayerPrinter) -> Expression:
    return layers.layer(Layer((op,)), channels, layers.width(channels))


@rules(BatchNorm)
def _batch_norm(op: BatchNorm, channels: Width, layers: LayerPrinter) -> Expression:
    items = (layers.width(channels), ("eps", literal(op.eps)))
    return CallExpr("nn.BatchNorm2d", items) if op.gamma else layers.helper("beta_batch_norm", *items)


@rules(ReLU)
def _relu(op: ReLU, channels: Width, layers: LayerPrinter) -> Expression:
    return "nn.ReLU()"


@rules(LRN)
def _lrn(op: LRN, channels: Width, layers: LayerPrinter) -> Expression:
    usual = LRN()
    changed = [
        (key, literal(getattr(op, key))) for key in ("alpha", "beta", "k") if getattr(op, key) != getattr(usual, key)
    ]
    return CallExpr("nn.LocalResponseNorm", (str(op.size), *changed))


@rules(MaxPool)
def _max_pool(op: MaxPool, channels: Width, layers: LayerPrinter) -> Expression:
    if op.window is None:
        return "nn.AdaptiveMaxPool2d(1)"
    items = (_pair(op.window.kernel), *window_items(op.window, pool=True))
    uneven = layers.pads_unevenly(op.window)
    return layers.helper("SameMaxPool2d", *items) if uneven else CallExpr("nn.MaxPool2d", items)


@rules(AvgPool)
def _avg_pool(op: AvgPool, channels: Width, layers: LayerPrinter) -> Expression:
    if op.window is None:
        return CallExpr("nn.AdaptiveAvgPool2d", (_pair(op.to),))
    items = window_items(op.window, pool=True)
    uneven = layers.pads_unevenly(op.window)
    if not op.count_pad and (uneven or any(isinstance(item, tuple) and item[0] == "padding" for item in items)):
        items.append(("count_include_pad", "False"))
    items.insert(0, _pair(op.window.kernel))
    return layers.helper("SameAvgPool2d", *items) if uneven else CallExpr("nn.AvgPool2d", tuple(items))


@rules(Dropout)
def _dropout(op: Dropout, channels: Width, layers: LayerPrinter) -> Expression:
    return CallExpr("nn.Dropout", (literal(op.p),))


@rules(Softmax)
def _softmax(op: Softmax, channels: Width, layers: LayerPrinter) -> Expression:
    return "nn.Softmax(dim=1)"


@rules(Flatten)
def _flatten(op: Flatten, channels: Width, layers: LayerPrinter) -> Expression:
    return "nn.Flatten()"


@rules(Scale)
def _scale(op: Scale, channels: Width, layers: LayerPrinter) -> Expression:
    return layers.helper("Scale", literal(op.factor))


@rules(Identity)
def _identity(op: Identity, channels: Width, layers: LayerPrinter) -> Expression:
    return "nn.Identity()"


@rules(Concat)
def _concat(op: Concat, channels: Width, layers: LayerPrinter) -> Expression:
    return layers.helper("Concat")


@rules(Add)
def _add(op: Add, channels: Width, layers: LayerPrinter) -> Expression:
    return layers.helper("Add")
