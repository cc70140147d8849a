"""A network as the index lists it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from inception_dsl.emit.charts.axes import rounded
from inception_dsl.emit.citation import citation
from inception_dsl.emit.figures.architecture import FILE
from inception_dsl.emit.options import PAGE
from inception_dsl.emit.page.subject import Subject
from inception_dsl.emit.report.statements import Tally, occurring
from inception_dsl.emit.site.errors import TOPS, PrintedError, printed_error
from inception_dsl.emit.site.silhouette import silhouette


class Number(NamedTuple):
    """A number as it is shown, and exactly."""

    short: str
    exact: int


class Entry(NamedTuple):
    """A line of the index: `page` and `figure` are files of the network, and `base` the network that it extends."""

    name: str
    title: str
    page: str
    base: str
    year: int | None
    paper: str
    arxiv: str
    figure: str
    silhouette: str
    params: Number
    macs: Number
    depth: int
    errors: tuple[PrintedError | None, ...]
    counts: Sequence[Tally]

    @property
    def printed(self) -> int:
        """How many numbers the paper prints about it."""
        return sum(count.number for count in self.counts)

    @property
    def kinds(self) -> str:
        """The words by which the index is filtered."""
        words = [
            "variant" if self.base else "own",
            *(["error"] if any(self.errors) else []),
            *(count.verdict for count in self.counts),
        ]
        return " ".join(words)


def entry(subject: Subject) -> Entry:
    """A network as the index lists it."""
    program, cost = subject.typed.program, subject.cost
    return Entry(
        program.name,
        program.title or program.name,
        f"{program.name}/{PAGE}",
        program.base,
        program.paper.year,
        citation(program.paper._replace(year=None, arxiv="", table="", figure="")),
        program.paper.arxiv,
        f"{program.name}/{FILE}",
        silhouette(subject.typed, cost),
        number(cost.trunk.params),
        number(cost.trunk.macs),
        cost.trunk.depth,
        tuple(printed_error(program.reported, top) for top in TOPS),
        occurring(subject.verdicts),
    )


def number(exact: int) -> Number:
    """A number, and how it is shown."""
    return Number(rounded(exact), exact)
