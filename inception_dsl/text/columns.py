"""Columns of text for a terminal: aligned, and shortened or laid in parts where the line is too short."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from inception_dsl.text.terminal import shortened, visible, width

Paint = Callable[[str, str], str]
"""Colours a text by a verdict's name."""


def plain(text: str, verdict: str) -> str:
    """No colour."""
    return text


class Column(NamedTuple):
    """A column of a table: its cells, header first, the words at their ends that are coloured, and how it is laid.

    The cells stand `right` or left; a text may be shortened to `least` columns where there is no room.
    """

    cells: Sequence[str]
    words: Sequence[str]
    right: bool
    least: int
    width: int

    @classmethod
    def of(
        cls, cells: Sequence[str], words: Sequence[str] = (), right: bool = False, least: int | None = None
    ) -> Column:
        """A column as wide as its widest cell."""
        shown = [*map(visible, cells)]
        widest = max(map(width, shown))
        return cls(shown, words or [""] * len(shown), right, min(widest, widest if least is None else least), widest)

    def narrowed(self, to: int) -> Column:
        """The column with its cells shortened to fewer columns."""
        return self._replace(cells=[shortened(cell, to) for cell in self.cells], width=to)

    def line(self, index: int, paint: Paint) -> str:
        """One of its cells, as wide as all."""
        cell, word = self.cells[index], self.words[index]
        blank = " " * (self.width - width(cell))
        if word and cell.endswith(word):
            cell = cell[: -len(word)] + paint(word, word)
        return blank + cell if self.right else cell + blank


def laid(columns: Sequence[Column], gap: int, room: int | None = None, paint: Paint = plain) -> list[str]:
    """The lines of a table, none longer than the `room` there is.

    Where it is wider, its longest texts are shortened, and then it is laid in parts, one below the other, each with the
    first column.
    """
    if room is not None:
        columns = _fitted(columns, gap, max(room, 1))
    first, *rest = columns
    parts: list[list[Column]] = [[first]]
    for column in rest:
        if room is not None and len(parts[-1]) > 1 and _wide([*parts[-1], column], gap) > room:
            parts.append([first])
        parts[-1].append(column)
    lines: list[str] = []
    for part in parts:
        lines += [""] * bool(lines)
        for index in range(len(first.cells)):
            lines.append((" " * gap).join(column.line(index, paint) for column in part).rstrip())
    return lines


def _fitted(columns: Sequence[Column], gap: int, room: int) -> list[Column]:
    """Columns with their texts shortened until they fit, or as far as that goes; none wider than a part can be."""
    fitted = list(columns)
    while (over := _wide(fitted, gap) - room) > 0:
        index = max(range(len(fitted)), key=lambda i: fitted[i].width - fitted[i].least)
        if (spare := fitted[index].width - fitted[index].least) <= 0:
            break
        fitted[index] = fitted[index].narrowed(fitted[index].width - min(over, spare))
    if len(fitted) > 1:
        widest = max(column.width for column in fitted[1:])
        if fitted[0].width + gap + widest > room:
            fitted[0] = fitted[0].narrowed(min(fitted[0].width, max(room - gap - widest, 8)))
    most = [room, *(max(room - gap - fitted[0].width, 1) for _ in fitted[1:])]
    return [c if c.width <= limit else c.narrowed(limit) for c, limit in zip(fitted, most, strict=True)]


def _wide(columns: Sequence[Column], gap: int) -> int:
    return sum(column.width for column in columns) + gap * (len(columns) - 1)


def aligned(rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """Rows of cells as lines: the first `left` columns start, the others end, at one column."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    sides = [str.ljust if i < left else str.rjust for i in range(len(widths))]
    cells = ([side(cell, w) for side, cell, w in zip(sides, row, widths, strict=True)] for row in rows)
    return ["  ".join(line).rstrip() for line in cells]
