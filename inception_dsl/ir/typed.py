"""The lowered network: every call expanded, every width concrete and every shape known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, wraps
from typing import TypeVar

from inception_dsl.ir.op import Op
from inception_dsl.ir.program import Origin, Program
from inception_dsl.ir.shapes import INPUT_PIXEL, ReceptiveFields, TensorType, Weight

Result = TypeVar("Result")

PartPath = tuple[str, ...]
"""Where a part stands in the lowered network; a part of a template has a path for each call of the template."""


@dataclass(frozen=True)
class Node:
    """One op of the flat network. `inputs` are indices of earlier nodes; -1 is the network's input.

    `path` is its name, part by part, in every target: `("inception_3a", "b3x3", "0", "conv")`. It ends in the op's own
    name where its layer has more than one op, and is the prefix of its weights' names. `row` is the row or head that
    it belongs to, `origin` the layer in the module or table that it comes from. A layer that is applied `again` has a
    node for every `use`, of one path and one set of weights.
    """

    path: tuple[str, ...]
    op: Op
    inputs: tuple[int, ...]
    types: tuple[TensorType, ...]
    out: TensorType
    receptive_field: ReceptiveFields
    row: str
    origin: Origin = field(compare=False, repr=False)
    use: int = 1

    @property
    def name(self) -> str:
        """Its path in one word, with the number of its use after the first."""
        return "/".join(self.path) + (f":{self.use}" if self.use > 1 else "")

    @cached_property
    def weights(self) -> dict[str, Weight]:
        """Its tensors, by their names in a state_dict."""
        prefix = ".".join(self.path)
        return {f"{prefix}.{name}": weight for name, weight in self.op.weights(*self.types).items()}

    @property
    def macs(self) -> int:
        """Multiply-adds for one example."""
        return self.op.macs(*self.types)


@dataclass(frozen=True)
class Typed:
    """A lowered network, the only tree that emitters and analyses read.

    `ends` gives the node that a row or head ends with, by name (-1 for the network's input); `arriving` the channels
    that arrive at a layer, a call or a turn of a repeat, by path: a module's first node may read another value.
    """

    program: Program
    input: TensorType
    nodes: tuple[Node, ...]
    ends: Mapping[str, int]
    arriving: Mapping[PartPath, int] = field(default_factory=dict, repr=False)

    def of(self, *rows: str) -> Iterator[Node]:
        """The nodes of some rows or heads, in order."""
        return (node for node in self.nodes if node.row in rows)

    def out(self, row: str) -> TensorType:
        """The output shape of a row or head."""
        end = self.ends[row]
        return self.nodes[end].out if end >= 0 else self.input

    def sees(self, row: str) -> ReceptiveFields:
        """The receptive fields of a pixel of the output of a row or head."""
        end = self.ends[row]
        return self.nodes[end].receptive_field if end >= 0 else INPUT_PIXEL

    @property
    def trunk(self) -> tuple[str, ...]:
        """The names of the rows."""
        return tuple(row.name for row in self.program.rows)

    @property
    def heads(self) -> tuple[str, ...]:
        """The names of the heads."""
        return tuple(head.name for head in self.program.heads)

    @cached_property
    def weights(self) -> dict[str, Weight]:
        """Every tensor of the network, heads included, by its name in a state_dict and in its order."""
        return {name: weight for node in self.nodes for name, weight in node.weights.items()}


def once(analysis: Callable[[Typed], Result]) -> Callable[[Typed], Result]:
    """An analysis that a network computes once and keeps, because several of its outputs ask for it."""
    name = f"{analysis.__module__}.{analysis.__qualname__}"

    @wraps(analysis)
    def kept(typed: Typed) -> Result:
        results = vars(typed)
        if name not in results:
            results[name] = analysis(typed)
        result: Result = results[name]
        return result

    return kept
