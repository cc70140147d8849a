"""The plot of a sweep: its variants and their front, in two objectives."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from inception_dsl.emit.charts.axes import from_zero, short
from inception_dsl.emit.charts.file import write_chart
from inception_dsl.emit.charts.model import Chart, Dots, Panel, Point, series
from inception_dsl.emit.charts.svg import svg
from inception_dsl.paper.verdicts import MEASURES
from inception_dsl.sweeps.formulas import Objective
from inception_dsl.sweeps.sweep import Sweep
from inception_dsl.sweeps.variant import Variant

MOST_DOTS: Final = 4000
"""The most variants off the front that are drawn, and on it; of more, every second, every fourth, ..."""

MOST_NAMES: Final = 200
"""The most variants on the front that tell their settings where they are pointed at."""


class Places:
    """The places of variants in the plot, evenly thinned out while they are added."""

    def __init__(self, sweep: Sweep) -> None:
        first, *others = sweep.objectives
        self.across = others[0] if others else Objective(sweep.spec, "ops")
        self.up = first
        self.points: list[Point] = []
        self._every, self._added = 1, 0

    def add(self, variant: Variant) -> None:
        """Add a variant."""
        if self._added % self._every == 0:
            self.points.append(self.of(variant))
            if len(self.points) > MOST_DOTS:
                del self.points[1::2]
                self._every *= 2
        self._added += 1

    def of(self, variant: Variant) -> Point:
        """Where a variant is in the plot."""
        return float(self.across.value(variant)), float(self.up.value(variant))


def plot_sweep(sweep: Sweep, places: Places, front: Sequence[Variant], out: Path) -> None:
    """Plot the first objective against the second, or against multiply-adds. Raises as `write_chart` does."""
    title = f"{sweep.spec.title}: {len(sweep):,} variants by {' x '.join(sweep.names)}"
    names = [sweep.label(variant.values) for variant in front]
    points = [places.of(variant) for variant in front]
    formulas = places.across.text, places.up.text
    write_chart(
        svg(front_chart(title, f"{len(front):,} on the Pareto front", formulas, places.points, points, names)), out
    )


def front_chart(
    title: str,
    description: str,
    formulas: tuple[str, str],
    variants: Sequence[Point],
    front: Sequence[Point],
    names: Sequence[str],
) -> Chart:
    """The chart of variants and their front in two objectives, across and up; those of the front have names."""
    across, up = (MEASURES[formula].title if formula in MEASURES else formula for formula in formulas)
    named = names if len(front) <= MOST_NAMES else ()
    front = front[:: math.ceil(len(front) / MOST_DOTS)]
    every = [*variants, *front]
    marks = [Dots(front, series(0), "Pareto front" * bool(variants), size=7, names=named)]
    if variants:
        marks.insert(0, Dots(variants, "many", "variants", size=4))
    x, y = from_zero([x for x, _ in every], across, short), from_zero([y for _, y in every], up, short)
    return Chart(title, f"{up} against {across}: {description}", [Panel("", x, y, marks)], size=(760, 480))
