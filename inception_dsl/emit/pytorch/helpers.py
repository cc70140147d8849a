"""The small classes that a generated file defines beside those of `torch.nn`, each owning the layers it composes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any, Final

from inception_dsl.emit.python import CallExpr, Item, layout, signature
from inception_dsl.emit.pytorch.layers import ADDED_DOCS, CLASSES, LayerPrinter, added_name
from inception_dsl.emit.pytorch.ops.activations import FUNCTIONS
from inception_dsl.emit.templates import template
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.norms import Norm
from inception_dsl.ir.values import Name

JOINS: Final = (
    (
        "Concat",
        "The outputs of all branches, concatenated along the channels.",
        ("return torch.cat([branch(x) for branch in self.values()], 1)",),
    ),
    (
        "Add",
        "The sum of the outputs of all branches.",
        (
            "outputs = [branch(x) for branch in self.values()]",
            "total = outputs[0]",
            "for output in outputs[1:]:",
            "    total = total + output",
            "return total",
        ),
    ),
    (
        "Mul",
        "The product of the outputs of all branches.",
        (
            "outputs = [branch(x) for branch in self.values()]",
            "product = outputs[0]",
            "for output in outputs[1:]:",
            "    product = product * output",
            "return product",
        ),
    ),
)


def helpers(layers: LayerPrinter) -> str:
    """The helper classes that `layers` has used, and those of plugins, as the file defines them."""
    clamped = any(
        reach < stride for window in layers.uneven for reach, stride in zip(window.reach, window.stride, strict=True)
    )
    return template("pytorch/helpers.py").render(
        helpers=layers.helpers,
        composed=[*_convs(layers), *_linears(layers)],
        same=bool(layers.uneven),
        clamped=clamped,
        joins=[join for join in JOINS if join[0] in layers.helpers],
        sources=[layers.sources[name] for name in sorted(layers.sources)],
    )


OPTIONS: Final = {
    "stride": "Size = 1",
    "padding": "Size = 0",
    "output_padding": "Size = 0",
    "dilation": "Size = 1",
    "groups": "int = 1",
}
"""The optional arguments of convolutions."""


def _convs(layers: LayerPrinter) -> Iterator[dict[str, Any]]:
    """The classes of a convolution with padding, a norm or an activation; each takes the options that its calls set."""
    for name, (layer, added) in sorted(layers.composed.items()):
        if "Conv" not in layer:
            continue
        used = layers.helpers[name]
        normed = any(isinstance(op, Norm) for op in added)
        options = {option: text for option, text in OPTIONS.items() if option in used}
        options |= {"bias": f"bool = {not normed}"} if "bias" in used else {}
        items: list[Item] = ["in_channels", "out_channels", "kernel_size", *((option, option) for option in options)]
        items += [("bias", "False")] if normed and "bias" not in used else []
        transposed = "Transpose" in layer
        own = "self.conv_transpose" if transposed else "self.conv"
        made = CallExpr(CLASSES["ConvTranspose" if transposed else "Conv"], tuple(items))
        conv = layout(made, 8, len(f"{own} = "))
        layers.ranks = {3}
        attributes, more = _attributes(added, "out_channels", used, layers)
        options |= more
        required = ["in_channels: int", "out_channels: int", "kernel_size: Size"]
        doc, before, applied = "Convolution", [], f"{own}(x)"
        match layer:
            case "SameConv":
                doc, before = "Convolution with the padding of `pad_same`", [*_padding("dilation" in used)]
            case "ConvTranspose":
                doc = "Transposed convolution"
            case "SameConvTranspose":
                doc = "Transposed convolution, without `cut` pixels below and on the right"
                required.append("cut: tuple[int, int]")
                attributes.append("self.cut = (0, -cut[1], 0, -cut[0])")
                applied = f"F.pad({applied}, self.cut)"
        yield {
            "name": name,
            "doc": _doc(doc, added),
            "init": signature([*required, *(f"{option}: {text}" for option, text in options.items())]),
            "attributes": [f"{own} = {conv}", *attributes],
            "forward": [*before, f"return {_applied(applied, added, over=True)}"],
        }


def _padding(dilated: bool) -> Iterator[str]:
    """The lines that pad what a convolution reads."""
    if not dilated:
        yield "x = pad_same(x, self.conv.kernel_size, self.conv.stride)"
        return
    yield "dilation, kernel_size = self.conv.dilation, self.conv.kernel_size"
    yield "reach = (dilation[0] * (kernel_size[0] - 1) + 1, dilation[1] * (kernel_size[1] - 1) + 1)"
    yield "x = pad_same(x, reach, self.conv.stride)"


def _linears(layers: LayerPrinter) -> Iterator[dict[str, Any]]:
    """The classes of a fully connected layer that flattens an image, or has a norm or an activation."""
    for name, (layer, added) in sorted(layers.composed.items()):
        if layer not in ("Linear", "FlattenLinear"):
            continue
        flatten = layer == "FlattenLinear"
        used = layers.helpers[name]
        bias = "bias" in used
        fc = "self.fc(x.flatten(1))" if flatten else "self.fc(x)"
        layers.ranks = {1}
        attributes, options = _attributes(added, "out_features", used, layers)
        options = {**({"bias": "bool = True"} if bias else {}), **options}
        required = ["in_features: int", "out_features: int"]
        yield {
            "name": name,
            "doc": _doc("Flattening, fully connected layer" if flatten else "Fully connected layer", added),
            "init": signature([*required, *(f"{option}: {text}" for option, text in options.items())]),
            "attributes": [
                f"self.fc = nn.Linear(in_features, out_features{', bias=bias' if bias else ''})",
                *attributes,
            ],
            "forward": [f"return {_applied(fc, added)}"],
        }


def _attributes(
    added: tuple[Op, ...], channels: str, used: Collection[str], layers: LayerPrinter
) -> tuple[list[str], dict[str, str]]:
    """The lines that make the layers of the ops that follow, and the options among their arguments that calls set."""
    layers.names = {channels: channels}
    lines: list[str] = []
    options: dict[str, str] = {}
    for op in added:
        if type(op) in FUNCTIONS:
            continue
        code = layers.rules[type(op)](op, Name(channels), layers)
        if isinstance(code, CallExpr):
            items: list[Item] = []
            for item in code.items:
                if isinstance(item, tuple) and (name := item[0]) in used:
                    options[name] = f"{'int' if str(item[1]).isdigit() else 'float'} = {item[1]}"
                    items.append((name, name))
                else:
                    items.append(item)
            items += [("inplace", "True")] if op.storage == "in_place" else []
            code = layout(CallExpr(code.head, tuple(items)), 8, len(f"self.{op.name} = "))
        lines.append(f"self.{op.name} = {code}")
    return lines, options


def _doc(first: str, added: tuple[Op, ...]) -> str:
    return ", ".join([first, *(ADDED_DOCS.get(name, name) for name in map(added_name, added))])


def _applied(code: str, added: tuple[Op, ...], over: bool = False) -> str:
    """The expression that applies the ops that follow a layer to its output, which functions may write `over`."""
    for op in added:
        code = FUNCTIONS[type(op)].call(code, over) if type(op) in FUNCTIONS else f"self.{op.name}({code})"
    return code
