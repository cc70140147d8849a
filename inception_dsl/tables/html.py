"""Tables as HTML."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final

from inception_dsl.diagnostics.diagnostic import Source, Span
from inception_dsl.tables.grid import (
    MAX_COLUMNS,
    MAX_ROWS,
    Cell,
    Grid,
    grid,
    line_span,
    spread,
)

MAX_TABLES: Final = 50
"""The most tables of a page that are read."""

_TAG: Final = re.compile(r"<(?:(/?[a-zA-Z][a-zA-Z0-9]*)([^<>]*)>)?")
_SPAN: Final = re.compile(r"\b(colspan|rowspan)\s*=\s*[\"']?\s*([0-9]{1,9})", re.IGNORECASE)
_HIDDEN: Final = re.compile(r"<!--|<!|<\?|<script\b|<style\b", re.IGNORECASE)
_ENDS: Final = {"<!-": "-->", "<!": ">", "<?": ">", "<sc": "</script", "<st": "</style"}

Part = tuple[Cell, int, int]
"""A cell, and the numbers of columns and rows that it spans."""


def read(source: Source) -> list[Grid]:
    """Read the tables of a page; a table inside a cell is text of the cell. Raises `SpecError` as `grid` does."""
    reader = _Reader(source)
    reader.feed(_TAG.sub(_plain_tag, _without_comments(source.text)))
    reader.close()
    reader.end_table()
    return [grid(spread(rows), source, header or None) for rows, header in reader.tables if any(rows)]


def _without_comments(text: str) -> str:
    """The text with blanks for comments, declarations and scripts."""
    parts, at = [], 0
    while match := _HIDDEN.search(text, at):
        mark = _ENDS[match[0][:3].lower()]
        end = text.find(mark, match.start())
        end = len(text) if end < 0 else end + len(mark)
        parts += [text[at : match.start()], re.sub(r"[^\n]", " ", text[match.start() : end])]
        at = end
    return "".join([*parts, text[at:]])


def _plain_tag(match: re.Match[str]) -> str:
    """A tag of the same length with the attributes that matter.

    The parser takes quadratic time where tags or quotes do not end; a `<` without a tag is a blank here.
    """
    if match[1] is None:
        return " "
    spans = " ".join(f"{kind}={number}" for kind, number in _SPAN.findall(match[2])[:2])
    lines = "\n" * match[0].count("\n")
    return f"{f'<{match[1]} {spans}':{len(match[0]) - 1 - len(lines)}}{lines}>" if spans else f"<{match[1]}{lines}>"


class _Reader(HTMLParser):
    """Collects the cells of tables, with `^` before a superscript."""

    def __init__(self, source: Source) -> None:
        super().__init__(convert_charrefs=True)
        self.source = source
        self.tables: list[tuple[list[list[Part]], int]] = []
        self.rows: list[list[Part]] = []
        self.header = 0
        self.all_headings = True
        self.in_row = False
        self.depth = 0
        self.text: list[str] | None = None
        self.spans = (1, 1)
        self.place: Span | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a table, a row or a cell."""
        if tag == "table":
            self.depth += 1
        elif self.depth > 1:
            self._append(" ")
        elif tag == "tr":
            self._end_row()
            self.rows.append([])
        elif tag in ("td", "th"):
            self._end_cell()
            self.rows = self.rows or [[]]
            line, column = self.getpos()
            self.place = line_span(self.source, line, column, column + len(self.get_starttag_text() or ""))
            given = dict(attrs)
            self.spans = (
                _number(given.get("colspan"), MAX_COLUMNS + 1),
                _number(given.get("rowspan"), MAX_ROWS),
            )
            self.text = []
            self.in_row = True
            self.all_headings &= tag == "th"
        elif tag in ("br", "p", "div", "li"):
            self._append(" ")
        elif tag == "sup":
            self._append("^")

    def handle_endtag(self, tag: str) -> None:
        """Close a table, a row or a cell."""
        if tag == "table" and self.depth:
            self.depth -= 1
            if not self.depth:
                self.end_table()
        elif self.depth > 1:
            self._append(" ")
        elif tag in ("td", "th"):
            self._end_cell()
        elif tag in ("tr", "thead", "tbody"):
            self._end_row()

    def handle_data(self, data: str) -> None:
        """Read the text of a cell."""
        self._append(data)

    def end_table(self) -> None:
        """Keep the table that was read."""
        self._end_row()
        if self.rows and len(self.tables) < MAX_TABLES:
            self.tables.append((self.rows, self.header))
        self.rows, self.header, self.all_headings = [], 0, True

    def _append(self, text: str) -> None:
        if self.text is not None:
            self.text.append(text)

    def _end_cell(self) -> None:
        if self.text is not None and self.place is not None:
            self.rows[-1].append((Cell(" ".join("".join(self.text).split()), self.place), *self.spans))
        self.text = None

    def _end_row(self) -> None:
        self._end_cell()
        if self.in_row and self.all_headings and self.header == len(self.rows) - 1:
            self.header += 1
        self.in_row, self.all_headings = False, True


def _number(text: str | None, most: int) -> int:
    """The value of an attribute that counts, as browsers read it: 1 where it is not a number."""
    digits = (text or "").strip()[:9]
    return min(max(int(digits), 1), most) if digits.isascii() and digits.isdecimal() else 1
