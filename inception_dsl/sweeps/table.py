"""The variants of a sweep as cells of a table, and as a CSV file."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any, Final, TextIO

from inception_dsl.files import output
from inception_dsl.sweeps.sweep import Sweep
from inception_dsl.sweeps.variant import Variant, shown

MOST_ROWS: Final = 40
"""The most variants of the front that a terminal and a page show; the files, the JSON and the Markdown have more."""

NUMBERS: Final = ("params", "macs", "activations", "depth", "receptive_field")
"""The numbers of a variant; the receptive field is that along the longer side."""


def numbers(variant: Variant) -> tuple[int, ...]:
    """The numbers of a variant, in the order of `NUMBERS`."""
    trunk = variant.cost.trunk
    return trunk.params, trunk.macs, trunk.activations, trunk.depth, max(trunk.receptive_field)


def header(sweep: Sweep, columns: Sequence[str]) -> list[str]:
    """The names of the axes, and of some columns; one that a setting has too is `network_depth`, for example."""
    return [*sweep.names, *(f"network_{name}" if name in sweep.names else name for name in columns)]


def front_table(sweep: Sweep, front: Iterable[Variant]) -> list[list[str]]:
    """The cells of some variants, header first."""
    return [
        header(sweep, ("params", "ops", "activations", "depth", "field")),
        *([*map(shown, variant.values), *(f"{number:,}" for number in numbers(variant))] for variant in front),
    ]


class Csv:
    """Variants on disk, one a line, until their front is known."""

    def __init__(self, sweep: Sweep, spool: TextIO) -> None:
        self._sweep, self._spool = sweep, spool
        self._writer = csv.writer(spool, lineterminator="\n")

    def add(self, variant: Variant) -> None:
        """Add a variant."""
        self._writer.writerow(_cells(variant))

    def write(self, path: Path, front: Sequence[Variant]) -> None:
        """Write all variants to a file, with 1 at the end of those on the front and 0 at the end of the others.

        Raises `SpecError` E006.
        """
        on_front = {tuple(map(str, _cells(variant))) for variant in front}
        self._spool.seek(0)
        with output.writing(path) as raw, TextIOWrapper(raw, encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header(self._sweep, (*NUMBERS, "front")))
            writer.writerows([*cells, int(tuple(cells) in on_front)] for cells in csv.reader(self._spool))


@contextmanager
def spooled(sweep: Sweep) -> Iterator[Csv]:
    """Yield a `Csv` whose variants are in a temporary file, which no other process sees."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", newline="") as spool:
        yield Csv(sweep, spool)


def _cells(variant: Variant) -> list[Any]:
    return [*map(shown, variant.values), *numbers(variant)]
