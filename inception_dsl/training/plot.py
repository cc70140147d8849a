"""Plots of runs: loss, scores, learning rate and throughput over the steps, with every number inside the axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from inception_dsl.runner.base.metrics import METRICS
from inception_dsl.runner.base.settings import RunError
from inception_dsl.training.curves import Curves, Points, legend_names, read_curves, smooth, thin
from inception_dsl.training.figure import PALETTE, check_format, figure, percent_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DASHES: Final = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (4, 1.5, 1, 1.5)))
"""Distinguish the series of one run: the main head or top-1 first, then the others."""

HELD_OUT: Final = {
    "Accuracy on held-out images": ("top1", "top5"),
    "Labels on held-out images": ("map", "f1_micro"),
    "Errors on held-out images": ("rmse", "mae"),
}
"""The panel of scores: its title, and the two that it shows, of the loss that the runs have."""

SMOOTHED: Final = 25
"""A line is the mean over this part of the logged steps."""

WIDE: Final = 30
"""How many times the median the largest loss is where the axis becomes logarithmic."""


def plot(runs: Sequence[Path], out: Path) -> None:
    """Plot runs, each a folder with `metrics.jsonl` or that file, as PNG, SVG or PDF, reproducibly to the byte.

    Raises `RunError` for a run that cannot be read or is empty, or for too many runs; `SpecError` E005 if matplotlib is
    not installed, E006 if the file cannot be written.
    """
    check_format(out)
    if not 0 < len(runs) <= len(PALETTE):
        raise RunError(f"{len(runs)} runs: a figure shows 1 to {len(PALETTE)}; plot them in several figures")
    curves = [read_curves(run, name) for run, name in zip(runs, legend_names(runs), strict=True)]
    with figure(out, 10, 6.4) as picture:
        from matplotlib.lines import Line2D

        panels = picture.subplots(2, 2)
        _loss(panels[0, 0], curves)
        _scores(panels[0, 1], curves)
        _learning_rate(panels[1, 0], curves)
        _throughput(panels[1, 1], curves)
        for panel in panels.flat:
            _steps(panel, curves)
        epochs = {curve.steps_per_epoch for curve in curves}
        for panel in panels[1]:
            panel.set_xlabel(f"step ({max(epochs):,} are an epoch)" if len(epochs) == 1 and max(epochs) > 1 else "step")
        if len(curves) > 1:
            lines = [Line2D([], [], color=colour, lw=2.2) for colour in PALETTE[: len(curves)]]
            picture.legend(lines, [_label(curve) for curve in curves], loc="outside upper left", ncols=4, fontsize=9.5)
        else:
            picture.suptitle(curves[0].name, x=0.012, ha="left", fontsize=12, fontweight="bold")


def _steps(panel: Axes, curves: Sequence[Curves]) -> None:
    from matplotlib.ticker import MaxNLocator

    last = max(row["step"] for curve in curves for row in curve.rows)
    panel.set_xlim(0, 1.02 * max(last, 1))
    panel.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    panel.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")


def _label(curve: Curves) -> str:
    """The name in a legend, with the last score that decides."""
    for first, _ in HELD_OUT.values():
        if (found := curve.last(f"test_{first}")) is not None:
            return f"{curve.name}  {_shown(first, found)}"
    return curve.name


def _loss(panel: Axes, curves: Sequence[Curves]) -> None:
    panel.set_title("Training loss")
    heads = list(dict.fromkeys(head for curve in curves for head in curve.heads))
    alone, values, evaluated = len(curves) == 1, list[float](), False
    for run, curve in enumerate(curves):
        for series, key in enumerate(("loss", *heads)):
            values += _smoothed(panel, curve.points(key), _line_style(run, series, alone))
        steps, losses = curve.points("test_loss")
        dots: dict[str, Any] = {"marker": "o", "markerfacecolor": "white", "markersize": 4, "zorder": 3}
        panel.plot(steps, losses, linestyle="", **dots, color="#000000" if alone else PALETTE[run])
        values += losses
        evaluated |= bool(losses)
    if any(len(curve.points("loss")[1]) >= 2 * SMOOTHED for curve in curves):
        look: dict[str, Any] = {"fontsize": 7.5, "fontweight": "normal", "color": "#777777"}
        panel.set_title(f"faint: as logged; line: centred mean over 1/{SMOOTHED} of the run", loc="right", **look)
    _scale(panel, values)
    _note_if_empty(panel, values, "nothing was logged")
    dot = [("held-out, of the main head", {**dots, "linestyle": "", "color": "#000000" if alone else "#555555"})]
    _legend(panel, [*_looks(["main", *heads], alone), *(dot if evaluated else [])])


def _scores(panel: Axes, curves: Sequence[Curves]) -> None:
    logged = {key for curve in curves for row in curve.rows for key in row}
    scored = [title for title, names in HELD_OUT.items() if f"test_{names[0]}" in logged]
    title = scored[0] if scored else next(iter(HELD_OUT))
    panel.set_title(title)
    first, second = HELD_OUT[title]
    names = [first, *[second] * (f"test_{second}" in logged)]  # up to five classes have no top-5
    alone, values = len(curves) == 1, list[float]()
    for run, curve in enumerate(curves):
        for series, name in enumerate(names):
            steps, scores = curve.points(f"test_{name}")
            panel.plot(steps, scores, marker="o", markersize=3, **_line_style(run, series, alone))
            values += scores
            if alone and not series and (last := curve.last(f"test_{name}")) is not None:
                at = max(step for step, score in zip(steps, scores, strict=True) if math.isfinite(score))
                look: dict[str, Any] = {"textcoords": "offset points", "color": PALETTE[0], "ha": "right"}
                panel.annotate(_shown(name, last), (at, last), (0, -12), **look)
    panel.margins(y=0.1)
    if METRICS[HELD_OUT[title][0]].form.endswith("%"):
        percent_ticks(panel.yaxis)
    _legend(panel, _looks([METRICS[name].title for name in names], alone))
    _note_if_empty(panel, values, "no evaluation yet")


def _shown(name: str, number: float) -> str:
    """A score on the figure, with fewer digits than in the log."""
    return f"{number:.1%}" if METRICS[name].form.endswith("%") else f"{number:.3g}"


def _learning_rate(panel: Axes, curves: Sequence[Curves]) -> None:
    panel.set_title("Learning rate")
    values: list[float] = []
    for run, curve in enumerate(curves):
        steps, rates = thin(curve.points("lr"))
        width = 1.6 + (len(curves) - 1 - run)  # curves of one recipe overlap: wider lines below stay visible
        panel.plot(steps, rates, linewidth=width, **_dot(rates), **_line_style(run, 0, len(curves) == 1))
        values += rates
    _from_zero(panel, values)
    _note_if_empty(panel, values, "no learning rate was logged")


def _throughput(panel: Axes, curves: Sequence[Curves]) -> None:
    panel.set_title("Throughput, images per second")
    values: list[float] = []
    for run, curve in enumerate(curves):
        values += _smoothed(panel, curve.points("images_per_second"), _line_style(run, 0, len(curves) == 1))
    _from_zero(panel, values)
    _note_if_empty(panel, values, "nothing was logged")


def _smoothed(panel: Axes, points: Points, look: dict[str, Any]) -> list[float]:
    """Draw a series faintly as it was logged, and its smoothed line; returns all its values."""
    values = points[1]
    window = len(values) // SMOOTHED
    if window > 1:
        panel.plot(*thin(points), color=look["color"], alpha=0.25, linewidth=0.7)
    if values:
        panel.plot(*smooth(points, window), **_dot(values), **look)
    return values


def _dot(values: Sequence[float]) -> dict[str, Any]:
    """A single value is a dot, since it makes no line."""
    return {"marker": "o" if sum(map(math.isfinite, values)) == 1 else "", "markersize": 4}


def _scale(panel: Axes, values: Sequence[float]) -> None:
    """A logarithmic axis where a linear one would flatten most of the values, else a linear one from 0."""
    from matplotlib.ticker import LogLocator, NullFormatter

    finite = sorted(filter(math.isfinite, values))
    if finite and finite[0] > 0 and finite[-1] > WIDE * finite[len(finite) // 2]:
        panel.set_yscale("log")
        decades = math.log10(finite[-1] / finite[0])
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if decades < 4 else (1,)))
        panel.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
        panel.yaxis.set_minor_formatter(NullFormatter())
    else:
        _from_zero(panel, values)


def _from_zero(panel: Axes, values: Sequence[float]) -> None:
    """Limit the panel to 0 and all values."""
    finite = [*filter(math.isfinite, values), 0.0]
    low, high = min(finite), max(finite)
    panel.set_ylim(1.06 * low, 1.06 * high if high > low else 1)


def _line_style(run: int, series: int, alone: bool) -> dict[str, Any]:
    """One run: a colour per series. Several runs: a colour per run, and dashes per series."""
    return {"color": PALETTE[(series if alone else run) % len(PALETTE)], "linestyle": DASHES[series % len(DASHES)]}


def _looks(labels: Sequence[str], alone: bool) -> list[tuple[str, dict[str, Any]]]:
    """The entries of a legend for the series of a panel."""
    grey: dict[str, Any] = {} if alone else {"color": "#555555"}
    return [(label, _line_style(0, series, alone) | grey) for series, label in enumerate(labels)]


def _legend(panel: Axes, entries: Sequence[tuple[str, dict[str, Any]]]) -> None:
    """The legend of a panel with several series, where it hides the least."""
    if len(entries) > 1:
        from matplotlib.lines import Line2D

        lines = [Line2D([], [], **look) for _, look in entries]
        panel.legend(lines, [label for label, _ in entries], loc="best", handlelength=2.6)


def _note_if_empty(panel: Axes, values: Sequence[float], reason: str) -> None:
    if not any(map(math.isfinite, values)):
        note = "no number is finite" if values else reason
        panel.text(0.5, 0.5, note, transform=panel.transAxes, ha="center", color="#888888")
        panel.set_yticks([])
