"""Tables of papers as grids of cells, whatever they were written in."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Literal, NamedTuple

from inception_dsl.diagnostics.codes.syntax import OUT_OF_BOUNDS, UNREADABLE_TABLE
from inception_dsl.diagnostics.diagnostic import Diagnostic, Source, Span, SpecError

MAX_CHARACTERS: Final = 2**17
"""The most characters of a text with a table."""

MAX_ROWS: Final = 2_000
MAX_COLUMNS: Final = 100
MAX_CELL: Final = 1_000
"""The most characters of a cell."""

MAX_ROOM: Final = 100_000
"""The most cells of a table."""


class Cell(NamedTuple):
    """A cell: its text on one line without markup, and its place.

    Superscripts are written `^a`. A cell that spans several is repeated in all of them; `repeats` says where the first
    is.
    """

    text: str
    span: Span
    repeats: Literal["", "left", "above"] = ""


class Grid(NamedTuple):
    """The rows of a table, all of the same length; the first `header` of them name the columns, if that is known."""

    rows: tuple[tuple[Cell, ...], ...]
    header: int | None = None

    @property
    def texts(self) -> list[list[str]]:
        """The texts of the cells."""
        return [[cell.text for cell in row] for row in self.rows]


def line_span(source: Source, line: int, start: int = 0, end: int | None = None) -> Span:
    """The characters from `start` to `end` of a line, which is counted from 1; at least one character."""
    text = source.lines[line - 1] if line <= len(source.lines) else ""
    end = max(len(text.rstrip()), 1) if end is None else end
    return Span(source, line, start + 1, max(end, start + 1) + 1 if end <= start else end + 1)


def offset_span(source: Source, start: int, end: int) -> Span:
    """The characters between two offsets of a source, as far as they are on the line of the first."""
    line = source.text.count("\n", 0, start) + 1
    begin = source.text.rfind("\n", 0, start) + 1
    stop = source.text.find("\n", start)
    return line_span(source, line, start - begin, min(end, stop if stop >= 0 else len(source.text)) - begin)


def unreadable(span: Span, message: str, hint: str = "", label: str = "") -> SpecError:
    """The error E118 of a text that is not a table."""
    return SpecError([Diagnostic(UNREADABLE_TABLE, message, span, label, help=hint)])


def check_length(source: Source) -> None:
    """Raise `SpecError` E117 for a text that is too long to be a table."""
    if len(source.text) > MAX_CHARACTERS:
        message = f"the text has {len(source.text):,} characters; the limit is {MAX_CHARACTERS:,}"
        raise SpecError([Diagnostic(OUT_OF_BOUNDS, message, line_span(source, 1), help="cut the table out of it")])


def too_large(span: Span) -> SpecError:
    """The error E117 of a table that is too large."""
    limits = f"{MAX_ROWS:,} rows, {MAX_COLUMNS} columns, {MAX_ROOM:,} cells, and {MAX_CELL:,} characters in a cell"
    return SpecError([Diagnostic(OUT_OF_BOUNDS, f"this table is too large: the limits are {limits}", span)])


def grid(rows: Iterable[Sequence[Cell]], source: Source, header: int | None = None) -> Grid:
    """A grid of rows, of which the shorter ones get blank cells at their end.

    Raises `SpecError`: E118 without any cell, E117 for too many or too long ones.
    """
    kept: list[tuple[Cell, ...]] = []
    for row in rows:
        long = next((cell for cell in row if len(cell.text) > MAX_CELL), None)
        if len(kept) == MAX_ROWS or len(row) > MAX_COLUMNS or long:
            raise too_large(long.span if long else row[0].span if row else line_span(source, 1))
        if row:
            kept.append(tuple(row))
    columns = max(map(len, kept), default=0)
    if not columns:
        raise unreadable(line_span(source, 1), "there is no table here", "give the lines of the table, with its header")
    if len(kept) * columns > MAX_ROOM:
        raise too_large(kept[0][0].span)
    filled = tuple((*row, *(Cell("", row[-1].span) for _ in range(columns - len(row)))) for row in kept)
    return Grid(filled, header)


def spread(rows: Iterable[Iterable[tuple[Cell, int, int]]]) -> list[list[Cell]]:
    """Rows of cells with the columns and rows that they span, as in HTML: repeated in all places that they cover.

    Spans are bounded by the limits of a grid.
    """
    below: dict[int, tuple[Cell, int]] = {}
    spread_rows: list[list[Cell]] = []
    for row in rows:
        line: list[Cell] = []

        def take_from_above(line: list[Cell] = line) -> None:
            while len(line) in below:
                cell, left = below.pop(len(line))
                if left > 1:
                    below[len(line)] = cell, left - 1
                line.append(cell)

        for cell, columns, lines in row:
            take_from_above()
            for column in range(min(columns, MAX_COLUMNS + 1)):
                if lines > 1:
                    below[len(line)] = cell._replace(repeats="above"), min(lines, MAX_ROWS) - 1
                line.append(cell._replace(repeats="left") if column else cell)
                if len(line) > MAX_COLUMNS:
                    return [*spread_rows, line]  # `grid` reports it
        take_from_above()
        spread_rows.append(line)
    return spread_rows
