"""The `published:` part of a spec: which columns the paper prints, how it counts, and where it is wrong."""

from __future__ import annotations

from typing import Any

from inception_dsl.diagnostics import Findings, did_you_mean, listing
from inception_dsl.ir import Claim, Column, Erratum, Published
from inception_dsl.spec import NetworkSpec
from inception_dsl.spec.schema import MEASURES

TOTALS = "totals"


def published(spec: NetworkSpec, findings: Findings) -> Published:
    """The claims of a spec: every printed cell in the order of the table, then the totals."""
    columns = {measure: Column(measure) for measure in MEASURES}
    for name, data in spec.published.items():
        if name not in (TOTALS, "errata"):
            columns[name] = _column(name, data, spec, findings)
    claims = [
        Claim(row.name, column, text, origin=row.span(column))
        for row in spec.rows
        for column, text in row.printed.items()
    ]
    for column, text in spec.published.get(TOTALS, {}).items():
        span = spec.document.value_span(("published", TOTALS, column))
        if column not in columns:
            place = spec.document.key_span(("published", TOTALS, column))
            hint = did_you_mean(column, columns) or f"printed are {listing(columns)}"
            findings.error("E103", f"there is no printed column `{column}`", place, help=hint)
        claims.append(Claim(TOTALS, column, str(text), origin=span))
    errata = [_erratum(key, reason, spec, findings) for key, reason in spec.published.get("errata", {}).items()]
    return Published(columns, tuple(claims), tuple(erratum for erratum in errata if erratum))


def _column(name: str, data: dict[str, Any], spec: NetworkSpec, findings: Findings) -> Column:
    measure = data.get("measure", name)
    if measure not in MEASURES:
        span = spec.document.key_span(("published", name))
        hint = did_you_mean(name, MEASURES) or f"add `measure:` with one of {listing(MEASURES, 'or')}"
        findings.error("E104", f"the printed column `{name}` does not say what it counts", span, help=hint)
        measure = "params"
    return Column(**{**data, "measure": measure})


def _erratum(key: str, reason: str, spec: NetworkSpec, findings: Findings) -> Erratum | None:
    span = spec.document.key_span(("published", "errata", key))
    row, dot, column = key.partition(".")
    if not dot:
        findings.error(
            "E303", f"`{key}` names no cell", span, help="write `row.column` or `totals.column`, such as `conv1.params`"
        )
        return None
    return Erratum(row, column, reason, origin=span)
