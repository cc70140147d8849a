"""Ablations: variants under one recipe, runs side by side, and what is made of their scores."""

from __future__ import annotations

import json
import math
import os
import signal
import statistics
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from chart_geometry import faults, words
from cli_runner import cli as command
from hypothesis import given
from hypothesis import strategies as st
from test_json import enveloped

from inception_dsl import compiler
from inception_dsl.analysis.cost import cost
from inception_dsl.runner.base.settings import RunError
from inception_dsl.training.ablate import Trial, Variant, check_variants, read_variant, trials
from inception_dsl.training.plan import Plan

pytestmark = pytest.mark.extras

ROOT = Path(__file__).parent.parent
BASE = ROOT / "specs" / "googlenet_bn_small.yaml"
SET = ROOT / "specs" / "ablations" / "googlenet_bn_small"

SMALL = """
network: {name}
input: 1x8x8
classes: 10
layers: |
  name | layer
  conv | conv 3x3 {width} same bn relu
  fc   | avgpool global -> fc {{classes}}
training:
  data: {{source: "fake:32x10", batch: 8, workers: 0}}
  augment: {{crop: whole, evaluation: whole}}
  optim: {{lr: 0.1}}
  schedule: {{epochs: 1}}
"""


def variant(path: Path | str, settings: dict[str, str] | None = None) -> Variant:
    return read_variant(str(path), compiler.load(path), settings or {}, None)


@pytest.fixture
def two(tmp_path: Path) -> list[str]:
    """The files of two small networks."""
    files = []
    for name, width in (("narrow", 2), ("wide", 4)):
        files.append(tmp_path / f"{name}.yaml")
        files[-1].write_text(SMALL.format(name=name, width=width), encoding="utf-8")
    return [str(file) for file in files]


# --- the plan ---------------------------------------------------------------------------------------------------------


def test_all_variants_come_before_the_next_seed(two: list[str], tmp_path: Path) -> None:
    found = [*trials([variant(file, {"run.seed": "5"}) for file in two], 2, tmp_path)]

    assert [(trial.variant, trial.seed) for trial in found] == [("narrow", 5), ("wide", 5), ("narrow", 6), ("wide", 6)]
    assert found[3].folder == tmp_path / "wide" / "seed-6"
    assert [trial.plan.recipe.config().run.seed for trial in found] == [5, 5, 6, 6]
    assert [trial.plan.runnable.config().run.seed for trial in found] == [5, 5, 6, 6]


def test_an_ablation_has_one_recipe(two: list[str]) -> None:
    other = Path(two[1])
    other.write_text(other.read_text().replace("lr: 0.1", "lr: 0.2, momentum: 0.5"))
    with pytest.raises(RunError, match=r"wide\.yaml: its recipe is not that of .*narrow\.yaml: optim\.lr is 0\.2, not"):
        check_variants([variant(file) for file in two])

    check_variants([variant(file, {"optim.lr": "0.2", "optim.momentum": "0.9"}) for file in two])


def test_variants_have_names_of_their_own(two: list[str]) -> None:
    other = Path(two[1])
    other.write_text(other.read_text().replace("network: wide", "network: narrow"))
    with pytest.raises(RunError, match=r"wide\.yaml: `narrow` is also the network of .*narrow\.yaml"):
        check_variants([variant(file) for file in two])


# --- the shipped set --------------------------------------------------------------------------------------------------

NAMES = sorted(path.stem for path in SET.glob("*.yaml"))


def test_the_shipped_set_is_an_ablation() -> None:
    """One recipe, heads aside; every file is a variant of the base with its own name, and prints no number."""
    variants = [variant(BASE), *(variant(SET / f"{name}.yaml") for name in NAMES)]
    check_variants(variants)

    assert [found.name for found in variants[1:]] == NAMES
    assert all(found.plan.spec.title.startswith("GoogLeNet BN small") for found in variants)
    heads = {found.name: len(found.plan.recipe.config().loss.heads) for found in variants}
    assert {name for name, count in heads.items() if count != 1} == {"no_heads", "two_heads"}


def test_what_the_shipped_variants_cost() -> None:
    """Less or more than the base, as their names say; the naive module costs what 1409.4842 rejects it for."""
    base = cost(compiler.at_size(compiler.compile_file(BASE))).trunk
    macs = {name: cost(compiler.at_size(compiler.compile_file(SET / f"{name}.yaml"))).trunk.macs for name in NAMES}

    assert {name for name in NAMES if macs[name] == base.macs} == {"no_bn", "no_heads", "two_heads"}
    less = {"no_pool_branch", "reductions_half", "shallow", "width_half"}
    assert {name for name in NAMES if macs[name] < base.macs} == less
    assert macs["naive"] == max(macs.values()) > 4 * base.macs
    assert 3.9 < macs["width_double"] / base.macs < 4 and 3.9 < base.macs / macs["width_half"] < 4


# --- runs side by side ------------------------------------------------------------------------------------------------

SCRIPT = """
import json, os, pathlib, signal, sys, time
out = pathlib.Path(sys.argv[2])
assert sys.argv[1] == "--out"
print("begun", flush=True)
"""
GOOD = """
(out / "model").mkdir()
facts = {"score": {"top1": 0.75}, "threads": os.environ["OMP_NUM_THREADS"], "words": sys.argv[3:]}
(out / "model" / "config.json").write_text(json.dumps(facts))
"""
BAD = 'sys.exit("error: step 3: not finite\\n")'
CRASH = "os.kill(os.getpid(), signal.SIGKILL)"
WAITS = """
signal.signal(signal.SIGTERM, lambda *_: sys.exit(75))
(out / "ready").touch()
time.sleep(60)
"""


def trial(folder: Path, name: str, script: str) -> Trial:
    """A run whose `train.py` is a short script."""
    out = folder / name / "seed-0"
    out.mkdir(parents=True)
    (out / "train.py").write_text(SCRIPT + script, encoding="utf-8")
    return Trial(name, 0, out, Plan(None, None, None, None))  # type: ignore[arg-type]


def test_a_run_that_fails_ends_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from inception_dsl.training import ablate_runs
    from inception_dsl.training.ablate_runs import Result, run_all, shares

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(ablate_runs, "available_cores", lambda: 8)
    reported: list[Result] = []
    scripts = {"bad": BAD, "killed": CRASH, "good": GOOD}
    found = run_all([trial(tmp_path, *pair) for pair in scripts.items()], shares(2, workers=True), reported.append)

    assert found == reported
    by_name = {result.trial.variant: result for result in found}
    assert (by_name["bad"].status, by_name["bad"].reason) == ("failed", "step 3: not finite")
    assert (by_name["killed"].status, by_name["killed"].reason) == ("failed", "it was ended by SIGKILL")
    assert (by_name["good"].status, by_name["good"].score) == ("done", {"top1": 0.75})
    facts = json.loads((tmp_path / "good/seed-0/model/config.json").read_text())
    assert (facts["threads"], facts["words"]) == ("4", ["--set", "data.workers=3"])
    assert (tmp_path / "good/seed-0/log.txt").read_text() == "begun\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_saves_what_runs_and_starts_nothing_else(tmp_path: Path, number: int) -> None:
    from inception_dsl.training.ablate_runs import run_all, shares

    waiting = [trial(tmp_path, name, WAITS) for name in ("first", "second")]
    later = trial(tmp_path, "later", GOOD)

    def interrupt() -> None:
        while not all((each.folder / "ready").exists() for each in waiting):
            time.sleep(0.01)
        os.kill(os.getpid(), number)

    before = signal.getsignal(number)
    sender = threading.Thread(target=interrupt)
    sender.start()
    found = run_all([*waiting, later], shares(2, workers=False), lambda _: None)
    sender.join()

    assert [(result.trial.variant, result.status) for result in found[-1:]] == [("later", "stopped")]
    assert [result.status for result in found] == ["stopped"] * 3
    assert not (later.folder / "log.txt").exists()
    assert signal.getsignal(number) == before


def test_the_machine_is_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from inception_dsl.training import ablate_runs
    from inception_dsl.training.ablate_runs import shares

    monkeypatch.setattr(ablate_runs, "available_cores", lambda: 6)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available=False: None)
    assert [share.environment["OMP_NUM_THREADS"] for share in shares(None, workers=True)] == ["1"] * 6
    assert shares(None, workers=True)[0].arguments == ("--set", "data.workers=0")
    assert shares(3, workers=False)[0].arguments == () and len(shares(12, workers=True)) == 12

    monkeypatch.setenv("OMP_NUM_THREADS", "5")
    assert shares(2, workers=True)[0].environment["OMP_NUM_THREADS"] == "5"


def test_every_gpu_gets_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    from inception_dsl.training.ablate_runs import shares

    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda check_available=False: torch.device("cuda"))
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: 2)
    assert [share.environment["CUDA_VISIBLE_DEVICES"] for share in shares(None, workers=True)] == ["0", "1"]
    assert [share.environment["CUDA_VISIBLE_DEVICES"] for share in shares(3, workers=True)] == ["0", "1", "0"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "4, 7")
    assert [share.environment["CUDA_VISIBLE_DEVICES"] for share in shares(None, workers=True)] == ["4", "7"]


# --- what is made of the scores ---------------------------------------------------------------------------------------

accuracies = st.lists(st.floats(0, 1), min_size=1, max_size=5)


@given(accuracies, accuracies)
def test_a_spread_is_that_of_the_sample(one: list[float], other: list[float]) -> None:
    from inception_dsl.training.ablate_results import Spread

    first, second = Spread.of(one), Spread.of(other)
    difference, error = first.minus(second)

    assert math.isclose(first.mean, sum(one) / len(one), abs_tol=1e-12)
    assert (first.deviation is None) == (len(one) == 1)
    assert math.isclose(difference, -second.minus(first)[0], abs_tol=1e-12)
    if len(one) > 1 and len(other) > 1:  # Welch's standard error
        expected = math.sqrt(statistics.variance(one) / len(one) + statistics.variance(other) / len(other))
        assert error is not None and math.isclose(error, expected, abs_tol=1e-9)
    else:
        assert error is None


def test_networks_are_compared_with_the_first(two: list[str], tmp_path: Path) -> None:
    from inception_dsl.training.ablate_results import data, metric, summarise, table
    from inception_dsl.training.ablate_runs import Result

    variants = [variant(file) for file in two]
    scores = {("narrow", 0): 0.5, ("narrow", 1): 0.6, ("wide", 0): 0.7, ("wide", 1): None}
    results = [
        Result(run, "done", {"top1": score}) if score else Result(run, "failed", reason="no")
        for run in trials(variants, 2, tmp_path)
        for score in [scores[run.variant, run.seed]]
    ]
    rows = summarise(variants, results, 7)

    # conv 9 * w, bn 2 * w, fc 7 * w + 7
    assert table(rows, metric(results)) == [
        ("network", "runs", "params", "ops", "top-1, %", "difference"),
        ("narrow", "2", "43", "1,166", "55.0 ± 7.1", ""),
        ("wide", "1 of 2, 1 failed", "79", "2,332", "70.0", "+15.0"),
    ]
    narrow, wide = data(rows)
    assert narrow["score"] == {"mean": 0.55, "deviation": statistics.stdev([0.5, 0.6])}
    assert narrow["difference"] is None and wide["difference"]["error"] is None
    assert [found["status"] for found in wide["runs"]] == ["done", "failed"]


def test_the_names_of_networks_without_a_run_are_inside_the_plot(tmp_path: Path) -> None:
    from inception_dsl.training.ablate_plot import plot_ablation
    from inception_dsl.training.ablate_results import summarise
    from inception_dsl.training.ablate_runs import Result

    variants = [variant(BASE), *(variant(SET / f"{name}.yaml") for name in NAMES)]
    (first, *others) = trials(variants, 1, tmp_path)
    results = [Result(first, "done", {"top1": 0.87}), *(Result(run, "failed", reason="no") for run in others)]
    plot_ablation(summarise(variants, results, 10), "top1", tmp_path / "ablation.svg")

    assert faults(svg := (tmp_path / "ablation.svg").read_text(encoding="utf-8")) == []
    assert all(name in svg for name in NAMES)


def test_the_plot_hides_nothing(tmp_path: Path) -> None:
    """Networks of the same cost and almost the same score: all points are inside, and no two names overlap."""
    from inception_dsl.emit.charts.model import Dots
    from inception_dsl.training.ablate_plot import chart, plot_ablation
    from inception_dsl.training.ablate_results import summarise
    from inception_dsl.training.ablate_runs import Result

    variants = [variant(BASE), *(variant(SET / f"{name}.yaml") for name in NAMES)]
    results = [
        Result(run, "done", {"top1": 0.87 + 0.001 * (7 * index % 13) + 0.002 * run.seed})
        if run.variant != "no_bn"
        else Result(run, "failed", reason="no")
        for index, run in enumerate(trials(variants, 2, tmp_path))
    ]
    rows = summarise(variants, results, 10)
    plot_ablation(rows, "top1", tmp_path / "ablation.svg")
    plot_ablation(rows, "top1", tmp_path / "again.svg")

    svg = (tmp_path / "ablation.svg").read_text(encoding="utf-8")
    assert svg == (tmp_path / "again.svg").read_text(encoding="utf-8")
    assert faults(svg) == []
    assert {row.variant.name for row in rows} - {"no_bn"} < {*words(svg)}
    assert "without a finished run: no_bn" in words(svg)
    (panel,) = chart(rows, "top1").panels
    points = [point for mark in panel.marks if isinstance(mark, Dots) for point in mark.points]
    assert {value for row in rows if row.score for value in row.score.values} <= {y for _, y in points}
    assert all(panel.x.low < x < panel.x.high and panel.y.low < y < panel.y.high for x, y in points)


# --- the command ------------------------------------------------------------------------------------------------------


def test_wrong_specs_end_the_command_before_any_run(two: list[str], tmp_path: Path) -> None:
    Path(two[1]).write_text("network: wide\n")
    done = command("ablate", *two, tmp_path / "none.yaml", "--out", tmp_path / "runs")

    assert done.exit_code != 0
    assert "wide.yaml" in done.stderr and "none.yaml" in done.stderr
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(("status", "code"), [("done", 0), ("failed", 1), ("stopped", 75)])
def test_the_exit_code_says_how_the_runs_ended(
    two: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, status: Any, code: int
) -> None:
    from inception_dsl.training import ablate_runs
    from inception_dsl.training.ablate_runs import Result

    def run_all(left: list[Trial], shares: Any, report: Any) -> list[Result]:
        found = [Result(each, "done", {"top1": 0.5}) for each in left]
        found[-1] = Result(left[-1], status, {"top1": 0.25} if code == 0 else None, "no room" if code == 1 else "")
        for result in found:
            report(result)
        return found

    monkeypatch.setattr(ablate_runs, "prepare_all", lambda found, images: ([], found))
    monkeypatch.setattr(ablate_runs, "run_all", run_all)
    words = ("ablate", *two, "--seeds", "2", "--out", tmp_path)
    done, text = command(*words, "--format", "json"), command(*words)
    data = enveloped(done, "ablate")

    assert (done.exit_code, text.exit_code) == (code, code)
    assert [run["status"] for run in data["result"]["networks"][1]["runs"]] == ["done", status]
    failures = [found["message"] for found in data["diagnostics"]]
    assert failures == (["wide with seed 1 failed: no room"] if code == 1 else [])
    assert ("run the same command again to continue" in text.stdout) == (code == 75)
    assert "narrow" in text.stdout and "50.0 ± 0.0" in text.stdout
    assert "4 runs in " in done.stderr and ": 2 networks x 2 seeds" in done.stderr
    assert (
        f"4/4  wide seed 1: {'failed: no room' if code == 1 else 'stopped' if code else 'top-1 25.00%'}  ("
        in done.stderr
    )


def test_images_are_listed_once_for_all_runs(two: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from inception_dsl.runner.readers.readers import open_images
    from inception_dsl.training import ablate_runs

    listed: list[str] = []

    def noted(source: str, *rest: Any) -> Any:
        listed.append(source)
        return open_images(source, *rest)

    monkeypatch.setattr("inception_dsl.training.images.open_images", noted)
    monkeypatch.setattr(ablate_runs, "run_all", lambda left, *_: [ablate_runs.Result(each, "stopped") for each in left])
    assert command("ablate", *two, "--seeds", "2", "--out", tmp_path).exit_code == 75
    assert listed == ["fake:32x10"]


def test_an_ablation_is_run_once(two: list[str], tmp_path: Path) -> None:
    """Two networks are trained in processes of their own, once; then one is lost, and only that one is run again.

    Starting torch takes most of the time; no other test goes all the way.
    """
    out = tmp_path / "runs"
    words = ("ablate", *two, "--seeds", "1", "--out", out)
    done = command(*words, "--format", "json")
    assert done.exit_code == 0, done.output
    result = enveloped(done, "ablate")["result"]
    assert [found["network"] for found in result["networks"]] == ["narrow", "wide"]
    assert all(run["status"] == "done" for found in result["networks"] for run in found["runs"])
    assert result == json.loads((out / "ablation.json").read_text())
    assert "2/2 " in done.stderr

    (out / "wide" / "seed-0" / "model" / "model.safetensors").unlink()
    kept = (out / "narrow" / "seed-0" / "STATUS").stat().st_mtime_ns
    again = command(*words)
    assert again.exit_code == 0, again.output
    assert "1 are done" in again.stdout and "2/2  wide seed 0" in again.stdout
    assert (out / "narrow" / "seed-0" / "STATUS").stat().st_mtime_ns == kept
    weights = out / "narrow" / "seed-0" / "model" / "model.safetensors"
    scored = command("eval", out / "narrow" / "seed-0" / "spec.yaml", weights, "--format", "json")
    assert enveloped(scored)["result"]["protocols"]["recipe"]["top1"] == result["networks"][0]["score"]["mean"]
