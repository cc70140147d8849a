"""What differs between a layer of the spec and its partner, apart from what follows from what arrives at it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final

from inception_dsl.audit import spelling
from inception_dsl.audit.effects import adapted
from inception_dsl.diagnostics.codes.audit_layers import (
    ACTIVATION,
    BIAS,
    COUNTED_PADDING,
    EPS,
    GROUPS,
    KERNEL,
    NORM,
    PADDING,
    PARAMETER,
    POOL,
    STRIDE,
    WIDTH,
)
from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.interchange.description import describe
from inception_dsl.interchange.graph import GraphNode
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.channels import ChannelConv
from inception_dsl.ir.ops.linear import Conv, ConvTranspose, LinearLayer
from inception_dsl.ir.ops.norms import LRN, L2Norm, Norm
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool, Unpool
from inception_dsl.ir.ops.regularisation import Dropout, DropPath
from inception_dsl.ir.shapes import Pair, ShapeError, Window, sides

Pool = MaxPool | AvgPool
Windowed = Conv | ConvTranspose | Pool | Unpool

WORDS: Final = {
    "kernel": "kernel",
    "stride": "stride",
    "pad": "padding",
    "dilation": "dilation",
    "width": "width",
    "groups": "groups",
    "bias": "bias",
    "eps": "eps",
    "count_pad": "counted padding",
    "p": "rate",
}
"""What parameters are called in messages; others have their own names."""

CODES: Final[dict[str, Code]] = {
    "kernel": KERNEL,
    "stride": STRIDE,
    "pad": PADDING,
    "width": WIDTH,
    "groups": GROUPS,
    "bias": BIAS,
    "count_pad": COUNTED_PADDING,
}
"""The codes of parameters; a parameter of another name is E512, and the eps of a norm E509."""


EDITED: Final = ("width", "kernels", "bias", "groups")
"""The parameters that change what a layer with weights costs, beside those of its window."""


@dataclass(frozen=True)
class Difference:
    """One thing that differs: what, as the spec and as the target have it, and the spec's op with it as in the target.

    The op is None where the difference has no effect on any number.
    """

    code: Code
    what: str
    spec: str
    target: str
    op: Op | None = None


def differences(spec: GraphNode, target: GraphNode) -> Iterator[Difference]:
    """Compare two layers on the input of the spec's, so that what arrives at the target's makes no difference."""
    padded_alike = _reads_as(spec, target)
    target = _on_the_same_input(spec, target)
    (kind, own), (other_kind, others) = describe(spec), describe(target)
    one, other = dict(own), dict(others)
    if kind != other_kind:
        yield Difference(_code_of_kind(spec.op), "kind", spelling.layer(spec), spelling.layer(target))
    window, other_window = _window(spec), _window(target)
    turned = isinstance(spec.op, ConvTranspose) != isinstance(target.op, ConvTranspose)
    if window and other_window and "kernel" in one and "kernel" in other and not turned:
        yield from _windows(spec, target, window, other_window, padded_alike)
    elif ("to" in one or "to" in other) and one.get("to") != other.get("to"):
        yield Difference(KERNEL, "kernel", _reads(one), _reads(other), target.op)
    if isinstance(spec.op, ChannelConv) and isinstance(target.op, ChannelConv):
        yield from _along_channels(spec.op, target.op)
    compared = {"kernel", "stride", "pad", "dilation", "before", "out", "to", "count_pad"}
    compared |= {"eps"} if kind != other_kind else set()  # a norm of another kind is named with its eps
    if "count_pad" in one.keys() ^ other.keys() and kind == other_kind and one.get("before") == other.get("before"):
        counted, uncounted = ("counted", "left out") if "count_pad" in one else ("left out", "counted")
        yield Difference(COUNTED_PADDING, "padding in the average", counted, uncounted)
    for name in one.keys() & other.keys() - compared:
        if one[name] != other[name]:
            yield _parameter(spec, target, name, one[name], other[name])


def _on_the_same_input(one: GraphNode, other: GraphNode) -> GraphNode:
    """Another layer on what arrives at the one, where it can take that."""
    op = adapted(other.op, other.types, one.types)
    try:
        return replace(other, op=op, types=one.types, out=op.infer(*one.types))
    except (ShapeError, ValueError):
        return other


def _reads_as(spec: GraphNode, target: GraphNode) -> bool:
    """Whether the spec's window reads the same pixels of what arrives at the target's.

    Of an image of another size, the padding that a file states need not be what its author wrote.
    """
    one, other = (dict(describe(node)[1]) for node in (_on_the_same_input(target, spec), target))
    return all(one.get(name) == other.get(name) for name in ("before", "out"))


def _window(node: GraphNode) -> Window | None:
    return node.op.window if isinstance(node.op, Windowed) else None


def _under(node: GraphNode) -> Pair:
    """The image under the window of a layer: what arrives, or what the pool read that it undoes."""
    return node.types[-1].image


def _reads(parameters: dict[str, Any]) -> str:
    """What a pool reads at once."""
    if "to" not in parameters:
        step = parameters["stride"]
        return sides(parameters["kernel"]) + (f"/{spelling.stride(step)}" if step != (1, 1) else "")
    return "the whole image" if parameters["to"] == (1, 1) else f"{sides(parameters['to'])} adaptive parts"


def _windows(
    spec: GraphNode, target: GraphNode, window: Window, other: Window, padded_alike: bool
) -> Iterator[Difference]:
    """Kernel, stride, dilation and padding; padding that only follows a kernel or stride is left out."""
    assert isinstance(spec.op, Windowed)
    image, its_image = _under(spec), _under(target)
    one, two = dict(describe(spec)[1]), dict(describe(target)[1])
    same = True
    for name, text in (("kernel", sides), ("stride", spelling.stride), ("dilation", spelling.stride)):
        if one[name] != two[name]:
            same = False
            edited = replace(window, **{name: getattr(other, name)}, padding=other.padding)
            op = replace(spec.op, window=edited)
            yield Difference(CODES.get(name, PARAMETER), name, text(one[name]), text(two[name]), op)
    if same:
        equal = (one["before"], one["out"]) == (two["before"], two["out"]) or image != its_image or padded_alike
    else:
        equal = all(map(_same_rule, _rules(spec, window), _rules(target, other)))
    if not equal:
        op = replace(spec.op, window=replace(window, padding=other.padding))
        if isinstance(op, ConvTranspose) and isinstance(target.op, ConvTranspose):
            op = replace(op, output_padding=target.op.output_padding)
        yield Difference(PADDING, "padding", _padding(spec, window), _padding(target, other), op)


def _along_channels(spec: ChannelConv, target: ChannelConv) -> Iterator[Difference]:
    """Kernel, stride and padding of convolutions along the channels; padding that follows a kernel is left out."""
    follows = spec.kernel != target.kernel and spec.kernel - 2 * spec.pad == target.kernel - 2 * target.pad
    for name, one, other in (
        ("kernel", spec.kernel, target.kernel),
        ("stride", spec.stride, target.stride),
        ("pad", spec.pad, spec.pad if follows else target.pad),
    ):
        if one != other:
            edited: dict[str, Any] = {"pad": target.pad if follows else spec.pad, name: other}
            yield Difference(CODES[name], WORDS[name], str(one), str(other), replace(spec, **edited))


def _padding(node: GraphNode, window: Window) -> str:
    """The pixels of padding that a layer reads, or that a transposed convolution cuts off."""
    if isinstance(node.op, ConvTranspose):
        return f"{spelling.pixels(*node.op.cut)}, for {sides(node.out.image)} pixels"
    return spelling.padding(window, _under(node))


def _rules(node: GraphNode, window: Window) -> list[set[str]]:
    """What the padding of a window does on either axis: it reads none, and it keeps the size of the image by stride."""
    image = _under(node)
    if isinstance(node.op, ConvTranspose):
        axes = zip(node.op.cut, node.out.image, image, window.stride, strict=True)
        both = [{"valid": cut == (0, 0), "same": out == size * step} for cut, out, size, step in axes]
        return [{rule for rule, holds in rules.items() if holds} for rules in both]
    found = []
    for axis, reach, step, size in zip(window.axes(image), window.reach, window.stride, image, strict=True):
        inside = axis.before == 0 and (axis.out - 1) * step + reach <= size
        rules = {"valid": inside, "same": axis.out == -(-size // step)}
        found.append({rule for rule, holds in rules.items() if holds})
    return found


def _same_rule(one: set[str], other: set[str]) -> bool:
    return bool(one & other) or one == other


def _parameter(spec: GraphNode, target: GraphNode, name: str, one: Any, other: Any) -> Difference:
    code = CODES.get(name, PARAMETER)
    if name == "eps" and isinstance(spec.op, Norm):
        code = EPS
    if name == "p":
        one, other = f"{100 * one:g}%", f"{100 * other:g}%"
    if name == "groups":
        one, other = _groups(spec, one), _groups(target, other)
    op: Op | None = None
    edits: dict[str, Any] = {name: getattr(target.op, name, 1)} if name in EDITED else {}
    if isinstance(spec.op, LinearLayer | ChannelConv) and edits and hasattr(spec.op, name):
        op = replace(spec.op, **edits)
    return Difference(code, WORDS.get(name, name), spelling.number(one), spelling.number(other), op)


def _groups(node: GraphNode, groups: int) -> str:
    return "depthwise" if 1 < groups == node.types[0].channels else str(groups)


def _code_of_kind(op: Op) -> Code:
    if isinstance(op, Pool):
        return POOL
    if isinstance(op, Norm | LRN | L2Norm):
        return NORM
    return PARAMETER if isinstance(op, LinearLayer | ChannelConv | Dropout | DropPath) else ACTIVATION
