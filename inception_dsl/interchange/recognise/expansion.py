"""Repeated axes: a product or a quotient repeats those of a pixel by itself; others are written."""

from __future__ import annotations

from contextlib import suppress
from typing import Final

from inception_dsl.interchange.builder import Added, Builder
from inception_dsl.interchange.primitives import Expand, Slice
from inception_dsl.interchange.recognise.layout import channels_first
from inception_dsl.ir.ops.joins import Concat
from inception_dsl.ir.ops.resampling import Resize
from inception_dsl.ir.shapes import ShapeError

MOST_COPIES: Final = 32
"""The most values that are written side by side in place of one."""


def unneeded(graph: Builder, added: Added) -> int | None:
    """An expansion to the shape that a value has already is that value."""
    (index,) = added.inputs
    return index if added.op.infer(graph.type_of(index)) == graph.type_of(index) else None


def of_operand(graph: Builder, added: Added) -> int | None:
    """A product or quotient of the values before they were expanded, if it has the same shape."""
    sources = [_source(graph, index) for index in added.inputs]
    if sources == [*added.inputs] or len(sources) != 2:
        return None
    one, other = map(graph.type_of, sources)
    expanded = added.op.infer(*map(graph.type_of, added.inputs))
    with suppress(ShapeError):
        if len(one.shape) == len(other.shape) and added.op.infer(one, other) == expanded:
            return graph.add(added.name, added.op, *sources)
    return None


def of_image(graph: Builder, added: Added) -> int | None:
    """A sum or product with a channel or pixel that was expanded: copies of the channel, or of the pixel."""
    sources = [_copied(graph, added.name, index) for index in added.inputs]
    if sources == [*added.inputs]:
        return None
    return graph.add(added.name, added.op, *sources)


def _copied(graph: Builder, name: str, index: int) -> int:
    """A value with the copies that an expansion makes of its channel or its pixels, if the language can say them."""
    node = graph.node(index)
    if node is None or not isinstance(node.op, Expand):
        return index
    (value,) = node.inputs
    if channels_first(graph, value) is not None:  # where its channels are the last axis, it is expanded there
        return index
    wanted, shape = node.op.shape, graph.type_of(value).shape
    if len(wanted) != len(shape) or len(shape) != 3:
        return index
    repeated = copies(graph, name, value, wanted[0] // shape[0])
    if shape[1:] == wanted[1:]:
        return repeated
    return graph.add(f"{name}/pixels", Resize((wanted[1] // shape[1], wanted[2] // shape[2])), repeated)


def copies(graph: Builder, name: str, value: int, count: int) -> int:
    """All channels of a value, several times: copies of copies, and a range of them where no factors are that small."""
    channels, written = graph.type_of(value).channels, count
    while max(factors := _factors(written), default=1) > MOST_COPIES:
        written += 1
    for number, factor in enumerate(factors, 1):
        value = graph.add(f"{name}/copies{number}", Concat(), *[value] * factor)
    return graph.add(f"{name}/range", Slice(0, 0, count * channels), value)


def _factors(number: int) -> list[int]:
    """The prime factors of a number."""
    found, divisor = [], 2
    while number > 1:
        while number % divisor == 0:
            found.append(divisor)
            number //= divisor
        divisor += 1
    return found


def _source(graph: Builder, index: int) -> int:
    """What a value was before it was expanded."""
    node = graph.node(index)
    return node.inputs[0] if node and isinstance(node.op, Expand) else index
