"""The report of a network: the paper's table, what it prints beside what its rows compute, and the verdicts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from inception_dsl.analysis.cost import Cost, RowCost, cost
from inception_dsl.emit.citation import citation
from inception_dsl.emit.report.statements import (
    CONVENTIONS,
    columns,
    memory,
    reported,
    settings,
    sources,
    tallies,
    totals,
)
from inception_dsl.emit.templates import template
from inception_dsl.ir.program import TOTALS, Claim, Program
from inception_dsl.ir.results import Result
from inception_dsl.ir.shapes import sides
from inception_dsl.ir.typed import Typed
from inception_dsl.paper.verdicts import Verdict, compare_cells, comparison, dropped_sentence
from inception_dsl.text.markdown import escaped, table

LONGEST_NOTE: Final = 45
"""Letters of a note that stand in the table of settings. Longer ones follow it."""


def report(typed: Typed, rebuild: str = "") -> str:
    """The report as Markdown, ending in one newline: no clock, no version. A comment cites the command `rebuild`."""
    program, verdicts, counted = typed.program, compare_cells(typed), cost(typed)
    classes = program.env.get("classes")
    return template("report/report.md").render(
        file=escaped(program.file),
        rebuild=comment(rebuild),
        title=escaped(program.title or program.name),
        paper=f"Paper: {escaped(cited)}" if (cited := citation(program.paper)) else "",
        input=f"Input {typed.input}" + (f", {classes} classes." if isinstance(classes, int) else "."),
        summary=_summary(verdicts, program.published.dropped),
        table=_claims(typed, verdicts) if verdicts else "",
        errata=[_erratum(cell) for cell in verdicts if cell.verdict == "erratum"],
        totals=_totals(typed, counted),
        rows=_rows(counted.rows),
        fields=_fields(counted.rows),
        memory=_memory(typed, counted),
        training=_training(program),
        reported=_reported(program.reported),
        conventions=[*_columns(typed, verdicts), *CONVENTIONS],
    )


def comment(text: str) -> str:
    """Text of a spec for an HTML comment: nothing in it ends the comment."""
    return "".join(char if char.isprintable() else f"\\u{{{ord(char):x}}}" for char in text).replace(">", "&gt;")


def _summary(verdicts: Sequence[Verdict], dropped: Sequence[Claim]) -> str:
    """How many printed numbers have each verdict, and which of the base's numbers a variant drops."""
    lost = [escaped(dropped_sentence(dropped))] if dropped else []
    if not verdicts:
        return "\n\n".join(["The paper prints no numbers about this table.", *lost])
    parts = [f"{count.number} {count.words}" for count in tallies(verdicts)]
    text = f"{len(verdicts)} printed number{'' if len(verdicts) == 1 else 's'}: {', '.join(parts)}."
    if any(cell.verdict != "exact" for cell in verdicts):
        text += " The verdict and the computed number follow a number that is not exact."
    return "\n\n".join([text, *lost])


def _claims(typed: Typed, verdicts: Sequence[Verdict]) -> str:
    """The numbers as the paper prints them, a line for each row that has any."""
    cells = {(verdict.claim.row, verdict.claim.column): verdict for verdict in verdicts}
    columns = list(dict.fromkeys(column for _, column in cells))
    printed = {row for row, _ in cells}
    rows = [row for row in (*typed.trunk, TOTALS) if row in printed]
    lines = [[escaped(row), *(_cell(cells.get((row, column))) for column in columns)] for row in rows]
    return table(["row", *map(escaped, columns)], lines)


def _cell(verdict: Verdict | None) -> str:
    """What is printed, then the verdict and the computed number unless they are equal."""
    if verdict is None:
        return ""
    printed = escaped(verdict.claim.text)
    match verdict.verdict:
        case "exact":
            return printed
        case "rounds":
            return f"{printed}, rounds {'down ' if verdict.reason == 'down' else ''}{verdict.shown}"
        case "erratum":
            return f"{printed}, erratum: {verdict.shown}"
        case _:
            return f"{printed}, **{verdict.verdict}**: {verdict.shown}"


def _erratum(cell: Verdict) -> str:
    return escaped(f"{cell.claim.row}, {cell.claim.column}: {comparison(cell)}: {cell.reason}")


def _totals(typed: Typed, counted: Cost) -> str:
    lines = [
        [escaped(name), f"{part.params:,}", f"{part.params - part.biases:,}", f"{part.macs:,}", str(part.depth)]
        for name, part in totals(typed, counted)
    ]
    return table(["", "parameters", "without biases", "multiply-adds", "depth"], lines)


def _rows(rows: Mapping[str, RowCost]) -> str:
    lines = [
        [escaped(name), str(row.out), f"{row.params:,}", f"{row.biases:,}", f"{row.macs:,}", str(row.depth)]
        for name, row in rows.items()
    ]
    return table(["row or head", "output", "parameters", "biases", "multiply-adds", "depth"], lines)


def _fields(rows: Mapping[str, RowCost]) -> str:
    lines = [
        [escaped(name), sides(row.receptive_field), sides(row.stride), f"{row.activations:,}"]
        for name, row in rows.items()
    ]
    return table(["row or head", "receptive field", "stride", "activations"], lines)


def _memory(typed: Typed, counted: Cost) -> str:
    lines = [[name, f"{number:,}", f"{number * 4 / 2**20:,.2f}"] for name, number in memory(typed, counted)]
    return table(["one example, float32", "numbers", "MiB"], lines)


def _training(program: Program) -> str:
    """Every setting of the network's recipe: its value, and where it comes from."""
    lines: list[list[str]] = []
    notes: list[str] = []
    for setting in settings(program):
        source = escaped(setting.source)
        if len(source) > LONGEST_NOTE:
            notes.append(f"{len(notes) + 1}. {setting.name}: {source}")
            source = f"note {len(notes)}"
        lines.append([setting.name, escaped(setting.value), source])
    if not lines:
        return ""
    parts = [f"{what}: {source}" for what, source in (map(escaped, pair) for pair in sources(program))]
    return "\n\n".join(filter(None, [*parts, table(["setting", "value", "source"], lines, left=3), "\n".join(notes)]))


def _reported(results: Sequence[Result]) -> list[str]:
    """What others measured: a line for the numbers of one measurement, then its conditions and its source."""
    return [escaped(f"{numbers}: {conditions} ({source})") for numbers, conditions, source in reported(results)]


def _columns(typed: Typed, verdicts: Sequence[Verdict]) -> list[str]:
    """How each printed column counts."""
    return [f"{escaped(name)}: {meaning}" for name, meaning in columns(typed, verdicts)]
