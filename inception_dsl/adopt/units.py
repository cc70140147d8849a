"""The layers of a graph as the language has them: a convolution with its norm and its activation is one."""

from __future__ import annotations

from bisect import insort_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from inception_dsl.adopt.tree import Again, Chain, Given, Layer, steps_of
from inception_dsl.interchange.graph import INPUT, Graph, GraphNode, flattened, needed
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
    def arriving(self) -> tuple[int, ...]:
        """The inputs that arrive: all of a join, and the first of a layer."""
        return self.inputs if self.joins else self.inputs[:1]

    @property
    def operands(self) -> dict[str, int]:
        """The other inputs of a layer, which it refers to, by the words that name them."""
        return dict(zip(self.ops[0].operands, self.inputs[1:], strict=True)) if self.ops[0].operands else {}

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

    def given(self, chain: Chain) -> Iterator[int]:
        """The values given before that a chain reads."""
        for step in steps_of(chain):
            if isinstance(step, Given):
                yield step.unit
            elif isinstance(step, Layer):
                yield from self.units[step.unit].operands.values()

    def referred(self, chain: Chain) -> set[int]:
        """The units to which a chain refers: for their values, or to apply them again."""
        return {*self.given(chain)} | {step.first for step in steps_of(chain) if isinstance(step, Again)}


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

    def is_part(outer: int, inner: int) -> bool:
        one, other = units[outer], units[inner]
        alike = one.joins and type(one.ops[0]) is type(other.ops[0]) and readers[inner] == 1
        return alike and (one.out == other.out or isinstance(one.ops[0], Concat))  # a product may repeat pixels

    flat = flattened([unit.inputs for unit in units], is_part)
    return [
        replace(unit, inputs=inputs, nodes=(*unit.nodes, *(node for part in parts for node in units[part].nodes)))
        for unit, (inputs, parts) in zip(units, flat, strict=True)
    ]


def _shared_joins(units: Sequence[Unit]) -> list[Unit]:
    """Concatenations that begin with, or contain, an earlier one read that one, as a dense block is drawn."""
    found: list[Unit] = []
    known: defaultdict[int, list[tuple[tuple[int, ...], int]]] = defaultdict(list)  # by the first input, long ones last
    for index, unit in enumerate(units):
        inputs = unit.inputs
        if isinstance(unit.ops[0], Concat) and inputs:
            inputs = _shortened(inputs, known)
            insort_left(known[unit.inputs[0]], (unit.inputs, index), key=lambda each: len(each[0]))
        found.append(replace(unit, inputs=inputs))
    return found


def _shortened(inputs: tuple[int, ...], known: Mapping[int, Sequence[tuple[tuple[int, ...], int]]]) -> tuple[int, ...]:
    """The inputs of a concatenation with the longest known one among them in place of its own inputs."""
    longest, at, part = 1, 0, INPUT
    for start, first in enumerate(inputs):
        for own, index in reversed(known.get(first, ())):
            if not longest < len(own) < len(inputs):
                continue
            if inputs[start : start + len(own)] == own:
                longest, at, part = len(own), start, index
                break
    return (*inputs[:at], part, *inputs[at + longest :]) if longest > 1 else inputs


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
