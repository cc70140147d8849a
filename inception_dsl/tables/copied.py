"""Tables as text without a layout, as viewers of PDF files copy it: one blank between cells, none for empty ones.

The names of columns are recognised by words that papers use, and the cells of a row that lost its blank ones by what
they hold.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.tables.grid import Cell, Grid, grid, line_span, unreadable
from inception_dsl.tables.kinds import IMAGE, KERNEL, NUMBER, SHAPE, is_data, normal, unmarked, whole
from inception_dsl.tables.layout import Piece, pieces

_NAMES: Final = re.compile(
    r"(?:double )?#? ?[0-9] ?[×xX] ?[0-9](?: reduce)?|patch size ?/ ?stride(?: or remarks)?"
    r"|(?:filter|kernel|patch) size(?: ?/ ?stride)?|(?:output|input) (?:size|shape|channels)|layer (?:name|type)"
    r"|pool ?\+? ?proj(?:ection)?|[#\w./+%()-]+",
    re.IGNORECASE,
)

MISMATCH: Final = -100
"""The score of a cell in a column that holds something else."""


def read(source: Source) -> tuple[Grid, list[int]]:
    """Read a table, and return it with the indices of rows whose blank cells may be elsewhere. Raises `SpecError`."""
    lines = pieces(source)
    first = next((i for i, line in enumerate(lines) if len(line) > 1 and any(is_data(p.text) for p in line)), None)
    if first is None or first == 0:
        hint = "give the lines with the names of the columns too"
        raise unreadable(line_span(source, 1), "no columns are recognised in this text", hint)
    words = " ".join(piece.text for line in lines[:first] for piece in line)
    names = _NAMES.findall(words.replace("/ ", "/"))
    place = line_span(source, lines[0][0].line)
    rows = [[Cell(name, place) for name in names]]
    unsure = []
    for line in lines[first:]:
        if len(line) > len(names):
            hint = "separate the columns by two or more blanks, or give the table as LaTeX or CSV"
            message = f"this line has {len(line)} values, but {len(names)} columns are recognised: {', '.join(names)}"
            raise unreadable(line_span(source, line[0].line), message, hint)
        cells, others = _place(line, names)
        if others:
            unsure.append(len(rows))
        blank = line_span(source, line[0].line)
        found = {
            column: Cell(piece.text, line_span(source, piece.line, piece.start, piece.end))
            for column, piece in cells.items()
        }
        rows.append([found.get(column, Cell("", blank)) for column in range(len(names))])
    return grid(rows, source, 1), unsure


def _place(line: Sequence[Piece], names: Sequence[str]) -> tuple[dict[int, Piece], bool]:
    """The columns of a line's cells, in order and with the best score, and whether others have the same score."""
    width, count = len(names), len(line)
    # best[i][j]: the score of the first i cells in the first j columns, and the number of ways to it
    best: list[list[tuple[int, int]]] = [[(0, 1)] * (width + 1)]
    for i in range(1, count + 1):
        row = [(MISMATCH * count * 2, 0)] * (width + 1)
        for j in range(i, width + 1):
            score, ways = best[i - 1][j - 1]
            taken = (score + _score(line[i - 1].text, names[j - 1], first=j == 1), ways)
            left = row[j - 1]
            row[j] = max(taken, left, key=lambda way: way[0])
            if taken[0] == left[0]:
                row[j] = taken[0], min(taken[1] + left[1], 2)
        best.append(row)
    found, j = {}, width
    for i in range(count, 0, -1):
        while j > i and best[i][j - 1][0] >= best[i][j][0]:
            j -= 1
        found[j - 1] = line[i - 1]
        j -= 1
    return found, best[count][width][1] > 1


@lru_cache(maxsize=4096)
def _score(text: str, name: str, first: bool) -> int:
    """How well a cell fits a column."""
    plain, column = unmarked(normal(text)).text, name.lower()
    number = NUMBER.fullmatch(plain)
    if first:
        return MISMATCH if number else 3
    if re.search("patch|kernel|filter", column):
        return 3 if KERNEL.fullmatch(plain) else MISMATCH if number or SHAPE.fullmatch(plain) else 1
    if re.search("output|input", column):
        return 3 if SHAPE.fullmatch(plain) else 1 if IMAGE.fullmatch(plain) else MISMATCH
    if re.search("params|ops|flops|add|macs", column):
        return 3 if number and number[3] else 0 if number else MISMATCH
    if re.search("depth|repeat", column):
        return 2 if (value := whole(plain)) is not None and value < 16 else MISMATCH
    return 1 if whole(plain) is not None else MISMATCH if SHAPE.fullmatch(plain) or (number and number[3]) else 0
