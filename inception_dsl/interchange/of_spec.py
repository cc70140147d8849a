"""The graph of a spec."""

from __future__ import annotations

from inception_dsl.interchange.graph import Array, Graph, GraphNode
from inception_dsl.ir.typed import Typed


def of_spec(typed: Typed) -> Graph:
    """The graph of a lowered network: its outputs are `logits`, the last row's, and those of the heads."""
    nodes = tuple(
        GraphNode(
            node.name,
            node.op,
            node.inputs,
            node.types,
            node.out,
            {name.rpartition(".")[2]: name for name in node.weights},
        )
        for node in typed.nodes
    )
    outputs = {"logits": typed.ends[typed.trunk[-1]], **{head: typed.ends[head] for head in typed.heads}}

    def tensor(name: str) -> Array:
        raise KeyError(name)  # a spec has no values

    return Graph(typed.program.file, typed.input, nodes, outputs, tensor)
