"""What a network does to its images before its first layer, which a spec leaves to the preprocessing of images."""

from __future__ import annotations

from dataclasses import replace

from inception_dsl.interchange.description import passes
from inception_dsl.interchange.graph import INPUT, Graph, GraphNode
from inception_dsl.ir.ops.scaling import Affine, Scale
from inception_dsl.ir.ops.shaping import Identity


def without_preprocessing(graph: Graph) -> Graph | None:
    """A graph whose image is scaled and shifted by numbers of its source, without that; None for others."""
    nodes, end, found = [*graph.nodes], INPUT, False
    while len(readers := [at for at, node in enumerate(nodes) if end in node.inputs]) == 1:
        (end,) = readers
        node = nodes[end]
        if _is_arithmetic(node, graph):
            nodes[end], found = replace(node, op=Identity(), weights={}), True
        elif not passes(node):
            break
    return replace(graph, nodes=tuple(nodes)) if found else None


def _is_arithmetic(node: GraphNode, graph: Graph) -> bool:
    """Whether a node computes with numbers that are not trained."""
    return isinstance(node.op, Scale | Affine) and graph.computed.issuperset(node.weights.values())
