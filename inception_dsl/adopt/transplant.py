"""The weights of a source under the names of the spec that was adopted from it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from inception_dsl.adopt.spec import Adopted
from inception_dsl.ir.typed import Typed

if TYPE_CHECKING:
    from inception_dsl.interchange.graph import Array, Graph


def names_of(spec: Adopted, typed: Typed) -> dict[str, str]:
    """The source's name of every tensor of a network, by the network's own, for the network compiled from the spec.

    Layers with weights come in one order in both. Raises `ValueError` where they do not.
    """
    graph = spec.network.graph
    theirs = [
        graph.nodes[index]
        for unit in spec.order
        for index in spec.network.units[unit].nodes
        if graph.nodes[index].weights
    ]
    ours = [node for node in typed.nodes if node.op.weights(*node.types)]
    found: dict[str, str] = {}
    for node, other in zip(ours, theirs, strict=True):
        if type(node.op) is not type(other.op):
            raise ValueError(f"`{node.name}` is a {node.op.name}, and `{other.name}` a {other.op.name}")
        for name in node.weights:
            found[name] = other.weights[name.rpartition(".")[2]]
    return found


def transplanted(source: Graph, typed: Typed, names: Mapping[str, str]) -> dict[str, Array] | None:
    """A source's weights by the network's names, in the network's shapes; None where the source has no values.

    `names` gives the source's name of a tensor, by the network's own.
    """
    try:
        return {
            ours: source.tensor(theirs).reshape(typed.weights[ours].shape).astype("float32", copy=False)
            for ours, theirs in names.items()
        }
    except KeyError:
        return None
