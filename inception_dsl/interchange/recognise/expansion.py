"""Repeated axes, which a product or a quotient repeats by itself."""

from __future__ import annotations

from inception_dsl.interchange.builder import Added, Builder
from inception_dsl.interchange.primitives import Expand, broadcast
from inception_dsl.ir.shapes import TensorType


def unneeded(graph: Builder, added: Added) -> int | None:
    """An expansion to the shape that a value has already is that value."""
    (index,) = added.inputs
    return index if added.op.infer(graph.type_of(index)) == graph.type_of(index) else None


def of_operand(graph: Builder, added: Added) -> int | None:
    """A product or quotient of the values before they were expanded, if it has the same shape."""
    sources = [_source(graph, index) for index in added.inputs]
    if sources == [*added.inputs] or len(sources) != 2:
        return None
    one, other = (graph.type_of(index).shape for index in sources)
    expanded = added.op.infer(*map(graph.type_of, added.inputs))
    if len(one) != len(other) or broadcast(one, other) != TensorType(expanded.shape):
        return None
    return graph.add(added.name, added.op, *sources)


def _source(graph: Builder, index: int) -> int:
    """What a value was before it was expanded."""
    node = graph.node(index)
    return node.inputs[0] if node and isinstance(node.op, Expand) else index
