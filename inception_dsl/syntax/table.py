"""Reads tables: pipe-separated text into a header and cells, each with its offsets.

A bar inside brackets belongs to a formula, not to the table. Markdown tables, with outer bars and a rule of dashes
under the header, are read too.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from inception_dsl.diagnostics.codes.syntax import DUPLICATE_NAME, INCOMPLETE_TABLE, OUT_OF_BOUNDS, WRONG_CELL_COUNT
from inception_dsl.diagnostics.diagnostic import Findings, Note, Span
from inception_dsl.diagnostics.spelling import counted, did_you_mean, listing
from inception_dsl.syntax.source import Fragment

RULE: Final = re.compile(r"[\s|:-]*---[\s|:-]*")
MOST_ROWS: Final = 50_000
MAX_COLUMNS_LISTED: Final = 6
"""The most columns that are listed where a row has no cells for them."""


class Cell(NamedTuple):
    """A cell: its text without the spaces around it, and its offset in the text `within` which it stands."""

    text: str
    start: int
    within: Fragment

    @property
    def end(self) -> int:
        """The offset after its last character; an empty cell is one character wide, so that errors can point at it."""
        return self.start + max(1, len(self.text))

    @property
    def fragment(self) -> Fragment:
        """Its text as a fragment."""
        return self.within.slice(self.start, self.end)

    @property
    def span(self) -> Span:
        """Its place."""
        return self.within.span(self.start, self.end)


class Table(NamedTuple):
    """The cells of the header, and those of each row by column."""

    header: tuple[Cell, ...]
    rows: tuple[dict[str, Cell], ...]


class Form(NamedTuple):
    """What a table holds: its key in a spec, the columns that it must have, and how hints write a header and a row."""

    key: str
    required: tuple[str, ...]
    header: str
    row: str


LAYERS: Final = Form(
    "layers",
    ("name", "layer"),
    "`name | layer`, then the columns of its modules and of the paper",
    "`conv1 | conv 3x3 64`",
)


def read(fragment: Fragment, findings: Findings, form: Form = LAYERS) -> Table | None:
    """Read a table; None after adding errors to `findings`.

    E112 for a missing or incomplete header or no rows, E113 for a row with more or fewer cells than the header, E114
    for two columns of one name, E117 for more rows than `MOST_ROWS`.
    """
    if "|" in fragment.text and "\n" not in fragment.text.strip() and not fragment.literal:
        hint = f"write `{form.key}: |`, and the table on the lines below it"
        findings.error(INCOMPLETE_TABLE, "YAML reads this table as one line", fragment.span(0, 1), help=hint)
        return None
    lines = list(_lines(fragment.text))
    if not lines:
        findings.error(
            INCOMPLETE_TABLE, "the table is empty", fragment.span(0, 1), help="name its columns on the first line"
        )
        return None
    if len(lines) > MOST_ROWS:
        findings.error(
            OUT_OF_BOUNDS, f"the table has {len(lines):,} rows; the limit is {MOST_ROWS:,}", fragment.span(0, 1)
        )
        return None
    start, line = lines[0]
    outer = line.startswith("|")
    header = tuple(cell._replace(text=" ".join(cell.text.split())) for cell in _cells(start, line, outer, fragment))
    if not _check_header(header, fragment, findings, form):
        return None
    rows, broken = [], False
    starts = [_column(cell, fragment) for cell in header]
    for start, line in lines[1:]:
        if RULE.fullmatch(line):
            continue
        cells = _cells(start, line, outer, fragment)
        if len(cells) != len(header):
            _report_count(cells, header, starts, fragment, findings)
            broken = True
            continue
        rows.append({column.text: cell for column, cell in zip(header, cells, strict=True)})
    if not rows and not broken:
        span, hint = fragment.span(header[0].start, header[-1].end), f"add a row below it: {form.row}"
        findings.error(INCOMPLETE_TABLE, "the table has a header but no rows", span, help=hint)
    return Table(header, tuple(rows))


def _report_count(
    cells: list[Cell], header: tuple[Cell, ...], starts: list[int], fragment: Fragment, findings: Findings
) -> None:
    """Report a row with more or fewer cells than the header (E113)."""
    message = f"this row has {counted(len(cells), 'cell')}, but the header has {len(header)} columns"
    if len(cells) > len(header):
        span, label = cells[len(header)].span, "extra cell"
        hint = "delete it, or name its column in the header; write branches in a table in brackets: `[a | b]`"
    else:
        end = cells[-1].start + len(cells[-1].text)
        span = fragment.span(max(end - 1, 0), max(end, 1))
        label = f"no cell for {_without_cell(cells, header, starts, fragment)}"
        hint = "write every cell, including empty ones: ` | ` starts the next one"
    if cells[0].text.startswith("#"):
        hint = "a table has no comments: write it above the key of the table, or behind the key's `|`"
    findings.error(WRONG_CELL_COUNT, message, span, label, help=hint)


def _without_cell(cells: list[Cell], header: tuple[Cell, ...], starts: list[int], fragment: Fragment) -> str:
    """The columns without a cell in a short row: by alignment with the header if possible, else the last ones."""
    below = [bisect(starts, _column(cell, fragment)) - 1 for cell in cells]
    aligned = below[0] == 0 and len({*below}) == len(cells)
    taken = {*below} if aligned else range(len(cells))
    missing = islice((cell.text for i, cell in enumerate(header) if i not in taken), MAX_COLUMNS_LISTED)
    more = len(header) - len(cells) - MAX_COLUMNS_LISTED
    return ", ".join(f"`{column}`" for column in missing) + f" and {more:,} more" if more > 0 else listing(missing)


def _column(cell: Cell, fragment: Fragment) -> int:
    return cell.start - fragment.text.rfind("\n", 0, cell.start)


def _lines(text: str) -> Iterator[tuple[int, str]]:
    start = 0
    for line in text.split("\n"):
        stripped = line.strip()
        if stripped:
            yield start + line.index(stripped[0]), stripped
        start += len(line) + 1


def _cells(start: int, line: str, outer: bool, fragment: Fragment) -> list[Cell]:
    cells = []
    for begin, end in split(line):
        text = line[begin:end]
        stripped = text.strip()
        lead = len(text) - len(text.lstrip()) if stripped else min(1, len(text))
        cells.append(Cell(stripped, start + begin + lead, fragment))
    if outer:
        cells = cells[1:] if not cells[0].text else cells
        cells = cells[:-1] if cells and not cells[-1].text and line.endswith("|") else cells
    return cells


def split(line: str) -> Iterator[tuple[int, int]]:
    """The ranges between bars outside brackets; unmatched closing brackets are left to the formula's parser."""
    begin = depth = 0
    for i, character in enumerate(line) if "[" in line or "{" in line else _bars(line):
        if character in "[{":
            depth += 1
        elif character in "]}":
            depth = max(0, depth - 1)
        elif character == "|" and depth == 0:
            yield begin, i
            begin = i + 1
    yield begin, len(line)


def _bars(line: str) -> Iterator[tuple[int, str]]:
    at = line.find("|")
    while at >= 0:
        yield at, "|"
        at = line.find("|", at + 1)


def _check_header(header: tuple[Cell, ...], fragment: Fragment, findings: Findings, form: Form) -> bool:
    seen: dict[str, Cell] = {}
    before = len(findings.diagnostics)
    for cell in header:
        span = cell.span
        if not cell.text:
            findings.error(INCOMPLETE_TABLE, "a column has no name", span, help="name it, or remove the bar")
        elif cell.text in seen:
            note = Note(seen[cell.text].span, "first defined here")
            hint = "delete one, or rename it"
            findings.error(DUPLICATE_NAME, f"duplicate column `{cell.text}`", span, notes=[note], help=hint)
        seen.setdefault(cell.text, cell)
    missing = [required for required in form.required if required not in seen]
    for required in list(missing):
        for cell in header:
            if hint := did_you_mean(cell.text, [required]):
                findings.error(INCOMPLETE_TABLE, f"the table has no column `{required}`", cell.span, help=hint)
                missing.remove(required)
                break
    if missing:
        span = fragment.span(header[0].start, header[-1].end)
        hint = f"the first line names the columns: {form.header}"
        findings.error(INCOMPLETE_TABLE, f"the table has no column {listing(missing, 'or')}", span, help=hint)
    return len(findings.diagnostics) == before
