"""The small classes that a generated file defines beside those of `torch.nn`, each owning the layers it composes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Final

from inception_dsl.emit.python import CallExpr, Item, layout, literal, signature
from inception_dsl.emit.pytorch.layers import LayerPrinter

CONV: Final = re.compile("(?P<same>Same)?Conv(?P<norm>BN|BetaBN)?(?P<relu>ReLU)?")
LINEAR: Final = re.compile("(?P<flatten>Flatten)?Linear(?P<relu>ReLU)?")

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
    for name, used in sorted(layers.helpers.items()):
        kind = CONV.fullmatch(name)
        if not kind:
            continue
        norm, eps = kind["norm"], literal(layers.eps)
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
                f"self.bn = {'nn.BatchNorm2d' if norm == 'BN' else 'beta_batch_norm'}(out_channels, {given})"
            )
            options |= {"eps": f"float = {eps}"} if "eps" in used else {}
        yield {
            "name": name,
            "doc": ", ".join(
                [
                    "Convolution" + (" with the padding of `pad_same`" if kind["same"] else ""),
                    *(["batch normalisation" + (" without gamma" if norm == "BetaBN" else "")] if norm else []),
                    *(["ReLU"] if kind["relu"] else []),
                ]
            ),
            "init": signature(
                [
                    "in_channels: int",
                    "out_channels: int",
                    "kernel_size: Size",
                    *(f"{k}: {v}" for k, v in options.items()),
                ]
            ),
            "attributes": attributes,
            "forward": [
                *(_padding("dilation" in used) if kind["same"] else ()),
                _returned("self.bn(self.conv(x))" if norm else "self.conv(x)", bool(kind["relu"]), ", inplace=True"),
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
    for name, used in sorted(layers.helpers.items()):
        kind = LINEAR.fullmatch(name)
        if not kind:
            continue
        bias = "bias" in used
        steps = ["flattening"] * bool(kind["flatten"]) + ["fully connected layer"] + ["ReLU"] * bool(kind["relu"])
        doc = ", ".join(steps)
        yield {
            "name": name,
            "doc": doc[0].upper() + doc[1:],
            "init": signature(["in_features: int", "out_features: int", *(["bias: bool = True"] if bias else [])]),
            "attributes": [f"self.fc = nn.Linear(in_features, out_features{', bias=bias' if bias else ''})"],
            "forward": [_returned(f"self.fc({'x.flatten(1)' if kind['flatten'] else 'x'})", bool(kind["relu"]))],
        }


def _returned(code: str, relu: bool, options: str = "") -> str:
    return f"return F.relu({code}{options})" if relu else f"return {code}"
