"""Plots of runs: loss, scores, learning rate and throughput, from their `metrics.jsonl`."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from inception_dsl.build import missing
from inception_dsl.files.output import write
from inception_dsl.files.paths import reason
from inception_dsl.ir.names import LOGGED
from inception_dsl.runner.metrics import METRICS
from inception_dsl.runner.settings import RunError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

PALETTE: Final = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
"""Okabe and Ito's palette for colour-blind readers: https://jfly.uni-koeln.de/color/"""

DASHES: Final = ("-", (0, (4, 1.5)), (0, (1, 1.2)), (0, (4, 1.5, 1, 1.5)))
"""Distinguish the series of one run: the main head or top-1 first, then the others."""

HELD_OUT: Final = {
    "Accuracy on held-out images": ("top1", "top5"),
    "Labels on held-out images": ("map", "f1_micro"),
    "Errors on held-out images": ("rmse", "mae"),
}
"""The panel of scores: its title, and the two that it shows, of the loss that the runs have."""

MOST_POINTS: Final = 1000
"""The largest number of points in a line; more would not be visible."""

STYLE: Final[dict[Any, Any]] = {
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.titlelocation": "left",
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.8,
    "axes.axisbelow": True,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "xtick.major.size": 3.0,
    "ytick.major.size": 0.0,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.6,
    "svg.hashsalt": "inception-dsl",
    "svg.fonttype": "none",
}


@dataclass(frozen=True)
class Curves:
    """A run: its name, and its rows of `metrics.jsonl`."""

    name: str
    rows: tuple[dict[str, Any], ...]

    def points(self, key: str, over: str) -> tuple[list[float], list[float]]:
        """The x and y values of a series over "epoch" or "step"; rows without a finite number are left out."""
        found = [(row[over], _number(row, key)) for row in self.rows if over in row]
        pairs = [(float(x), y) for x, y in found if y is not None]
        return [x for x, _ in pairs], [y for _, y in pairs]

    @property
    def label(self) -> str:
        """The name in a legend, with the last score that decides."""
        for first, _ in HELD_OUT.values():
            if found := self.points(f"test_{first}", "step")[1]:
                return f"{self.name}  {_shown(first, found[-1])}"
        return self.name

    @property
    def heads(self) -> list[str]:
        """The auxiliary heads whose losses were logged: the keys that not every run has."""
        found = {key for row in self.rows for key in row if not key.startswith("test_")}
        return sorted(found - LOGGED)


def plot(runs: Sequence[Path], out: Path) -> None:
    """Plot runs, each a folder with `metrics.jsonl` or that file, as PNG, SVG or PDF, reproducibly to the byte.

    Raises `RunError` for a run that cannot be read or is empty, or for too many runs; `SpecError` E005 if matplotlib is
    not installed, E006 if the file cannot be written.
    """
    if out.suffix not in (".png", ".svg", ".pdf"):
        raise RunError(f"{out}: unsupported image format; use .png, .svg or .pdf")
    if not 0 < len(runs) <= len(PALETTE):
        raise RunError(f"{len(runs)} runs: a figure shows 1 to {len(PALETTE)}; plot them in several figures")
    curves = [read_curves(run, name) for run, name in zip(runs, legend_names(runs), strict=True)]
    try:
        import matplotlib as mpl
        from matplotlib.figure import Figure
    except ModuleNotFoundError as error:
        raise missing(error.name or "matplotlib", "plot") from None
    with mpl.rc_context({**mpl.rcParamsDefault, **STYLE, "backend": "agg"}):
        figure = Figure(figsize=(10, 6.4))
        figure.set_layout_engine("constrained", w_pad=0.12, h_pad=0.1)
        panels = figure.subplots(2, 2)
        over = "epoch" if all(any("epoch" in row for row in curve.rows) for curve in curves) else "step"
        _loss(panels[0, 0], curves, over)
        _scores(panels[0, 1], curves, over)
        _learning_rate(panels[1, 0], curves, over)
        _throughput(panels[1, 1], curves, over)
        longest = max((x for curve in curves for x in curve.points("step", over)[0]), default=1.0)
        for panel in panels.flat:
            panel.set_xlim(0, longest * 1.01)
        for panel in panels[1]:
            panel.set_xlabel(over)
        if len(curves) > 1:
            lines = [mpl.lines.Line2D([], [], color=colour, lw=2.2) for colour in PALETTE[: len(curves)]]
            figure.legend(lines, [curve.label for curve in curves], loc="outside upper left", ncols=4, fontsize=9.5)
        else:
            figure.suptitle(curves[0].name, x=0.012, ha="left", fontsize=12, fontweight="bold")
        _save(figure, out)


def read_curves(run: Path, name: str = "") -> Curves:
    """Read a run's rows, without a half-written last line. Raises `RunError` if there are none."""
    file = run / "metrics.jsonl" if run.is_dir() else run
    try:
        lines = file.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise RunError(f"{file}: {reason(error)}; name the folder of a run, which holds metrics.jsonl") from None
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
            int(row["step"])
        except (ValueError, KeyError, TypeError):
            if number == len(lines) and rows:
                break
            raise RunError(f"{file}:{number}: not a row of metrics; is this the log of a run?") from None
        rows.append(row)
    if not rows:
        raise RunError(f"{file}: no rows yet; a run writes one every run.log_every steps")
    paces = [row["epoch"] / row["step"] for row in rows if row.get("epoch") and row["step"]]
    for row in rows if paces else ():
        row.setdefault("epoch", row["step"] * paces[-1])  # rows of evaluations have only a step
    return Curves(name or run.name, tuple(rows))


def legend_names(runs: Sequence[Path]) -> list[str]:
    """Unique names of runs in a legend: the shortest distinct tails of their paths."""
    parts = [(run if run.suffix != ".jsonl" else run.parent).resolve().parts for run in runs]
    for length in range(1, max(map(len, parts)) + 1):
        found = ["/".join(path[-length:]) for path in parts]
        if len(set(found)) == len(set(parts)):
            break
    return found


def smooth(values: Sequence[float], window: int) -> list[float]:
    """A centred moving average, which does not lag."""
    sums = [0.0]
    for value in values:
        sums.append(sums[-1] + value)
    ends = [(max(0, i - window // 2), min(len(values), i + window // 2 + 1)) for i in range(len(values))]
    return [(sums[end] - sums[start]) / (end - start) for start, end in ends]


def _number(row: dict[str, Any], key: str) -> float | None:
    value = row.get(key, row.get("clock", {}).get(key))
    good = isinstance(value, int | float) and math.isfinite(value)
    return float(value) if good else None


def _thin(values: Sequence[float]) -> Sequence[float]:
    return values[:: math.ceil(len(values) / MOST_POINTS)] if values else values


def _smoothed(panel: Axes, xs: list[float], ys: list[float], **look: Any) -> list[float]:
    """Draw a smoothed line over its faint raw values."""
    line = smooth(ys, max(1, len(ys) // 25))
    if look.get("linestyle", "-") == "-" and len(ys) > 1:
        panel.plot(_thin(xs), _thin(ys), color=look["color"], alpha=0.22, linewidth=0.7)
    panel.plot(_thin(xs), _thin(line), marker="o" if len(ys) == 1 else "", markersize=4, **look)
    return line


def _line_style(run: int, series: int, alone: bool) -> dict[str, Any]:
    """One run: a colour per series. Several runs: a colour per run, and dashes per series."""
    return {"color": PALETTE[(series if alone else run) % len(PALETTE)], "linestyle": DASHES[series % len(DASHES)]}


def _legend(panel: Axes, labels: Sequence[str], alone: bool, where: Any) -> None:
    """The legend of a panel with several series."""
    if len(labels) > 1:
        from matplotlib.lines import Line2D

        looks = [
            _line_style(0, series, alone) | ({} if alone else {"color": "#555555"}) for series in range(len(labels))
        ]
        panel.legend([Line2D([], [], **look) for look in looks], labels, loc=where, handlelength=2.6)


def _loss(panel: Axes, curves: Sequence[Curves], over: str) -> None:
    panel.set_title("Training loss")
    heads = list(dict.fromkeys(head for curve in curves for head in curve.heads))
    shown: list[float] = []
    for run, curve in enumerate(curves):
        for series, key in enumerate(("loss", *heads)):
            xs, ys = curve.points(key, over)
            if ys:
                line = _smoothed(panel, xs, ys, **_line_style(run, series, len(curves) == 1))
                shown += [*line, *sorted(ys)[: max(1, len(ys) * 99 // 100)]]
    _limit_y(panel, shown)
    _legend(panel, ["main", *heads], len(curves) == 1, "upper right")


def _scores(panel: Axes, curves: Sequence[Curves], over: str) -> None:
    logged = {key for curve in curves for row in curve.rows for key in row}
    scored = [title for title, names in HELD_OUT.items() if f"test_{names[0]}" in logged]
    title = scored[0] if scored else next(iter(HELD_OUT))
    panel.set_title(title)
    found = False
    for run, curve in enumerate(curves):
        for series, name in enumerate(HELD_OUT[title]):
            xs, ys = curve.points(f"test_{name}", over)
            look = _line_style(run, series, len(curves) == 1)
            panel.plot(xs, ys, marker="o", markersize=3 if len(xs) < 40 else 0, **look)
            if ys and not series and len(curves) == 1:
                place = (xs[-1], ys[-1])
                text = _shown(name, ys[-1])
                panel.annotate(text, place, (0, -12), textcoords="offset points", color="#0072B2", ha="right")
            found |= bool(ys)
    if METRICS[HELD_OUT[title][0]].form.endswith("%"):
        panel.yaxis.set_major_formatter(_percent)
    _legend(panel, [METRICS[name].title for name in HELD_OUT[title]], len(curves) == 1, "center right")
    _note_if_empty(panel, found, "no evaluation yet")


def _shown(name: str, number: float) -> str:
    """A score on the figure, with fewer digits than in the log."""
    return f"{number:.1%}" if METRICS[name].form.endswith("%") else f"{number:.3g}"


def _percent(value: float, at: float) -> str:
    return f"{value:.0%}"


def _learning_rate(panel: Axes, curves: Sequence[Curves], over: str) -> None:
    panel.set_title("Learning rate")
    found = False
    for run, curve in enumerate(curves):
        xs, ys = curve.points("lr", over)
        width = 1.6 + (len(curves) - 1 - run)  # curves of one recipe overlap: wider lines below stay visible
        look: dict[str, Any] = {"linewidth": width, "marker": "o" if len(ys) == 1 else "", "markersize": 4}
        panel.plot(_thin(xs), _thin(ys), **look, **_line_style(run, 0, len(curves) == 1))
        found |= bool(ys)
    panel.set_ylim(bottom=0)
    _note_if_empty(panel, found, "no learning rate was logged")


def _throughput(panel: Axes, curves: Sequence[Curves], over: str) -> None:
    panel.set_title("Throughput, images per second")
    shown: list[float] = []
    for run, curve in enumerate(curves):
        xs, ys = curve.points("images_per_second", over)
        if ys:
            shown += _smoothed(panel, xs, ys, **_line_style(run, 0, len(curves) == 1))
            shown += sorted(ys)[: max(1, len(ys) * 95 // 100)]
    _limit_y(panel, [0.0, *shown] if shown else [])


def _limit_y(panel: Axes, shown: Iterable[float]) -> None:
    """Limit the panel to the values shown, without rare spikes, which would flatten the rest."""
    top = max(shown, default=0.0)
    panel.set_ylim(0, top * 1.06 if top > 0 else 1)
    _note_if_empty(panel, top > 0, "nothing was logged")


def _note_if_empty(panel: Axes, found: bool, reason: str) -> None:
    if not found:
        panel.text(0.5, 0.5, reason, transform=panel.transAxes, ha="center", color="#888888")
        panel.set_yticks([])


def _save(figure: Any, out: Path) -> None:
    """Write the picture, without its date."""
    dated = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}, ".png": {"Software": None}}
    picture = BytesIO()
    figure.savefig(picture, format=out.suffix[1:], dpi=150, facecolor="white", metadata=dated[out.suffix])
    write({out.name: picture.getvalue()}, out.parent)
