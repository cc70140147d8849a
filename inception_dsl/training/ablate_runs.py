"""The runs of an ablation, several at a time: each is a process, which trains, saves and fails on its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import torch

from inception_dsl.runner.images.loaders import available_cores
from inception_dsl.runner.readers.reader import Reader
from inception_dsl.training.ablate import Trial
from inception_dsl.training.launch import PREEMPTED, command, signals_passed_on
from inception_dsl.training.run_folder import prepare

POLL: Final = 0.1
"""Seconds between two looks at the processes."""

LOG: Final = "log.txt"
"""What a run prints, in its folder."""

Status = Literal["done", "failed", "stopped"]


class Result(NamedTuple):
    """How a run ended: its score on the held-out images if it is done, the reason if it failed."""

    trial: Trial
    status: Status
    score: dict[str, float] | None = None
    reason: str = ""
    seconds: float = 0.0


class Share(NamedTuple):
    """The part of the machine that one of several runs gets: its environment, and its arguments."""

    environment: dict[str, str]
    arguments: tuple[str, ...]


def shares(jobs: int | None, workers: bool) -> list[Share]:
    """Divide the machine among `jobs` runs, by default one for each accelerator, or else for each core.

    A run gets as many threads as cores, one less loader process if `workers`, and an accelerator if there are some.
    A user's OMP_NUM_THREADS is kept.
    """
    accelerator = torch.accelerator.current_accelerator(check_available=True)
    devices = _visible(torch.accelerator.device_count()) if accelerator and accelerator.type == "cuda" else []
    cores = available_cores()
    jobs = jobs or (max(len(devices), 1) if accelerator else cores)
    each = max(cores // jobs, 1)
    arguments = ("--set", f"data.workers={each - 1}") if workers else ()
    return [
        Share(
            {"OMP_NUM_THREADS": str(each)}
            | os.environ
            | ({"CUDA_VISIBLE_DEVICES": devices[job % len(devices)]} if devices else {}),
            arguments,
        )
        for job in range(jobs)
    ]


def _visible(count: int) -> list[str]:
    """The names of the GPUs that a process may use."""
    named = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name.strip()]
    return named[:count] or [str(index) for index in range(count)]


def prepare_all(trials: Sequence[Trial], images: Reader) -> tuple[list[Result], list[Trial]]:
    """Write the folders of runs on some images; returns the done ones, and those to do. Raises as `prepare` does."""
    done, left = list[Result](), list[Trial]()
    for trial in trials:
        if prepare(trial.folder, trial.plan, None, force=False, images=images):
            done.append(Result(trial, "done", _score(trial.folder)))
        else:
            left.append(trial)
    return done, left


def run_all(trials: Sequence[Trial], among: Sequence[Share], report: Callable[[Result], None]) -> list[Result]:
    """Run trials, as many at a time as there are shares; a failure ends none of the others.

    SIGTERM, SIGUSR1 and Ctrl-C are passed on, so that the runs save and end; then no further one is started.
    """
    processes: dict[int, tuple[subprocess.Popen[bytes], Trial, float]] = {}
    results, left = list[Result](), list(trials)
    numbers = (signal.SIGTERM, signal.SIGUSR1, signal.SIGINT)
    with signals_passed_on(numbers, lambda: [process for process, *_ in processes.values()]) as asked:
        while processes or (left and not asked):
            for share in range(len(among)):
                if left and not asked and share not in processes:
                    trial = left.pop(0)
                    processes[share] = (process := _start(trial, among[share])), trial, time.monotonic()
                    if asked:  # the signal came before the process was known
                        process.send_signal(signal.SIGTERM)
            time.sleep(POLL)
            for share, (process, trial, begun) in list(processes.items()):
                if (code := process.poll()) is not None:
                    del processes[share]
                    results.append(_result(trial, code, bool(asked))._replace(seconds=time.monotonic() - begun))
                    report(results[-1])
    return [*results, *(Result(trial, "stopped") for trial in left)]


def _start(trial: Trial, share: Share) -> subprocess.Popen[bytes]:
    words = command(trial.folder / "train.py", ["--out", str(trial.folder), *share.arguments])
    with (trial.folder / LOG).open("ab") as log:
        return subprocess.Popen(  # noqa: S603
            words, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=share.environment
        )


def _result(trial: Trial, code: int, asked: bool) -> Result:
    """How a run ended, from the exit code of its process."""
    if code == 0:
        return Result(trial, "done", _score(trial.folder))
    if code == PREEMPTED or (asked and code < 0):  # or it was signalled before it could listen
        return Result(trial, "stopped")
    reason = f"it was ended by {signal.Signals(-code).name}" if code < 0 else _last_line(trial.folder / LOG)
    return Result(trial, "failed", reason=reason)


def _score(folder: Path) -> dict[str, float]:
    facts: dict[str, Any] = json.loads((folder / "model" / "config.json").read_text(encoding="utf-8"))
    score: dict[str, float] = facts["score"]
    return score


def _last_line(log: Path) -> str:
    """The last line of a log, where a run states why it failed."""
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    return next((line.strip().removeprefix("error: ") for line in reversed(lines) if line.strip()), "no reason given")
