"""Images that a source brings to another size."""

from __future__ import annotations

from inception_dsl.interchange.builder import Builder
from inception_dsl.ir.ops.resampling import Resize
from inception_dsl.ir.shapes import Pair


def resize(graph: Builder, name: str, to: Pair, bilinear: bool, align_corners: bool, x: int) -> int:
    """Add a resize to a size, by a factor where that is whole, and give its index."""
    image = graph.type_of(x).image
    if any(out % size for out, size in zip(to, image, strict=True)):
        return graph.add(name, Resize(None, to, bilinear, align_corners), x)
    factor = to[0] // image[0], to[1] // image[1]
    return graph.add(name, Resize(factor, None, bilinear, align_corners), x)
