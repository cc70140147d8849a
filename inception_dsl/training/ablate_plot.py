"""The plot of an ablation: the score against multiply-adds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from inception_dsl.emit.charts.axes import around, costs, short
from inception_dsl.emit.charts.file import write_chart
from inception_dsl.emit.charts.model import Chart, Dots, Mark, Name, Panel, Spread, series
from inception_dsl.emit.charts.svg import svg
from inception_dsl.runner.base.metrics import METRICS
from inception_dsl.training.ablate_results import Row
from inception_dsl.training.plot import score_form


def plot_ablation(rows: Sequence[Row], metric: str, out: Path) -> None:
    """Plot the mean score of each network, with its standard deviation, against its multiply-adds.

    Faint dots are single runs. Networks without a finished run are left out. Raises as `write_chart` does.
    """
    write_chart(svg(chart(rows, metric)), out)


def chart(rows: Sequence[Row], metric: str) -> Chart:
    """The chart of some networks."""
    finished = [(row, row.score) for row in rows if row.score]
    values, marks = list[float](), list[Mark]()
    for index, (row, score) in enumerate(finished):
        ink, mean, spread = series(index), score.mean, score.deviation or 0.0
        marks.append(Dots([(row.macs, value) for value in score.values], ink, size=4, faint=True))
        if spread:
            marks.append(Spread(row.macs, mean - spread, mean + spread, ink))
        marks += [Dots([(row.macs, mean)], ink, size=8), Name((row.macs, mean), row.variant.name, ink)]
        values += [*score.values, mean - spread, mean + spread]
    missing = ", ".join(row.variant.name for row in rows if not row.score)
    form = score_form(metric)
    return Chart(
        title=f"{METRICS[metric].title} on held-out images against multiply-adds",
        description="; ".join(
            f"{row.variant.name}: {form(round(score.mean, 4))} at {short(row.macs)}" for row, score in finished
        ),
        panels=[
            Panel(
                "",
                costs([row.macs for row in rows], "multiply-adds of an image"),
                around(values, form=form),
                marks,
                remark="mean and standard deviation over the seeds; faint: single runs",
            )
        ],
        notes=[f"without a finished run: {missing}"] if missing else [],
        size=(820, 480),
    )
