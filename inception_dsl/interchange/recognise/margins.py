"""Pixels cut off an image, or added around it: one `Pad`, in which a negative number of pixels is cut off.

The layer before leaves out what is cut off, where it can. Ports of NASNet (1707.07012) pad on one side as TensorFlow
does: they pad more than that, and cut the first pixels off. torch cuts off as much before a transposed convolution as
after it: where TensorFlow does not, ports cut off the rest.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from inception_dsl.interchange.builder import Added, Builder
from inception_dsl.interchange.graph import Unsupported
from inception_dsl.interchange.primitives import Pad, Slice, WithConstant
from inception_dsl.interchange.recognise.layout import ANYWHERE
from inception_dsl.interchange.windows import PixelWindow, avg_pool, conv, cut_by, max_pool
from inception_dsl.ir.op import concrete
from inception_dsl.ir.ops import shaping as layers
from inception_dsl.ir.ops.linear import Conv, ConvTranspose
from inception_dsl.ir.ops.norms import BatchNorm
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool
from inception_dsl.ir.ops.shaping import Shift
from inception_dsl.ir.shapes import Pair, ShapeError, Window


def cut(graph: Builder, added: Added) -> int | None:
    """A range of the rows or columns of an image."""
    op, (index,) = added.op, added.inputs
    assert isinstance(op, Slice)
    shape = graph.type_of(index).shape
    start, stop, step = slice(op.start, op.stop, op.step).indices(shape[op.axis])
    if step != 1 or op.axis == 0 or len(shape) != 3 or stop <= start:
        return None
    before, after = (
        [pixels if axis == op.axis else 0 for axis in range(3)] for pixels in (-start, stop - shape[op.axis])
    )
    return graph.add(added.name, Pad(tuple(before), tuple(after)), index)


def of_layer(graph: Builder, added: Added) -> int | None:
    """A layer of the language that cuts off or adds pixels, which joins others of its like as those of a source do."""
    op = added.op
    assert isinstance(op, layers.Crop | layers.Pad)
    if isinstance(op, layers.Pad) and op.reflect:
        return None
    sign = -1 if isinstance(op, layers.Crop) else 1
    before, after = ((0, *(sign * pixels for pixels in side)) for side in (op.before, op.after))
    return graph.add(added.name, Pad(before, after), *added.inputs)


def reflected(graph: Builder, name: str, before: tuple[int, ...], after: tuple[int, ...], x: int) -> int:
    """Add a margin that mirrors an image, and give its index. Raises `Unsupported` where it mirrors channels."""
    if len(before) != 3 or before[0] or after[0] or min(*before, *after) < 0:
        raise Unsupported("the language reflects the pixels of an image")
    for number, op in enumerate(layers.Pad.around(*before[1:], *after[1:]), 1):
        x = graph.add(f"{name}/{number}" if number > 1 else name, replace(op, reflect=True), x)
    return x


def pad(graph: Builder, added: Added) -> int | None:
    """Padding of nothing, or of what is padded already, or that moves an image."""
    op, (index,) = added.op, added.inputs
    assert isinstance(op, Pad)
    if not any((*op.before, *op.after)):
        return index
    inner = graph.node(index)
    if inner and isinstance(inner.op, Pad) and (both := _together(inner.op, op)):
        return graph.add(added.name, both, *inner.inputs)
    pixels = op.after[-1]
    if pixels > 0 == op.value and (op.before, op.after) == ((0, -pixels, -pixels), (0, pixels, pixels)):
        return graph.add(added.name, Shift(pixels), index)
    return None


def _together(first: Pad, then: Pad) -> Pad | None:
    """Two paddings as one, unless the second adds pixels where the first has cut some off, or others than it."""
    sides = [*zip((*first.before, *first.after), (*then.before, *then.after), strict=True)]
    values = {each.value for each in (first, then) if max(*each.before, *each.after) > 0}
    if len(values) > 1 or len(first.before) != 3 or any(one < 0 < other for one, other in sides):
        return None
    total = tuple(one + other for one, other in sides)
    return Pad(total[:3], total[3:], *values)


# --- what the layer before cuts off itself ----------------------------------------------------------------------------


def cut_transposed(graph: Builder, added: Added) -> int | None:
    """The pixels cut off a transposed convolution, as its own."""
    pad, node = added.op, graph.node(added.inputs[0])
    assert isinstance(pad, Pad)
    if node is None or not isinstance(node.op, ConvTranspose) or max(pad.before + pad.after) > 0:
        return None
    op, ((top, bottom), (left, right)) = node.op, node.op.cut
    before, after = (top - pad.before[1], left - pad.before[2]), (bottom - pad.after[1], right - pad.after[2])
    window = PixelWindow(op.window.kernel, op.window.stride, op.window.dilation, before, after)
    wider = window.transposed(concrete(op.width), concrete(op.groups), op.bias)
    with suppress(ShapeError):
        if wider and pad.before[0] == pad.after[0] == 0:
            return graph.add(node.name, wider, *node.inputs, **node.weights)
    return None


def begin_later(graph: Builder, added: Added) -> int | None:
    """The layers before a cut, begun later."""
    assert isinstance(added.op, Pad)
    pixels = cut_by(added.op)
    return _begin_later(graph, added.inputs[0], pixels) if pixels else None


def _begin_later(graph: Builder, index: int, pixels: int) -> int | None:
    """A value without its first rows and columns; None where no window can leave them out."""
    node = graph.node(index)
    if node is None or len(node.inputs) != 1:
        return None
    window = node.op.window if isinstance(node.op, Conv | MaxPool | AvgPool) else None
    if isinstance(node.op, (BatchNorm, *ANYWHERE)) or _on_pixels(graph, node, window):
        if isinstance(node.op, WithConstant) and node.op.constant.size > 1:
            return None
        inner = _begin_later(graph, node.inputs[0], pixels)
        return graph.add(node.name, node.op, inner, **node.weights) if inner is not None else None
    if window is None:
        return None
    with suppress(ShapeError):
        found = _begun(graph, node, window, pixels)
        height, width = graph.type_of(index).image
        return found if found and graph.type_of(found).image == (height - pixels, width - pixels) else None
    return None


def _on_pixels(graph: Builder, node: Added, window: Window | None) -> bool:
    """Whether a window reads every pixel by itself."""
    if window is None or window.reach != (1, 1):
        return False
    size = graph.type_of(node.inputs[0]).image
    return tuple((axis.before, axis.out) for axis in window.axes(size)) == tuple((0, pixels) for pixels in size)


def _begun(graph: Builder, node: Added, window: Window, pixels: int) -> int | None:
    """A layer whose window begins some places later."""
    (x,) = node.inputs
    rows, columns = window.axes(graph.type_of(x).image)
    more: Pair = (0, 0)
    after = rows.after, columns.after
    padded = graph.node(x)
    if padded and isinstance(padded.op, Pad) and padded.op.value == 0 and min(padded.op.before + padded.op.after) >= 0:
        if not isinstance(node.op, Conv) and any(padded.op.after):
            return None
        (x,), more = padded.inputs, (padded.op.before[1], padded.op.before[2])
        after = after[0] + padded.op.after[1], after[1] + padded.op.after[2]
    before = (
        rows.before + more[0] - pixels * window.stride[0],
        columns.before + more[1] - pixels * window.stride[1],
    )
    if min(before) < 0 or (any(more) and any(before) and not isinstance(node.op, Conv)):
        return None
    begun = PixelWindow(window.kernel, window.stride, window.dilation, before, after)
    match node.op:
        case Conv(int(width), _, int(groups)):
            return conv(graph, node.name, width, groups, begun, x, node.weights)
        case AvgPool(_, counted):
            return avg_pool(graph, node.name, begun, counted, x)
        case MaxPool():
            return max_pool(graph, node.name, begun, x)
    return None
