"""How PyTorch writes a layer of one or several ops, as the call of a constructor."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from inception_dsl.emit.python import CallExpr, Expression, Item, literal, width_expression
from inception_dsl.emit.pytorch.windows import pair, window_items
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.activations import ReLU
from inception_dsl.ir.ops.linear import Conv, FullyConnected
from inception_dsl.ir.ops.norms import BatchNorm
from inception_dsl.ir.program import Layer
from inception_dsl.ir.shapes import Window
from inception_dsl.ir.values import Width

ComposedLayer = Literal["Conv", "SameConv", "Linear", "FlattenLinear"]
"""The layer that a helper class owns, as the class's name begins: `Same` pads unevenly, `Flatten` flattens first."""


class Composed(NamedTuple):
    """What a helper class composes: a layer of `torch.nn`, or one with a step before it, and the ops that follow."""

    layer: ComposedLayer
    added: tuple[Op, ...]


@dataclass
class LayerPrinter:
    """Prints layers as constructor calls, and records the helper classes that the file then needs.

    `rules` spell the ops. `names` maps the symbols in widths to the arguments that hold them. `helpers` maps each
    helper class in use to the optional arguments that its calls set, and `composed` those that own a convolution or a
    fully connected layer to what they compose; `uneven` are the windows that pad unevenly. `eps` is the usual epsilon
    of the network's batch norms, which their helper classes use by default. `ranks` are those of what the layer reads
    that is printed now: 1 for vectors, 3 for images, and both where calls of its class differ.
    """

    rules: Rules[Expression]
    names: dict[str, str] = field(default_factory=dict)
    helpers: dict[str, set[str]] = field(default_factory=dict)
    composed: dict[str, Composed] = field(default_factory=dict)
    uneven: set[Window] = field(default_factory=set)
    eps: float = 0.001
    ranks: set[int] = field(default_factory=set)

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
                return self.rules[type(main)](main, channels, self)

    def _conv(self, conv: Conv, added: tuple[Op, ...], channels: Width) -> Expression:
        norm = next((op for op in added if isinstance(op, BatchNorm)), None)
        items = [self.width(channels), self.width(conv.width), pair(conv.window.kernel), *window_items(conv.window)]
        if conv.window.dilation != (1, 1):
            items.append(("dilation", pair(conv.window.dilation)))
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
                items += [] if isinstance(op, ReLU) else [(op.name, self.rules[type(op)](op, main.width, self))]
        self.composed[name] = Composed(layer, added)
        return self.helper(name, *items)

    def pads_unevenly(self, window: Window) -> bool:
        """Whether a window needs padding that `torch.nn` has not; the file then defines `pad_same`."""
        if window.pads_unevenly:
            self.uneven.add(window)
        return window.pads_unevenly
