"""Parts of the channels, and channels interleaved."""

from __future__ import annotations

import math
from typing import Final

from inception_dsl.interchange.builder import Added, Builder
from inception_dsl.interchange.primitives import Gather, Join, Pad, Permute, Reshape, Slice
from inception_dsl.ir.ops.channels import ChannelPart, ChannelShuffle
from inception_dsl.ir.ops.joins import Concat
from inception_dsl.ir.ops.pooling import MaxPool
from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.ir.ops.shaping import Shift
from inception_dsl.ir.shapes import Window

MOST_PARTS: Final = 32
"""The most equal parts of the channels that stand for a range of them, or for channels of zeros."""


def part(graph: Builder, added: Added) -> int | None:
    """A range of an axis: all of it, or one or several equal parts of the channels; or pixels cut off."""
    op, (index,) = added.op, added.inputs
    assert isinstance(op, Slice)
    shape = graph.type_of(index).shape
    size = shape[op.axis]
    start, stop, step = slice(op.start, op.stop, op.step).indices(size)
    width = stop - start
    if (start, width, step) == (0, size, 1):
        return index
    if step == 1 and op.axis == 0 and len(shape) in (1, 3) and width > 0 and size % width == start % width == 0:
        return graph.add(added.name, ChannelPart((start // width + 1, size // width)), index)
    if step == 1 and op.axis == 0 and len(shape) == 3 and width > 0:
        unit = math.gcd(size, start, width)
        if width // unit <= MOST_PARTS:
            ranges = (ChannelPart((place // unit + 1, size // unit)) for place in range(start, stop, unit))
            parts = [graph.add(f"{added.name}/part{number}", each, index) for number, each in enumerate(ranges, 1)]
            return graph.add(added.name, Concat(), *parts)
    return _shift(graph, added, op)


def _shift(graph: Builder, added: Added, last: Slice) -> int | None:
    """Pixels cut off above and on the left of an image that is padded below and on the right by as many."""
    before = graph.node(added.inputs[0])
    if before is None or not isinstance(before.op, Slice):
        return None
    first, padded, pixels = before.op, graph.node(before.inputs[0]), last.start
    if padded is None or padded.op != Pad((0, 0, 0), (0, pixels, pixels)):
        return None
    cut = {first.axis, last.axis} == {1, 2} and first.start == pixels > 0 and first.step == last.step == 1
    whole = last.infer(graph.type_of(added.inputs[0])) == graph.type_of(padded.inputs[0])
    return graph.add(added.name, Shift(pixels), *padded.inputs) if cut and whole else None


def every(graph: Builder, added: Added) -> int | None:
    """Every n-th pixel of both sides of an image is a pool of one pixel."""
    op = added.op
    assert isinstance(op, Slice)
    before = graph.node(added.inputs[0])
    if before is None or not isinstance(before.op, Slice) or {op.axis, before.op.axis} != {1, 2}:
        return None
    both = {op.axis: op, before.op.axis: before.op}
    image = graph.type_of(before.inputs[0]).shape
    if any(each.start != 0 or each.stop < image[axis] or each.step < 1 for axis, each in both.items()):
        return None
    return graph.add(added.name, MaxPool(Window((1, 1), (both[1].step, both[2].step))), *before.inputs)


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


def shuffle(graph: Builder, added: Added) -> int | None:
    """Channels as a matrix of groups, which is transposed and made channels again."""
    op, (index,) = added.op, added.inputs
    assert isinstance(op, Reshape)
    turned = graph.node(index)
    split = graph.node(turned.inputs[0]) if turned and turned.op == Permute((1, 0, 2, 3)) else None
    if split is None or not isinstance(split.op, Reshape) or graph.type_of(split.inputs[0]).shape != op.shape:
        return None
    groups, _, *image = split.op.shape
    return graph.add(added.name, ChannelShuffle(groups), *split.inputs) if tuple(image) == op.shape[1:] else None


def concat(graph: Builder, added: Added) -> int | None:
    """Values joined along the channels."""
    assert isinstance(added.op, Join)
    return graph.add(added.name, Concat(), *added.inputs) if added.op.axis == 0 else None


def _zeros(graph: Builder, added: Added, op: Pad) -> int | None:
    """Channels of zeros before and after others: all of these, as often as they fit, and parts of them, times 0."""
    (index,) = added.inputs
    channels, few = graph.type_of(index).channels, min(op.before[0], op.after[0])
    if few < 0:
        return None
    values = []
    for count, place in ((op.before[0], "before"), (op.after[0], "after")):
        whole, rest = divmod(count, channels)
        unit = math.gcd(channels, rest)
        if whole + rest // unit > MOST_PARTS:
            return None
        part = graph.add(f"{added.name}/{place}", Slice(0, 0, unit), index) if rest else index
        sources = [*[index] * whole, *[part] * (rest // unit)]
        zeros = [graph.add(f"{added.name}/{place}{at}", Scale(0.0), source) for at, source in enumerate(sources)]
        values += [*zeros, index] if place == "before" else zeros
    return graph.add(added.name, Concat(), *values)


def pad(graph: Builder, added: Added) -> int | None:
    """Padding that moves an image, or adds channels of zeros, or nothing."""
    op = added.op
    assert isinstance(op, Pad)
    if not any((*op.before, *op.after)):
        return added.inputs[0]
    if len(op.before) == 3 and op.value == 0 and not any((*op.before[1:], *op.after[1:])):
        return _zeros(graph, added, op)
    if len(op.before) == 3 and op.value == 0:
        pixels = op.after[1]
        if pixels > 0 and op.before == (0, -pixels, -pixels) and op.after == (0, pixels, pixels):
            return graph.add(added.name, Shift(pixels), *added.inputs)
    return None
