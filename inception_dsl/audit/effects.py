"""What an edit does to the numbers of a network: its parameters and multiply-adds, with what follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from inception_dsl.analysis.cost import Work, work
from inception_dsl.interchange.graph import INPUT, Graph, GraphNode, needed
from inception_dsl.ir.op import Op, concrete
from inception_dsl.ir.ops.linear import Conv, ConvTranspose, LinearLayer
from inception_dsl.ir.shapes import ShapeError, TensorType


class Count(NamedTuple):
    """Trained parameters, and multiply-adds for one example."""

    params: int = 0
    macs: int = 0

    def minus(self, other: Count) -> Count:
        """The difference of two counts."""
        return Count(self.params - other.params, self.macs - other.macs)


def count(graph: Graph, ops: Mapping[int, Op] | None = None, ends: Iterable[int] | None = None) -> Count:
    """Count what the main output needs, or other `ends`; `ops` stand in place of those of some nodes.

    Shapes follow from the ops. Raises `ShapeError` if one cannot take what arrives.
    """
    ops = ops or {}
    types: dict[int, TensorType] = {INPUT: graph.input}
    params = macs = 0
    seen: set[tuple[str, ...]] = set()
    for index in needed([node.inputs for node in graph.nodes], [graph.output] if ends is None else ends):
        node = graph.nodes[index]
        arriving = tuple(types[each] for each in node.inputs)
        op = adapted(ops.get(index, node.op), node.types, arriving)
        types[index] = op.infer(*arriving)
        own = work(op, arriving)
        macs += own.macs
        tensors = tuple(node.weights.values())
        if tensors not in seen:  # a layer that is applied again has one set of weights
            params += own.params
        seen.update([tensors] if tensors else [])
    return Count(params, macs)


def own_count(nodes: Iterable[GraphNode]) -> Count:
    """Count some layers by themselves, on what arrives at them."""
    works = [work(node.op, node.types) for node in nodes]
    return Count(sum(each.params for each in works), sum(each.macs for each in works))


def in_place_of(chain: Sequence[GraphNode], others: Sequence[GraphNode]) -> Count:
    """What layers, one after the other, count more than those of a chain do, on what arrives at that.

    The last has the width and the bias of the chain's last, for these are other edits.
    """
    end, last = others[-1].op, chain[-1].op
    if isinstance(end, LinearLayer) and isinstance(last, LinearLayer):
        end = replace(end, width=last.width, bias=last.bias)
    arriving, works = chain[0].types, list[Work]()
    try:
        for node, op in zip(others, [*(node.op for node in others[:-1]), end], strict=True):
            fitting = adapted(op, node.types, arriving)
            works.append(work(fitting, arriving))
            arriving = (fitting.infer(*arriving),)
    except (ShapeError, ValueError):
        return own_count(others).minus(own_count(chain))
    count = Count(sum(each.params for each in works), sum(each.macs for each in works))
    return count.minus(own_count(chain))


def effect(graph: Graph, ops: Mapping[int, Op]) -> Count:
    """What a network counts more with other ops in some places.

    Where the edited network has no shapes, because the edit is one of several that belong together, it is what the
    edited layers count more by themselves.
    """
    ends = graph.outputs.values()
    try:
        return count(graph, ops, ends).minus(count(graph, ends=ends))
    except ShapeError:
        nodes = [graph.nodes[index] for index in ops]
        edited = [replace(graph.nodes[index], op=op) for index, op in ops.items()]
        return own_count(edited).minus(own_count(nodes))


def adapted(op: Op, types: tuple[TensorType, ...], arriving: tuple[TensorType, ...]) -> Op:
    """An op for other inputs than it has: a depthwise convolution stays one."""
    if isinstance(op, Conv | ConvTranspose) and types != arriving and 1 < concrete(op.groups) == types[0].channels:
        channels = arriving[0].channels
        return replace(op, groups=channels, width=concrete(op.width) // types[0].channels * channels)
    return op
