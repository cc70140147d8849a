"""Values in other layouts: images with the channels last, vectors that are images of one pixel, and series.

Frameworks differ in where they keep the channels, and change between the layouts around some layers. A chain of such
layers is followed back to where the layout changed, and built again with the channels first.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from inception_dsl.interchange.builder import Added, Builder
from inception_dsl.interchange.constant import Constant
from inception_dsl.interchange.graph import INPUT
from inception_dsl.interchange.primitives import (
    Expand,
    Join,
    LastAxisNorm,
    Linear,
    Pad,
    Permute,
    Reduce,
    Reshape,
    Slice,
    WithConstant,
)
from inception_dsl.interchange.recognise.activations import ELEMENTWISE
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.activations import LeakyReLU, PReLU, Softmax
from inception_dsl.ir.ops.channels import ChannelMax, ChannelMean, ChannelPart, ChannelSlice
from inception_dsl.ir.ops.joins import Concat
from inception_dsl.ir.ops.linear import Conv, FullyConnected
from inception_dsl.ir.ops.norms import BatchNorm, LayerNorm
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool
from inception_dsl.ir.ops.scaling import Affine
from inception_dsl.ir.ops.shaping import Flatten, Identity
from inception_dsl.ir.shapes import Window

LAST: Final = (1, 2, 0)
"""The order of axes that puts the channels last; `FIRST` puts them first again."""
FIRST: Final = (2, 0, 1)
PIXEL: Final = Window((1, 1))


def permute(graph: Builder, added: Added) -> int | None:
    """Permutations that cancel, or that end a stretch with the channels last, which begins with one of its own."""
    op, (index,) = added.op, added.inputs
    assert isinstance(op, Permute)
    if op.order == tuple(range(len(op.order))):
        return index
    shape = graph.type_of(index).shape
    moved = [axis for axis in op.order if shape[axis] > 1]
    if op.order not in (LAST, FIRST) and moved == sorted(moved):
        return graph.add(added.name, Reshape(tuple(shape[axis] for axis in op.order)), index)
    inner = graph.op(index)
    if isinstance(inner, Permute) and (op.order != LAST or inner.order == FIRST):
        order = tuple(inner.order[axis] for axis in op.order)
        return graph.add(added.name, Permute(order), *graph.nodes[index].inputs)
    return channels_first(graph, index) if op.order == FIRST else None


def flatten(graph: Builder, added: Added) -> int | None:
    """Reshapes that make a vector of an image, or an image of one pixel of a vector, or nothing."""
    op, (index,) = added.op, added.inputs
    assert isinstance(op, Reshape)
    x = graph.type_of(index)
    if op.shape == x.shape:
        return index
    if isinstance(graph.op(index), Reshape):
        return graph.add(added.name, op, *graph.nodes[index].inputs)
    if len(x.shape) == 3 and len(op.shape) == 1:
        first = channels_first(graph, index) if x.shape[:2] == (1, 1) != x.shape[1:] else None
        return graph.add(added.name, Flatten(), index if first is None else first)
    if op.shape == (*x.shape, 1, 1):
        return as_pixel(graph, index)
    if len(x.shape) == 2 and op.shape == (x.shape[0], 1, x.shape[1]):
        series = follow(graph, index, SERIES)
        if series is not None:
            return series
    if op.shape == (1, 1, *x.shape):
        pixel = graph.add(f"{added.name}/pixel", Reshape((*x.shape, 1, 1)), index)
        return graph.add(added.name, Permute(LAST), pixel)
    reshaped = follow(graph, index, RESHAPED) if len(op.shape) == 3 else None
    return reshaped if reshaped is not None and graph.type_of(reshaped).shape == op.shape else None


def reduce(graph: Builder, added: Added) -> int | None:
    """A mean or maximum over the pixels of an image is a global pool, or it is one over its channels."""
    op, (index,) = added.op, added.inputs
    assert isinstance(op, Reduce)
    pool: dict[str, Op] = {"mean": AvgPool(None), "max": MaxPool(None)}
    shape = graph.type_of(index).shape
    if op.kind not in pool or len(shape) != 3:
        return None
    if op.axes in ((0,), (2,)):
        return _over_channels(graph, added, index if op.axes == (0,) else channels_first(graph, index))
    source = index if op.axes == (1, 2) else channels_first(graph, index) if op.axes == (0, 1) else None
    if source is None:
        return None
    pooled = graph.add(added.name, pool[op.kind], source)
    if not op.keep:
        return graph.add(f"{added.name}/flatten", Flatten(), pooled)
    return pooled if op.axes == (1, 2) else graph.add(f"{added.name}/layout", Permute(LAST), pooled)


def _over_channels(graph: Builder, added: Added, image: int | None) -> int | None:
    """A mean or maximum over the channels of an image, in the layout in which its source has the channels."""
    op = added.op
    assert isinstance(op, Reduce)
    if image is None:
        return None
    reduced = graph.add(added.name, ChannelMean() if op.kind == "mean" else ChannelMax(), image)
    if not op.keep:
        return graph.add(f"{added.name}/pixels", Reshape(graph.type_of(image).image), reduced)
    return reduced if op.axes == (0,) else graph.add(f"{added.name}/layout", Permute(LAST), reduced)


def slice_last(graph: Builder, added: Added) -> int | None:
    """A range of an image with its channels last is one of the image with the channels first."""
    op, (index,) = added.op, added.inputs
    assert isinstance(op, Slice)
    first = channels_first(graph, index) if len(graph.type_of(index).shape) == 3 else None
    if first is None:
        return None
    found = graph.add(added.name, Slice(LAST[op.axis], op.start, op.stop, op.step), first)
    return graph.add(f"{added.name}/layout", Permute(LAST), found)


def linear(graph: Builder, added: Added) -> int | None:
    """A product with a matrix is a fully connected layer on a vector; an image of one pixel stays one.

    Where the vector is an image with its channels last, the columns of the matrix get the order of the language.
    """
    op, (index,) = added.op, added.inputs
    assert isinstance(op, Linear)
    if len(graph.type_of(index).shape) != 1:
        return None
    weights, first = dict(added.weights), follow(graph, index, FLATTENED)
    if first is not None:
        image = first
        while len(graph.type_of(image).shape) == 1:
            image = graph.nodes[image].inputs[0]
        channels, height, width = graph.type_of(image).shape
        columns = weights["weight"].reshaped(op.width, height, width, channels).permuted(0, 3, 1, 2)
        weights["weight"] = columns.reshaped(op.width, columns.size // op.width)
    return graph.add(added.name, FullyConnected(op.width, op.bias), index if first is None else first, **weights)


# --- the same value in the language's layout --------------------------------------------------------------------------


ANYWHERE: Final = (*ELEMENTWISE, LeakyReLU, Identity)
"""The ops that treat every element alike."""
ON_CHANNELS: Final = (Affine, PReLU, Softmax, Concat, BatchNorm, LayerNorm, ChannelPart, ChannelSlice)
"""The ops that treat the channels of a pixel as they treat the features of a vector."""


class Layout(NamedTuple):
    """A layout of values: it begins where a node makes one of a value in the language's layout, and `ops` keep it.

    `begin` gives the index of that value, or None; `repeat` adds the op of a node to values in the language's layout.
    """

    name: str
    begin: Callable[[Builder, Added], int | None]
    repeat: Callable[[Builder, Added, Sequence[int]], int | None]
    ops: tuple[type[Op], ...]


def channels_first(graph: Builder, index: int) -> int | None:
    """The index of the image with the channels first that a value with the channels last is, if it is known to be."""
    return follow(graph, index, CHANNELS_LAST)


def as_pixel(graph: Builder, index: int) -> int | None:
    """The index of the image of one pixel that a vector is, if it is known to be made of one."""
    return follow(graph, index, VECTOR)


def follow(graph: Builder, index: int, layout: Layout) -> int | None:
    """The index of a value in the language's layout; so are all values from where the layout begins."""
    found, ahead = graph.found, [index]
    found[layout.name, INPUT] = None
    while ahead:
        key = layout.name, ahead[-1]
        if key in found:
            ahead.pop()
            continue
        node = graph.nodes[ahead[-1]]
        value = layout.begin(graph, node)
        if value is None and (isinstance(node.op, layout.ops) or node.op.training_only):
            if unknown := [each for each in node.inputs if (layout.name, each) not in found]:
                ahead += unknown
                continue
            sources = [source for each in node.inputs if (source := found[layout.name, each]) is not None]
            value = layout.repeat(graph, node, sources) if len(sources) == len(node.inputs) else None
        found[key] = value
    return found[layout.name, index]


def _begin_last(graph: Builder, node: Added) -> int | None:
    return node.inputs[0] if node.op == Permute(LAST) else None


def _repeat_first(graph: Builder, node: Added, sources: Sequence[int]) -> int | None:
    match node.op:
        case Linear(width, bias):
            return graph.add(node.name, Conv(width, PIXEL, bias=bias), *sources, **_as_filters(node))
        case LastAxisNorm(eps):
            return graph.add(node.name, LayerNorm(eps), *sources, **node.weights)
        case WithConstant(kind, constant, first) if constant.size > 1:
            width = graph.type_of(sources[0]).channels
            if constant.size != width or constant.shape[-1] != width:
                return None
            turned = constant.reshaped(width, 1, 1)
            return graph.add(node.name, WithConstant(kind, turned, first), *sources)
        case Join(axis):
            return graph.add(node.name, Concat(), *sources) if axis == 2 else None
        case Pad(before, after, value):
            moved = Pad(tuple(before[axis] for axis in FIRST), tuple(after[axis] for axis in FIRST), value)
            return graph.add(node.name, moved, *sources)
        case Expand(shape):
            return graph.add(node.name, Expand(tuple(shape[axis] for axis in FIRST)), *sources)
        case op:
            return graph.add(node.name, op, *sources, **node.weights)


CHANNELS_LAST: Final = Layout("last", _begin_last, _repeat_first, (Linear, LastAxisNorm, Join, Pad, Expand, *ANYWHERE))


def _begin_vector(graph: Builder, node: Added) -> int | None:
    flat = isinstance(node.op, Flatten) and graph.type_of(node.inputs[0]).shape[1:] == (1, 1)
    return node.inputs[0] if flat else None


def _repeat_pixel(graph: Builder, node: Added, sources: Sequence[int]) -> int | None:
    match node.op:
        case FullyConnected(width, bias):
            return graph.add(node.name, Conv(width, PIXEL, bias=bias), *sources, **_as_filters(node))
        case WithConstant(kind, constant, first) if constant.size > 1:
            turned = constant.reshaped(constant.size, 1, 1)
            return graph.add(node.name, WithConstant(kind, turned, first), *sources)
        case op:
            return graph.add(node.name, op, *sources, **node.weights)


VECTOR: Final = Layout("vector", _begin_vector, _repeat_pixel, (FullyConnected, *ANYWHERE, *ON_CHANNELS))


def _begin_flattened(graph: Builder, node: Added) -> int | None:
    first = channels_first(graph, node.inputs[0]) if isinstance(node.op, Flatten) and node.inputs[0] != INPUT else None
    return graph.add(node.name, Flatten(), first) if first is not None else None


def _repeat_alike(graph: Builder, node: Added, sources: Sequence[int]) -> int | None:
    if isinstance(node.op, WithConstant) and node.op.constant.size > 1:
        return None
    return graph.add(node.name, node.op, *sources, **node.weights)


FLATTENED: Final = Layout("flattened", _begin_flattened, _repeat_alike, ANYWHERE)


def _begin_series(graph: Builder, node: Added) -> int | None:
    shape = graph.type_of(node.inputs[0]).shape if node.inputs else ()
    flat = isinstance(node.op, Reshape) and len(shape) == 3 and node.op.shape == (shape[0], shape[2])
    return node.inputs[0] if flat else None


SERIES: Final = Layout("series", _begin_series, _repeat_alike, (*ANYWHERE, BatchNorm, Concat))


def _begin_reshaped(graph: Builder, node: Added) -> int | None:
    reshaped = isinstance(node.op, Reshape) and len(graph.type_of(node.inputs[0]).shape) == 3
    return node.inputs[0] if reshaped else None


def _repeat_reshaped(graph: Builder, node: Added, sources: Sequence[int]) -> int | None:
    return _repeat_alike(graph, node, sources) if len({*map(graph.type_of, sources)}) == 1 else None


RESHAPED: Final = Layout("reshaped", _begin_reshaped, _repeat_reshaped, ANYWHERE)
"""An image in another shape, whose elements are treated alike there."""


def _as_filters(node: Added) -> dict[str, Constant]:
    """The weights of a matrix product as those of a 1x1 convolution."""
    weight = node.weights["weight"]
    return {**node.weights, "weight": weight.reshaped(*weight.shape, 1, 1)}
