"""Tables as CSV, TSV, or lines with another delimiter."""

from __future__ import annotations

import csv
from collections.abc import Iterator

from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.tables.grid import Cell, Grid, grid, line_span, unreadable


def read(source: Source, delimiter: str) -> Grid:
    """Read lines of cells between delimiters, with quotes as in CSV. Raises `SpecError`."""
    return grid(_rows(source, delimiter), source)


def _rows(source: Source, delimiter: str) -> Iterator[list[Cell]]:
    reader = csv.reader(_lines(source.text), delimiter=delimiter, strict=True)
    first = 1
    try:
        for row in reader:
            span = line_span(source, first)
            if any(text.strip() for text in row) or len(row) > 1:
                yield [Cell(" ".join(text.split()), span) for text in row]
            first = reader.line_num + 1
    except csv.Error as error:
        hint = 'write a quote inside quotes twice, `""`, and close them'
        raise unreadable(line_span(source, first), f"this row is not valid CSV: {error}", hint) from None


def _lines(text: str) -> list[str]:
    return [f"{line}\n" for line in text.removesuffix("\n").split("\n")]


def count(text: str, delimiter: str) -> int:
    """The number of cells in every row, if it is the same and more than one; else 0."""
    try:
        counts = {len(row) for row in csv.reader(_lines(text), delimiter=delimiter) if row}
    except csv.Error:
        return 0
    return counts.pop() if len(counts) == 1 and max(counts) > 1 else 0
