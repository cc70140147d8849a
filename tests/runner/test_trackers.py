"""Trackers get the numbers of `metrics.jsonl`: W&B and MLflow as stand-ins, or themselves where they are installed.

The stand-ins are packages on the path with the functions that the tracker calls, whose arguments have the names and the
kinds of the real ones; they write down what they get. The tests of the real ones read what those leave on the disk.
"""

from __future__ import annotations

import importlib
import json
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from inception_dsl.runner.base.config import Config, Data, Run
from inception_dsl.runner.base.settings import RunError, with_setting
from inception_dsl.runner.loop.preflight import check_run
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.record import trackers
from inception_dsl.runner.record.progress import Log
from inception_dsl.runner.record.scores import Score
from inception_dsl.runner.record.trackers import Trackers, tracker_names

CPU = RankContext(torch.device("cpu"))

NOTES = """
import json, os
def note(kind, **what):
    with open(os.environ["NOTES"], "a") as file:
        file.write(json.dumps({"kind": kind, **what}) + "\\n")
    if os.environ.get("FAILS") == kind:
        raise ConnectionError("no route\\nto host")
"""

WANDB = """
class Settings:
    def __init__(self, *, console): self.console = console
class Run:
    def define_metric(self, name, step_metric=None): note("define", name=name, step_metric=step_metric)
    def log(self, data, step=None, commit=None):
        assert step is None
        note("log", step=data["step"], numbers={k: v for k, v in data.items() if k != "step"})
    def finish(self, exit_code=None): note("close", done=exit_code == 0)
def init(*, project, name, id, resume, dir, config, settings):
    assert resume == "allow" and settings.console == "off" and os.path.isdir(dir)
    note("open", project=project, name=name, id=id, params=config)
    return Run()
"""

MLFLOW = """
from types import SimpleNamespace
runs = []
class MlflowClient:
    def get_experiment_by_name(self, name): return None
    def create_experiment(self, name): self.project = name; return "7"
    def create_run(self, experiment_id, start_time=None, tags=None, run_name=None):
        assert experiment_id == "7"
        self.name, self.params = run_name, {}
        return SimpleNamespace(info=SimpleNamespace(run_id="abc"))
    def update_run(self, run_id, status=None, name=None):
        assert status == "RUNNING"
        note("open", id=run_id)
    def log_batch(self, run_id, metrics=(), params=(), tags=(), synchronous=None):
        assert len(params) <= 100 and run_id
        if params:
            note("open", project=self.project, name=self.name, id=run_id, params={p.key: p.value for p in params})
        if metrics:
            (step,) = {metric.step for metric in metrics}
            assert all(metric.timestamp > 10**12 for metric in metrics)
            note("log", step=step, numbers={metric.key: metric.value for metric in metrics})
    def set_terminated(self, run_id, status=None, end_time=None): note("close", done=status == "FINISHED")
"""

ENTITIES = """
class Metric:
    def __init__(self, key, value, timestamp, step): self.__dict__.update(vars(), self=None)
class Param:
    def __init__(self, key, value):
        assert isinstance(value, str)
        self.key, self.value = key, value
"""


class StandIn:
    """A package on the path instead of a tracker's, and what it was given."""

    def __init__(self, name: str, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.name, self.file, self.patch = name, folder / "notes.jsonl", patch
        package = folder / "site" / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(NOTES + {"wandb": WANDB, "mlflow": MLFLOW}[name])
        (package / "entities.py").write_text(ENTITIES)
        patch.setenv("NOTES", str(self.file))
        patch.syspath_prepend(folder / "site")
        for module in [found for found in sys.modules if found.partition(".")[0] == name]:
            patch.delitem(sys.modules, module)

    def notes(self, kind: str) -> list[dict[str, Any]]:
        """What it was given, of a kind."""
        rows = map(json.loads, self.file.read_text().splitlines()) if self.file.exists() else []
        return [row for row in rows if row["kind"] == kind]

    def fail(self, kind: str) -> None:
        """From now on, raise an exception at a call of that kind."""
        self.patch.setenv("FAILS", kind)


@pytest.fixture(params=["wandb", "mlflow"])
def stand_in(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandIn]:
    for variable in ("WANDB_PROJECT", "WANDB_NAME", "MLFLOW_EXPERIMENT_NAME", "MLFLOW_RUN_NAME"):
        monkeypatch.delenv(variable, raising=False)
    yield StandIn(request.param, tmp_path, monkeypatch)
    for module in [found for found in sys.modules if found.partition(".")[0] == request.param]:
        del sys.modules[module]


def config(names: str) -> Config:
    return Config(data=Data(batch=8), run=Run(log_every=1, trackers=names))


def log_steps(folder: Path, names: str, steps: range, total: int = 6) -> None:
    """A run from one step to another, which is evaluated at its end."""
    folder.mkdir(parents=True, exist_ok=True)
    log = Log(folder, CPU, config(names), steps.start, total)
    for step in steps:
        log.train(step + 1, epoch=step / 10, loss=1 / (step + 1), lr=float("nan") if step == 1 else 0.1)
    if steps.stop == total:
        log.evaluation(total, Score(10, 0, {"top1": 0.5, "loss": 0.7}))
    log.close()


def test_a_tracker_gets_the_numbers_of_the_log(stand_in: StandIn, tmp_path: Path) -> None:
    log_steps(tmp_path / "runs" / "mine", stand_in.name, range(6))

    (opened,) = stand_in.notes("open")
    assert (opened["project"], opened["name"]) == ("inception-dsl", "runs/mine")
    assert {"optim.lr", "run.trackers", "data.mean"} <= opened["params"].keys()
    assert str(opened["params"]["data.batch"]) == "8"
    rows = map(json.loads, (tmp_path / "runs" / "mine" / "metrics.jsonl").read_text().splitlines())
    expected = []
    for row in rows:
        numbers = {key.replace("test_", "test/"): value for key, value in row.items() if key not in {"step", "clock"}}
        numbers |= row.get("clock", {})
        expected.append((row["step"], {key: value for key, value in numbers.items() if value is not None}))
    assert [(row["step"], row["numbers"]) for row in stand_in.notes("log")] == expected
    assert "lr" not in expected[1][1] and expected[-1][1]["test/top1"] == 0.5
    assert [row["done"] for row in stand_in.notes("close")] == [True]


def test_a_resumed_run_goes_on_in_the_same_one(stand_in: StandIn, tmp_path: Path) -> None:
    log_steps(tmp_path / "run", stand_in.name, range(4))
    log_steps(tmp_path / "run", stand_in.name, range(2, 6))
    log_steps(tmp_path / "other", stand_in.name, range(1))

    first, again, *_ = stand_in.notes("open")
    assert first["id"] == again["id"] == json.loads((tmp_path / "run/trackers.json").read_text())[stand_in.name]
    assert [row["step"] for row in stand_in.notes("log")] == [1, 2, 3, 4, 3, 4, 5, 6, 6, 1]
    assert [row["done"] for row in stand_in.notes("close")] == [False, True, False]


def test_variables_name_the_project(stand_in: StandIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project, name = {
        "wandb": ("WANDB_PROJECT", "WANDB_NAME"),
        "mlflow": ("MLFLOW_EXPERIMENT_NAME", "MLFLOW_RUN_NAME"),
    }[stand_in.name]
    monkeypatch.setenv(project, "cats")
    monkeypatch.setenv(name, "first")
    log_steps(tmp_path / "run", stand_in.name, range(1))

    assert [(row["project"], row["name"]) for row in stand_in.notes("open")] == [("cats", "first")]


@pytest.mark.parametrize("kind", ["log", "close"])
def test_a_tracker_that_fails_ends_no_run(
    stand_in: StandIn, kind: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in.fail(kind)
    log_steps(tmp_path / "run", stand_in.name, range(6))

    assert len(stand_in.notes(kind)) == 1
    warnings = [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning")]
    assert warnings == [
        f"warning: {stand_in.name} gets no further numbers: no route to host; metrics.jsonl has all of them"
    ]
    assert len((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()) == 7


def test_a_tracker_that_cannot_start_ends_only_a_new_run(
    stand_in: StandIn, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stand_in.fail("open")
    with pytest.raises(RunError, match=f"^run.trackers: {stand_in.name} cannot start: no route to host$"):
        log_steps(tmp_path / "run", stand_in.name, range(1))
    log_steps(tmp_path / "run", stand_in.name, range(3, 6))

    assert f"warning: {stand_in.name} gets no further numbers" in capsys.readouterr().out
    assert stand_in.notes("log") == []


def test_only_the_first_rank_has_trackers(stand_in: StandIn, tmp_path: Path) -> None:
    log = Log(tmp_path, RankContext(torch.device("cpu"), 1, 2), config(stand_in.name), 0, 1)
    log.train(1, loss=1.0)
    log.close()

    assert not stand_in.file.exists()


@pytest.mark.parametrize("name", ["wandb", "mlflow", "tensorboard"])
def test_a_tracker_must_be_installed(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder of its name, as W&B leaves in the folder of a run, is not it."""
    (tmp_path / name).mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    for package in (name, "tensorboard"):  # another test may have imported it
        monkeypatch.delitem(sys.modules, package, raising=False)
    importlib.invalidate_caches()
    with pytest.raises(RunError, match=f"^run.trackers names {name}, which is not installed: pip install {name}$"):
        check_run(with_setting(Config(), "run.trackers", f"auto, {name}"), CPU)
    assert tracker_names(Config()) == []


def test_which_trackers_a_run_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trackers, "installed", lambda package: True)

    assert tracker_names(Config()) == ["tensorboard"]
    assert tracker_names(config("none")) == []
    assert tracker_names(config("wandb,auto , wandb")) == ["tensorboard", "wandb"]


@pytest.mark.parametrize("text", ["wanbd", "", "wandb,", "wandb mlflow", "Tensorboard"])
def test_unknown_trackers_are_reported(text: str) -> None:
    with pytest.raises(RunError, match=r"^run\.trackers is '.*'; set names with commas between them, of auto, none, "):
        with_setting(Config(), "run.trackers", text)


def test_a_broken_file_of_ids_starts_a_new_run(stand_in: StandIn, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    for text in ("{", "[]", "[1]", json.dumps({stand_in.name: 7})):
        (run / "trackers.json").write_text(text)
        Trackers(run, config(stand_in.name), 0, print).close(done=True)

    assert all(isinstance(row["id"], str) and row["id"] for row in stand_in.notes("open"))


# --- the real ones ----------------------------------------------------------------------------------------------------


def wandb_records(file: Path) -> Iterator[Any]:
    """The records in a file of an offline run: a header, then blocks as in a log of LevelDB."""
    from wandb.proto import wandb_internal_pb2

    data, at, record = file.read_bytes(), 7, b""
    while at + 7 <= len(data):
        if (left := 32768 - at % 32768) < 7:
            at += left
            continue
        length, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        record += data[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in {1, 4}:  # a whole record, or its last part
            found = wandb_internal_pb2.Record()
            found.ParseFromString(record)
            yield found
            record = b""


@pytest.mark.filterwarnings("ignore")
def test_the_real_wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("wandb")
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")
    run = tmp_path / "runs" / "mine"
    log_steps(run, "wandb", range(4))
    time.sleep(1.1)  # W&B 0.31 may lose a run that starts in the same second as one of the same id
    log_steps(run, "wandb", range(2, 6))

    own = json.loads((run / "trackers.json").read_text())["wandb"]
    files = sorted(run.glob("wandb/offline-run-*/*.wandb"))
    assert len(files) == 2
    records = [record for file in files for record in wandb_records(file)]
    begun = [record.run for record in records if record.HasField("run")]
    assert {(found.run_id, found.project, found.display_name) for found in begun} == {
        (own, "inception-dsl", "runs/mine")
    }
    rows = [
        {item.key or "/".join(item.nested_key): json.loads(item.value_json) for item in record.history.item}
        for record in records
        if record.HasField("history")
    ]
    assert [row["step"] for row in rows] == [1, 2, 3, 4, 3, 4, 5, 6, 6]
    assert [row["loss"] for row in rows if "loss" in row] == [1 / step for step in (1, 2, 3, 4, 3, 4, 5, 6)]
    assert rows[-1]["test/top1"] == 0.5


@pytest.mark.filterwarnings("ignore")
def test_the_real_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("mlflow")
    pytest.importorskip("sqlalchemy")
    pytest.importorskip("alembic")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    run = tmp_path / "runs" / "mine"
    log_steps(run, "mlflow", range(4))
    log_steps(run, "mlflow", range(2, 6))

    own = json.loads((run / "trackers.json").read_text())["mlflow"]
    base = sqlite3.connect(tmp_path / "mlflow.db")
    assert base.execute("select run_uuid, name, status from runs").fetchall() == [(own, "runs/mine", "FINISHED")]
    steps = base.execute("select step, value from metrics where key = 'loss' order by timestamp, step").fetchall()
    assert sorted(set(steps)) == [(step, 1 / step) for step in range(1, 7)]
    assert base.execute("select step, value from metrics where key = 'test/top1'").fetchall() == [(6, 0.5)]
    params = dict(base.execute("select key, value from params"))
    assert params["data.batch"] == "8" and params.keys() >= {"optim.lr", "schedule.name"}
    base.close()
