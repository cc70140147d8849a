"""Images brought to another size: by a resize, by rows and columns that are picked, or by every n-th of them."""

from __future__ import annotations

from inception_dsl.interchange.builder import Added, Builder
from inception_dsl.interchange.primitives import Gather, Slice
from inception_dsl.ir.ops.pooling import MaxPool
from inception_dsl.ir.ops.resampling import Resize, nearest_pixels
from inception_dsl.ir.shapes import Pair, Window


def resize(graph: Builder, name: str, to: Pair, bilinear: bool, align_corners: bool, x: int) -> int:
    """Add a resize to a size, by a factor where that is whole, and give its index."""
    image = graph.type_of(x).image
    if any(out % size for out, size in zip(to, image, strict=True)):
        return graph.add(name, Resize(None, to, bilinear, align_corners), x)
    factor = to[0] // image[0], to[1] // image[1]
    return graph.add(name, Resize(factor, None, bilinear, align_corners), x)


def nearest(graph: Builder, added: Added) -> int | None:
    """Rows or columns that `resize` takes for an image of their number; rows, then columns, are one resize."""
    op, (x,) = added.op, added.inputs
    assert isinstance(op, Gather)
    shape = graph.type_of(x).shape
    if len(shape) != 3 or op.axis == 0 or op.indices != nearest_pixels(shape[op.axis], len(op.indices)):
        return None
    _, height, width = op.infer(graph.type_of(x)).shape
    before = graph.node(x)
    if op.axis == 2 and before and isinstance(before.op, Resize) and not before.op.bilinear:
        (source,) = before.inputs
        x = source if graph.type_of(source).image[1] == shape[2] else x
    return resize(graph, added.name, (height, width), False, False, x)


def every_nth(graph: Builder, added: Added) -> int | None:
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
