"""The plot of a sweep: its variants and their front, in two objectives."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from inception_dsl.emit.charts.axes import from_zero, short
from inception_dsl.emit.charts.file import write_chart
from inception_dsl.emit.charts.model import Chart, Dots, Panel, Point, series
from inception_dsl.emit.charts.svg import svg
from inception_dsl.sweeps.formulas import Objective
from inception_dsl.sweeps.sweep import Sweep
from inception_dsl.sweeps.variant import Variant

MOST_DOTS: Final = 4000
"""The most variants off the front that are drawn; of more, every second, every fourth, ..."""

MOST_NAMES: Final = 200
"""The most variants on the front that tell their settings where they are pointed at."""

LABELS: Final = {"ops": "multiply-adds", "params": "parameters", "receptive_field": "receptive field"}


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
    points = [places.of(variant) for variant in front]
    names = [sweep.label(variant.values) for variant in front] if len(front) <= MOST_NAMES else ()
    across, up = (LABELS.get(objective.text, objective.text) for objective in (places.across, places.up))
    drawn = [*places.points, *points]
    chart = Chart(
        title=f"{sweep.spec.title}: {len(sweep):,} variants by {' x '.join(sweep.names)}",
        description=f"{up} against {across}; {len(front):,} variants are on the Pareto front",
        panels=[
            Panel(
                "Pareto front",
                from_zero([x for x, _ in drawn], across, short),
                from_zero([y for _, y in drawn], up, short),
                [
                    Dots(places.points, "many", "variants", size=4),
                    Dots(points, series(0), "Pareto front", size=7, names=names),
                ],
            )
        ],
        size=(760, 480),
    )
    write_chart(svg(chart), out)
