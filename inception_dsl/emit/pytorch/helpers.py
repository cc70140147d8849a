"""The small classes that a generated file defines beside those of `torch.nn`, each owning the layers it composes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from inception_dsl.emit.python import CallExpr, Item, layout, literal, signature
from inception_dsl.emit.pytorch.layers import LayerPrinter
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.activations import ReLU
from inception_dsl.ir.ops.norms import BatchNorm

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


def helpers(layers: LayerPrinter) -> dict[str, Any]:
    """What the template prints of the helper classes that `layers` has used."""
    used = layers.helpers
    composed = [*_convs(layers), *_linears(layers)]
    text = [line for helper in composed for line in (helper["init"], *helper["forward"])]
    pools = {"SameMaxPool2d", "SameAvgPool2d"} & used.keys()
    return {
        "helpers": used,
        "composed": composed,
        "same": bool(layers.uneven),
        "clamped": any(
            reach < stride
            for window in layers.uneven
            for reach, stride in zip(window.reach, window.stride, strict=True)
        ),
        "joins": [join for join in JOINS if join[0] in used],
        "uses_size": bool(pools) or any("Size" in line for line in text),
        "uses_torch": bool({"Concat", "SameAvgPool2d"} & used.keys()),
        "uses_functional": bool(layers.uneven) or any("F." in line for line in text),
    }


def _convs(layers: LayerPrinter) -> Iterator[dict[str, Any]]:
    """The classes of a convolution with padding, a norm or an activation; each takes the options that its calls set."""
    for name, (layer, added) in sorted(layers.composed.items()):
        if layer not in ("Conv", "SameConv"):
            continue
        same = layer == "SameConv"
        used = layers.helpers[name]
        norm, eps = next((op for op in added if isinstance(op, BatchNorm)), None), literal(layers.eps)
        options = {"stride": "Size = 1", "padding": "Size = 0", "dilation": "Size = 1", "groups": "int = 1"}
        options = {option: text for option, text in options.items() if option in used}
        options |= {"bias": f"bool = {norm is None}"} if "bias" in used else {}
        items: list[Item] = ["in_channels", "out_channels", "kernel_size", *((option, option) for option in options)]
        items += [("bias", "False")] if norm and "bias" not in used else []
        conv = layout(CallExpr("nn.Conv2d", tuple(items)), 8, len("self.conv = "))
        attributes = [f"self.conv = {conv}"]
        if norm:
            given = "eps" if "eps" in used else f"eps={eps}"
            attributes.append(
                f"self.bn = {'nn.BatchNorm2d' if norm.gamma else 'beta_batch_norm'}(out_channels, {given})"
            )
            options |= {"eps": f"float = {eps}"} if "eps" in used else {}
        required = ["in_channels: int", "out_channels: int", "kernel_size: Size", *_arguments(added)]
        yield {
            "name": name,
            "doc": _doc("Convolution" + (" with the padding of `pad_same`" if same else ""), added),
            "init": signature([*required, *(f"{option}: {text}" for option, text in options.items())]),
            "attributes": [*attributes, *_attributes(added)],
            "forward": [
                *(_padding("dilation" in used) if same else ()),
                f"return {_applied('self.conv(x)', added, ', inplace=True')}",
            ],
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
    """The classes of a fully connected layer that flattens an image, or has an activation."""
    for name, (layer, added) in sorted(layers.composed.items()):
        if layer not in ("Linear", "FlattenLinear"):
            continue
        flatten = layer == "FlattenLinear"
        bias = "bias" in layers.helpers[name]
        fc = "self.fc(x.flatten(1))" if flatten else "self.fc(x)"
        required = ["in_features: int", "out_features: int", *_arguments(added)]
        yield {
            "name": name,
            "doc": _doc("Flattening, fully connected layer" if flatten else "Fully connected layer", added),
            "init": signature([*required, *(["bias: bool = True"] if bias else [])]),
            "attributes": [
                f"self.fc = nn.Linear(in_features, out_features{', bias=bias' if bias else ''})",
                *_attributes(added),
            ],
            "forward": [f"return {_applied(fc, added)}"],
        }


def _passed(added: tuple[Op, ...]) -> list[str]:
    """The names of the ops whose layers a call passes to the class."""
    return [op.name for op in added if not isinstance(op, BatchNorm | ReLU)]


def _arguments(added: tuple[Op, ...]) -> list[str]:
    return [f"{name}: nn.Module" for name in _passed(added)]


def _attributes(added: tuple[Op, ...]) -> list[str]:
    return [f"self.{name} = {name}" for name in _passed(added)]


def _doc(first: str, added: tuple[Op, ...]) -> str:
    norms = {True: "batch normalisation", False: "batch normalisation without gamma"}
    return ", ".join([first, *(norms[op.gamma] if isinstance(op, BatchNorm) else type(op).__name__ for op in added)])


def _applied(code: str, added: tuple[Op, ...], options: str = "") -> str:
    """The expression that applies the ops that follow a layer to its output; `options` are those of ReLU."""
    for op in added:
        code = f"F.relu({code}{options})" if isinstance(op, ReLU) else f"self.{op.name}({code})"
    return code
