"""Images brought to another size by their rows and columns."""

from __future__ import annotations

from inception_dsl.interchange.builder import Added, Builder
from inception_dsl.interchange.primitives import Gather
from inception_dsl.interchange.resizing import resize
from inception_dsl.ir.ops.resampling import Resize, nearest_pixels


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
