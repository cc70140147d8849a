"""Reads a table in any of the forms that papers have: by the file's name, or by the text itself."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import Final, NamedTuple

from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.tables.grid import Grid, check_length, line_span, unreadable

FORMATS: Final = ("csv", "tsv", "markdown", "latex", "html", "text")
_SUFFIXES: Final = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".md": "markdown",
    ".markdown": "markdown",
    ".tex": "latex",
    ".html": "html",
    ".htm": "html",
}
_RULE: Final = re.compile(r"\s*+\|?\s*+:?-+:?\s*+(\|\s*+:?-+:?\s*+)*+\|?\s*+")


class Found(NamedTuple):
    """A table of a text: its form, its number among all `tables`, and the rows whose blank cells may be elsewhere."""

    grid: Grid
    form: str
    number: int
    tables: int
    unsure: tuple[int, ...] = ()


def read(source: Source, form: str | None = None, number: int = 1) -> Found:
    """Read the table of a text, or one of several by its number. Raises `SpecError`.

    E118 for a text without a table, E117 for one that is too long, E005 for markup without the library that reads it.
    """
    check_length(source)
    if not source.text.strip():
        raise unreadable(line_span(source, 1), "the text is empty", "give the lines of a table")
    form = form or guess(source)
    grids, unsure = _grids(source, form)
    if not grids:
        raise unreadable(line_span(source, 1), f"there is no table in this text, read as {form}", _other(form))
    if number > len(grids):
        message = f"there is no table {number}: the text has {len(grids)}"
        raise unreadable(line_span(source, 1), message, f"choose one with `--table`, from 1 to {len(grids)}")
    return Found(grids[number - 1], form, number, len(grids), unsure)


def _other(form: str) -> str:
    return f"choose its form with `--from`: {', '.join(other for other in FORMATS if other != form)}"


def _grids(source: Source, form: str) -> tuple[list[Grid], tuple[int, ...]]:
    if form == "latex":
        from inception_dsl.tables import latex

        return latex.read(source), ()
    if form == "html":
        from inception_dsl.tables import html

        return html.read(source), ()
    if form == "markdown":
        from inception_dsl.tables import markdown

        return markdown.read(source) or _barred(source), ()
    if form == "text":
        from inception_dsl.tables import copied, layout

        if layout.is_aligned(layout.pieces(source), source):
            return [layout.read(source)], ()
        grid, unsure = copied.read(source)
        return [grid], tuple(unsure)
    from inception_dsl.tables import delimited

    delimiter = "\t" if form == "tsv" else _delimiter(source.text)
    return [delimited.read(source, delimiter)], ()


def guess(source: Source) -> str:
    """The form of a text, by the suffix of its file or by what stands in it."""
    suffix = PurePath(source.file).suffix.lower()
    return _SUFFIXES.get(suffix) or _by_content(source)


def _by_content(source: Source) -> str:
    text = source.text
    if re.search(r"<(table|tr|td)\b", text, re.IGNORECASE):
        return "html"
    if re.search(r"\\begin\s*+\{(tab|array|longtab)|\\hline|\\toprule", text) or re.search(r"&[^&\n]*\\\\", text):
        return "latex"
    lines = [line for line in source.lines if line.strip()]
    if (any("|" in line for line in lines) and any(_RULE.fullmatch(line) for line in lines)) or _fields(text, "|"):
        return "markdown"
    if 2 * sum("\t" in line for line in lines) > len(lines):
        return "tsv"
    return "csv" if _fields(text, ",") or _fields(text, ";") else "text"


def _barred(source: Source) -> list[Grid]:
    """Lines with bars but without a rule, in which Markdown sees no table."""
    from inception_dsl.tables import delimited

    return [delimited.read(source, "|")] if _fields(source.text, "|") else []


def _delimiter(text: str) -> str:
    """What separates cells: semicolons only where commas do not give every row the same number of them."""
    return ";" if _fields(text, ";") and not _fields(text, ",") else ","


def _fields(text: str, delimiter: str) -> int:
    from inception_dsl.tables.delimited import count

    return count(text, delimiter)
