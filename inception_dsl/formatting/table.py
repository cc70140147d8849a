"""Tables with aligned columns, without the outer bars and the rules of Markdown."""

from __future__ import annotations

from bisect import bisect_right
from itertools import accumulate
from typing import Final

from inception_dsl.formatting.tokens import one_line
from inception_dsl.syntax.table import Table
from inception_dsl.text.terminal import width

WIDEST: Final = 80
"""The widest cell that others are aligned with; the rest of the row follows a wider one."""


def table_lines(text: str, table: Table, formulas: str = "") -> list[list[str]]:
    """For every line of a text that was read as a table, the lines that take its place: none for a rule.

    The cells of the column `formulas` are formulas.
    """
    printed: list[list[str]] = [[] if line.strip() else [""] for line in text.split("\n")]
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    rows = [[cell.text for cell in table.header]]
    rows += [[one_line(c.text) if name == formulas else c.text for name, c in row.items()] for row in table.rows]
    places = [table.header[0].start, *(next(iter(row.values())).start for row in table.rows)]
    columns = zip(*rows, strict=True)
    widths = [max((wide for cell in column if (wide := width(cell)) <= WIDEST), default=0) for column in columns]
    for start, row in zip(places, rows, strict=True):
        padded = (cell + " " * (wide - width(cell)) for cell, wide in zip(row, widths, strict=True))
        printed[bisect_right(starts, start) - 1].append(" | ".join(padded).rstrip())
    return printed
