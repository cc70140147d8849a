"""The window of the language that reads the pixels of a window whose padding is given side by side."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, Final

from inception_dsl.diagnostics.codes.shapes import WRONG_RANK
from inception_dsl.interchange.builder import Builder
from inception_dsl.interchange.primitives import Constant, Pad
from inception_dsl.ir.ops.activations import ReLU, ReLU6, Sigmoid
from inception_dsl.ir.ops.linear import Conv
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool
from inception_dsl.ir.shapes import Padding, Pair, ShapeError, Window


def find_window(
    kernel: Pair, stride: Pair, dilation: Pair, before: Pair, after: Pair, image: Pair, ceil: bool = False
) -> Window | None:
    """The window with these pixels of padding on an image; None if the language has none.

    `ceil` keeps a last place that reaches over the padded image, as in torch. Padding that no place reads is free.
    """
    out = tuple(map(_places, image, kernel, stride, dilation, before, after, (ceil, ceil)))
    for padding in _paddings(before):
        window = Window(kernel, stride, padding, dilation)
        try:
            axes = window.axes(image)
        except ShapeError:
            continue
        if tuple(axis.out for axis in axes) == out and tuple(axis.before for axis in axes) == before:
            return window
    return None


def _paddings(before: Pair) -> Iterator[Padding]:
    """What may give these pixels of padding before an image, the plainest first."""
    yield Padding("pad", before)
    yield Padding("pad", before, ceil=True)
    yield Padding("same_upper")


def _places(size: int, kernel: int, stride: int, dilation: int, before: int, after: int, ceil: bool) -> int:
    room = size + before + after - (dilation * (kernel - 1) + 1)
    if not ceil:
        return room // stride + 1
    places = -(-room // stride) + 1
    return places - 1 if (places - 1) * stride >= size + before else places


def convolution(
    graph: Builder,
    name: str,
    width: int,
    groups: int,
    explicit: Mapping[str, Any],
    x: int,
    weights: Mapping[str, Constant],
) -> int:
    """Add a convolution whose window is given in pixels; padding before it becomes its own."""
    x, explicit = absorb_padding(graph, x, explicit, (0.0,))
    window = find_window(**explicit, image=graph.type_of(x).image)
    if window is None:
        raise ShapeError(WRONG_RANK, f"the language has no padding of {explicit['before']} and {explicit['after']}")
    return graph.add(name, Conv(width, window, groups, "bias" in weights), x, **weights)


def pool(
    graph: Builder, name: str, kind: type[MaxPool | AvgPool], explicit: Mapping[str, Any], counted: bool, x: int
) -> int:
    """Add a pool whose window is given in pixels; padding before it becomes its own where it means the same."""
    if kind is MaxPool:
        inner = graph.op(x)
        source = graph.op(graph.nodes[x].inputs[0]) if isinstance(inner, Pad) else None
        values = (-math.inf, *((0.0,) if isinstance(source, NEVER_NEGATIVE) else ()))
        x, explicit = absorb_padding(graph, x, explicit, values)
    elif counted or not any((*explicit["before"], *explicit["after"])):
        before = x
        x, explicit = absorb_padding(graph, x, explicit, (0.0,))
        counted = counted or x != before
    image = graph.type_of(x).image
    window = find_window(**explicit, image=image)
    if window is None:
        raise ShapeError(WRONG_RANK, f"the language has no padding of {explicit['before']} and {explicit['after']}")
    if kind is MaxPool:
        return graph.add(name, MaxPool(window), x)
    after = tuple(axis.after for axis in window.axes(image))
    if counted and after != explicit["after"] and _reads_after(window, image):
        raise ShapeError(WRONG_RANK, f"the language counts as much padding after an image as before it, not {after}")
    return graph.add(name, AvgPool(window, counted), x)


NEVER_NEGATIVE: Final = (ReLU, ReLU6, Sigmoid)
"""What gives no number below 0, so that padding with zeros leaves a maximum as it is."""


def absorb_padding(
    graph: Builder, x: int, explicit: Mapping[str, Any], values: tuple[float, ...]
) -> tuple[int, Mapping[str, Any]]:
    """The image before a `Pad` with one of some values, and the window with the padding added."""
    pad = graph.op(x)
    if not isinstance(pad, Pad) or pad.value not in values or pad.before[0] or pad.after[0]:
        return x, explicit
    if len(pad.before) != 3 or min(*pad.before, *pad.after) < 0:
        return x, explicit
    before = tuple(a + b for a, b in zip(pad.before[1:], explicit["before"], strict=True))
    after = tuple(a + b for a, b in zip(pad.after[1:], explicit["after"], strict=True))
    return graph.nodes[x].inputs[0], {**explicit, "before": before, "after": after}


def _reads_after(window: Window, image: Pair) -> bool:
    """Whether a place of a window reads padding behind the image."""
    return any(
        (axis.out - 1) * step + reach - axis.before > size
        for axis, step, reach, size in zip(window.axes(image), window.stride, window.reach, image, strict=True)
    )
