"""The curves of runs, from their `metrics.jsonl`: read, smoothed, and thinned to what a figure can show."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from inception_dsl.files.paths import reason
from inception_dsl.ir.names import LOGGED
from inception_dsl.runner.base.settings import RunError

MAX_POINTS: Final = 500
"""The largest number of points in a line; more would not be visible."""

Points = tuple[list[float], list[float]]
"""The steps of a series, and its values; NaN where a number was not finite."""


@dataclass(frozen=True)
class Curves:
    """A run: its name, and its rows of `metrics.jsonl`."""

    name: str
    rows: tuple[dict[str, Any], ...]

    def points(self, key: str) -> Points:
        """A series over the steps; rows without the key are left out."""
        clocked = [(row["step"], row.get("clock", {}) | row) for row in self.rows]
        found = [(float(step), _number(row[key])) for step, row in clocked if key in row]
        return [step for step, _ in found], [value for _, value in found]

    def last(self, key: str) -> float | None:
        """The last finite number of a series; None if there is none."""
        return next((value for value in reversed(self.points(key)[1]) if math.isfinite(value)), None)

    @property
    def heads(self) -> list[str]:
        """The auxiliary heads whose losses were logged: the keys that not every run has."""
        found = {key for row in self.rows for key in row if not key.startswith("test_")}
        return sorted(found - LOGGED)

    @property
    def steps_per_epoch(self) -> int:
        """The steps of an epoch; 0 if the log does not tell."""
        return next((round(row["step"] / row["epoch"]) for row in reversed(self.rows) if row.get("epoch", 0) > 1e-6), 0)


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float) and abs(value) <= sys.float_info.max else math.nan


def read_curves(run: Path, name: str = "") -> Curves:
    """Read the rows of a run, a folder or its `metrics.jsonl`, without a half-written last line.

    Where the log goes back to an earlier step, as that of a run that was killed and resumed, the later rows count.
    Raises `RunError` if there are none.
    """
    file = run / "metrics.jsonl" if run.is_dir() else run
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise RunError(f"{file}: {reason(error)}; name the folder of a run, which holds metrics.jsonl") from None
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            step = _step(row)
        except (ArithmeticError, LookupError, TypeError, ValueError, RecursionError):
            if number == len(lines) and rows:
                break
            raise RunError(f"{file}:{number}: not a row of metrics; is this the log of a run?") from None
        if rows and rows[-1]["step"] > step:
            rows = [earlier for earlier in rows if earlier["step"] < step]
        rows.append(row)
    if not rows:
        raise RunError(f"{file}: no rows yet; a run writes one every run.log_every steps")
    return Curves(name or run.name, tuple(rows))


def _step(row: Any) -> int:
    """The step of a row. Raises `LookupError` or `TypeError` for another value."""
    step, epoch = row["step"], row.get("epoch", 0)
    if (
        type(step) is not int
        or not 0 <= step < 2**53
        or not math.isfinite(epoch)
        or not isinstance(row.get("clock", {}), dict)
    ):
        raise TypeError
    return step


def legend_names(runs: Sequence[Path]) -> list[str]:
    """Unique names of runs in a legend: the shortest distinct tails of their paths."""
    parts = [(run if run.suffix != ".jsonl" else run.parent).resolve().parts for run in runs]
    for length in range(1, max(map(len, parts)) + 1):
        found = ["/".join(path[-length:]) for path in parts]
        if len(set(found)) == len(set(parts)):
            break
    return found


def smooth(points: Points, window: int) -> Points:
    """The centred means of a series over `window` values, at no more than `MAX_POINTS` of its steps.

    The window is smaller near the ends, so that the line lags nowhere. NaNs do not count, and stay gaps.
    """
    steps, values = points
    shown = sorted({*range(0, len(values), _stride(len(values), MAX_POINTS)), *range(len(values))[-1:]})
    means = []
    for index in shown:
        reach = min(window // 2, index, len(values) - 1 - index)
        near = [value for value in values[index - reach : index + reach + 1] if math.isfinite(value)]
        gap = not math.isfinite(values[index])
        means.append(math.nan if gap else math.fsum(value / len(near) for value in near))
    return [steps[index] for index in shown], means


def thin(points: Points) -> Points:
    """A series of no more than about `MAX_POINTS` points: the lowest and the highest of each group of neighbours."""
    steps, values = points
    stride = _stride(len(values), MAX_POINTS // 2)
    if stride == 1:
        return points
    kept = [index for start in range(0, len(values), stride) for index in _extremes(values, start, start + stride)]
    return [steps[index] for index in kept], [values[index] for index in kept]


def _extremes(values: Sequence[float], start: int, end: int) -> Iterator[int]:
    finite = [index for index in range(start, min(end, len(values))) if math.isfinite(values[index])]
    yield from sorted({min(finite, key=values.__getitem__), max(finite, key=values.__getitem__)}) if finite else [start]


def _stride(count: int, most: int) -> int:
    return max(1, math.ceil(count / most))
