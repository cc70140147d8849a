"""Images whose pixels a source puts where a pool found its maxima."""

from __future__ import annotations

from dataclasses import dataclass

from inception_dsl.interchange.builder import Builder
from inception_dsl.interchange.graph import Unsupported
from inception_dsl.interchange.primitives import Ones, Primitive
from inception_dsl.ir.ops.joins import Mul
from inception_dsl.ir.ops.pooling import MaxPlaces
from inception_dsl.ir.ops.resampling import Resize
from inception_dsl.ir.shapes import Pair, TensorType, Window, pool_shape


@dataclass(frozen=True)
class MaxIndices(Primitive):
    """Where the maxima under a window are, as a pool gives it beside them."""

    name = "max_indices"
    window: Window

    def infer(self, *inputs: TensorType) -> TensorType:
        return pool_shape(self.window, inputs[0])


def unpool(graph: Builder, name: str, x: int, indices: int, size: Pair) -> int:
    """Add a product of an enlarged image with the places of the maxima, and give its index.

    Raises `Unsupported` for indices that no pool gives, and for windows that do not lie side by side on the image.
    """
    pool = graph.node(indices)
    if pool is None or not isinstance(pool.op, MaxIndices) or graph.type_of(pool.inputs[0]).image != size:
        raise Unsupported("the language unpools to the places of a pool of the same size")
    window, (image,) = pool.op.window, pool.inputs
    if isinstance(graph.op(x), Ones):
        return graph.add(name, MaxPlaces(window), image)
    if Resize(window.stride).infer(graph.type_of(x)) != graph.type_of(image) or window.kernel != window.stride:
        raise Unsupported("the language unpools windows that lie side by side and cover the image")
    places = graph.add(f"{name}/places", MaxPlaces(window), image)
    return graph.add(name, Mul(), graph.add(f"{name}/larger", Resize(window.stride), x), places)
