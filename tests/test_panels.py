"""What a page shows beside its network: rows as bars, a training run, a sweep, another spec."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_runner import cli, in_folder

from inception_dsl import network
from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.emit.page.panels import costs
from inception_dsl.emit.page.subject import Subject
from inception_dsl.panels.run import run_panel
from inception_dsl.panels.scores import evaluations
from inception_dsl.panels.sweep import sweep_panel
from inception_dsl.runner.base.settings import RunError

ROOT = Path(__file__).parent.parent
HOSTILE = "</p><script>alert(1)</script>\u202e"

SMALL = """
network: small
input: 3x32x32
classes: 10
layers: |
  name | layer
  conv | conv 3x3/2 4 same
  fc   | avgpool global -> fc {classes}
"""

NET = network.loads(SMALL)

SCORES: dict[str, Any] = {
    "protocols": {"recipe": {"n": 4, "top1": 0.75, "top1_interval": [0.3, 0.95], "nll": 0.5, "ece": 0.1}},
    "classes": [{"name": "cat", "n": 2, "top1": 1}, {"name": HOSTILE, "n": 2, "top1": 2}],
    "confused": [{"label": "cat", "predicted": HOSTILE, "images": 1, "part": 0.5}],
    "confusion": [[1, 1], [0, 2]],
    "unreadable": 1,
}

ODD: tuple[Any, ...] = (None, "x", HOSTILE, -1, 1.5, 10**400, float("inf"), float("nan"), [], {}, [[]], True)


def run_of(folder: Path, spec: str = SMALL) -> Path:
    """A run, as far as a page reads it."""
    rows: list[dict[str, Any]] = [
        {"step": step, "epoch": step / 5, "loss": 1 / step, "lr": 0.1} for step in range(1, 11)
    ]
    rows.insert(5, {"step": 5, "test_top1": 0.5})
    rows.append({"step": 10, "test_top1": 0.75})
    folder.mkdir()
    (folder / "metrics.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    (folder / "spec.yaml").write_text(spec, encoding="utf-8")
    (folder / "STATUS").write_text("done\n", encoding="utf-8")
    (folder / "scores").mkdir()
    (folder / "scores" / "scores.json").write_text(json.dumps(SCORES), encoding="utf-8")
    return folder


def test_bars_are_as_long_as_the_costs_of_their_rows() -> None:
    net = network.load(ROOT / "specs/googlenet.yaml")
    charts = dict(costs.context(Subject(net.typed))["charts"])
    counted = net.cost()

    assert [bar.row for bar in charts["Parameters"]] == [*net.typed.trunk, *net.typed.heads]
    for bar in charts["Multiply-adds"]:
        most = max(row.macs for row in counted.rows.values())
        assert bar.exact == f"{counted.rows[bar.row].macs:,}"
        assert float(bar.length) == pytest.approx(100 * counted.rows[bar.row].macs / most, rel=0.01)


def test_a_page_shows_a_run_a_sweep_and_another_spec(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = SMALL.replace("small", "other").replace("conv 3x3/2", "conv 5x5/2")
    run = in_folder(tmp_path, monkeypatch, {"specs/small.yaml": SMALL, "other.yaml": other})
    run_of(tmp_path / "run")
    (tmp_path / "sweep.json").write_text(
        cli("sweep", "specs/small.yaml", "--size", "32:64:16", "--format", "json").stdout, encoding="utf-8"
    )
    words = ("--page", "--run", "run", "--sweep", "sweep.json", "--compare", "other.yaml")

    done = run("compile", "specs/small.yaml", *words)
    page = Path("generated/small/report.html").read_text(encoding="utf-8")

    assert done.exit_code == 0, done.output
    assert "inception-dsl compile specs/small.yaml --page --run run --sweep sweep.json --compare other.yaml" in page
    assert "run, done, 10 steps, 2 epochs, best top-1 75.00% on held-out images, at step 10" in page
    assert {"Training loss", "Learning rate", "Confusion matrix"} <= {*re.findall("<title>([^<]+)</title>", page)}
    assert "3 variants by size, 3 valid, 3 within the limits" in page
    assert "A checkpoint no longer loads" in page and "conv 5x5/2" in page
    assert "<script>alert" not in page and "\u202e" not in page
    assert page.count("<script") == 1
    assert run("compile", "specs/small.yaml", "--check", *words).exit_code == 0
    api = network.load("specs/small.yaml").page(run="run", sweep="sweep.json", compare="other.yaml")
    assert api == page


def test_what_a_page_cannot_show_is_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = in_folder(tmp_path, monkeypatch, {"specs/small.yaml": SMALL, "specs/b.yaml": SMALL.replace("small", "b")})
    for words, message in (
        (("--run", "none"), "--run is for the page: add --page"),
        (("--page", "--run", "none"), "--run is for the page of one network: name its spec"),
        (("specs/b.yaml", "--page", "--run", "none"), "none: no metrics.jsonl and no scores.json"),
        (("specs/b.yaml", "--page", "--sweep", "none"), "none: no such file"),
        (("specs/b.yaml", "--page", "--compare", "none.yaml"), "cannot read `none.yaml`"),
        (("specs/none.yaml", "--page", "--run", "none"), "cannot read `specs/none.yaml`"),
    ):
        done = run("compile", *words)
        assert done.exit_code == 2 and message in done.stderr, done.output
    assert not Path("generated").exists()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("network: small", "network: other"), "a run of `other`, not of `small`"),
        (("conv 3x3/2", "conv 5x5/2"), "a run of another `small`, whose weights have other names or shapes"),
        (("network:", "netwrk:"), "netwrk"),
    ],
)
def test_a_run_of_another_network_is_refused(tmp_path: Path, change: tuple[str, str], message: str) -> None:
    with pytest.raises((RunError, SpecError), match=message):
        run_panel(NET.typed, run_of(tmp_path / "run", SMALL.replace(*change)))


def test_a_run_with_other_classes_is_one_of_the_network(tmp_path: Path) -> None:
    panel = run_panel(NET.typed, run_of(tmp_path / "run", SMALL.replace("classes: 10", "classes: 7")))

    assert panel.title == "Training run" and "best top-1 75.00%" in panel.body


def changed(value: Any, put: Any) -> Iterator[Any]:
    """A value with something else in place of one of its parts, for every part."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        other = copy.copy(value)
        other[key] = put
        yield other
        if isinstance(value, dict):
            yield {name: inner for name, inner in value.items() if name != key}
        for inner in changed(value[key], put):
            other = copy.copy(value)
            other[key] = inner
            yield other


@pytest.mark.parametrize("put", ODD, ids=lambda put: repr(put)[:12])
def test_damaged_files_are_reported_and_never_crash(tmp_path: Path, put: Any) -> None:
    objectives = [{"formula": "params", "maximise": True}, {"formula": "ops", "maximise": False}]
    variant = {"settings": {"width": 0.5}, "size": [8, 9], "params": 3, "macs": 4, "activations": 5, "depth": 2}
    front = [{**variant, "receptive_field": [7, 7], "objectives": [3, 4]}]
    sweep = {"network": "small", "combinations": 1, "valid": 1, "kept": 1, "objectives": objectives, "front": front}
    row = {"step": 3, "epoch": 1.0, "loss": 0.5, "lr": 0.1, "clock": {"images_per_second": 3.0}, "test_top1": 0.5}
    for name, whole, show in (
        ("scores.json", SCORES, lambda: evaluations(tmp_path)),
        ("sweep.json", sweep, lambda: sweep_panel(NET.typed, tmp_path / "sweep.json")),
        ("metrics.jsonl", row, lambda: run_panel(NET.typed, tmp_path)),
    ):
        for data in (whole, put, *changed(whole, put)):
            (tmp_path / name).write_text(json.dumps(data), encoding="utf-8")
            try:
                show()
            except RunError as error:
                refused = str(error)
            else:
                refused = ""
            assert not refused or (data is not whole and name in refused)
        (tmp_path / name).unlink()
