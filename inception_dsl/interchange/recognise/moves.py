"""Elements of an image that are only moved, by whatever reshapes, permutations, ranges and joins.

Libraries spell the same move in many ways: blocks of pixels become channels by two reshapes and a permutation, or by a
join of columns that were split. The places that the elements come from are the same. `pixels` follows the axes of
reshapes and permutations alone, whatever the size of the image; ranges and joins need the elements themselves.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from inception_dsl.interchange.builder import Added, Builder
from inception_dsl.interchange.graph import INPUT, Array
from inception_dsl.interchange.primitives import Gather, Join, Pad, Permute, Reshape, Slice
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.channels import ChannelPart, ChannelShuffle, ChannelSlice
from inception_dsl.ir.ops.joins import Concat
from inception_dsl.ir.ops.resampling import PixelUnshuffle
from inception_dsl.ir.shapes import TensorType

MOVES: Final = (Reshape, Permute, Slice, Gather, Pad, Join, Concat)
"""The ops that move elements, or add zeros beside them."""

RANGES: Final = (ChannelPart, ChannelSlice)
"""The ops that are moves too, or give the image whose elements others move."""

MOST_ELEMENTS: Final = 2**22
"""The most elements of an image that is followed."""
MOST_MOVES: Final = 2**31
"""The most elements that are moved in all for one graph; after that, no image of it is followed."""

NOTHING: Final = -1
"""The place of a zero, which comes from nowhere."""


def moved(graph: Builder, added: Added) -> int | None:
    """An image whose elements are those of another image: that one, some of its channels, or blocks of its pixels."""
    out = added.op.infer(*map(graph.type_of, added.inputs))
    if len(out.shape) != 3 or out.size > MOST_ELEMENTS:
        return None
    found = _followed(graph, added, MOVES)
    return _followed(graph, added, (*MOVES, *RANGES)) if found is None else found


def _followed(graph: Builder, added: Added, moves: tuple[type[Op], ...]) -> int | None:
    """What the image is, where some ops move its elements, and others give those that they move."""
    nodes = _before(graph, added, moves)
    sources = {each for node in (added, *nodes.values()) for each in node.inputs} - nodes.keys()
    if len(nodes) < 2 or len(sources) != 1:
        return None
    (source,) = sources
    x = graph.type_of(source)
    if len(x.shape) != 3 or x.size > MOST_ELEMENTS or not _spend(graph, [source, *nodes]):
        return None
    values: dict[int, Array] = {source: np.arange(x.size, dtype=np.int32).reshape(x.shape)}
    for index in sorted(nodes):
        node = nodes[index]
        values[index] = _apply(node.op, [values[each] for each in node.inputs])
    return _written(graph, added, source, _apply(added.op, [values[each] for each in added.inputs]))


def _before(graph: Builder, added: Added, moves: tuple[type[Op], ...]) -> dict[int, Added]:
    """The nodes right before one that are moves, by their indices."""
    nodes: dict[int, Added] = {}
    ahead = [*added.inputs]
    while ahead and _spend(graph, ahead[-1:]):
        index = ahead.pop()
        if index != INPUT and index not in nodes and _is_move(graph.nodes[index].op, moves):
            nodes[index] = graph.nodes[index]
            ahead += nodes[index].inputs
    return nodes if not ahead else {}


def _is_move(op: Op, moves: tuple[type[Op], ...]) -> bool:
    """Whether an op is one of some moves; what it adds are zeros."""
    return isinstance(op, moves) and not (isinstance(op, Pad) and op.value != 0 and max(*op.before, *op.after) > 0)


def _spend(graph: Builder, values: Sequence[int]) -> bool:
    """Whether the elements of some values may still be moved, which counts them."""
    graph.elements_moved += sum(graph.type_of(index).size for index in values)
    return graph.elements_moved <= MOST_MOVES


def _apply(op: Op, values: Sequence[Array]) -> Array:
    (x, *_) = values
    match op:
        case Reshape(shape):
            return x.reshape(shape)
        case Permute(order):
            return x.transpose(order)
        case Slice(axis, start, stop, step):
            return x[(slice(None),) * axis + (slice(start, stop, step),)]
        case Gather(axis, indices):
            return x.take(indices, axis)
        case Pad(before, after, _):
            kept = tuple(
                slice(max(-low, 0), x.shape[axis] - max(-high, 0))
                for axis, (low, high) in enumerate(zip(before, after, strict=True))
            )
            added = [(max(low, 0), max(high, 0)) for low, high in zip(before, after, strict=True)]
            return np.pad(x[kept], added, constant_values=NOTHING)
        case Join(axis):
            return np.concatenate(values, axis)
        case Concat():
            return np.concatenate(values)
        case ChannelPart((part, parts)):
            return np.split(x, parts)[part - 1]
        case ChannelSlice(int(width), int(start)):
            return x[start : start + width]
    raise TypeError(f"`{op.name}` does more than move elements")


def _written(graph: Builder, added: Added, source: int, places: Array) -> int | None:
    """The image by the places of its elements in the source."""
    x, out = graph.type_of(source), TensorType(places.shape)
    pixels = math.prod(x.image)
    if out.image == x.image:
        channels = places[:, 0, 0] // pixels
        rows = np.arange(pixels, dtype=np.int32).reshape(x.image)
        whole = np.where(channels[:, None, None] < 0, NOTHING, channels[:, None, None] * pixels + rows)
        return _channels(graph, added, source, channels.tolist()) if np.array_equal(whole, places) else None
    block = x.image[0] // out.image[0] or 1
    if (out.image[0] * block, out.image[1] * block) != x.image or out.size != x.size:
        return None
    blocks = np.arange(x.size, dtype=np.int32).reshape(x.channels, out.image[0], block, out.image[1], block)
    by_channel, by_pixel = (blocks.transpose(order).reshape(out.shape) for order in ((0, 2, 4, 1, 3), (2, 4, 0, 1, 3)))
    if np.array_equal(by_channel, places):
        return graph.add(added.name, PixelUnshuffle(block), source)
    if np.array_equal(by_pixel, places):
        pixels = graph.add(f"{added.name}/pixels", PixelUnshuffle(block), source)
        return graph.add(added.name, ChannelShuffle(x.channels), pixels)
    return None


def _channels(graph: Builder, added: Added, source: int, channels: list[int]) -> int | None:
    """All channels of an image, or some in any order, and zeros before and after them."""
    known = [channel for channel in channels if channel >= 0]
    first = channels.index(known[0]) if known else 0
    if not known or channels[first : first + len(known)] != known:
        return None
    taken = graph.add(f"{added.name}/channels", Gather(0, tuple(known)), source)
    return graph.add(added.name, Pad((first, 0, 0), (len(channels) - first - len(known), 0, 0)), taken)
