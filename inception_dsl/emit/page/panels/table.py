"""The paper's table: for every row what is computed and, where the paper prints it, the printed number and verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from inception_dsl.analysis.cost import RowCost
from inception_dsl.elaborate.printer import as_term
from inception_dsl.emit.page.subject import Subject
from inception_dsl.ir.program import TOTALS, Column, Head, Published
from inception_dsl.paper.verdicts import MEASURES, WORDING, Verdict, column_of, comparison
from inception_dsl.syntax.printer import spell_term

SHOWN: Final = ("output", "depth", "params", "ops")
"""The measures that every table shows."""


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
    headings = [MEASURES[measure].title for measure in measures]
    used = {verdict.verdict for verdict in subject.verdicts}
    legend = [(verdict, *wording) for verdict, wording in WORDING.items() if verdict in used]
    return {"headings": headings, "lines": lines, "total": total, "legend": legend}


def _cell(published: Published, measure: str, cost: RowCost, verdicts: Sequence[Verdict]) -> TableCell:
    value = MEASURES[measure].of(cost, Column(measure))
    computed = f"{value:,}" if isinstance(value, int) else str(value)
    own = (verdict for verdict in verdicts if column_of(published, verdict.claim.column).measure == measure)
    return TableCell(computed, tuple(_printed(verdict, computed) for verdict in own))


def _printed(verdict: Verdict, computed: str) -> PrintedNumber:
    word, text = verdict.verdict, verdict.claim.text
    note = f"{comparison(verdict)}: {verdict.reason}" if word == "erratum" else ""
    mark, words, _ = WORDING[word]
    return PrintedNumber(text, word, words, mark, verdict.shown, word == "exact" and text == computed, note)
