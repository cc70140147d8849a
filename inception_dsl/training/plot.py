"""Plots of runs: loss, scores, learning rate and throughput over the steps, with every number inside the axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from inception_dsl.diagnostics.spelling import counted
from inception_dsl.emit.charts.axes import Axis, Form, around, from_zero, losses, percent, plain, short, whole
from inception_dsl.emit.charts.file import check_format, write_chart
from inception_dsl.emit.charts.model import DASHES, Chart, Dots, Line, Mark, Name, Panel, series
from inception_dsl.emit.charts.svg import svg
from inception_dsl.emit.picture.look import SERIES
from inception_dsl.runner.base.metrics import METRICS
from inception_dsl.runner.base.settings import RunError
from inception_dsl.training.curves import Curves, Points, legend_names, read_curves, smooth, thin

HELD_OUT: Final = {
    "Accuracy on held-out images": ("top1", "top5"),
    "Labels on held-out images": ("map", "f1_micro"),
    "Errors on held-out images": ("rmse", "mae"),
}
"""The panel of scores: its title, and the two that it shows, of the loss that the runs have."""

SMOOTHED: Final = 25
"""A line is the mean over this part of the logged steps."""

OTHERS: Final = series(len(SERIES) - 1)
"""The ink of what belongs to no series."""


def plot(runs: Sequence[Path], out: Path) -> None:
    """Plot runs, each a folder with `metrics.jsonl` or that file, as SVG or PNG.

    Raises `RunError` for a run that cannot be read or is empty, or for too many runs; otherwise as `write_chart` does.
    """
    check_format(out)
    if not 0 < len(runs) <= len(SERIES):
        raise RunError(f"{len(runs)} runs: a figure shows 1 to {len(SERIES)}; plot them in several figures")
    curves = [read_curves(run, name) for run, name in zip(runs, legend_names(runs), strict=True)]
    write_chart(svg(chart(curves)), out)


def chart(curves: Sequence[Curves]) -> Chart:
    """The chart of some runs. One run has a colour for each series; of several, each run has a colour."""
    alone = len(curves) == 1
    return Chart(
        title=curves[0].name if alone else "Training runs",
        description="; ".join(_description(curve) for curve in curves),
        panels=[_loss(curves), _scores(curves), _learning_rate(curves), _throughput(curves)],
        columns=2,
        keys=() if alone else [Line((), series(run), _label(curve), width=3) for run, curve in enumerate(curves)],
        size=(480, 320),
    )


def _description(curve: Curves) -> str:
    last = max(row["step"] for row in curve.rows)
    scores = [
        f"{METRICS[name].title} {_shown(name, found)} on held-out images"
        for names in HELD_OUT.values()
        for name in names
        if (found := curve.last(f"test_{name}")) is not None
    ]
    return ", ".join([f"{curve.name}: {counted(last, 'step')}", *scores])


def _label(curve: Curves) -> str:
    """The name in a legend, with the last score that decides."""
    for first, _ in HELD_OUT.values():
        if (found := curve.last(f"test_{first}")) is not None:
            return f"{curve.name}  {_shown(first, found)}"
    return curve.name


def _steps(curves: Sequence[Curves]) -> Axis:
    last = max(row["step"] for curve in curves for row in curve.rows)
    epochs = {curve.steps_per_epoch for curve in curves}
    of_epoch = f" ({max(epochs):,} are an epoch)" if len(epochs) == 1 and max(epochs) > 1 else ""
    return Axis(0, 1.02 * max(last, 1), f"step{of_epoch}", whole, integral=True)


def _loss(curves: Sequence[Curves]) -> Panel:
    heads = list(dict.fromkeys(head for curve in curves for head in curve.heads))
    alone, values, marks = len(curves) == 1, list[float](), list[Mark]()
    for run, curve in enumerate(curves):
        for number, key in enumerate(("loss", *heads)):
            points = curve.points(key)
            marks += _smoothed(points, _line(run, number, alone))
            values += points[1]
    for run, curve in enumerate(curves):
        if (tested := curve.points("test_loss"))[1]:
            marks.append(Dots(_pairs(tested), OTHERS if alone else series(run), size=6.5, hollow=True))
            values += tested[1]
    keys = _keys(["main", *heads], alone)
    if any(isinstance(mark, Dots) and mark.hollow for mark in marks):
        keys.append(Dots((), OTHERS, "held-out, of the main head", size=6.5, hollow=True))
    smoothed = any(len(curve.points("loss")[1]) >= 2 * SMOOTHED for curve in curves)
    return Panel(
        "Training loss",
        _steps(curves),
        losses(values),
        [*marks, *keys],
        remark=f"faint: as logged; line: centred mean over 1/{SMOOTHED} of the run" if smoothed else "",
        note=_empty(values, "nothing was logged"),
    )


def _scores(curves: Sequence[Curves]) -> Panel:
    logged = {key for curve in curves for row in curve.rows for key in row}
    scored = [title for title, names in HELD_OUT.items() if f"test_{names[0]}" in logged]
    title = scored[0] if scored else next(iter(HELD_OUT))
    first, second = HELD_OUT[title]
    names = [first, *[second] * (f"test_{second}" in logged)]  # up to five classes have no top-5
    alone, values, marks = len(curves) == 1, list[float](), list[Mark]()
    for run, curve in enumerate(curves):
        for number, name in enumerate(names):
            points = curve.points(f"test_{name}")
            line = _line(run, number, alone)
            marks += [replace(line, points=_pairs(points)), Dots(_pairs(points), line.ink, size=5)]
            values += points[1]
            if alone and not number and (last := curve.last(f"test_{name}")) is not None:
                at = max(step for step, score in _pairs(points) if math.isfinite(score))
                marks.append(Name((at, last), _shown(name, last), line.ink))
    return Panel(
        title,
        _steps(curves),
        around(values, form=score_form(first)),
        [*marks, *_keys([METRICS[name].title for name in names], alone)],
        note=_empty(values, "no evaluation yet"),
    )


def score_form(name: str) -> Form:
    """How an axis writes a score: in percent where the log does."""
    return percent if METRICS[name].form.endswith("%") else plain


def _shown(name: str, number: float) -> str:
    """A score on the figure, with fewer digits than in the log."""
    return f"{number:.1%}" if score_form(name) is percent else f"{number:.3g}"


def _learning_rate(curves: Sequence[Curves]) -> Panel:
    values, marks = list[float](), list[Mark]()
    for run, curve in enumerate(curves):
        points = thin(curve.points("lr"))
        width = 1.8 + (len(curves) - 1 - run)  # curves of one recipe overlap: wider lines below stay visible
        marks += [
            replace(_line(run, 0, len(curves) == 1), points=_pairs(points), width=width),
            *_dot(points, series(run)),
        ]
        values += points[1]
    return Panel(
        "Learning rate",
        _steps(curves),
        from_zero(values),
        marks,
        note=_empty(values, "no learning rate was logged"),
    )


def _throughput(curves: Sequence[Curves]) -> Panel:
    values, marks = list[float](), list[Mark]()
    for run, curve in enumerate(curves):
        points = curve.points("images_per_second")
        marks += _smoothed(points, _line(run, 0, len(curves) == 1))
        values += points[1]
    return Panel(
        "Throughput, images per second",
        _steps(curves),
        from_zero(values, form=short),
        marks,
        note=_empty(values, "nothing was logged"),
    )


def _smoothed(points: Points, line: Line) -> list[Mark]:
    """A series faintly as it was logged, and its smoothed line."""
    window = len(points[1]) // SMOOTHED
    faint = [replace(line, points=_pairs(thin(points)), faint=True, width=0.8, dash="")] if window > 1 else []
    return [*faint, replace(line, points=_pairs(smooth(points, window))), *_dot(points, line.ink)]


def _dot(points: Points, ink: str) -> list[Mark]:
    """A single value is a dot, since it makes no line."""
    single = sum(map(math.isfinite, points[1])) == 1
    return [Dots(_pairs(points), ink)] if single else []


def _pairs(points: Points) -> list[tuple[float, float]]:
    return list(zip(*points, strict=True))


def _line(run: int, number: int, alone: bool) -> Line:
    """One run: a colour for each series. Several runs: a colour for each run, and dashes for each series."""
    return Line((), series(number if alone else run), dash=DASHES[number % len(DASHES)])


def _keys(labels: Sequence[str], alone: bool) -> list[Mark]:
    """The entries of the legend for the series of a panel."""
    if len(labels) < 2:
        return []
    looks = [_line(0, number, alone) for number in range(len(labels))]
    return [
        replace(look, label=label, ink=look.ink if alone else OTHERS) for label, look in zip(labels, looks, strict=True)
    ]


def _empty(values: Sequence[float], reason: str) -> str:
    """Why a panel shows nothing."""
    if any(map(math.isfinite, values)):
        return ""
    return "no number is finite" if values else reason
