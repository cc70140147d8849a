"""The log of a run, and the progress line on the terminal."""

from __future__ import annotations

import csv
import json
import math
import os
import resource
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Timer
from typing import Any

import torch
from torch import Tensor

from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.files import write_text
from inception_dsl.runner.images.data import Batch
from inception_dsl.runner.images.loaders import available_cores, loader_workers
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.record.guessing import HeadWatch
from inception_dsl.runner.record.scores import Score
from inception_dsl.runner.record.trackers import Trackers


class Log:
    """Writes `metrics.jsonl` line by line; `metrics.csv`, at the end, and trackers hold the same numbers.

    Only rank 0 writes. Opening the log at a step drops the lines of later steps. Numbers that depend on the machine
    are under "clock"; the others are the same after a resume. `guess` is the loss of guessing, for the warning about
    heads that learn nothing; 0 disables it.
    """

    def __init__(
        self, folder: Path, context: RankContext, config: Config, step: int, total: int, guess: float = 0.0
    ) -> None:
        self.context, self.config, self.total = context, config, total
        sys.stdout = sys.stdout or Path(os.devnull).open("w")  # noqa: SIM115 - stdout was closed
        self.writes, self.tty, self.path = context.rank == 0, sys.stdout.isatty(), folder / "metrics.jsonl"
        self.open_line = False  # the cursor is behind a line that is to be overwritten
        self.since, self.shown, self.rate = (step, time.monotonic()), -math.inf, 0.0
        self.waited = 0.0  # seconds spent waiting for batches since then
        self.watch = HeadWatch(guess, config, total)
        self.evaluated, self.starved = set[int](), False
        self.trackers: Trackers | None = None
        self.done = False  # evaluated at the last step
        # A first step may take minutes. Workers, which would inherit the thread, have been forked by now.
        self.notice = Timer(3, self.say, [f"step {step + 1} of {total} has begun ..."])
        self.notice.daemon = True
        if not self.writes:
            return
        rows = [row for row in read_metrics(self.path) if row["step"] <= step]
        self.evaluated = {row["step"] for row in rows if "test_n" in row}
        for row in rows:  # their warnings were printed before
            self.watch.look(row)
        write_text(self.path, "".join(json.dumps(row) + "\n" for row in rows))
        self.trackers = Trackers(folder, config, step, self.say)

    def start(self) -> None:
        """Say so if the first step takes seconds; it, or `close`, ends the wait."""
        if self.writes:
            self.notice.start()

    def train(self, step: int, **numbers: float | Tensor) -> None:
        """Log a step, if it is due: "epoch" (epochs done), "loss" and the heads' losses, "lr".

        The progress line follows the clock, whatever `run.log_every`.
        """
        self.notice.cancel()
        if not self.writes:
            return
        now, last = time.monotonic(), step == self.total
        logs = step % self.config.run.log_every == 0 or last
        shows = now - self.shown >= (0.1 if self.tty else 5) or last
        if not logs and not shows:
            return
        row = {"step": step} | {name: float(number) for name, number in numbers.items()}
        took = max(now - self.since[1], 1e-9)
        rate, waiting = self.config.data.batch * (step - self.since[0]) / took, self.waited / took
        gigabytes = round(peak_memory_gb(self.context.device), 3)
        if logs:
            self.rate = 0.8 * self.rate + 0.2 * rate if self.rate else rate
            self.since, self.waited = (step, now), 0.0
            clock = {"images_per_second": round(rate, 1), "waiting": round(waiting, 3), "memory_gb": gigabytes}
            self._write(row, clock)
        if shows:
            self.shown = now
            self.say(self._line(row, self.rate or rate, gigabytes), rewrite=True)
        if logs:
            self._watch(row)
            self._watch_loading(row, waiting)

    def evaluating(self, count: int, done: int) -> None:
        """Show on a terminal how many of `count` images are evaluated; `done` are those of this rank."""
        if self.writes and self.tty and (now := time.monotonic()) - self.shown >= 0.1:
            self.shown = now
            self.say(f"evaluated {min(done * self.context.world_size, count):,} of {count:,} images", rewrite=True)

    def evaluation(self, step: int, score: Score) -> None:
        """Log the score on the held-out images."""
        self.done = step == self.total
        self.notice.cancel()
        if self.writes:
            if step not in self.evaluated:  # a finished run is evaluated again when it is started again
                self._write({"step": step} | {f"test_{name}": number for name, number in score.row.items()}, {})
            self.say(f"step {step:,}: {score}" + f"  ({score.unreadable:,} unreadable)" * bool(score.unreadable))
            self.since, self.waited = (step, time.monotonic()), 0.0  # exclude its time from the rate of training

    def waiting(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """Yield the batches, and add up the time spent waiting for them."""
        while True:
            start = time.monotonic()
            if (batch := next(batches, None)) is None:
                return
            self.waited += time.monotonic() - start
            yield batch

    def say(self, text: str, rewrite: bool = False) -> None:
        """Print a line. With `rewrite`, on a terminal, the next line overwrites it, so it is cut to fit the width."""
        if not self.writes:
            return
        width, self.open_line = shutil.get_terminal_size().columns - 1, rewrite
        if self.tty and rewrite and len(text) > width:
            text = text[: width + 2].rpartition("  ")[0]
        write_stdout(f"\r{text:{width}}" + "\n" * (not rewrite) if self.tty else f"{text}\n")

    def close(self) -> None:
        """End the progress line, and write `metrics.csv` if the disk has room."""
        self.notice.cancel()
        if not self.writes:
            return
        write_stdout("\n" * (self.tty and self.open_line))
        rows = read_metrics(self.path) if self.path.is_file() else []
        for row in rows:
            row |= {f"clock.{name}": number for name, number in row.pop("clock", {}).items()}
        with suppress(OSError), self.path.with_suffix(".csv").open("w", newline="", encoding="utf-8") as file:
            table = csv.DictWriter(file, dict.fromkeys(name for row in rows for name in row))
            table.writeheader()
            table.writerows(rows)
        if self.trackers:
            self.trackers.close(self.done)

    def _write(self, row: dict[str, Any], clock: dict[str, float]) -> None:
        finite = {name: number if math.isfinite(number) else None for name, number in row.items()}  # JSON has no NaN
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(finite | ({"clock": clock} if clock else {})) + "\n")
        if self.trackers:
            self.trackers.log(row["step"], {name: finite[name] for name in row if name != "step"} | clock)

    def _line(self, row: dict[str, Any], rate: float, gigabytes: float) -> str:
        """The fields of the progress line, most important first."""
        left = round((self.total - row["step"]) * self.config.data.batch / max(rate, 1e-9))
        fields = [f"epoch {row['epoch']:.2f}/{self.config.schedule.epochs:g}"] if "epoch" in row else []
        fields += [f"step {row['step']}/{self.total}", f"loss {row.get('loss', math.nan):.4f}"]
        fields += [f"{rate:.0f} img/s", f"ETA {left // 3600}:{left // 60 % 60:02}:{left % 60:02}"]
        fields += [f"{name} {row[name]:.4f}" for name in self.config.loss.heads if name in row]
        fields += [f"lr {row['lr']:.3g}"] if "lr" in row else []
        return "  ".join([*fields, f"{gigabytes:.1f} GB"])

    def _watch(self, row: dict[str, Any]) -> None:
        """Warn, once per head, about a loss that stays at that of guessing, as GoogLeNet's may without BN."""
        for head, mean in self.watch.look(row):
            self.say(
                f"warning: {'the main head' if head == 'loss' else head} has learnt nothing so far: its loss is "
                f"{mean:.3f}, and that of guessing is {self.watch.guess:.3f}. Deep networks without batch "
                "normalisation often start like this. If it lasts, try batch normalisation, a warm-up (--set "
                f"schedule.warmup=5), or a lower rate (--set optim.lr={self.config.optim.lr / 3:.1g})"
            )

    def _watch_loading(self, row: dict[str, Any], waiting: float) -> None:
        """Warn once if the device waits for images while cores are idle."""
        cores, workers = available_cores(), loader_workers(self.config, self.context)
        if row["step"] >= 100 and waiting > 0.2 and not self.starved and cores > workers + 1:
            self.starved = True
            self.say(
                f"warning: {waiting:.0%} of the time is spent waiting for images, and each process has {cores} cores: "
                f"--set data.workers={min(cores - 1, 2 * workers + 2)}"
            )


def write_stdout(text: str) -> None:
    """Print text; if its reader is gone or its disk is full, the run goes on without output."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError:
        sys.stdout = Path(os.devnull).open("w")  # noqa: SIM115 - open until the process ends


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """The rows of a log; skips broken ones, which a killed process may leave."""
    rows: list[dict[str, Any]] = []
    with suppress(FileNotFoundError), path.open("rb") as file:
        for line in file:
            with suppress(ValueError, KeyError, TypeError):
                row = json.loads(line)
                rows += [row] if row["step"] >= 0 else []
    return rows


def peak_memory_gb(device: torch.device) -> float:
    """The peak memory of this process in GB: on its accelerator, else on the host."""
    with suppress(RuntimeError):  # not every accelerator reports it
        if (found := torch.accelerator.current_accelerator()) and found.type == device.type:
            return torch.accelerator.max_memory_allocated(device) / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e9
