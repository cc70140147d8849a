"""What an ablation found: for every network its cost, and its score over the seeds."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from inception_dsl.analysis.cost import cost
from inception_dsl.runner.base.metrics import METRICS
from inception_dsl.training.ablate import Variant
from inception_dsl.training.ablate_runs import Result
from inception_dsl.training.plan import with_classes

NOTE: Final = """\
params and ops (multiply-adds): without the heads. {title}: mean ± standard deviation over the seeds.
difference: from the first network{points}, ± its standard error."""


class Spread(NamedTuple):
    """A mean of several runs, and their sample standard deviation; None for a single run."""

    mean: float
    deviation: float | None
    values: list[float]

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value."""
        return cls(statistics.fmean(values), statistics.stdev(values) if len(values) > 1 else None, [*values])

    def minus(self, other: Spread) -> tuple[float, float | None]:
        """The difference of two means and its standard error, as of independent runs; None without deviations."""
        if self.deviation is None or other.deviation is None:
            return self.mean - other.mean, None
        variances = (spread.deviation**2 / len(spread.values) for spread in (self, other) if spread.deviation)
        return self.mean - other.mean, math.sqrt(sum(variances))


class Row(NamedTuple):
    """A network of the ablation: what it costs without its heads, how its runs ended, and their score."""

    variant: Variant
    params: int
    macs: int
    results: list[Result]
    score: Spread | None

    @property
    def failed(self) -> list[Result]:
        """The runs that failed."""
        return [result for result in self.results if result.status == "failed"]


def metric(results: Sequence[Result]) -> str:
    """The name of the number that decides a score, such as "top1"; top-1 accuracy if no run is done."""
    names = (name for result in results for name in result.score or () if name in METRICS)
    return next(names, "top1")


def sentence(score: Mapping[str, float]) -> str:
    """The number that decides a score, as "top-1 87.30%"."""
    return next(f"{METRICS[name].title} {score[name]:{METRICS[name].form}}" for name in score if name in METRICS)


def summarise(variants: Sequence[Variant], results: Sequence[Result], classes: int) -> list[Row]:
    """Sum up the runs of each variant; the cost is that for `classes`, as the data set has."""
    rows, decides = [], metric(results)
    for variant in variants:
        own = sorted((result for result in results if result.trial.variant == variant.name), key=_seed)
        typed, known = variant.plan.typed, int(variant.plan.typed.program.env["classes"])
        counted = cost(typed if known == classes else with_classes(variant.plan.spec, classes)).trunk
        found = [result.score[decides] for result in own if result.score]
        rows.append(Row(variant, counted.params, counted.macs, own, Spread.of(found) if found else None))
    return rows


def _seed(result: Result) -> int:
    return result.trial.seed


def table(rows: Sequence[Row], metric: str) -> list[tuple[str, ...]]:
    """The cells of the table, header first: accuracies in percent, and their differences in percentage points."""
    percent = METRICS[metric].form.endswith("%")
    title = f"{METRICS[metric].title}{', %' * percent}"
    cells: list[tuple[str, ...]] = [("network", "runs", "params", "ops", title, "difference")]
    for row, difference in zip(rows, _differences(rows), strict=True):
        score = _spread(row.score.mean, row.score.deviation, percent) if row.score else ""
        apart = _spread(*difference, percent, "+") if difference else ""
        cells.append((row.variant.name, _runs(row), f"{row.params:,}", f"{row.macs:,}", score, apart))
    return cells


def note(metric: str) -> str:
    """What the columns of the table mean."""
    percent = METRICS[metric].form.endswith("%")
    return NOTE.format(title=METRICS[metric].title, points=", in percentage points" * percent)


def _differences(rows: Sequence[Row]) -> list[tuple[float, float | None] | None]:
    """The differences from the first network, with their standard errors; None for the first, and without a score."""
    first, *others = (row.score for row in rows)
    return [None, *(score.minus(first) if score and first else None for score in others)]


def _spread(mean: float, spread: float | None, percent: bool, sign: str = "") -> str:
    scale, form = (100, ".1f") if percent else (1, ".4f")
    return f"{scale * mean:{sign}{form}}{'' if spread is None else f' ± {scale * spread:{form}}'}"


def _runs(row: Row) -> str:
    """How many runs are done, and of how many if some are not."""
    done, failed = sum(result.status == "done" for result in row.results), len(row.failed)
    of = "" if done == len(row.results) else f" of {len(row.results)}"
    return f"{done}{of}{f', {failed} failed' if failed else ''}"


def data(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The rows for machines: accuracies as fractions."""
    return [
        {
            "network": row.variant.name,
            "title": row.variant.plan.typed.program.title,
            "spec": row.variant.file,
            "params": row.params,
            "macs": row.macs,
            "score": {"mean": row.score.mean, "deviation": row.score.deviation} if row.score else None,
            "difference": dict(zip(("mean", "error"), difference, strict=True)) if difference else None,
            "runs": [
                {
                    "seed": result.trial.seed,
                    "folder": str(result.trial.folder),
                    "status": result.status,
                    "score": result.score,
                    "reason": result.reason,
                }
                for result in row.results
            ],
        }
        for row, difference in zip(rows, _differences(rows), strict=True)
    ]
