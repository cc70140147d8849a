"""The order of the index: by year, paper by paper, every network followed by its variants."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from inception_dsl.emit.site.entry import Entry


class Paper(NamedTuple):
    """The networks of a paper, in order."""

    cited: str
    arxiv: str
    entries: Sequence[Entry]


class Year(NamedTuple):
    """The papers of a year; those without a paper are in the last year, None."""

    year: int | None
    papers: Sequence[Paper]


def ordered(entries: Iterable[Entry]) -> list[Entry]:
    """Entries by year and paper; a variant follows the entry that it extends, if that is of the same paper."""
    given = list(entries)
    by_name = {entry.name: entry for entry in given}
    return sorted(given, key=lambda entry: (_year(entry), entry.paper, _line(entry, by_name)))


def years(entries: Sequence[Entry]) -> list[Year]:
    """Ordered entries, by year and paper."""
    found: dict[int | None, dict[str, list[Entry]]] = {}
    for entry in entries:
        found.setdefault(entry.year if entry.paper else None, {}).setdefault(entry.paper, []).append(entry)
    return [
        Year(year, [Paper(cited, group[0].arxiv, group) for cited, group in papers.items()])
        for year, papers in found.items()
    ]


def _year(entry: Entry) -> int:
    return entry.year if entry.paper and entry.year is not None else 9999


def _line(entry: Entry, by_name: Mapping[str, Entry]) -> tuple[str, ...]:
    """The names from the first base of the same paper to an entry."""
    return tuple(reversed([*_ancestors(entry, by_name)]))


def _ancestors(entry: Entry, by_name: Mapping[str, Entry]) -> Iterator[str]:
    yield entry.name
    base = by_name.get(entry.base)
    if base is not None and base.paper == entry.paper:
        yield from _ancestors(base, by_name)
