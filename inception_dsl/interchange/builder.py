"""A graph under construction: a reader adds ops in order, and what it adds is recognised as layers on the way."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from inception_dsl.diagnostics.codes.shapes import WRONG_RANK
from inception_dsl.interchange.constant import Constant
from inception_dsl.interchange.graph import INPUT, Graph, GraphNode, Opaque, needed
from inception_dsl.interchange.primitives import Primitive, Reshape
from inception_dsl.ir.op import Op
from inception_dsl.ir.shapes import ShapeError, TensorType

Weights = Mapping[str, Constant]


@dataclass(frozen=True)
class Added:
    """An op that is about to be added: what the source calls it, what it reads, and its tensors by the op's names.

    `scope` is the path of the source's module that it stands in.
    """

    name: str
    op: Op
    inputs: tuple[int, ...]
    weights: Weights = field(default_factory=dict)
    scope: str = ""


Pattern = Callable[["Builder", Added], int | None]
"""Looks for a layer that an op completes: adds it in place of the op and gives its index, or None."""


class Builder:
    """The nodes so far; their indices are the values that a reader passes on."""

    def __init__(self, input_: TensorType, patterns: Mapping[type[Op], tuple[Pattern, ...]]) -> None:
        self.input = input_
        self.nodes: list[Added] = []
        self.types: list[TensorType] = []
        self.found: dict[tuple[str, int], int | None] = {}
        """What patterns have found about values, by the kind of the finding."""
        self.elements_moved = 0
        """The elements that patterns have followed through moves, whose number is bounded."""
        self.scope = ""
        """The path of the source's module that is being read."""
        self.classes: dict[str, str] = {}
        self._patterns = patterns

    def add(self, name: str, op: Op, *inputs: int, **weights: Constant) -> int:
        """Add an op, or the layer that it completes, and give its index.

        Raises `ShapeError` for inputs that it cannot take.
        """
        added = Added(name, op, inputs, weights, self.scope)
        out = op.infer(*(self.type_of(index) for index in inputs))
        for pattern in self._patterns.get(type(op), ()):
            found = pattern(self, added)
            if found is not None:
                return found
        return self._append(added, out)

    def opaque(self, name: str, kind: str, parameters: str, out: TensorType, *inputs: int) -> int:
        """Add what the language cannot say."""
        return self._append(Added(name, Opaque(kind, parameters, out), inputs, scope=self.scope), out)

    def enter(self, scopes: Iterable[tuple[str, str]]) -> None:
        """Read on in a module of the source: its path and class, after those of the modules around it."""
        self.scope = ""
        for self.scope, kind in scopes:
            self.classes[self.scope] = kind.rpartition(".")[2]

    def _append(self, added: Added, out: TensorType) -> int:
        for name, weight in added.op.weights(*map(self.type_of, added.inputs)).items():
            if name in added.weights and added.weights[name].size != math.prod(weight.shape):
                message = f"its {name} has the shape {added.weights[name].shape}, and not {weight.shape}"
                raise ShapeError(WRONG_RANK, message)
        self.nodes.append(added)
        self.types.append(out)
        return len(self.nodes) - 1

    def type_of(self, index: int) -> TensorType:
        """The shape of a value."""
        return self.types[index] if index != INPUT else self.input

    def node(self, index: int) -> Added | None:
        """What gives a value; None for the input."""
        return self.nodes[index] if index != INPUT else None

    def op(self, index: int) -> Op | None:
        """The op that gives a value; None for the input."""
        return self.nodes[index].op if index != INPUT else None

    def finish(self, source: str, outputs: Mapping[str, int]) -> Graph:
        """The graph of what the outputs need; a primitive outside a layer is opaque, unless a layer says the same.

        What only gives the numbers of an output another shape is left out.
        """
        outputs = {name: self._shapeless(index) for name, index in outputs.items()}
        tensors: dict[str, Constant] = {}
        nodes: list[GraphNode] = []
        new = {INPUT: INPUT}
        for index in needed([node.inputs for node in self.nodes], outputs.values()):
            added = self.nodes[index]
            names = {key: _named(constant, tensors) for key, constant in added.weights.items()}
            inputs = tuple(new[each] for each in added.inputs)
            types = tuple(map(self.type_of, added.inputs))
            for number, op in enumerate(self._written(index), 1):
                name, out = f"{added.name}/{number}" if number > 1 else added.name, op.infer(*types)
                nodes.append(GraphNode(name, op, inputs, types, out, names, added.scope))
                inputs, types = (len(nodes) - 1,), (out,)
            new[index] = len(nodes) - 1
        return Graph(
            source,
            self.input,
            tuple(nodes),
            {name: new[index] for name, index in outputs.items()},
            lambda name: tensors[name].values,
            lambda name, values: tensors[name].stored(values),
            self.classes,
            {name: constant.computed for name, constant in tensors.items() if constant.computed},
        )

    def _shapeless(self, index: int) -> int:
        """A value before it was reshaped, if that is not what a layer does."""
        while index != INPUT and isinstance(self.nodes[index].op, Reshape):
            (index,) = self.nodes[index].inputs
        return index

    def _written(self, index: int) -> tuple[Op, ...]:
        """The layers of a value."""
        op = self.nodes[index].op
        if not isinstance(op, Primitive):
            return (op,)
        layers = op.written(*map(self.type_of, self.nodes[index].inputs))
        return layers or (Opaque(op.called, op.parameters, self.types[index], op),)


def _named(constant: Constant, tensors: dict[str, Constant]) -> str:
    """The name of a tensor in a graph: its own, with a number where another tensor was made of the same one."""
    name, number = constant.name, 1
    while tensors.setdefault(name, constant).key != constant.key:
        number += 1
        name = f"{constant.name}:{number}"
    return name
