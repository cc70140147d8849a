"""Images brought to another size by their rows and columns, or by channels that become pixels."""

from __future__ import annotations

from inception_dsl.interchange.builder import Added, Builder
from inception_dsl.interchange.primitives import Gather, Permute, Reshape
from inception_dsl.interchange.resizing import resize
from inception_dsl.ir.ops.channels import ChannelShuffle
from inception_dsl.ir.ops.resampling import PixelShuffle, PixelUnshuffle, Resize, nearest_pixels


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


def squares(graph: Builder, added: Added) -> int | None:
    """Channels that become the pixels of squares, or the other way, by way of five axes that are permuted."""
    op, turned = added.op, graph.node(added.inputs[0])
    split = graph.node(turned.inputs[0]) if turned and isinstance(turned.op, Permute) else None
    if turned is None or split is None or not isinstance(split.op, Reshape) or len(split.op.shape) != 5:
        return None
    assert isinstance(op, Reshape)
    assert isinstance(turned.op, Permute)
    (x,), axes, order = split.inputs, split.op.shape, turned.op.order
    match graph.type_of(x).shape, order:
        case (channels, height, width), (0, 2, 4, 1, 3) | (2, 4, 0, 1, 3):
            factor = axes[2]
            if (axes[0], axes[4], axes[1] * factor, axes[3] * factor) != (channels, factor, height, width):
                return None
            if op.shape != (channels * factor**2, axes[1], axes[3]):
                return None
            pixels = graph.add(added.name, PixelUnshuffle(factor), x)
            return pixels if order[0] == 0 else graph.add(f"{added.name}/shuffle", ChannelShuffle(channels), pixels)
        case (channels, height, width), (0, 3, 1, 4, 2) | (2, 3, 0, 4, 1):
            factor, wanted = axes[1], axes[order[0]]
            square = axes[1:3] if order[0] == 0 else axes[:2]
            if square != (factor, factor) or axes[3:] != (height, width) or wanted * factor**2 != channels:
                return None
            if op.shape != (wanted, height * factor, width * factor):
                return None
            if order[0] != 0:
                x = graph.add(f"{added.name}/shuffle", ChannelShuffle(factor**2), x)
            return graph.add(added.name, PixelShuffle(factor), x)
        case _:
            return None
