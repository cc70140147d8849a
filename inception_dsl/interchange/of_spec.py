"""The graph of a spec, built as the readers build those of other tools, so that layers are recognised alike."""

from __future__ import annotations

from dataclasses import replace

from inception_dsl.interchange.builder import Builder
from inception_dsl.interchange.constant import Constant
from inception_dsl.interchange.graph import INPUT, Graph
from inception_dsl.interchange.recognise.patterns import PATTERNS
from inception_dsl.ir.typed import Typed


def of_spec(typed: Typed) -> Graph:
    """The graph of a lowered network, with the row and the place in the spec of every node.

    Its outputs are `logits`, the last row's, and those of the heads. Its weights have no values.
    """
    builder = Builder(typed.input, PATTERNS)
    given = {INPUT: INPUT}  # the value that a node of the network gives
    for index, node in enumerate(typed.nodes):
        names = {name.rpartition(".")[2]: Constant(name, weight.shape) for name, weight in node.weights.items()}
        given[index] = builder.add(node.name, node.op, *(given[each] for each in node.inputs), **names)
    ends = {"logits": typed.ends[typed.trunk[-1]], **{head: typed.ends[head] for head in typed.heads}}
    graph = builder.finish(typed.program.file, {name: given[end] for name, end in ends.items()})
    written = {node.name: node for node in typed.nodes}
    places = (written.get(node.name) or written[node.name.rpartition("/")[0]] for node in graph.nodes)
    nodes = (replace(node, row=at.row, origin=at.origin) for node, at in zip(graph.nodes, places, strict=True))
    return replace(graph, nodes=tuple(nodes))
