"""The trees of the compiler: `Program` (templates with open widths, and calls that fill them), `Typed` (flat, shaped).

A module of a paper stays one `Template`, so that an emitter can print one class per module and one line per row;
`Typed` is the same network with every call expanded, every width closed and every shape known.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from inception_dsl.diagnostics import Diagnostic, Span
from inception_dsl.ops import Op
from inception_dsl.shapes import Fields, TensorType, Weight
from inception_dsl.values import Scalar, Width

Origin = Span | None  # where in the spec a part was written; None for what no spec wrote


def _origin() -> Origin:
    return field(default=None, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True)
class Layer:
    """One word of the language: its op, then the norm and the activation that its words add (`conv 3x3 64 bn relu`)."""

    ops: tuple[Op, ...]
    origin: Origin = _origin()


@dataclass(frozen=True)
class Call:
    """A module used as a layer: the template, and what fills its open widths."""

    template: str
    args: tuple[tuple[str, Width], ...] = ()
    origin: Origin = _origin()


@dataclass(frozen=True)
class Sequence:
    """Parts, one after the other; `()` is `pass`, the input itself."""

    parts: tuple[Part, ...]
    origin: Origin = _origin()


@dataclass(frozen=True)
class Join:
    """Branches that read the same input, joined by an op: `Concat` or `Add`."""

    op: Op
    branches: tuple[Part, ...]
    origin: Origin = _origin()


@dataclass(frozen=True)
class Repeat:
    """A body, `count` times in a row, each time with weights of its own."""

    count: int
    body: Body
    origin: Origin = _origin()


@dataclass(frozen=True)
class Absent:
    """A layer that was left out because its width is empty or 0; a pass removes it, and branches with nothing left."""

    origin: Origin = _origin()


Body = Layer | Call | Sequence | Join | Repeat | Absent


@dataclass(frozen=True)
class Part:
    """A named step or branch. `label` is what the spec calls it; `name` its part of every weight's name.

    The name is given by the pass `assign_names`; the empty name adds nothing to a weight's name (the part is opened
    up in its owner's `forward`).
    """

    label: str
    body: Body
    name: str = ""


@dataclass(frozen=True)
class Template:
    """A module specialised in structure and open in widths; `params` are the names its calls fill, in order."""

    name: str
    module: str
    params: tuple[str, ...]
    body: Body
    doc: str = ""
    origin: Origin = _origin()


@dataclass(frozen=True)
class Row:
    """One row of the paper's table; `layer` is its formula as written."""

    name: str
    body: Body
    layer: str = field(default="", compare=False)
    origin: Origin = _origin()


@dataclass(frozen=True)
class Head:
    """A classifier that leaves the trunk after row `source` and trains beside it."""

    name: str
    source: str
    loss_weight: float
    body: Body
    origin: Origin = _origin()


class Paper(NamedTuple):
    """Where the table was printed."""

    title: str = ""
    authors: str = ""
    year: int | None = None
    arxiv: str = ""
    table: str = ""
    figure: str = ""


@dataclass(frozen=True)
class Claim:
    """A number the paper prints: a cell of the table, or of the totals (`row` is then "totals"); `text` verbatim.

    `inherited` is the row of the base that it is printed of, where a variant has it from there.
    """

    row: str
    column: str
    text: str
    inherited: str = field(default="", compare=False)
    origin: Origin = _origin()


class Column(NamedTuple):
    """How a printed column counts.

    `measure` is what it counts (see `published.MEASURES`), `unit` what its suffix stands for (1024: K is 1024, M is
    1024^2), `rounding` how the paper rounds ("either" is nearest or down), `bias` whether biases are parameters.
    """

    measure: str
    unit: int = 1000
    rounding: str = "either"
    bias: bool = True


@dataclass(frozen=True)
class Erratum:
    """Why the paper is wrong in the cell `row`.`column`; `inherited` says that a variant has it from its base."""

    row: str
    column: str
    reason: str
    inherited: bool = field(default=False, compare=False)
    origin: Origin = _origin()


@dataclass(frozen=True)
class Published:
    """What the paper prints of a network: columns by name, claims in the order of the table, known errata.

    `dropped` are claims about its base that do not describe a variant.
    """

    columns: Mapping[str, Column] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    errata: tuple[Erratum, ...] = ()
    dropped: tuple[Claim, ...] = ()


@dataclass(frozen=True)
class Fill:
    """How some weights begin: drawn from a distribution with its `values`; biases are `bias`, a batch norm's shift too.

    `path` is a layer's word (`conv`), or what the names of the weights begin with (`aux1.conv`).
    """

    path: str
    distribution: str
    values: tuple[tuple[str, float | str], ...] = ()
    bias: float = 0.0
    origin: Origin = _origin()


class Init(NamedTuple):
    """How the weights begin, and the section or file that states it."""

    source: str
    fills: tuple[Fill, ...]


@dataclass(frozen=True)
class Program:
    """A network as templates and rows. `env` holds what closes the network's own widths: `classes`.

    `init` is None where none is stated. `training` is the recipe, as validated by `spec.training_schema`.
    """

    name: str
    file: str
    title: str
    paper: Paper
    input: TensorType
    env: Mapping[str, Scalar]
    templates: Mapping[str, Template]
    rows: tuple[Row, ...]
    heads: tuple[Head, ...] = ()
    published: Published = field(default_factory=Published)
    init: Init | None = None
    training: Mapping[str, Any] = field(default_factory=dict)
    warnings: tuple[Diagnostic, ...] = field(default=(), compare=False, repr=False)

    @property
    def entries(self) -> tuple[Row | Head, ...]:
        """The rows, then the heads."""
        return (*self.rows, *self.heads)


@dataclass(frozen=True)
class Node:
    """One op of the flat network. `inputs` are indices of earlier nodes; -1 is the network's input.

    `path` is its name, part by part, in every target: `("inception_3a", "b3x3", "0", "conv")`; `owner` is the same
    without the op's own name where the op is alone among its layer's ops in having weights, and so the prefix of its
    weights' names. `row` is the row or head it belongs to, `origin` the layer in the module or table it comes from.
    """

    path: tuple[str, ...]
    owner: tuple[str, ...]
    op: Op
    inputs: tuple[int, ...]
    types: tuple[TensorType, ...]
    out: TensorType
    seen: Fields
    row: str
    origin: Origin = field(compare=False, repr=False)

    @cached_property
    def weights(self) -> dict[str, Weight]:
        """The tensors it owns, by their names in a state_dict."""
        prefix = ".".join(self.owner)
        return {f"{prefix}.{name}": weight for name, weight in self.op.weights(*self.types).items()}

    @property
    def macs(self) -> int:
        """Multiply-adds for one example."""
        return self.op.macs(*self.types)


@dataclass(frozen=True)
class Typed:
    """A network flat, bound and shaped: the only tree that emitters and the accounting read.

    `ends` gives the node that a row or head ends with, by name (-1 for the network's input).
    """

    program: Program
    input: TensorType
    nodes: tuple[Node, ...]
    ends: Mapping[str, int]

    def of(self, *rows: str) -> Iterator[Node]:
        """The nodes of some rows or heads, in order."""
        return (node for node in self.nodes if node.row in rows)

    def out(self, row: str) -> TensorType:
        """The shape that a row or head gives."""
        end = self.ends[row]
        return self.nodes[end].out if end >= 0 else self.input

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
