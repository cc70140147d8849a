"""Reads the layer table: pipe-separated text -> header and cells, each with its offsets.

A bar inside brackets belongs to a formula, not to the table. A Markdown table (outer bars, a rule of dashes under the
header) is read too.
"""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Iterator
from itertools import islice
from typing import Final, NamedTuple

from inception_dsl.diagnostics.codes.syntax import DUPLICATE_NAME, INCOMPLETE_TABLE, OUT_OF_BOUNDS, WRONG_CELL_COUNT
from inception_dsl.diagnostics.diagnostic import Findings, Note, Span
from inception_dsl.diagnostics.spelling import did_you_mean, listing
from inception_dsl.syntax.source import Fragment

RULE: Final = re.compile(r"[\s|:-]*---[\s|:-]*")
MOST_ROWS: Final = 50_000
LISTED: Final = 6
"""Columns that are named where a row has no cells for them."""


class Cell(NamedTuple):
    """A cell's text, without the blanks around it, and where it starts in the text it stands in: the table's."""

    text: str
    start: int
    within: Fragment

    @property
    def end(self) -> int:
        """The offset after its last character; an empty cell is one character wide, so that it can be pointed at."""
        return self.start + max(1, len(self.text))

    @property
    def fragment(self) -> Fragment:
        """Its text, which knows the place of each part of it."""
        return self.within.slice(self.start, self.end)

    @property
    def span(self) -> Span:
        """Where it stands."""
        return self.within.span(self.start, self.end)


class Table(NamedTuple):
    """The header's cells, and of every row the cells by column."""

    header: tuple[Cell, ...]
    rows: tuple[dict[str, Cell], ...]


def read(fragment: Fragment, findings: Findings) -> Table | None:
    """Read a table; what is wrong goes to `findings`.

    E112: no header, or it lacks `name` or `layer`; E113: a row with more or fewer cells than the header; E114: two
    columns of one name; E117: more rows than any network has.
    """
    lines = list(_lines(fragment.text))
    if not lines:
        findings.error(
            INCOMPLETE_TABLE, "the table is empty", fragment.span(0, 1), help="its first line names the columns"
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
    if not _check_header(header, fragment, findings):
        return None
    rows, broken = [], False
    starts = [_column(cell, fragment) for cell in header]
    for start, line in lines[1:]:
        if RULE.fullmatch(line):
            continue
        cells = _cells(start, line, outer, fragment)
        if len(cells) != len(header):
            _tell_count(cells, header, starts, fragment, findings)
            broken = True
            continue
        rows.append({column.text: cell for column, cell in zip(header, cells, strict=True)})
    if not rows and not broken:
        span, hint = fragment.span(header[0].start, header[-1].end), "add a row below it: `conv1 | conv 3x3 64`"
        findings.error(INCOMPLETE_TABLE, "the table has a header but no rows", span, help=hint)
    return Table(header, tuple(rows))


def _tell_count(
    cells: list[Cell], header: tuple[Cell, ...], starts: list[int], fragment: Fragment, findings: Findings
) -> None:
    """Tell of a row with more or fewer cells than the header (E113)."""
    count = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
    message = f"this row has {count}, but the header has {len(header)} columns"
    if len(cells) > len(header):
        span, label = cells[len(header)].span, "one too many"
        hint = "delete it, or name its column in the header; write branches in a table in brackets: `[a | b]`"
    else:
        end = cells[-1].start + len(cells[-1].text)
        span = fragment.span(max(end - 1, 0), max(end, 1))
        label = f"no cell for {_without_cell(cells, header, starts, fragment)}"
        hint = "write every cell, including empty ones: ` | ` starts the next one"
    findings.error(WRONG_CELL_COUNT, message, span, label, help=hint)


def _without_cell(cells: list[Cell], header: tuple[Cell, ...], starts: list[int], fragment: Fragment) -> str:
    """The columns that a short row has no cell for: where it is aligned with the header, else the last ones."""
    below = [bisect(starts, _column(cell, fragment)) - 1 for cell in cells]
    aligned = below[0] == 0 and len({*below}) == len(cells)
    taken = {*below} if aligned else range(len(cells))
    missing = islice((cell.text for i, cell in enumerate(header) if i not in taken), LISTED)
    more = len(header) - len(cells) - LISTED
    return ", ".join(f"`{each}`" for each in missing) + f" and {more:,} more" if more > 0 else listing(missing)


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
    for begin, end in _split(line):
        text = line[begin:end]
        stripped = text.strip()
        lead = len(text) - len(text.lstrip()) if stripped else min(1, len(text))
        cells.append(Cell(stripped, start + begin + lead, fragment))
    if outer:
        cells = cells[1:] if not cells[0].text else cells
        cells = cells[:-1] if cells and not cells[-1].text and line.endswith("|") else cells
    return cells


def _split(line: str) -> Iterator[tuple[int, int]]:
    """The ranges between bars outside brackets; a closing bracket too many is left for the formula's reader."""
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


def _check_header(header: tuple[Cell, ...], fragment: Fragment, findings: Findings) -> bool:
    seen: dict[str, Cell] = {}
    before = len(findings.diagnostics)
    for cell in header:
        span = cell.span
        if not cell.text:
            findings.error(INCOMPLETE_TABLE, "a column has no name", span, help="name it, or remove the bar")
        elif cell.text in seen:
            note = Note(seen[cell.text].span, "here first")
            hint = "delete one, or rename it"
            findings.error(DUPLICATE_NAME, f"two columns are called `{cell.text}`", span, notes=[note], help=hint)
        seen.setdefault(cell.text, cell)
    missing = [required for required in ("name", "layer") if required not in seen]
    for required in list(missing):
        for cell in header:
            if hint := did_you_mean(cell.text, [required]):
                findings.error(INCOMPLETE_TABLE, f"the table has no column `{required}`", cell.span, help=hint)
                missing.remove(required)
                break
    if missing:
        span = fragment.span(header[0].start, header[-1].end)
        hint = "the first line names the columns: `name | layer`, then the columns of its modules and of the paper"
        findings.error(INCOMPLETE_TABLE, f"the table has no column {listing(missing, 'or')}", span, help=hint)
    return len(findings.diagnostics) == before
