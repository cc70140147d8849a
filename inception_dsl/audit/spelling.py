"""Steps and their parameters in the words of a message, as the language writes them."""

from __future__ import annotations

from typing import Any, Final

from inception_dsl.elaborate.printer import print_layer
from inception_dsl.interchange.description import describe
from inception_dsl.interchange.graph import GraphNode, Opaque
from inception_dsl.interchange.primitives import Binary, Clip, Pad, WithConstant
from inception_dsl.interchange.windows import Average
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops import shaping as layers
from inception_dsl.ir.ops.channels import ChannelConv
from inception_dsl.ir.ops.pooling import AvgPool
from inception_dsl.ir.shapes import PaddedAxis, Pair, Window, sides

SIGNS: Final = {"add": "+", "sub": "-", "mul": "*", "div": "/", "pow": "**"}
"""Arithmetic of two operands as formulas write it."""


def layer(node: GraphNode) -> str:
    """A layer as the language writes it; of one with a window, channels or an eps, what tells it from others."""
    if isinstance(node.op, Opaque):
        return _arithmetic(node.op.known) or node.op.kind
    kind, parameters = describe(node)
    known = dict(parameters)
    if isinstance(node.op, ChannelConv) or not {"kernel", "to", "width", "eps"} & known.keys():
        return print_layer((node.op,))
    words = [kind]
    if "kernel" in known:
        step = f"/{stride(known['stride'])}" if known["stride"] != (1, 1) else ""
        words.append(f"{sides(known['kernel'])}{step}")
    if "to" in known:
        words.append("global" if known["to"] == (1, 1) else f"to={sides(known['to'])}")
    words += [number(known["width"])] if "width" in known else []
    words += [f"start={known['start']}"] if known.get("start") else []
    if known.get("groups", 1) != 1:
        words.append("depthwise" if known["groups"] == node.types[0].channels else f"groups={known['groups']}")
    words += [f"eps={number(known['eps'])}"] if "eps" in known else []
    return " ".join(words)


def _arithmetic(op: Op | None) -> str:
    """Arithmetic below the language, as a formula of x, and of y if it has two inputs; otherwise ""."""
    match op:
        case Clip(low, high):
            return f"clip(x, {number(low)}, {number(high)})"
        case Binary(kind):
            return _formula(kind, "x", "y")
        case WithConstant(kind, constant, first):
            value = constant.scalar
            text = number(value) if value is not None else f"constant {'x'.join(map(str, constant.shape))}".rstrip()
            return _formula(kind, text, "x") if first else _formula(kind, "x", text)
    return ""


def _formula(kind: str, one: str, other: str) -> str:
    return f"{one} {SIGNS[kind]} {other}" if kind in SIGNS else f"{kind}({one}, {other})"


def several(parts: list[str]) -> str:
    """Layers in a row, as the language writes them; of many, the first and the last."""
    if len(parts) > 5:
        parts = [*parts[:2], f"... {len(parts) - 3} more ...", parts[-1]]
    return " -> ".join(parts)


def stride(pair: Pair) -> str:
    """A stride: `2`, or `2x1`."""
    return str(pair[0]) if pair[0] == pair[1] else sides(pair)


def number(value: Any) -> str:
    """A number, a word, or height and width."""
    match value:
        case bool():
            return "yes" if value else "no"
        case float():
            return f"{value:.6g}"
        case int():
            return str(value)
        case (int() as height, int() as width):
            return sides((height, width))
        case None:
            return "none"
    return str(value)


def padding(window: Window, image: Pair) -> str:
    """The pixels of padding that a window reads on an image, before and after it."""
    read = [_read(*each) for each in zip(window.axes(image), window.reach, window.stride, image, strict=True)]
    return pixels(*read)


def padding_of_pool(spec: GraphNode, target: GraphNode) -> tuple[str, str] | None:
    """The padding of an average pool and of one whose padding the language does not have; None for other layers."""
    known = target.op.known if isinstance(target.op, Opaque) else None
    if not isinstance(known, Average) or not isinstance(spec.op, AvgPool) or not (own := spec.op.window):
        return None
    other = known.window
    if (own.kernel, own.stride, own.dilation) != (other.kernel, other.stride, other.dilation):
        return None
    sizes = zip(target.types[0].image, target.out.image, own.reach, own.stride, other.before, strict=True)
    read = [(before, max((out - 1) * step + reach - before - size, 0)) for size, out, reach, step, before in sizes]
    return padding(own, spec.types[0].image), pixels(*read)


def pixels(rows: Pair, columns: Pair) -> str:
    """Pixels before and after an image, on either axis."""
    (top, bottom), (left, right) = rows, columns
    if (top, bottom) == (left, right):
        return "none" if (top, bottom) == (0, 0) else f"{top} before and {bottom} after"
    return f"{top} above, {bottom} below, {left} on the left and {right} on the right"


def padded(node: GraphNode, maximum: bool) -> str:
    """The pixels that a node adds around an image, if that is all that it does; otherwise "".

    Zeros count where a maximum reads them: its own padding has no value.
    """
    if isinstance(node.op, layers.Pad):
        (top, left), (bottom, right) = node.op.before, node.op.after
        zeros = " of zeros" if maximum and not node.op.reflect else ""
        return pixels((top, bottom), (left, right)) + zeros
    known = node.op.known if isinstance(node.op, Opaque) else None
    if not isinstance(known, Pad) or len(known.before) != 3:
        return ""
    (_, top, left), (_, bottom, right) = known.before, known.after
    zeros = " of zeros" if maximum and known.value == 0 else ""
    return pixels((top, bottom), (left, right)) + zeros


def _read(axis: PaddedAxis, reach: int, step: int, size: int) -> tuple[int, int]:
    return axis.before, max((axis.out - 1) * step + reach - axis.before - size, 0)
