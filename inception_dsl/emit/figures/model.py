"""What a figure shows: a tree of boxes, frames and forks, before any of it has a place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["convolution", "pool", "norm", "join", "classifier", "module", "value", "other"]
"""What a box stands for, which sets its colour and the shape of its corners."""


@dataclass(frozen=True)
class Box:
    """A layer, a join, a closed module, or a value by its name (`value`); `out` is the shape that leaves it.

    A `source` reads nothing of what is drawn before it. The value of a labelled step and all that read it have the same
    `step`, a number.
    """

    title: str
    kind: Kind
    detail: tuple[str, ...] = ()
    out: str = ""
    source: bool = False
    step: int = 0


@dataclass(frozen=True)
class Frame:
    """An opened module, row or repeat; without a title, it has no outline."""

    title: str
    inner: Steps
    detail: tuple[str, ...] = ()
    out: str = ""


@dataclass(frozen=True)
class Fork:
    """Branches that read the same input, and the box that joins them; `labels` are the names of the branches, or ""."""

    branches: tuple[Steps, ...]
    join: Box
    labels: tuple[str, ...]

    @property
    def out(self) -> str:
        """The shape that leaves the join."""
        return self.join.out


Element = Box | Frame | Fork
Steps = tuple[Element, ...]
"""Elements, one after the other; `()` is the input itself."""


@dataclass(frozen=True)
class Row:
    """A row of the table, or a head, as drawn; `reads` are the earlier rows that it reads beside the one before it."""

    name: str
    element: Element
    reads: tuple[str, ...] = ()


@dataclass(frozen=True)
class Head:
    """A head, and the row whose output it reads."""

    row: Row
    source: str


@dataclass(frozen=True)
class Trunk:
    """Rows with their heads aside. `start` is what the first row reads, and `caption` tells it from other trunks."""

    start: Box
    rows: tuple[Row, ...]
    heads: tuple[Head, ...] = ()
    caption: str = ""


@dataclass(frozen=True)
class Figure:
    """The trunk of a network, or the forms of a module; `description` is a sentence for screen readers.

    `legend` has the printed totals, and explains the marks that the figure has.
    """

    title: str
    subtitle: str
    description: str
    trunks: tuple[Trunk, ...]
    legend: tuple[str, ...] = ()
