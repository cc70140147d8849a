"""Some of the channels, channels interleaved, and channels of zeros."""

from __future__ import annotations

from typing import Final

from inception_dsl.interchange.builder import Added, Builder
from inception_dsl.interchange.primitives import Gather, Join, Pad, Slice
from inception_dsl.ir.ops.channels import ChannelPart, ChannelShuffle, ChannelSlice
from inception_dsl.ir.ops.joins import Concat
from inception_dsl.ir.ops.scaling import Scale

MOST_COPIES: Final = 32
"""The most copies of all channels that stand for channels of zeros."""


def part(graph: Builder, added: Added) -> int | None:
    """A range of an axis: all of it, or of the channels one of several equal parts, or any of them."""
    op, (index,) = added.op, added.inputs
    assert isinstance(op, Slice)
    shape = graph.type_of(index).shape
    size = shape[op.axis]
    start, stop, step = slice(op.start, op.stop, op.step).indices(size)
    width = stop - start
    if (start, width, step) == (0, size, 1):
        return index
    if step != 1 or op.axis != 0 or len(shape) not in (1, 3) or width <= 0:
        return None
    if size % width == start % width == 0:
        return graph.add(added.name, ChannelPart((start // width + 1, size // width)), index)
    return graph.add(added.name, ChannelSlice(width, start), index)


def gather(graph: Builder, added: Added) -> int | None:
    """Channels in another order: interleaved groups, or neighbours, which are a range."""
    op, (index,) = added.op, added.inputs
    assert isinstance(op, Gather)
    size, order = graph.type_of(index).shape[op.axis], op.indices
    if order and order == tuple(range(order[0], order[0] + len(order))):
        return graph.add(added.name, Slice(op.axis, order[0], order[-1] + 1), index)
    if op.axis or len(order) != size or len(graph.type_of(index).shape) != 3:
        return None
    width = order[1]
    if width and size % width == 0 and order == tuple(c for first in range(width) for c in range(first, size, width)):
        return graph.add(added.name, ChannelShuffle(size // width), index)
    return None


def shuffled_back(graph: Builder, added: Added) -> int | None:
    """A shuffle of as many groups as the one before it had channels in a group, which undoes it."""
    op, before = added.op, graph.node(added.inputs[0])
    assert isinstance(op, ChannelShuffle)
    if before is None or not isinstance(before.op, ChannelShuffle):
        return None
    return before.inputs[0] if op.groups * before.op.groups == graph.type_of(added.inputs[0]).channels else None


def concat(graph: Builder, added: Added) -> int | None:
    """Values joined along the channels."""
    assert isinstance(added.op, Join)
    return graph.add(added.name, Concat(), *added.inputs) if added.op.axis == 0 else None


def zeros(graph: Builder, added: Added) -> int | None:
    """Channels of zeros before and after others: all of these, as often as they fit, and some of them, times 0."""
    op, (index,) = added.op, added.inputs
    assert isinstance(op, Pad)
    if len(op.before) != 3 or op.value or any((*op.before[1:], *op.after[1:])) or min(op.before[0], op.after[0]) < 0:
        return None
    channels, values = graph.type_of(index).channels, []
    for count, place in ((op.before[0], "before"), (op.after[0], "after")):
        whole, rest = divmod(count, channels)
        if whole > MOST_COPIES:
            return None
        sources = [*[index] * whole, *([graph.add(f"{added.name}/{place}", Slice(0, 0, rest), index)] if rest else [])]
        nothing = [graph.add(f"{added.name}/{place}{at}", Scale(0.0), source) for at, source in enumerate(sources)]
        values += [*nothing, index] if place == "before" else nothing
    return graph.add(added.name, Concat(), *values)
