"""The paper's table: for every row what is computed and, where the paper prints it, the printed number and verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from inception_dsl.analysis.cost import RowCost
from inception_dsl.elaborate.printer import as_term
from inception_dsl.emit.figures.model import MARKS
from inception_dsl.emit.page.subject import Subject
from inception_dsl.emit.report.statements import VERDICTS, tallies
from inception_dsl.ir.program import TOTALS, Column, Head, Published
from inception_dsl.paper.verdicts import MEASURES, Verdict, column_of, comparison
from inception_dsl.syntax.printer import spell_term

SHOWN: Final = {"output": "output", "depth": "depth", "params": "parameters", "ops": "multiply-adds"}
"""The measures that every table shows, and their headings."""


class Count(NamedTuple):
    """How many printed numbers have a verdict."""

    verdict: str
    number: int
    words: str
    mark: str


class TableCell(NamedTuple):
    """A computed value, and what the paper prints of it."""

    computed: str
    printed: tuple[PrintedNumber, ...] = ()


class PrintedNumber(NamedTuple):
    """A printed number, its verdict, and the computed one in its unit; `same` where it is written alike."""

    text: str
    verdict: str
    words: str
    mark: str
    shown: str
    same: bool
    note: str


class TableLine(NamedTuple):
    """A line of the table: a row, a head, or the totals."""

    name: str
    layer: str
    kind: str
    cells: tuple[TableCell, ...]


def counts(verdicts: Sequence[Verdict]) -> list[Count]:
    """The verdicts that occur, with their numbers."""
    return [Count(*tally, MARKS[tally.verdict]) for tally in tallies(verdicts) if tally.number]


def context(subject: Subject) -> Mapping[str, Any]:
    """The lines of the table and the headings of its columns."""
    program = subject.typed.program
    measures = list(SHOWN)
    for verdict in subject.verdicts:
        measure = column_of(program.published, verdict.claim.column).measure
        measures += [measure] * (measure not in measures)
    printed: dict[str, list[Verdict]] = {}
    for verdict in subject.verdicts:
        printed.setdefault(verdict.claim.row, []).append(verdict)

    def line(name: str, layer: str, kind: str, cost: RowCost) -> TableLine:
        found = printed.get(name if kind != "total" else TOTALS, [])
        return TableLine(
            name, layer, kind, tuple(_cell(program.published, measure, cost, found) for measure in measures)
        )

    lines = []
    for entry in program.entries:
        layer, kind = spell_term(as_term(entry.body)), "row"
        if isinstance(entry, Head):
            layer, kind = f"@{entry.source} -> {layer}", "head"
        lines.append(line(entry.name, layer, kind, subject.cost.rows[entry.name]))
    total = line("total", "without heads" if program.heads else "", "total", subject.cost.trunk)
    headings = [_label(measure) for measure in measures]
    used = {verdict.verdict for verdict in subject.verdicts}
    legend = [(word, mark, VERDICTS[word][0]) for word, mark in MARKS.items() if word in used]
    return {"headings": headings, "lines": lines, "total": total, "legend": legend}


def _cell(published: Published, measure: str, cost: RowCost, verdicts: Sequence[Verdict]) -> TableCell:
    value = MEASURES[measure].of(cost, Column(measure))
    computed = f"{value:,}" if isinstance(value, int) else str(value)
    own = (verdict for verdict in verdicts if column_of(published, verdict.claim.column).measure == measure)
    return TableCell(computed, tuple(_printed(verdict, computed) for verdict in own))


def _printed(verdict: Verdict, computed: str) -> PrintedNumber:
    word, text = verdict.verdict, verdict.claim.text
    note = f"{comparison(verdict)}: {verdict.reason}" if word == "erratum" else ""
    return PrintedNumber(
        text, word, VERDICTS[word][0], MARKS[word], verdict.shown, word == "exact" and text == computed, note
    )


def _label(measure: str) -> str:
    return SHOWN.get(measure, measure.replace("_", " "))
