"""Aligned columns of text: padded cells, and tables that fit into a terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from textwrap import fill
from typing import Final, NamedTuple

from inception_dsl.text.terminal import shortened, visible, width

Paint = Callable[[str, str], str]
"""Colours a text by a verdict's name."""

NARROWEST: Final = 24
"""The fewest columns in which a text is wrapped beside others."""


def plain(text: str, verdict: str) -> str:
    """Return the text without colour."""
    return text


def pad(rows: Sequence[Sequence[str]], left: int | None = None) -> list[list[str]]:
    """Pad the cells of rows to the width of their column.

    The first `left` columns, or all, are aligned to the left, the others to the right.
    """
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]
    left = len(widths) if left is None else left
    padded = []
    for row in rows:
        blanks = [" " * (widest - width(cell)) for cell, widest in zip(row, widths, strict=True)]
        cells = enumerate(zip(row, blanks, strict=True))
        padded.append([cell + blank if i < left else blank + cell for i, (cell, blank) in cells])
    return padded


def wrap(rows: Sequence[Sequence[str]], room: int | None) -> str:
    """Align rows whose last cell is a text that wraps within the `room` of a line; None is any.

    Where little room is left beside the other cells, the text stands below them. Columns of empty cells are left out.
    """
    first = pad([row[:-1] for row in rows])
    texts = [row[-1] for row in rows]
    starts = ["".join(f"{cell}  " for cell in row if cell) for row in first]
    if room is None:
        return "\n".join(f"{start}{text}".rstrip() for start, text in zip(starts, texts, strict=True))
    lead = " " * max(map(width, starts))
    lines = []
    for row, start, text in zip(rows, starts, texts, strict=True):
        if len(lead) + NARROWEST <= room:
            lines.append((fill(text, room, initial_indent=start, subsequent_indent=lead) or start).rstrip())
        else:
            if beside := "  ".join(filter(None, map(str.strip, row[:-1]))):
                lines.append(fill(beside, room, subsequent_indent="  "))
            lines.append(fill(text, room, initial_indent="    ", subsequent_indent="    "))
    return "\n".join(lines)


class TextColumn(NamedTuple):
    """A column of a table: its cells, header first, the words at their ends that are coloured, and its alignment.

    The cells are aligned to the `right` or left. Texts may be shortened to `least` columns of the terminal.
    """

    cells: Sequence[str]
    words: Sequence[str]
    right: bool
    least: int
    width: int

    @classmethod
    def of(
        cls, cells: Sequence[str], words: Sequence[str] = (), right: bool = False, least: int | None = None
    ) -> TextColumn:
        """Make a column as wide as its widest cell."""
        shown = [*map(visible, cells)]
        widest = max(map(width, shown))
        return cls(shown, words or [""] * len(shown), right, min(widest, widest if least is None else least), widest)

    def narrowed(self, to: int) -> TextColumn:
        """Shorten the cells to a width."""
        return self._replace(cells=[shortened(cell, to) for cell in self.cells], width=to)

    def line(self, index: int, paint: Paint) -> str:
        """One of its cells, padded and coloured."""
        cell, word = self.cells[index], self.words[index]
        blank = " " * (self.width - width(cell))
        if word and cell.endswith(word):
            cell = cell[: -len(word)] + paint(word, word)
        return blank + cell if self.right else cell + blank


def format_table(columns: Sequence[TextColumn], gap: int, room: int | None = None, paint: Paint = plain) -> list[str]:
    """The lines of a table, none longer than `room`.

    A wider table has its longest texts shortened first. Then it is split into parts, one below the other, each with the
    first column.
    """
    if room is not None:
        columns = _fit(columns, gap, max(room, 1))
    first, *rest = columns
    parts: list[list[TextColumn]] = [[first]]
    for column in rest:
        if room is not None and len(parts[-1]) > 1 and _total_width([*parts[-1], column], gap) > room:
            parts.append([first])
        parts[-1].append(column)
    lines: list[str] = []
    for part in parts:
        lines += [""] * bool(lines)
        for index in range(len(first.cells)):
            lines.append((" " * gap).join(column.line(index, paint) for column in part).rstrip())
    return lines


def _fit(columns: Sequence[TextColumn], gap: int, room: int) -> list[TextColumn]:
    """Shorten the texts until the columns fit, as far as that goes; no column is wider than a part."""
    fitted = list(columns)
    while (over := _total_width(fitted, gap) - room) > 0:
        index = max(range(len(fitted)), key=lambda i: fitted[i].width - fitted[i].least)
        if (spare := fitted[index].width - fitted[index].least) <= 0:
            break
        fitted[index] = fitted[index].narrowed(fitted[index].width - min(over, spare))
    if len(fitted) > 1:
        widest = max(column.width for column in fitted[1:])
        if fitted[0].width + gap + widest > room:
            fitted[0] = fitted[0].narrowed(min(fitted[0].width, max(room - gap - widest, 8)))
    limits = [room, *(max(room - gap - fitted[0].width, 1) for _ in fitted[1:])]
    return [c if c.width <= limit else c.narrowed(limit) for c, limit in zip(fitted, limits, strict=True)]


def _total_width(columns: Sequence[TextColumn], gap: int) -> int:
    return sum(column.width for column in columns) + gap * (len(columns) - 1)
