"""Compares the keys of two specs, such as `input` and `defaults.conv`, apart from their rows and heads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from inception_dsl.diff.changes import Change, changes
from inception_dsl.spec.network import NetworkSpec
from inception_dsl.spec.printer import as_file

ELSEWHERE: Final = ("layers", "heads")
"""The keys that are compared row by row."""


def compare_keys(before: NetworkSpec, after: NetworkSpec) -> tuple[Change, ...]:
    """The keys that differ, in the order of a file; a key that is left out is None, except `classes`."""
    return changes(*(dict(_flat({**as_file(spec), "classes": spec.classes})) for spec in (before, after)))


def _flat(data: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in data.items():
        name = f"{above}.{key}" if above else str(key)
        if name in ELSEWHERE or value is None:
            continue
        if isinstance(value, Mapping):
            yield from _flat(value, name)
        else:
            yield name, list(value) if isinstance(value, tuple) else value
