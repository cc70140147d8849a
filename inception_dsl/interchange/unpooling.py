"""Images whose pixels a source puts where a pool found its maxima."""

from __future__ import annotations

from dataclasses import dataclass

from inception_dsl.interchange.builder import Builder
from inception_dsl.interchange.graph import Unsupported
from inception_dsl.interchange.primitives import Primitive
from inception_dsl.ir.ops.pooling import Unpool
from inception_dsl.ir.shapes import Pair, TensorType, Window, pool_shape


@dataclass(frozen=True)
class MaxIndices(Primitive):
    """Where the maxima under a window are, as a pool gives it beside them."""

    name = "max_indices"
    window: Window

    def infer(self, *inputs: TensorType) -> TensorType:
        return pool_shape(self.window, inputs[0])


def unpool(graph: Builder, name: str, x: int, indices: int, size: Pair) -> int:
    """Add an image unpooled to one of a size, and give its index. Raises `Unsupported` for indices of another image."""
    pool = graph.node(indices)
    if pool is None or not isinstance(pool.op, MaxIndices) or graph.type_of(pool.inputs[0]).image != size:
        raise Unsupported("the language unpools to the places of a pool of an image of the same size")
    return graph.add(name, Unpool(pool.op.window), x, *pool.inputs)
