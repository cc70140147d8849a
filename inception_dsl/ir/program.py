"""A network as its paper writes it: templates with symbolic widths, and rows that call them.

A module of a paper stays one `Template`, so that an emitter can print one class per module and one line per row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple

from inception_dsl.diagnostics.diagnostic import Diagnostic, Span
from inception_dsl.ir.op import Op
from inception_dsl.ir.results import Result
from inception_dsl.ir.shapes import TensorType
from inception_dsl.ir.values import Scalar, Width

Origin = Span | None  # where in the spec a part was written; None for what no spec wrote


def _origin() -> Origin:
    return field(default=None, compare=False, repr=False, kw_only=True)


@dataclass(frozen=True)
class Layer:
    """One word of the language: its op, then the norm and the activation that its words add (`conv 3x3 64 bn relu`).

    `tensors` are the values given before that its op reads beside what arrives, by the words that name them.
    """

    ops: tuple[Op, ...]
    tensors: tuple[tuple[str, Reference], ...] = ()
    origin: Origin = _origin()


@dataclass(frozen=True)
class Call:
    """A module used as a layer: the template, the arguments for its symbolic widths, and values given before."""

    template: str
    args: tuple[tuple[str, Width], ...] = ()
    tensors: tuple[tuple[str, Reference], ...] = ()
    origin: Origin = _origin()


@dataclass(frozen=True)
class Sequence:
    """Parts, one after the other; `()` is `pass`, the input itself."""

    parts: tuple[Part, ...]
    origin: Origin = _origin()


@dataclass(frozen=True)
class Join:
    """Branches that read the same input, joined by an op: `Concat`, `Add` or `Mul`."""

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
class Reference:
    """A value given before, in place of what arrives: of a labelled `step` of the same body, or of an earlier `row`.

    Inside a template it may be that of an `argument`, which every call gives.
    """

    name: str
    kind: Literal["step", "row", "argument"]
    origin: Origin = _origin()


@dataclass(frozen=True)
class Again:
    """The step of the same body that has a label, applied once more, with the same weights."""

    label: str
    origin: Origin = _origin()


@dataclass(frozen=True)
class Dropped:
    """A layer left out because its width is empty or 0; the pass `drop_empty` removes it."""

    origin: Origin = _origin()


Body = Layer | Call | Sequence | Join | Repeat | Reference | Again | Dropped


@dataclass(frozen=True)
class Part:
    """A named step or branch. `label` is what the spec calls it; `name` its part of every weight's name.

    The pass `assign_names` gives the name. An empty name adds nothing to a weight's name: the part is inlined in its
    owner's `forward`.
    """

    label: str
    body: Body
    name: str = ""


@dataclass(frozen=True)
class Template:
    """A module specialised in structure, with symbolic widths.

    Calls bind the names in `params` to widths and those in `tensors` to values given before, in these orders.
    """

    name: str
    module: str
    params: tuple[str, ...]
    body: Body
    doc: str = ""
    tensors: tuple[str, ...] = ()
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


TOTALS: Final = "totals"
"""The `row` of claims about the whole trunk."""


@dataclass(frozen=True)
class Claim:
    """A number the paper prints: a cell of the table, or of the totals (`row` is then `TOTALS`); `text` verbatim.

    `inherited` is the row of the base that it was printed for, in a variant that inherits it.
    """

    row: str
    column: str
    text: str
    inherited: str = field(default="", compare=False)
    origin: Origin = _origin()


class Column(NamedTuple):
    """How a printed column counts.

    `measure` is the quantity (see `paper.verdicts.MEASURES`), `unit` the value of the suffix K (1024: M is 1024^2),
    `rounding` how the paper rounds ("either" is nearest or down), `bias` whether biases are parameters.
    """

    measure: str
    unit: int = 1000
    rounding: str = "either"
    bias: bool = True


@dataclass(frozen=True)
class Erratum:
    """Why the paper is wrong in the cell `row`.`column`; `inherited` is true in a variant that inherits it."""

    row: str
    column: str
    reason: str
    inherited: bool = field(default=False, compare=False)
    origin: Origin = _origin()


@dataclass(frozen=True)
class Published:
    """What the paper prints of a network: columns by name, claims in the order of the table, known errata.

    `dropped` are the claims about its base that do not describe a variant.
    """

    columns: Mapping[str, Column] = field(default_factory=dict)
    claims: tuple[Claim, ...] = ()
    errata: tuple[Erratum, ...] = ()
    dropped: tuple[Claim, ...] = ()


@dataclass(frozen=True)
class Initializer:
    """The initial values of some weights: a distribution with its `values`; biases, and a batch norm's shift, `bias`.

    `path` is a layer's word (`conv`), or a prefix of the weights' names (`aux1.conv`).
    """

    path: str
    distribution: str
    values: tuple[tuple[str, float | str], ...] = ()
    bias: float = 0.0
    origin: Origin = _origin()


class Init(NamedTuple):
    """The initial values of the weights, and the section or file that states them."""

    source: str
    initializers: tuple[Initializer, ...]


@dataclass(frozen=True)
class Program:
    """A network as templates and rows. `env` binds the names in the widths of rows and heads: `classes`, free settings.

    `init` is None where none is stated. `training` is the recipe, as validated by `spec.training_model`, and
    `training_places` the place of each of its settings by `group.name`, of `recipe`, and of the section ("").
    `reported` are results that were measured on the network. `base` is the network that a variant extends, else "".
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
    reported: tuple[Result, ...] = ()
    warnings: tuple[Diagnostic, ...] = field(default=(), compare=False, repr=False)
    training_places: Mapping[str, Span] = field(default_factory=dict, compare=False, repr=False)
    base: str = field(default="", compare=False)

    @property
    def entries(self) -> tuple[Row | Head, ...]:
        """The rows, then the heads."""
        return (*self.rows, *self.heads)
