"""What a network does to its images before its first layer, which a spec leaves to the preprocessing of images."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from inception_dsl.interchange.description import passes
from inception_dsl.interchange.graph import INPUT, Graph, GraphNode
from inception_dsl.ir.ops.scaling import Affine, Scale
from inception_dsl.ir.ops.shaping import Identity


def preprocessing(target: Graph, spec: Graph) -> tuple[int, ...]:
    """The nodes in which a target scales and shifts its image, in order; none where the spec's network does so too."""
    return _arithmetic(target) if not _arithmetic(spec) else ()


def without(graph: Graph, nodes: Collection[int]) -> Graph:
    """A graph in which some nodes pass on what they read."""
    passing = (replace(node, op=Identity(), weights={}) if at in nodes else node for at, node in enumerate(graph.nodes))
    return replace(graph, nodes=tuple(passing))


def _arithmetic(graph: Graph) -> tuple[int, ...]:
    """The nodes before the first layer that compute with numbers of the source, which are not trained."""
    end, found = INPUT, []
    while len(readers := [at for at, node in enumerate(graph.nodes) if end in node.inputs]) == 1:
        (end,) = readers
        node = graph.nodes[end]
        if _is_arithmetic(node, graph):
            found.append(end)
        elif not passes(node):
            break
    return tuple(found)


def _is_arithmetic(node: GraphNode, graph: Graph) -> bool:
    return isinstance(node.op, Scale | Affine) and all(name in graph.computed for name in node.weights.values())
