"""The layers of a graph as the language has them: a convolution with its norm and its activation is one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from inception_dsl.interchange.graph import INPUT, Graph, GraphNode, needed
from inception_dsl.ir.op import Op, concrete
from inception_dsl.ir.ops.joins import Add, Concat, Mul
from inception_dsl.ir.ops.linear import Conv, ConvTranspose, FullyConnected, LinearLayer
from inception_dsl.ir.ops.norms import Norm
from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.ir.ops.shaping import Flatten, Identity
from inception_dsl.ir.shapes import TensorType
from inception_dsl.spec.vocabulary.words import ACTIVATIONS

JOINS: Final = (Concat, Add, Mul)


@dataclass(frozen=True)
class Unit:
    """A layer, or a join. `inputs` are indices of earlier units, or `INPUT`; `nodes` those of its nodes in the graph.

    `weights` are the names of its tensors in the source, by the place of their op among `ops`.
    """

    ops: tuple[Op, ...]
    inputs: tuple[int, ...]
    nodes: tuple[int, ...]
    arrives: TensorType
    out: TensorType
    weights: tuple[tuple[str, ...], ...] = ()

    @property
    def joins(self) -> bool:
        """Whether it joins branches."""
        return isinstance(self.ops[0], JOINS)

    @property
    def key(self) -> tuple[str, ...]:
        """What layers with the same weights have in common; empty without weights."""
        return tuple(name for names in self.weights for name in names)


@dataclass(frozen=True)
class Units:
    """The layers of a graph in order, and which of them give its outputs, by name; the first is the main one."""

    graph: Graph
    units: tuple[Unit, ...]
    outputs: Mapping[str, int]


def units_of(graph: Graph) -> Units:
    """The layers of a graph that its outputs need."""
    kept = needed([node.inputs for node in graph.nodes], graph.outputs.values())
    readers = Counter(each for index in kept for each in graph.nodes[index].inputs)
    readers.update(graph.outputs.values())
    shares = Counter(_key(graph.nodes[index]) for index in kept)
    units: list[Unit] = []
    given = {INPUT: INPUT}
    for index in kept:
        node = graph.nodes[index]
        inputs = tuple(given[each] for each in node.inputs)
        if _is_nothing(node):
            given[index] = inputs[0]
            continue
        before = units[inputs[0]] if inputs[0] != INPUT and readers[node.inputs[0]] == 1 else None
        if before and before.nodes[-1] == node.inputs[0] and _follows(node, before, shares):
            units[inputs[0]] = _with(before, node, index)
            given[index] = inputs[0]
            continue
        units.append(Unit((node.op,), inputs, (index,), node.types[0], node.out, (_key(node),)))
        given[index] = len(units) - 1
    outputs = {name: given[index] for name, index in graph.outputs.items()}
    return _renumbered(graph, _shared_joins(_flat_joins(units, outputs)), outputs)


def _key(node: GraphNode) -> tuple[str, ...]:
    return tuple(node.weights.values())


def _is_nothing(node: GraphNode) -> bool:
    match node.op:
        case Identity() | Scale(1.0):
            return True
        case Flatten():
            return len(node.types[0].shape) == 1
        case Concat() | Add() | Mul():
            return len(node.inputs) == 1
        case _:
            return False


def _follows(node: GraphNode, before: Unit, shares: Counter[tuple[str, ...]]) -> bool:
    """Whether a node is the norm or the activation of the layer before it. Shared layers stay by themselves."""
    if any(shares[names] > 1 for names in (*before.weights, _key(node)) if names):
        return False
    if isinstance(before.ops[-1], Flatten):  # an image of one pixel is flattened where it is pooled
        return isinstance(node.op, FullyConnected) and before.arrives.size > before.arrives.channels
    layer = next((op for op in before.ops if isinstance(op, LinearLayer)), None)
    if layer is None or isinstance(before.ops[-1], ACTIVATIONS):
        return False
    return isinstance(node.op, ACTIVATIONS) or (isinstance(node.op, Norm) and before.ops[-1] is layer)


def _with(unit: Unit, node: GraphNode, index: int) -> Unit:
    return replace(
        unit,
        ops=(*unit.ops, node.op),
        nodes=(*unit.nodes, index),
        out=node.out,
        weights=(*unit.weights, _key(node)),
    )


def _flat_joins(units: Sequence[Unit], outputs: Mapping[str, int]) -> list[Unit]:
    """Joins of joins that nothing else reads, as one."""
    readers = Counter(each for unit in units for each in unit.inputs)
    readers.update(outputs.values())
    flat: list[Unit] = []
    for unit in units:
        inputs: list[int] = []
        nodes = [*unit.nodes]
        for each in unit.inputs:
            inner = flat[each] if each != INPUT else None
            if inner and unit.joins and type(inner.ops[0]) is type(unit.ops[0]) and readers[each] == 1:
                same = inner.out == unit.out or isinstance(unit.ops[0], Concat)  # a product may repeat pixels
                if same:
                    inputs += inner.inputs
                    nodes += inner.nodes
                    continue
            inputs.append(each)
        flat.append(replace(unit, inputs=tuple(inputs), nodes=tuple(nodes)))
    return flat


def _shared_joins(units: Sequence[Unit]) -> list[Unit]:
    """Concatenations that begin with, or contain, an earlier one read that one, as a dense block is drawn."""
    found: list[Unit] = []
    known: dict[tuple[int, ...], int] = {}
    for index, unit in enumerate(units):
        inputs = unit.inputs
        if isinstance(unit.ops[0], Concat):
            inputs = _shortened(inputs, known)
            known.setdefault(unit.inputs, index)
        found.append(replace(unit, inputs=inputs))
    return found


def _shortened(inputs: tuple[int, ...], known: Mapping[tuple[int, ...], int]) -> tuple[int, ...]:
    for length in range(len(inputs) - 1, 1, -1):
        for start in range(len(inputs) - length + 1):
            if (part := known.get(inputs[start : start + length])) is not None:
                return (*inputs[:start], part, *inputs[start + length :])
    return inputs


def _renumbered(graph: Graph, units: Sequence[Unit], outputs: Mapping[str, int]) -> Units:
    kept = needed([unit.inputs for unit in units], outputs.values())
    new = {INPUT: INPUT, **{old: at for at, old in enumerate(kept)}}
    return Units(
        graph,
        tuple(replace(units[index], inputs=tuple(new[each] for each in units[index].inputs)) for index in kept),
        {name: new[index] for name, index in outputs.items()},
    )


def is_depthwise(unit: Unit) -> bool:
    """Whether a layer is a convolution of every channel by itself."""
    op = unit.ops[0]
    return isinstance(op, Conv | ConvTranspose) and 1 < concrete(op.groups) == unit.arrives.channels
