"""Tables as text that keeps its layout, as `pdftotext -layout` gives it: columns are where runs of blanks end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.tables.grid import MAX_COLUMNS, MAX_ROWS, Cell, Grid, grid, line_span, too_large
from inception_dsl.tables.kinds import KERNEL, SHAPE, is_data, normal

MAX_LINE: Final = 2_000
"""The most characters of a line that are read."""

# a product of sizes with blanks in it is one word
_WORD: Final = re.compile(r"[0-9]+(?: ?[×✕✖⨯xX] ?[0-9]+){1,2}\S*|\S+")


class Piece(NamedTuple):
    """A cell on one line: its text, and the columns of the text where it starts and ends."""

    text: str
    start: int
    end: int
    line: int

    @property
    def centre(self) -> float:
        """The middle of its place."""
        return (self.start + self.end) / 2


def pieces(source: Source) -> list[list[Piece]]:
    """The cells on every line that has some: words with one blank between them, unless both are values.

    Raises `SpecError` E117 for too many.
    """
    found: list[list[Piece]] = []
    for number, line in enumerate(source.lines, 1):
        text = line.replace("\f", " ").expandtabs(8)[:MAX_LINE]
        if cells := list(_pieces(text, number)):
            found.append(cells)
            if len(found) > MAX_ROWS or len(cells) > MAX_COLUMNS:
                raise too_large(line_span(source, number))
    return found


def _pieces(text: str, number: int) -> Iterator[Piece]:
    words = [(match[0], match.start(), match.end()) for match in _WORD.finditer(text)]
    begin = 0
    for i, (word, _, end) in enumerate(words):
        after = words[i + 1] if i + 1 < len(words) else None
        if after is None or after[1] - end > 1 or _ends(word, after[0]):
            start = words[begin][1]
            yield Piece(text[start:end], start, end, number)
            begin = i + 1


def _ends(word: str, after: str) -> bool:
    """Whether a cell ends between two words with one blank between them."""
    plain = normal(after)
    sized = SHAPE.fullmatch(plain) or ((kernel := KERNEL.fullmatch(plain)) and kernel[3])
    return bool(sized) or (is_data(word) and is_data(after))


def is_aligned(lines: Sequence[Sequence[Piece]], source: Source) -> bool:
    """Whether columns have places: most lines with values have cells with several blanks between them."""
    rows = [line for line in lines if len(line) > 1 and any(is_data(piece.text) for piece in line)]
    wide = [line for line in rows if any(b.start - a.end > 1 for a, b in pairwise(line))]
    return 2 * len(wide) > len(rows) or not rows


def read(source: Source) -> Grid:
    """Read a table by the places of its cells. Lines without values belong to the rows around them."""
    lines = pieces(source)
    rows = [line for line in lines if _is_row(line)]
    first = lines.index(rows[0]) if rows else min(1, len(lines))
    columns = _columns(rows or lines)
    if len(columns) > MAX_COLUMNS:
        raise too_large(line_span(source, lines[0][0].line))
    for line in lines[:first]:
        for piece in line:
            if not any(piece.start < end and start < piece.end for start, end in columns):
                columns = sorted([*columns, (piece.start, piece.end)])
    header = _merge([_place(line, columns) for line in lines[:first]], len(columns))
    body = _join([_place(line, columns) for line in lines[first:]])
    return grid([_cells(row, source) for row in [*([header] if any(header) else []), *body]], source, min(first, 1))


Row = list[list[Piece]]
"""The pieces in every column."""


def _is_row(line: Sequence[Piece]) -> bool:
    """Whether a line has values, and is not a sentence with a number in it."""
    return any(is_data(piece.text) for piece in line) and (len(line) > 1 or is_data(line[0].text))


def _columns(rows: Sequence[Sequence[Piece]]) -> list[tuple[int, int]]:
    """The places of columns: where cells of different rows overlap, they are in one column."""
    columns: list[tuple[int, int]] = []
    for start, end in sorted({(piece.start, piece.end) for row in rows for piece in row}):
        if columns and start < columns[-1][1]:
            columns[-1] = columns[-1][0], max(columns[-1][1], end)
        else:
            columns.append((start, end))
    return columns


def _place(line: Sequence[Piece], columns: Sequence[tuple[int, int]]) -> Row:
    """Put the cells of a line into columns; one that lies over several is put there word by word."""
    row: Row = [[] for _ in columns]
    for piece in line:
        over = [i for i, (start, end) in enumerate(columns) if piece.start < end and start < piece.end]
        if len(over) <= 1:
            row[over[0] if over else _nearest(piece, columns)].append(piece)
            continue
        for match in _WORD.finditer(piece.text):
            word = Piece(match[0], piece.start + match.start(), piece.start + match.end(), piece.line)
            row[_nearest(word, columns)].append(word)
    return row


def _nearest(piece: Piece, columns: Sequence[tuple[int, int]]) -> int:
    return min(range(len(columns)), key=lambda i: abs(sum(columns[i]) / 2 - piece.centre))


def _merge(rows: Sequence[Row], count: int) -> Row:
    return [[piece for row in rows for piece in row[column]] for column in range(count)]


def _join(rows: Sequence[Row]) -> list[Row]:
    """Join broken lines: one without values continues the row above, or begins the one below, which has no name."""
    joined: list[Row] = []
    waiting: Row | None = None
    for row in rows:
        if not any(is_data(piece.text) for cell in row for piece in cell):
            name = " ".join(piece.text for piece in row[0])
            below = joined and (not name or name.startswith("("))
            if waiting is not None:
                waiting = _merge([waiting, row], len(row))
            elif below:
                joined[-1] = _merge([joined[-1], row], len(row))
            else:
                waiting = row
            continue
        if waiting is not None and row[0]:
            joined.append(waiting)
        joined.append(_merge([waiting, row], len(row)) if waiting is not None and not row[0] else row)
        waiting = None
    return [*joined, waiting] if waiting is not None else joined


def _cells(row: Row, source: Source) -> list[Cell]:
    cells = []
    for column in row:
        place = column[0] if column else next((piece for cell in row for piece in cell), None)
        span = line_span(source, place.line, place.start, place.end) if place else line_span(source, 1)
        cells.append(Cell(_joined([piece.text for piece in column]), span))
    return cells


def _joined(texts: Sequence[str]) -> str:
    """The words of a cell on several lines, without the blank after `/` and without the hyphen of a broken word."""
    text = " ".join(texts)
    return re.sub(r"(?<=[^\W\d])- (?=[a-z])", "", text).replace("/ ", "/")
