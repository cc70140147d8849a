"""Pictures of runs."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.emit.charts.model import Chart, Dots, Line, Name, Panel, Point
from inception_dsl.runner.base.config import Config, Data, Run
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.record.progress import Log
from inception_dsl.runner.record.scores import Score
from inception_dsl.training.curves import MAX_POINTS, legend_names, read_curves, smooth, thin
from inception_dsl.training.plot import chart, plot


def run(folder: Path, steps: int = 60, heads: tuple[str, ...] = ("aux1", "aux2"), **others: Any) -> Path:
    """A run that learns, evaluated every 20 steps."""
    rows: list[dict[str, Any]] = []
    for step in range(1, steps + 1):
        losses = dict.fromkeys(("loss", *heads), 2.3 / step)
        rows.append({"step": step, "epoch": step / 20, **losses, "lr": 0.1, "clock": {"images_per_second": 800.0}})
        rows[-1] |= others
        if step % 20 == 0:
            rows.append({"step": step, "epoch": step / 20, "test_top1": step / 100, "test_top5": 0.9})
    folder.mkdir(parents=True)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


def words(picture: Path) -> set[str]:
    """What can be read in an SVG."""
    return set(re.findall(r"<text[^>]*>([^<]*)</text>", picture.read_text(encoding="utf-8")))


def test_a_run_is_drawn(tmp_path: Path) -> None:
    plot([run(tmp_path / "first")], tmp_path / "new" / "curves.svg")

    shown = words(tmp_path / "new" / "curves.svg")
    assert {"first", "Training loss", "Accuracy on held-out images", "Learning rate", "step (20 are an epoch)"} <= shown
    assert {"main", "aux1", "aux2", "top-1", "top-5", "60.0%"} <= shown
    assert [each.name for each in (tmp_path / "new").iterdir()] == ["curves.svg"]


@pytest.mark.parametrize(
    ("score", "shown"),
    [
        ({"test_map": 0.625, "test_f1_micro": 0.5}, {"Labels on held-out images", "mAP", "F1 micro", "62.5%"}),
        ({"test_rmse": 3.25, "test_mae": 2.0}, {"Errors on held-out images", "RMSE", "MAE", "3.25"}),
    ],
)
def test_the_scores_of_other_losses_are_drawn(tmp_path: Path, score: dict[str, float], shown: set[str]) -> None:
    (tmp_path / "run").mkdir()
    rows = [{"step": 10, "epoch": 1.0, "loss": 0.5, "lr": 0.1}, {"step": 10, **score}]
    (tmp_path / "run" / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    plot([tmp_path / "run"], tmp_path / "curves.svg")

    assert shown <= words(tmp_path / "curves.svg")


def test_several_runs_are_told_apart(tmp_path: Path) -> None:
    runs = [run(tmp_path / "a" / "net"), run(tmp_path / "b" / "net", heads=()), run(tmp_path / "c" / "net")]
    plot(runs, tmp_path / "curves.svg")

    assert {"a/net  60.0%", "b/net  60.0%", "c/net  60.0%", "aux1", "top-5"} <= words(tmp_path / "curves.svg")
    for panel in chart([read_curves(run) for run in runs]).panels:
        assert {mark.ink for mark in panel.marks if isinstance(mark, Line) and mark.points} == {"s0", "s1", "s2"}


@pytest.mark.parametrize("kind", ["svg", "png"])
def test_a_picture_is_the_same_each_time(tmp_path: Path, kind: str) -> None:
    if kind == "png":
        pytest.importorskip("resvg_py")
    first = run(tmp_path / "first")
    for name in ("one", "two"):
        plot([first], tmp_path / f"{name}.{kind}")

    one = (tmp_path / f"one.{kind}").read_bytes()
    assert one == (tmp_path / f"two.{kind}").read_bytes()
    assert one.startswith({"svg": b"<svg", "png": b"\x89PNG"}[kind])


def test_a_run_that_has_just_begun_is_drawn(tmp_path: Path) -> None:
    plot([run(tmp_path / "first", steps=1, heads=())], tmp_path / "curves.svg")

    assert "no evaluation yet" in words(tmp_path / "curves.svg")


def test_a_single_row_is_a_dot_in_every_panel(tmp_path: Path) -> None:
    loss, scores, *others = chart([read_curves(run(tmp_path / "first", steps=1, heads=()))]).panels

    assert scores.note == "no evaluation yet"
    assert all([len(mark.points) for mark in panel.marks if isinstance(mark, Dots)] == [1] for panel in (loss, *others))


def test_a_run_with_nothing_but_steps_is_drawn(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"step": 3, "loss": null}\n{"step": 4, "loss": NaN}\n')
    plot([tmp_path / "metrics.jsonl"], tmp_path / "curves.svg")

    assert {"nothing was logged", "no learning rate was logged", "step"} <= words(tmp_path / "curves.svg")


def test_losses_that_are_not_finite_are_not_nothing(tmp_path: Path) -> None:
    lost = run(tmp_path / "lost", heads=(), loss=None)  # as the log has NaN
    plot([lost], tmp_path / "curves.svg")
    assert "no number is finite" in words(tmp_path / "curves.svg")
    assert "nothing was logged" not in words(tmp_path / "curves.svg")


def test_five_classes_have_no_top_5(tmp_path: Path) -> None:
    folder = run(tmp_path / "few")
    file = folder / "metrics.jsonl"
    file.write_text(file.read_text(encoding="utf-8").replace(', "test_top5": 0.9', ""), encoding="utf-8")
    plot([folder], tmp_path / "curves.svg")
    assert "top-5" not in words(tmp_path / "curves.svg")


def test_a_long_run_makes_no_big_picture(tmp_path: Path) -> None:
    plot([run(tmp_path / "long", steps=5_000)], tmp_path / "curves.svg")

    assert (tmp_path / "curves.svg").stat().st_size < 100_000


def test_a_half_written_last_line_is_left_out(tmp_path: Path) -> None:
    file = run(tmp_path / "first") / "metrics.jsonl"
    whole = len(read_curves(file).rows)
    with file.open("a") as log:
        log.write('{"step": 61, "los')

    assert len(read_curves(tmp_path / "first").rows) == whole == 63


def test_wrong_runs_are_reported(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text("")
    with pytest.raises(RunError, match=r"metrics\.jsonl: no rows yet; a run writes one every run\.log_every steps"):
        read_curves(tmp_path)
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\nhello\n{"step": 2}\n')
    with pytest.raises(RunError, match=r"metrics\.jsonl:2: not a row of metrics; is this the log of a run\?"):
        read_curves(tmp_path)
    (tmp_path / "metrics.jsonl").write_bytes(b"\x89PNG\xff\xfe")
    with pytest.raises(RunError, match=r"metrics\.jsonl:1: not a row of metrics"):
        read_curves(tmp_path)
    with pytest.raises(RunError, match=r"none: no such file or directory; name the folder of a run"):
        read_curves(tmp_path / "none")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunError, match=r"empty.metrics\.jsonl: no such file"):
        read_curves(tmp_path / "empty")


def test_wrong_requests_are_reported(tmp_path: Path) -> None:
    first = run(tmp_path / "first")
    with pytest.raises(RunError, match=r"curves\.gif: unsupported image format"):
        plot([first], tmp_path / "curves.gif")
    with pytest.raises(RunError, match="8 runs: a figure shows 1 to 7; plot them in several figures"):
        plot([first] * 8, tmp_path / "curves.png")
    with pytest.raises(RunError, match="0 runs"):
        plot([], tmp_path / "curves.png")
    (tmp_path / "file").touch()
    with pytest.raises(SpecError, match=r"cannot write `.*curves\.png`: `.*file` is not a folder"):
        plot([first], tmp_path / "file" / "curves.png")


def test_names_are_as_long_as_they_must_be(tmp_path: Path) -> None:
    assert legend_names([Path("runs/a"), Path("runs/b")]) == ["a", "b"]
    assert legend_names([Path("x/a/run"), Path("x/b/run/metrics.jsonl")]) == ["a/run", "b/run"]
    assert legend_names([Path("runs/a"), Path("runs/a")]) == ["a", "a"]


def test_a_smooth_line_is_never_late() -> None:
    def smoothed(values: list[float], window: int) -> list[float]:
        return smooth(([float(step) for step in range(len(values))], values), window)[1]

    assert smoothed([], 5) == [] and smoothed([4.0], 5) == [4.0]
    assert smoothed([0.0, 3.0, 6.0, 9.0], 3) == [0.0, 3.0, 6.0, 9.0], "a straight line stays one, at its ends too"
    assert smoothed([1.0, 5.0, 1.0], 3) == pytest.approx([1.0, 7 / 3, 1.0])
    assert smoothed([1.0, 5.0, 1.0], 1) == [1.0, 5.0, 1.0]
    assert smoothed([1e300, 0.5, 0.5, 0.5], 1)[1:] == [0.5] * 3, "a spike leaves no trace outside its window"


def test_a_smooth_line_has_gaps_where_the_run_has_them() -> None:
    _, found = smooth(([0.0, 1.0, 2.0, 3.0, 4.0], [1.0, 2.0, math.nan, 4.0, 5.0]), 3)

    assert math.isnan(found[2]) and found[1] == 1.5 and found[3] == 4.5


series = st.lists(st.floats(-1e9, 1e9) | st.just(math.nan), max_size=4 * MAX_POINTS)


@given(series)
def test_a_thin_line_keeps_the_extremes(values: list[float]) -> None:
    steps = [float(step) for step in range(len(values))]
    thinned = thin((steps, values))
    points, given_points = ({*zip(*pair, strict=True)} for pair in (thinned, (steps, values)))
    finite = [value for value in values if math.isfinite(value)]

    assert len(thinned[0]) <= MAX_POINTS and thinned[0] == sorted(thinned[0])
    assert {step for step, _ in points} <= {step for step, _ in given_points}
    if finite:
        kept = [value for value in thinned[1] if math.isfinite(value)]
        assert (min(kept), max(kept)) == (min(finite), max(finite))


def drawn(*runs: Path) -> Chart:
    """The chart of runs."""
    return chart([read_curves(run) for run in runs])


def points(panel: Panel) -> list[Point]:
    """The points of a panel that are drawn."""
    lines = [mark for mark in panel.marks if isinstance(mark, Line | Dots)]
    return [point for line in lines for point in line.points if math.isfinite(point[1])]


def wild(folder: Path, losses: list[float | None], evaluated: tuple[int, ...] = ()) -> Path:
    """A run with given losses at the steps from 1, and evaluations after some."""
    rows: list[dict[str, Any]] = []
    for step, loss in enumerate(losses, 1):
        rows.append({"step": step, "loss": loss, "lr": 0.1 / step, "clock": {"images_per_second": 100.0 * step}})
        if step in evaluated:
            rows.append({"step": step, "test_n": 9, "test_top1": 0.8712, "test_top5": 0.8723, "test_loss": 3.0})
    folder.mkdir(parents=True)
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return folder


FALLING = [2.3 / step**0.5 for step in range(1, 201)]
CASES: dict[str, tuple[list[float | None], tuple[int, ...]]] = {
    "one step": ([2.3], ()),
    "one evaluation": ([*FALLING[:5]], (5,)),
    "alike": ([2.3] * 3, (1, 2, 3)),
    "falling": ([*FALLING], (50, 100, 200)),
    "a spike": ([*FALLING[:100], 5e4, *FALLING[100:]], (100, 200)),
    "almost zero": ([2.3 * 0.9**step for step in range(200)], (200,)),
    "zero": ([*FALLING, 0.0], (200,)),
    "a gap": ([*FALLING[:50], *[None] * 50, *FALLING[100:]], (200,)),
    "negative": ([-1.0, -2.0, -3.0], (3,)),
    "long": ([1.0 + 0.1 * (step % 7) for step in range(3000)], (3000,)),
}


@pytest.mark.parametrize("name", CASES)
def test_nothing_is_clipped_and_no_tick_appears_twice(name: str, tmp_path: Path) -> None:
    losses, evaluated = CASES[name]
    loss, scores, *others = drawn(wild(tmp_path / "run", losses, evaluated)).panels
    finite = [number for number in losses if number is not None]

    assert {max(finite), min(finite)} <= {y for _, y in points(loss)}
    assert [len(mark.points) for mark in loss.marks if isinstance(mark, Dots) and mark.hollow and not mark.label] == (
        [len(evaluated)] if evaluated else []
    )
    if name == "a gap":
        assert all(not 51 <= x <= 100 for x, _ in points(loss))
    for panel in (loss, scores, *others):
        assert all(panel.x.low <= x <= panel.x.high and panel.y.low <= y <= panel.y.high for x, y in points(panel))
        for axis, most in ((panel.x, 7), (panel.y, 6)):
            ticks = axis.ticks(most)
            assert all(axis.low <= tick <= axis.high for tick in ticks)
            assert len({*map(axis.form, ticks)}) == len(ticks) > bool(points(panel))


def test_a_wide_range_has_a_logarithmic_axis(tmp_path: Path) -> None:
    names = ("falling", "a spike", "almost zero", "zero")
    scales = {name: drawn(wild(tmp_path / name, *CASES[name])).panels[0].y.log for name in names}

    assert scales == {"falling": False, "a spike": True, "almost zero": True, "zero": False}


def test_the_smoothing_is_stated_where_there_is_some(tmp_path: Path) -> None:
    long = drawn(wild(tmp_path / "long", [*FALLING])).panels[0]
    short = drawn(wild(tmp_path / "short", [*FALLING[:40]])).panels[0]

    assert long.remark == "faint: as logged; line: centred mean over 1/25 of the run"
    assert short.remark == ""
    faint, line = (mark for mark in long.marks if isinstance(mark, Line))
    assert faint.faint and [y for _, y in faint.points] == FALLING
    assert line.points[100][1] == pytest.approx(sum(FALLING[96:105]) / 9)
    assert [y for _, y in points(short)] == FALLING[:40]


def test_runs_of_different_length_and_losses_are_compared(tmp_path: Path) -> None:
    runs = [wild(tmp_path / name, [*FALLING[:length]], (length,)) for name, length in (("a", 20), ("b", 200))]
    loss, scores, *_ = drawn(*runs).panels

    assert loss.x.high > 200
    assert [mark.ink for mark in scores.marks if isinstance(mark, Line) and mark.points] == ["s0", "s0", "s1", "s1"]
    assert not [mark for mark in scores.marks if isinstance(mark, Name)], "the legend has the scores of several runs"


def test_a_log_that_goes_back_counts_once(tmp_path: Path) -> None:
    """Where a run is watched while it resumes, or its log is a copy: the later rows are the run's."""
    steps = [(1, 5.0), (2, 4.0), (3, 9.0), (4, 9.0), (3, 3.0), (4, 2.0)]
    rows = [json.dumps({"step": step, "loss": loss}) for step, loss in steps]
    rows.insert(4, json.dumps({"step": 4, "test_top1": 0.1}))
    (tmp_path / "metrics.jsonl").write_text("\n".join([*rows, json.dumps({"step": 4, "test_top1": 0.5})]) + "\n")
    found = read_curves(tmp_path)

    assert found.points("loss") == ([1.0, 2.0, 3.0, 4.0], [5.0, 4.0, 3.0, 2.0])
    assert found.points("test_top1") == ([4.0], [0.5])


def test_what_the_runner_logs_is_drawn(tmp_path: Path) -> None:
    place, config = RankContext(torch.device("cpu")), Config(data=Data(batch=8), run=Run(log_every=1))
    log = Log(tmp_path, place, config, 0, 4, 10)
    for step in range(1, 5):
        log.train(step, epoch=step / 2, loss=2.0, aux1=2.1, lr=0.1, gradient=1.0, unreadable=0)
    log.evaluation(4, Score(100, 0, {"top1": 0.5, "top5": 0.9, "loss": 1.0}))
    log.close()
    plot([tmp_path], tmp_path / "curves.svg")

    assert read_curves(tmp_path).heads == ["aux1"]
    assert read_curves(tmp_path).points("test_top1") == ([4.0], [0.5])
    assert "no evaluation yet" not in words(tmp_path / "curves.svg")
