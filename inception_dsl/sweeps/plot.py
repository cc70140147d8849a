"""The plot of a sweep: its variants and their front, in two objectives."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

from inception_dsl.sweeps.formulas import Objective
from inception_dsl.sweeps.sweep import Sweep
from inception_dsl.sweeps.variant import Variant
from inception_dsl.training.figure import PALETTE, figure

MOST_DOTS: Final = 4000
"""The most variants off the front that are drawn; of more, every second, every fourth, ..."""

Dot = tuple[float, float]
LABELS: Final = {"ops": "multiply-adds", "params": "parameters", "receptive_field": "receptive field"}


class Dots:
    """The places of variants in the plot, evenly thinned out while they are added."""

    def __init__(self, sweep: Sweep) -> None:
        first, *others = sweep.objectives
        self.across = others[0] if others else Objective(sweep.spec, "ops")
        self.up = first
        self.places: list[Dot] = []
        self._every, self._added = 1, 0

    def add(self, variant: Variant) -> None:
        """Add a variant."""
        if self._added % self._every == 0:
            self.places.append(self.place(variant))
            if len(self.places) > MOST_DOTS:
                del self.places[1::2]
                self._every *= 2
        self._added += 1

    def place(self, variant: Variant) -> Dot:
        """Where a variant is in the plot."""
        return float(self.across.value(variant)), float(self.up.value(variant))


def plot_sweep(sweep: Sweep, dots: Dots, front: Sequence[Variant], out: Path) -> None:
    """Plot the first objective against the second, or against multiply-adds. Raises as `figure` does."""
    with figure(out, 8, 5.2) as picture:
        panel = picture.subplots()
        panel.set_title(f"{sweep.spec.title}: {len(sweep):,} variants by {' x '.join(sweep.names)}")
        panel.set_xlabel(_label(dots.across))
        panel.set_ylabel(_label(dots.up))
        groups: tuple[tuple[Iterable[Dot], str, float, str], ...] = (
            (dots.places, "#bbbbbb", 12, "variants"),
            (map(dots.place, front), PALETTE[0], 26, "Pareto front"),
        )
        for places, colour, size, label in groups:
            across, up = zip(*places, strict=True)
            panel.scatter(across, up, s=size, color=colour, label=label, linewidths=0)
        for axis in (panel.xaxis, panel.yaxis):
            axis.set_major_formatter(lambda value, _: _short(value))
        panel.set_ylim(bottom=0)
        panel.set_xlim(left=0)
        panel.legend(loc="best")


def _label(objective: Objective) -> str:
    return LABELS.get(objective.text, objective.text)


def _short(number: float) -> str:
    """A number as papers print it: `1.5B`, `600M`."""
    for unit, suffix in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        if abs(number) >= unit:
            return f"{number / unit:g}{suffix}"
    return f"{number:g}"
