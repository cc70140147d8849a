"""How PyTorch spells each op, and each layer of several ops."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from inception_dsl.emit.python import Call, Code, literal, width
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

Item = Code | tuple[str, Code]

HELPER_NAMES = frozenset(
    """
    Concat Add Scale Output Size SameConv2d SameMaxPool2d SameAvgPool2d Linear LinearReLU FlattenLinear
    FlattenLinearReLU ConvReLU ConvBN ConvBNReLU SameConvReLU SameConvBN SameConvBNReLU Tensor NamedTuple OrderedDict F
    BetaBatchNorm2d ConvBetaBN ConvBetaBNReLU SameConvBetaBN SameConvBetaBNReLU
    """.split()
)


def free(name: str, taken: Collection[str], suffix: str) -> str:
    """A class name that neither the file's helpers nor its other classes have."""
    while name in HELPER_NAMES or name in taken:
        name += suffix
    return name


@dataclass
class Speller:
    """Spells layers as constructors, and notes which helper classes and modules the file then needs.

    `names` are the arguments that open widths become, `options` what calls of convolutions with a norm set by name.
    `eps` is the batch norms' usual epsilon, which their helper class takes by default.
    """

    names: dict[str, str] = field(default_factory=dict)
    helpers: set[str] = field(default_factory=set)
    options: set[str] = field(default_factory=set)
    eps: float = 0.001

    def width(self, value: Width) -> str:
        """A number of channels."""
        return width(value, self.names)

    def need(self, helper: str) -> str:
        """The name of a helper class, noted as needed."""
        self.helpers.add(helper)
        return helper

    def layer(self, layer: Layer, channels: Width, features: str) -> Code:
        """The constructor of a layer that reads `channels`; `features` is what a fully connected layer reads."""
        ops = layer.ops
        main = next((op for op in ops if isinstance(op, Conv | FullyConnected)), ops[0])
        kinds = {type(op) for op in ops} - {type(main)}
        match main:
            case Conv():
                return self._conv(main, kinds, channels, ops)
            case FullyConnected():
                flat = Flatten in kinds
                head = ("Flatten" if flat else "") + "Linear" + ("ReLU" if ReLU in kinds else "")
                bias = () if main.bias else (("bias", "False"),)
                items = (features, self.width(main.width), *bias)
                return Call("nn.Linear" if head == "Linear" else self.need(head), items)
            case _:
                return PYTORCH[type(main)](main, channels, self)

    def _conv(self, conv: Conv, kinds: set[type[Op]], channels: Width, ops: Iterable[Op]) -> Code:
        same = conv.window.padding.kind == "same_upper"
        norm = next((op for op in ops if isinstance(op, BatchNorm)), None)
        head = ("Same" if same else "") + "Conv" + (("BN" if norm.gamma else "BetaBN") if norm else "")
        head += ("ReLU" if ReLU in kinds else "") or ("" if norm else "2d")
        items = [self.width(channels), self.width(conv.width), _pair(conv.window.kernel), *window_items(conv.window)]
        if conv.window.dilation != (1, 1):
            items.append(("dilation", _pair(conv.window.dilation)))
        if conv.groups != 1:
            items.append(("groups", self.width(conv.groups)))
        if conv.bias != (norm is None):
            items.append(("bias", str(conv.bias)))
        if norm and not norm.gamma:
            self.need("BetaBatchNorm2d")
        if norm and norm.eps != self.eps:
            items.append(("eps", literal(norm.eps)))
        if norm:
            self.options.update(item[0] for item in items if isinstance(item, tuple))
        return Call("nn.Conv2d" if head == "Conv2d" else self.need(head), tuple(items))


def window_items(window: Window, pool: bool = False) -> list[Item]:
    """Stride and padding, as PyTorch's layers take them."""
    items: list[Item] = []
    if pool or window.stride != (1, 1):
        items.append(("stride", _pair(window.stride)))
    if window.padding.kind == "same":
        reach = [d * (k - 1) for k, d in zip(window.kernel, window.dilation, strict=True)]
        padding = (reach[0] // 2, reach[1] // 2)
    else:
        padding = window.padding.amount
    if padding != (0, 0):
        items.append(("padding", _pair(padding)))
    if window.padding.ceil:
        items.append(("ceil_mode", "True"))
    return items


def _pair(pair: Pair) -> str:
    return str(pair[0]) if pair[0] == pair[1] else f"({pair[0]}, {pair[1]})"


PYTORCH: Rules[Code] = Rules("PyTorch")


@PYTORCH(Conv, FullyConnected)
def _alone(op: Op, channels: Width, speller: Speller) -> Code:
    return speller.layer(Layer((op,)), channels, speller.width(channels))


@PYTORCH(BatchNorm)
def _batch_norm(op: BatchNorm, channels: Width, speller: Speller) -> Code:
    head = "nn.BatchNorm2d" if op.gamma else speller.need("BetaBatchNorm2d")
    return Call(head, (speller.width(channels), ("eps", literal(op.eps))))


@PYTORCH(ReLU)
def _relu(op: ReLU, channels: Width, speller: Speller) -> Code:
    return "nn.ReLU()"


@PYTORCH(LRN)
def _lrn(op: LRN, channels: Width, speller: Speller) -> Code:
    usual = LRN()
    changed = [
        (key, literal(getattr(op, key))) for key in ("alpha", "beta", "k") if getattr(op, key) != getattr(usual, key)
    ]
    return Call("nn.LocalResponseNorm", (str(op.size), *changed))


@PYTORCH(MaxPool)
def _max_pool(op: MaxPool, channels: Width, speller: Speller) -> Code:
    if op.window is None:
        return "nn.AdaptiveMaxPool2d(1)"
    same = op.window.padding.kind == "same_upper"
    head = speller.need("SameMaxPool2d") if same else "nn.MaxPool2d"
    return Call(head, (_pair(op.window.kernel), *window_items(op.window, pool=True)))


@PYTORCH(AvgPool)
def _avg_pool(op: AvgPool, channels: Width, speller: Speller) -> Code:
    if op.window is None:
        return Call("nn.AdaptiveAvgPool2d", (_pair(op.to),))
    same = op.window.padding.kind == "same_upper"
    items = window_items(op.window, pool=True)
    if not op.count_pad and (same or any(isinstance(item, tuple) and item[0] == "padding" for item in items)):
        items.append(("count_include_pad", "False"))
    return Call(speller.need("SameAvgPool2d") if same else "nn.AvgPool2d", (_pair(op.window.kernel), *items))


@PYTORCH(Dropout)
def _dropout(op: Dropout, channels: Width, speller: Speller) -> Code:
    return Call("nn.Dropout", (literal(op.p),))


@PYTORCH(Softmax)
def _softmax(op: Softmax, channels: Width, speller: Speller) -> Code:
    return "nn.Softmax(dim=1)"


@PYTORCH(Flatten)
def _flatten(op: Flatten, channels: Width, speller: Speller) -> Code:
    return "nn.Flatten()"


@PYTORCH(Scale)
def _scale(op: Scale, channels: Width, speller: Speller) -> Code:
    return Call(speller.need("Scale"), (literal(op.factor),))


@PYTORCH(Identity)
def _identity(op: Identity, channels: Width, speller: Speller) -> Code:
    return "nn.Identity()"


@PYTORCH(Concat)
def _concat(op: Concat, channels: Width, speller: Speller) -> Code:
    return speller.need("Concat")


@PYTORCH(Add)
def _add(op: Add, channels: Width, speller: Speller) -> Code:
    return speller.need("Add")
