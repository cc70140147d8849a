"""The plot of an ablation: the score against multiply-adds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from inception_dsl.runner.base.metrics import METRICS
from inception_dsl.training.ablate_results import Row, Spread
from inception_dsl.training.figure import PALETTE, figure, percent_ticks

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.transforms import Bbox

LINE: Final = 100
"""The most characters of a line across the plot."""

OFFSETS: Final = [
    (dx * far, dy * far) for far in (7, 14, 22, 32, 44, 58, 74) for dx, dy in ((1, 0), (1, 1), (1, -1), (0, 1), (0, -1))
]
"""Where a label may stand, in points from its own point, nearest first; then the same to the left."""


def plot_ablation(rows: Sequence[Row], metric: str, out: Path) -> None:
    """Plot the mean score of each network, with its standard deviation, against its multiply-adds.

    Faint dots are single runs. Networks without a finished run are left out. Raises as `figure` does.
    """
    with figure(out, 9, 5.6) as picture:
        panel = picture.subplots()
        panel.set_title(f"{METRICS[metric].title} on held-out images: mean and standard deviation over the seeds")
        missing = ", ".join(row.variant.name for row in rows if not row.score)
        notes = fill(f"without a finished run: {missing}", LINE) if missing else ""
        panel.set_xlabel(f"multiply-adds of an image\n{notes}".rstrip())
        _scale(panel, [row.macs for row in rows])
        if METRICS[metric].form.endswith("%"):
            percent_ticks(panel.yaxis)
        points: list[Point] = []
        for index, row in enumerate(rows):
            if row.score:
                point = Point(row.macs, row.score, row.variant.name, PALETTE[index % len(PALETTE)])
                _draw(panel, point)
                points.append(point)
        panel.margins(0.12, 0.08)
        _label(picture, panel, points)


class Point(NamedTuple):
    """A network in the plot."""

    macs: int
    score: Spread
    name: str
    colour: str


def _scale(panel: Axes, macs: Sequence[int]) -> None:
    """A logarithmic axis for costs that are far apart, with 1, 2 and 5 times the powers of ten."""
    from matplotlib.ticker import EngFormatter, LogLocator, NullFormatter

    if max(macs) > 4 * min(macs):
        panel.set_xscale("log")
        panel.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        panel.xaxis.set_minor_formatter(NullFormatter())
    panel.xaxis.set_major_formatter(EngFormatter(sep=""))


def _draw(panel: Axes, point: Point) -> None:
    """The runs as faint dots, and their mean with the standard deviation."""
    runs, colour = point.score.values, point.colour
    panel.plot([point.macs] * len(runs), runs, linestyle="", marker="o", markersize=3, color=colour, alpha=0.35)
    spread = point.score.deviation
    panel.errorbar(point.macs, point.score.mean, spread, fmt="o", markersize=5, capsize=3, color=colour)


def _label(picture: Figure, panel: Axes, points: Sequence[Point]) -> None:
    """Write the name of each point beside it, where it covers no other name, no point and no error bar."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.text import Text

    canvas: Any = FigureCanvasAgg(picture)
    canvas.draw()  # fixes the limits and the layout
    renderer = canvas.get_renderer()
    taken: list[Bbox] = []
    for point in points:
        spread = point.score.deviation or 0.0
        ends = [(point.macs, point.score.mean + sign * spread) for sign in (-1, 1)]
        (x, low), (_, high) = panel.transData.transform(ends)
        taken.append(_box(x - 5, low - 5, 10, high - low + 10))
    for point in points:
        note = panel.annotate(
            point.name,
            (point.macs, point.score.mean),
            (0, 0),
            textcoords="offset points",
            va="center",
            color=point.colour,
            fontsize=8.5,
            arrowprops={"arrowstyle": "-", "color": point.colour, "linewidth": 0.6, "shrinkB": 4},
        )
        for dx, dy in [*OFFSETS, *((-dx, dy) for dx, dy in OFFSETS)]:
            note.set_position((dx, dy))
            note.set_horizontalalignment("left" if dx > 0 else "right" if dx < 0 else "center")
            note.update_positions(renderer)
            box = Text.get_window_extent(note, renderer)  # without its line
            inside = panel.bbox.x0 <= box.x0 and box.x1 <= panel.bbox.x1 and panel.bbox.y0 <= box.y0 <= panel.bbox.y1
            if inside and not any(box.overlaps(other) for other in taken):
                break
        taken.append(box)


def _box(x: float, y: float, width: float, height: float) -> Bbox:
    from matplotlib.transforms import Bbox

    return Bbox.from_bounds(x, y, width, height)
