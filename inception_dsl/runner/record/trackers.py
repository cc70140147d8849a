"""Trackers: TensorBoard, Weights & Biases and MLflow get the numbers of a run as `metrics.jsonl` has them."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol
from uuid import uuid4

from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.files import write_text
from inception_dsl.runner.base.settings import RunError, flat_settings, one_line

PROJECT = "inception-dsl"  # of W&B and MLflow, unless their own environment variables name another
MOST_PARAMS = 100  # that MLflow takes at a time


class Tracker(Protocol):
    """What shows the numbers of a run; `id` names the run there, or is empty if a resumed run needs no name."""

    id: str

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Take the numbers of a step, all of them finite."""

    def close(self, done: bool) -> None:
        """End, where `done` says whether the run has come to its end."""


class TensorBoardTracker:
    """Files in the run's folder; those of steps that a resumed run repeats are purged."""

    def __init__(self, folder: Path, config: Config, step: int, own: str) -> None:
        from torch.utils.tensorboard import SummaryWriter

        self.id = ""
        self.writer: Any = SummaryWriter(folder / "tensorboard", purge_step=step + 1)

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Take the numbers of a step."""
        for name, number in numbers.items():
            self.writer.add_scalar(name, number, step)

    def close(self, done: bool) -> None:
        """Write what is buffered."""
        self.writer.close()


class WandbTracker:
    """A run of Weights & Biases; `WANDB_MODE=offline` keeps it in the run's folder, to be sent by `wandb sync`."""

    def __init__(self, folder: Path, config: Config, step: int, own: str) -> None:
        import wandb

        self.id = own or uuid4().hex
        self.run: Any = wandb.init(
            project=os.environ.get("WANDB_PROJECT") or PROJECT,
            name=os.environ.get("WANDB_NAME") or run_name(folder),
            id=self.id,
            resume="allow",
            dir=str(folder),
            config=flat_settings(config),
            settings=wandb.Settings(console="off"),  # it gets the numbers, not what the run prints
        )
        # Not W&B's own counter, which refuses the steps that a resumed run repeats.
        self.run.define_metric("step")
        self.run.define_metric("*", step_metric="step")

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Take the numbers of a step."""
        self.run.log({**numbers, "step": step})

    def close(self, done: bool) -> None:
        """Send what is buffered."""
        self.run.finish(exit_code=0 if done else 1)


class MlflowTracker:
    """A run of MLflow, in the store that `MLFLOW_TRACKING_URI` names, by default MLflow's own."""

    def __init__(self, folder: Path, config: Config, step: int, own: str) -> None:
        from mlflow import MlflowClient
        from mlflow.entities import Metric, Param

        self.client, self.metric = MlflowClient(), Metric
        if own:
            self.id = own
            self.client.update_run(own, status="RUNNING")
            return
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME") or PROJECT
        experiment = self.client.get_experiment_by_name(name)
        number = experiment.experiment_id if experiment else self.client.create_experiment(name)
        title = os.environ.get("MLFLOW_RUN_NAME") or run_name(folder)
        self.id = self.client.create_run(number, run_name=title).info.run_id
        params = [Param(key, str(value)) for key, value in flat_settings(config).items()]
        for start in range(0, len(params), MOST_PARAMS):
            self.client.log_batch(self.id, params=params[start : start + MOST_PARAMS])

    def log(self, step: int, numbers: Mapping[str, float]) -> None:
        """Take the numbers of a step."""
        now = round(time.time() * 1000)
        self.client.log_batch(self.id, [self.metric(name, number, now, step) for name, number in numbers.items()])

    def close(self, done: bool) -> None:
        """Set the status of the run."""
        self.client.set_terminated(self.id, "FINISHED" if done else "KILLED")


TRACKERS: dict[str, Callable[[Path, Config, int, str], Tracker]] = {
    "tensorboard": TensorBoardTracker,
    "wandb": WandbTracker,
    "mlflow": MlflowTracker,
}


def tracker_names(config: Config) -> list[str]:
    """The trackers that `run.trackers` names; "auto" stands for TensorBoard if it is installed, "none" for none."""
    names = dict.fromkeys(name.strip() for name in config.run.trackers.split(","))
    automatic = ["tensorboard"] if "auto" in names and installed("tensorboard") else []
    return [*dict.fromkeys([*automatic, *(name for name in names if name in TRACKERS)])]


def installed(package: str) -> bool:
    """Whether a package can be imported; a folder of its name, which a tracker may leave in a run's folder, cannot."""
    found = find_spec(package)
    return found is not None and found.origin is not None


def check_trackers(config: Config) -> None:
    """Raise `RunError` for a tracker that is named but not installed."""
    for name in tracker_names(config):
        if not installed(name):
            raise RunError(f"run.trackers names {name}, which is not installed: pip install {name}")


def run_name(folder: Path) -> str:
    """What trackers call a run: the end of its folder's path."""
    return "/".join(folder.resolve().parts[-2:])


class Trackers:
    """The trackers of a run. One that fails gets no further numbers; the run goes on, with a warning.

    Their ids are in `trackers.json` in the run's folder, so that a resumed run goes on in them. Raises `RunError` if
    one cannot start for a new run.
    """

    def __init__(self, folder: Path, config: Config, step: int, say: Callable[[str], None]) -> None:
        self.say, self.open = say, dict[str, Tracker]()
        file = folder / "trackers.json"
        ids: dict[str, str] = {}
        with suppress(OSError, ValueError, TypeError):
            ids = dict(json.loads(file.read_text(encoding="utf-8")))
        for name in tracker_names(config):
            try:
                tracker = TRACKERS[name](folder, config, step, str(ids.get(name, "")))
            except Exception as error:
                if isinstance(error, ImportError) and name not in config.run.trackers:
                    continue  # "auto" takes what works
                if step == 0:
                    raise RunError(f"run.trackers: {name} cannot start: {one_line(error)}") from error
                self.warn(name, error)
                continue
            self.open[name] = tracker
            if tracker.id and ids.get(name) != tracker.id:
                ids[name] = tracker.id
                write_text(file, json.dumps(ids, indent=2) + "\n")

    def log(self, step: int, numbers: Mapping[str, float | None]) -> None:
        """Pass on the numbers of a step that are finite; None stands for the others."""
        finite = {name.replace("test_", "test/"): number for name, number in numbers.items() if number is not None}
        for name, tracker in list(self.open.items()):
            try:
                tracker.log(step, finite)
            except Exception as error:  # noqa: BLE001 - whatever it raises
                self.warn(name, error)

    def close(self, done: bool) -> None:
        """End them; `done` says whether the run has come to its end."""
        for name, tracker in list(self.open.items()):
            try:
                tracker.close(done)
            except Exception as error:  # noqa: BLE001 - whatever it raises
                self.warn(name, error)
        self.open.clear()

    def warn(self, name: str, error: Exception) -> None:
        """Drop a tracker that fails."""
        self.open.pop(name, None)
        self.say(f"warning: {name} gets no further numbers: {one_line(error)}; metrics.jsonl has all of them")
