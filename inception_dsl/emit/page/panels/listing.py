"""A file on the page, line by line, and which of its lines belong to which row."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple


class Listed(NamedTuple):
    """A file as HTML; `rows` has the ranges of lines of every row as JSON, for the script."""

    name: str
    lines: Sequence[str]
    rows: str


def listed(name: str, lines: Sequence[str], rows: Mapping[str, Iterable[tuple[int, int]]]) -> Listed:
    """A file with the first and the last line of every part of it that belongs to a row."""
    return Listed(name, lines, json.dumps({row: [*parts] for row, parts in rows.items()}, separators=(",", ":")))
