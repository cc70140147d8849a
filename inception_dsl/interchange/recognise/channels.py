"""Some of the channels, channels interleaved, and channels of zeros."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from inception_dsl.interchange.builder import Added, Builder
from inception_dsl.interchange.constant import Constant
from inception_dsl.interchange.graph import Unsupported
from inception_dsl.interchange.primitives import Gather, Join, Pad, Slice
from inception_dsl.interchange.recognise.expansion import MOST_COPIES, copies
from inception_dsl.ir.ops.channels import ChannelPart, ChannelShuffle, ChannelSlice
from inception_dsl.ir.ops.joins import Concat
from inception_dsl.ir.ops.scaling import Scale


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
    """Channels in another order: a range, interleaved groups, the same range several times, or a few ranges."""
    op, (index,) = added.op, added.inputs
    assert isinstance(op, Gather)
    shape, order = graph.type_of(index).shape, op.indices
    runs = [*_runs(order)]
    if len(runs) == 1:
        return graph.add(added.name, Slice(op.axis, *runs[0]), index)
    if op.axis or not order or len(shape) not in (1, 3):
        return None
    width, size = order[1], shape[0]
    if len(shape) == 3 and width and order == tuple(c for first in range(width) for c in range(first, size, width)):
        return graph.add(added.name, ChannelShuffle(size // width), index)
    if len({*runs}) == 1:
        return copies(graph, added.name, graph.add(f"{added.name}/first", Slice(0, *runs[0]), index), len(runs))
    if len(runs) > MOST_COPIES:
        return None
    ranges = [graph.add(f"{added.name}/range{number}", Slice(0, *run), index) for number, run in enumerate(runs, 1)]
    return graph.add(added.name, Concat(), *ranges)


def _runs(order: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Numbers as ranges, from the first to before the second."""
    start = 0
    for at in range(1, len(order) + 1):
        if at == len(order) or order[at] != order[at - 1] + 1:
            yield order[start], order[at - 1] + 1
            start = at


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


def joined(graph: Builder, name: str, axis: int, values: Sequence[int | Constant]) -> int:
    """Add values joined along an axis, and give the index; zeros among them pad the value before them, or the first.

    Raises `Unsupported` for other constants.
    """
    found: list[int] = []
    sides: list[list[int]] = [[0, 0]]  # the zeros before and after every value
    for value in values:
        if isinstance(value, Constant):
            if not value.known or value.trained or value.values.any():
                raise Unsupported("the language joins values with zeros, and not with other constants")
            sides[-1][bool(found)] += value.shape[axis + 1]
        else:
            sides += [[0, 0]] if found else []
            found.append(value)
    for at, counts in enumerate(sides):
        if any(counts):
            rank = len(graph.type_of(found[at]).shape)
            before, after = (tuple(count * (place == axis) for place in range(rank)) for count in counts)
            found[at] = graph.add(f"{name}/zeros", Pad(before, after), found[at])
    return found[0] if len(found) == 1 else graph.add(name, Join(axis), *found)


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
