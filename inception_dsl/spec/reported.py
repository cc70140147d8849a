"""The key `reported`: a table of results that were measured on the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from inception_dsl.diagnostics.codes.syntax import UNREADABLE_CELL
from inception_dsl.diagnostics.codes.yaml import MISSING_KEY, UNKNOWN_KEY
from inception_dsl.diagnostics.diagnostic import Findings
from inception_dsl.diagnostics.spelling import did_you_mean, listing
from inception_dsl.ir.results import COLUMNS, Result, parse_value, results_table
from inception_dsl.syntax import table
from inception_dsl.syntax.printer import align
from inception_dsl.syntax.source import Fragment
from inception_dsl.syntax.table import Cell, Form

REQUIRED: Final = ("metric", "value", "data", "source")

FORM: Final = Form(
    "reported",
    REQUIRED,
    "`metric | value | data | source`, and `protocol` and `network` where there is something to say",
    "`top-5 error | 6.67% | ILSVRC 2014, test | 1409.4842, Table 2`",
)


def read_results(fragment: Fragment, findings: Findings) -> tuple[Result, ...]:
    """Read the table of results; errors are added to `findings`.

    E112 to E114 and E117 for the table, E103 for an unknown column, E104 for an empty cell of a required one, E116 for
    a value that is not a number.
    """
    cells = table.read(fragment, findings, FORM)
    if cells is None:
        return ()
    for cell in cells.header:
        if cell.text not in COLUMNS:
            hint = did_you_mean(cell.text, COLUMNS) or f"the columns are {listing(COLUMNS)}"
            findings.error(UNKNOWN_KEY, f"`reported` has no column `{cell.text}`", cell.span, help=hint)
    return tuple(_results(cells.rows, findings))


def _results(rows: Sequence[dict[str, Cell]], findings: Findings) -> Iterator[Result]:
    for row in rows:
        for column in REQUIRED:
            if not row[column].text:
                findings.error(MISSING_KEY, f"this result has no {column}", row[column].span, help=f"as in {FORM.row}")
        value = row["value"]
        try:
            if value.text:
                parse_value(value.text)
        except ValueError as error:
            findings.error(UNREADABLE_CELL, f"`{value.text}` cannot be read as a result", value.span, help=str(error))
        yield Result(**{column: row[column].text for column in COLUMNS if column in row})


def print_results(results: Sequence[Result]) -> str:
    """Print results as the table that `read_results` reads."""
    return align(results_table(results)) + "\n"
