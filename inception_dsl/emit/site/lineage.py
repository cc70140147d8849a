"""The order of the index: by year, paper by paper, every network followed by its variants."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from inception_dsl.emit.site.entry import Entry


class Paper(NamedTuple):
    """The networks of a paper, in order."""

    cited: str
    arxiv: str
    entries: Sequence[Entry]


class Year(NamedTuple):
    """The papers of a year; those without a paper or a year are in the last one, None."""

    year: int | None
    papers: Sequence[Paper]


def ordered(entries: Iterable[Entry]) -> list[Entry]:
    """Entries by year and paper; a variant follows the entry that it extends, if that is of the same paper."""
    given = list(entries)
    by_name = {entry.name: entry for entry in given}
    return sorted(given, key=lambda entry: (_year(entry) or math.inf, entry.paper, _line(entry, by_name)))


def years(entries: Sequence[Entry]) -> list[Year]:
    """Ordered entries, by year and paper."""
    found: dict[int | None, dict[str, list[Entry]]] = {}
    for entry in entries:
        found.setdefault(_year(entry), {}).setdefault(entry.paper, []).append(entry)
    return [
        Year(year, [Paper(cited, group[0].arxiv, group) for cited, group in papers.items()])
        for year, papers in found.items()
    ]


def _year(entry: Entry) -> int | None:
    return entry.year if entry.paper else None


def _line(entry: Entry, by_name: Mapping[str, Entry]) -> tuple[str, ...]:
    """The names from the first base of the same paper to an entry."""
    line = [entry.name]
    while (base := by_name.get(entry.base)) and base.paper == entry.paper and base.name not in line:
        line.append(base.name)  # it may be there: a base that is not listed can have the name of an entry
        entry = base
    return tuple(reversed(line))
