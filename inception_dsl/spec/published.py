"""The key `published`: which columns the paper prints, how it counts, and where it is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from inception_dsl.diagnostics.codes.paper import ERRATUM_WITHOUT_CELL
from inception_dsl.diagnostics.codes.yaml import MISSING_KEY, UNKNOWN_KEY
from inception_dsl.diagnostics.diagnostic import Findings, Span
from inception_dsl.diagnostics.spelling import did_you_mean, listing
from inception_dsl.ir.program import TOTALS, Claim, Column, Erratum, Published
from inception_dsl.spec.fields import COLUMN_MEASURES
from inception_dsl.spec.network import NetworkSpec
from inception_dsl.syntax.table import Cell


def published(spec: NetworkSpec, findings: Findings) -> Published:
    """The printed numbers of a spec: the cells in the order of the table, then the totals, with the errata."""
    columns = {measure: Column(measure) for measure in COLUMN_MEASURES}
    for name, data in spec.published.items():
        if name not in (TOTALS, "errata"):
            columns[name] = _column(name, data, spec, findings)
    inherited = _Inherited(spec)
    claims = [
        Claim(row.name, column, text, inherited.row(row.cells[column]), origin=row.span(column))
        for row in spec.rows
        for column, text in row.printed.items()
    ]
    for column, text in spec.published.get(TOTALS, {}).items():
        span = spec.document.value_span(("published", TOTALS, column))
        if column not in columns:
            place = spec.document.key_span(("published", TOTALS, column))
            hint = did_you_mean(column, columns) or f"the printed columns are {listing(columns)}"
            findings.error(UNKNOWN_KEY, f"unknown printed column `{column}`", place, help=hint)
        claims.append(Claim(TOTALS, column, str(text), TOTALS if inherited.has(span) else "", origin=span))
    reasons = spec.published.get("errata", {}).items()
    errata = [_erratum(key, reason, spec, inherited, findings) for key, reason in reasons]
    return Published(columns, tuple(claims), tuple(erratum for erratum in errata if erratum))


def _column(name: str, data: dict[str, Any], spec: NetworkSpec, findings: Findings) -> Column:
    measure = data.get("measure", name)
    if measure not in COLUMN_MEASURES:
        span = spec.document.key_span(("published", name))
        hint = did_you_mean(name, COLUMN_MEASURES) or f"add `measure:` with one of {listing(COLUMN_MEASURES, 'or')}"
        findings.error(MISSING_KEY, f"the printed column `{name}` does not say what it counts", span, help=hint)
        measure = "params"
    return Column(**{**data, "measure": measure})


def _erratum(key: str, reason: str, spec: NetworkSpec, inherited: _Inherited, findings: Findings) -> Erratum | None:
    span = spec.document.key_span(("published", "errata", key))
    row, dot, column = key.partition(".")
    if not dot:
        findings.error(
            ERRATUM_WITHOUT_CELL,
            f"`{key}` does not name a cell",
            span,
            help="write `row.column` or `totals.column`, such as `conv1.params`",
        )
        return None
    return Erratum(row, column, reason, inherited.has(span), origin=span)


class _Inherited:
    """What a variant inherits from its base: cells by identity, totals and errata by their place."""

    def __init__(self, spec: NetworkSpec) -> None:
        base = spec.base.spec if spec.base else None
        self._rows = {id(cell): row.name for row in base.rows for cell in row.cells.values()} if base else {}
        self._spans = {*_spans(base)} if base else set()

    def row(self, cell: Cell) -> str:
        """The base's row of a cell; empty for a cell that is not the base's."""
        return self._rows.get(id(cell), "")

    def has(self, span: Span) -> bool:
        """Whether the total or erratum at a place is the base's."""
        return span in self._spans


def _spans(spec: NetworkSpec) -> Iterator[Span]:
    yield from (spec.document.value_span(("published", TOTALS, key)) for key in spec.published.get(TOTALS, {}))
    yield from (spec.document.key_span(("published", "errata", key)) for key in spec.published.get("errata", {}))
