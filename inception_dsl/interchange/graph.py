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
    """An operation that the language cannot say: what its source calls it, its parameters, and its output shape."""

    name = "opaque"
    kind: str
    parameters: str
    out: TensorType

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


@dataclass(frozen=True)
class Graph:
    """A network: its nodes in an order in which they can run, and the outputs by name, of which the first is the main.

    `tensor` gives the values of a weight by the source's name; it raises `KeyError` for one without values. `classes`
    are the names of the classes of the source's modules, by the path of the module; `computed` are the weights that the
    source makes of others when it runs.
    """

    source: str
    input: TensorType
    nodes: tuple[GraphNode, ...]
    outputs: Mapping[str, int]
    tensor: Callable[[str], Array] = field(compare=False, repr=False)
    classes: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    computed: frozenset[str] = field(default=frozenset(), compare=False, repr=False)

    @property
    def output(self) -> int:
        """The index of the main output."""
        return next(iter(self.outputs.values()))

    def type_of(self, index: int) -> TensorType:
        """The shape of a node's output, or of the input."""
        return self.nodes[index].out if index != INPUT else self.input


def needed(inputs: Sequence[Sequence[int]], ends: Iterable[int]) -> list[int]:
    """The indices that some ends need, in order, where `inputs` are those that every index reads."""
    found = set(ends)
    for index in range(len(inputs) - 1, -1, -1):
        if index in found:
            found.update(inputs[index])
    return sorted(found - {INPUT})
