"""Tables as GitHub's Markdown."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.tables.extra import library
from inception_dsl.tables.grid import Cell, Grid, grid, line_span

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markdown_it.token import Token


def read(source: Source) -> list[Grid]:
    """Read the tables of a text. Raises `SpecError`: E005 without the library, and as `grid` does."""
    parser = library("markdown_it").MarkdownIt("commonmark").enable(["table", "strikethrough"])
    grids: list[Grid] = []
    rows: list[list[Cell]] = []
    line, at = 1, 0
    for token in parser.parse(source.text):
        if token.type == "table_open":
            rows = []
        elif token.type == "tr_open":
            line, at = (token.map or [0])[0] + 1, 0
            rows.append([])
        elif token.type == "inline" and token.level >= 3 and rows:
            written = source.lines[line - 1]
            found = written.find(token.content, at) if token.content else -1
            if found >= 0:
                at = found + len(token.content)
            span = line_span(source, line, found, at) if found >= 0 else line_span(source, line)
            rows[-1].append(Cell(" ".join(_text(token.children or []).split()), span))
        elif token.type == "table_close":
            grids.append(grid(rows, source, header=1))
            rows = []
    return grids


def _text(tokens: Sequence[Token]) -> str:
    """The plain text of the inline tokens of a cell."""
    parts = []
    for token in tokens:
        if token.type in ("softbreak", "hardbreak"):
            parts.append(" ")
        elif token.type == "html_inline":
            parts.append(
                "^" if token.content.lower().startswith("<sup") else " " * token.content.lower().startswith("<br")
            )
        else:
            parts.append(token.content)
    return "".join(parts)
