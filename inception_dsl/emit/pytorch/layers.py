"""How PyTorch writes a layer of one or several ops, as the call of a constructor."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, NamedTuple

from inception_dsl.emit.python import CallExpr, Expression, Item, width_expression
from inception_dsl.emit.pytorch.windows import pair, transposed_items, window_items
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.activations import PReLU
from inception_dsl.ir.ops.linear import Conv, ConvTranspose, FullyConnected, LinearLayer
from inception_dsl.ir.ops.norms import BatchNorm, GroupNorm, LayerNorm, Norm
from inception_dsl.ir.program import Layer
from inception_dsl.ir.shapes import Window
from inception_dsl.ir.values import Width

ComposedLayer = Literal["Conv", "SameConv", "ConvTranspose", "SameConvTranspose", "Linear", "FlattenLinear"]
"""The layer that a helper class owns, as the class's name begins: `Same` pads unevenly, `Flatten` flattens first."""

CLASSES: Final[Mapping[ComposedLayer, str]] = {
    "Conv": "nn.Conv2d",
    "ConvTranspose": "nn.ConvTranspose2d",
    "Linear": "nn.Linear",
}
"""The layers of `torch.nn` that no helper class need own."""


class Composed(NamedTuple):
    """What a helper class composes: a layer of `torch.nn`, or one with a step before it, and the ops that follow.

    These are in the form that is usual in the network; a call passes what is different in its own.
    """

    layer: ComposedLayer
    added: tuple[Op, ...]


ADDED_DOCS: Final = {
    "BN": "batch normalisation",
    "BetaBN": "batch normalisation without gamma",
    "GN": "group normalisation",
    "LN": "layer normalisation",
    "GELUTanh": "GELU by tanh",
    "ChannelPReLU": "PReLU with a slope for each channel",
}
"""What follows the layer of a helper class, by its name in that of the class; other ops are called as they are."""


def added_name(op: Op) -> str:
    """The part of a helper class's name for an op that follows its layer."""
    match op:
        case BatchNorm(gamma=gamma):
            return "BN" if gamma else "BetaBN"
        case GroupNorm():
            return "GN"
        case LayerNorm():
            return "LN"
        case PReLU(per_channel=True):
            return "ChannelPReLU"
        case _:
            return type(op).__name__


@dataclass
class LayerPrinter:
    """Prints layers as constructor calls, and records the helper classes that the file then needs.

    `rules` spell the ops. `names` maps the symbols in widths to the arguments that hold them. `helpers` maps each
    helper class in use to the optional arguments that its calls set, and `composed` those that own a convolution or a
    fully connected layer to what they compose; `uneven` are the windows that pad unevenly. `sources` are the classes
    that plugins bring, by name, and `taken` are names that none of them may have: those of our own, and of the
    network. `usual` gives, by class of op, the usual values of its fields in this network, which helper classes use by
    default. `ranks` are those of what the layer reads that is printed now: 1 for vectors, 3 for images, and both where
    calls of its class differ. `states_momentum` is whether all batch norms state their momentum: some have another than
    torch's. `called` are the classes of the file in the order of the calls that were printed.
    """

    rules: Rules[Expression]
    names: dict[str, str] = field(default_factory=dict)
    helpers: dict[str, set[str]] = field(default_factory=dict)
    composed: dict[str, Composed] = field(default_factory=dict)
    uneven: set[Window] = field(default_factory=set)
    usual: Mapping[type[Op], Mapping[str, Any]] = field(default_factory=dict)
    ranks: set[int] = field(default_factory=set)
    states_momentum: bool = False
    taken: frozenset[str] = frozenset()
    sources: dict[str, str] = field(default_factory=dict)
    called: list[str] = field(default_factory=list)

    def width(self, value: Width) -> str:
        """A number of channels."""
        return width_expression(value, self.names)

    def helper(self, name: str, *items: Item) -> CallExpr:
        """The call of a helper class, which the file then needs."""
        self.helpers.setdefault(name, set()).update(item[0] for item in items if isinstance(item, tuple))
        return self.call(name, *items)

    def call(self, name: str, *items: Item) -> CallExpr:
        """The call of a class that the file defines."""
        self.called.append(name)
        return CallExpr(name, items)

    def plugin_class(self, source: str, *items: Item) -> CallExpr:
        """The call of the class that a plugin's `source` defines, which then stands in the file.

        The source may use `torch`, `nn`, `F` and `Tensor`, and nothing of the plugin. Its class has the name of the op.
        """
        (name,) = re.findall(r"^class (\w+)", source, re.MULTILINE)
        free = self._free(name)
        self.sources[free] = re.sub(rf"\b{name}\b", free, source).strip("\n")
        return self.call(free, *items)

    def _free(self, name: str) -> str:
        """The name of a class that no other has; only an op of a plugin may need another, since networks avoid ours."""
        return f"{name}Layer" if name in self.taken else name

    def layer(self, layer: Layer, channels: Width, features: str, flattens: bool = False) -> Expression:
        """The constructor of a layer that reads `channels`.

        A fully connected layer reads `features`, and `flattens` an image first. A convolution or fully connected layer
        with a norm, an activation, a flattening or uneven padding is a helper class that owns the layer of `torch.nn`.
        Raises `LookupError` for an op that no helper class has.
        """
        main = next((op for op in layer.ops if op.depth), layer.ops[0])
        added = layer.ops[layer.ops.index(main) + 1 :]
        match main:
            case Conv() | ConvTranspose():
                return self._conv(main, added, channels)
            case FullyConnected():
                bias: list[Item] = [] if main.bias else [("bias", "False")]
                items = [features, self.width(main.width), *bias]
                self.ranks = {1}
                return self._composed(main, "FlattenLinear" if flattens else "Linear", added, items)
            case _:
                if added:
                    raise LookupError(f"no helper class has `{added[0].name}` after `{main.name}`")
                return self.rules[type(main)](main, channels, self)

    def _conv(self, conv: Conv | ConvTranspose, added: tuple[Op, ...], channels: Width) -> Expression:
        layer: ComposedLayer
        match conv:
            case Conv(window=window):
                layer, steps = "SameConv" if self.pads_unevenly(window) else "Conv", window_items(window)
            case ConvTranspose(window=window):
                layer, steps = "SameConvTranspose" if conv.uneven else "ConvTranspose", transposed_items(conv)
        items = [self.width(channels), self.width(conv.width), pair(window.kernel), *steps]
        if window.dilation != (1, 1):
            items.append(("dilation", pair(window.dilation)))
        if conv.groups != 1:
            items.append(("groups", self.width(conv.groups)))
        if conv.bias == any(isinstance(op, Norm) for op in added):
            items.append(("bias", str(conv.bias)))
        return self._composed(conv, layer, added, items)

    def _composed(
        self, main: LinearLayer, layer: ComposedLayer, added: tuple[Op, ...], items: list[Item]
    ) -> Expression:
        """A layer of `torch.nn`, or the helper class that owns it and the ops that follow it."""
        if not added and layer in CLASSES:
            return CallExpr(CLASSES[layer], tuple(items))
        usual = tuple(replace(op, **self.usual.get(type(op), {})) for op in added)
        for own, common in zip(added, usual, strict=True):
            items += self._unusual(own, common, main.width)
        name = self._free(layer + "".join(map(added_name, added)))
        self.composed[name] = Composed(layer, usual)
        return self.helper(name, *items)

    def _unusual(self, op: Op, usual: Op, channels: Width) -> list[Item]:
        """The arguments of an op's constructor that differ from those of its `usual` form; all have keywords."""
        own, common = (self.rules[type(op)](form, channels, self) for form in (op, usual))
        if own == common:
            return []
        assert isinstance(own, CallExpr)
        assert isinstance(common, CallExpr)
        changed = [item for item in own.items if item not in common.items]
        if own.head != common.head or not all(isinstance(item, tuple) for item in changed):
            raise LookupError(f"the rule of `{op.name}` passes arguments that differ without keywords")
        return changed

    def pads_unevenly(self, window: Window) -> bool:
        """Whether a window needs padding that `torch.nn` has not; the file then defines `pad_same`."""
        if window.pads_unevenly:
            self.uneven.add(window)
        return window.pads_unevenly
