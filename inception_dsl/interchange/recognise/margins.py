"""Pixels cut off an image, or zeros added around it: one `Pad`, in which a negative number of pixels is cut off."""

from __future__ import annotations

from dataclasses import replace

from inception_dsl.interchange.builder import Added, Builder
from inception_dsl.interchange.graph import Unsupported
from inception_dsl.interchange.primitives import Pad, Slice
from inception_dsl.ir.ops import shaping as layers
from inception_dsl.ir.ops.pooling import MaxPool
from inception_dsl.ir.ops.shaping import Shift
from inception_dsl.ir.shapes import Window


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
