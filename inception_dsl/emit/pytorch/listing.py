"""Which lines of a PyTorch file are a row's: those of the network's class that are about it, and the classes it uses.

The emitter records both while it writes. Only the extent of a class in the file is read from it, by Python's parser.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from itertools import accumulate
from typing import NamedTuple

from inception_dsl.emit.pytorch.pytorch import write
from inception_dsl.ir.typed import Typed


class LineRange(NamedTuple):
    """Lines of a file from `first` to `last`, counted from 1."""

    first: int
    last: int


class Listing(NamedTuple):
    """A PyTorch file, and the lines of every row and head in the order of the file."""

    text: str
    rows: Mapping[str, Sequence[LineRange]]


def listing(typed: Typed, rebuild: str = "") -> Listing:
    """Write a network as `pytorch.source` does, and find the lines of its rows: classes, constructor, `forward`."""
    text, network, calls = write(typed, rebuild)
    places = {
        node.name: LineRange(node.lineno, node.end_lineno or node.lineno)
        for node in ast.parse(text).body
        if isinstance(node, ast.ClassDef | ast.FunctionDef)
    }
    counts = [line.text.count("\n") + 1 for line in network]
    first = text.count("\n") - sum(counts) + 1  # the file ends with these lines
    own = [
        LineRange(first + before, first + before + n - 1)
        for before, n in zip(accumulate(counts, initial=0), counts, strict=False)
    ]
    rows: dict[str, Sequence[LineRange]] = {}
    for name in (*typed.trunk, *typed.heads):
        about = [(line, place) for line, place in zip(network, own, strict=True) if name in line.rows]
        used = _all_called((called for line, _ in about for called in line.calls), calls)
        rows[name] = sorted([*(places[called] for called in used), *(place for _, place in about)])
    return Listing(text, rows)


def _all_called(names: Iterable[str], calls: Mapping[str, Sequence[str]]) -> set[str]:
    """Some classes with those that they call, and so on."""
    found: set[str] = set()
    waiting = [*names]
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += calls.get(name, ())
    return found
