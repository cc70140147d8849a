"""A network as a flat graph of ops, wherever it comes from: a spec, an ONNX file, a torch module."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from numpy.typing import NDArray

from inception_dsl.ir.op import Op
from inception_dsl.ir.program import Origin
from inception_dsl.ir.shapes import TensorType

Array = NDArray[Any]

INPUT: Final = -1
"""The index of a graph's input."""


class Unsupported(Exception):
    """An op of a source that the language cannot say, and why."""


@dataclass(frozen=True)
class Opaque(Op):
    """An operation that the language cannot say: what its source calls it, its parameters, and its output shape.

    `known` is the op below the language's that a reader took it for, if any.
    """

    name = "opaque"
    kind: str
    parameters: str
    out: TensorType
    known: Op | None = field(default=None, compare=False, repr=False)

    def infer(self, *inputs: TensorType) -> TensorType:
        return self.out


@dataclass(frozen=True)
class GraphNode:
    """One op. `name` is what the source calls it; `inputs` are indices of earlier nodes, or `INPUT`.

    `weights` gives the source's name of a tensor by the name that the op has for it (`weight`, `running_mean`). Nodes
    with the same tensors share them. `scope` is the path of the module that it stands in, where the source says it. In
    the graph of a spec, `row` is the row or head, `origin` the layer in the file.
    """

    name: str
    op: Op
    inputs: tuple[int, ...]
    types: tuple[TensorType, ...]
    out: TensorType
    weights: Mapping[str, str] = field(default_factory=dict)
    scope: str = field(default="", compare=False)
    row: str = field(default="", compare=False)
    origin: Origin = field(default=None, compare=False, repr=False)


def as_they_are(_: str, values: Array) -> Array:
    """The form of a source that keeps its weights as a graph has them."""
    return values


@dataclass(frozen=True)
class Graph:
    """A network: its nodes in an order in which they can run, and the outputs by name, of which the first is the main.

    `tensor` gives the values of a weight by the source's name; it raises `KeyError` for one without values. `stored`
    gives values of a weight the form in which the source keeps it. `classes` are the names of the classes of the
    source's modules, by the path of the module; `computed` gives what those weights are that the source makes of others
    when it runs. `notes` say what its reader could not see.
    """

    source: str
    input: TensorType
    nodes: tuple[GraphNode, ...]
    outputs: Mapping[str, int]
    tensor: Callable[[str], Array] = field(compare=False, repr=False)
    stored: Callable[[str, Array], Array] = field(default=as_they_are, compare=False, repr=False)
    classes: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    computed: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    notes: tuple[str, ...] = field(default=(), compare=False, repr=False)

    @property
    def output(self) -> int:
        """The index of the main output."""
        return next(iter(self.outputs.values()))

    @property
    def unsaid(self) -> Mapping[str, tuple[GraphNode, ...]]:
        """The outputs for which opaque nodes are needed, with these."""
        inputs = [node.inputs for node in self.nodes]
        found = {}
        for name, end in self.outputs.items():
            nodes = tuple(self.nodes[index] for index in needed(inputs, [end]))
            if opaque := tuple(node for node in nodes if isinstance(node.op, Opaque)):
                found[name] = opaque
        return found

    def type_of(self, index: int) -> TensorType:
        """The shape of a node's output, or of the input."""
        return self.nodes[index].out if index != INPUT else self.input


def flattened(
    inputs: Sequence[Sequence[int]], absorbs: Callable[[int, int], bool]
) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """The inputs of every index with those of its parts in their place, and the parts: `(a + b) + c` is `a + b + c`.

    `inputs` are the earlier indices that every index reads; `absorbs(outer, inner)` says whether an input is a part of
    its reader, which has to be its only one. A part has no inputs any more.
    """
    found: list[tuple[tuple[int, ...], tuple[int, ...]]] = [((), ())] * len(inputs)
    absorbed: set[int] = set()
    for index in range(len(inputs) - 1, -1, -1):
        if index in absorbed:
            continue
        read: list[int] = []
        parts: list[int] = []
        ahead = [(index, each) for each in reversed(inputs[index])]
        while ahead:
            outer, inner = ahead.pop()
            if inner != INPUT and absorbs(outer, inner):
                parts.append(inner)
                ahead += [(inner, each) for each in reversed(inputs[inner])]
            else:
                read.append(inner)
        absorbed.update(parts)
        found[index] = tuple(read), tuple(parts)
    return found


def needed(inputs: Sequence[Sequence[int]], ends: Iterable[int]) -> list[int]:
    """The indices that some ends need, in order, where `inputs` are those that every index reads."""
    found = set(ends)
    for index in range(len(inputs) - 1, -1, -1):
        if index in found:
            found.update(inputs[index])
    return sorted(found - {INPUT})
