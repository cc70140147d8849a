"""The log: what it writes, what a resume makes of it, and the line on the terminal."""

from __future__ import annotations

import csv
import importlib
import io
import itertools
import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from inception_dsl.ir.names import LOGGED
from inception_dsl.runner.base.config import Config, Data, Loss, Run, Schedule
from inception_dsl.runner.images.data import Batch
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.record import progress
from inception_dsl.runner.record.progress import Log, peak_memory_gb, read_metrics
from inception_dsl.runner.record.scores import Score

CPU = RankContext(torch.device("cpu"), 0, 1)
CONFIG = Config(
    data=Data(batch=64),
    schedule=Schedule(epochs=12),
    loss=Loss(heads={"aux1": 0.3, "aux2": 0.3}),
    run=Run(log_every=10),
)
SCORE = Score(1000, 0, {"top1": 0.8765, "top5": 0.995, "loss": 0.41234})


class Terminal(io.StringIO):
    """A terminal that keeps what is written to it."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _still(monkeypatch: pytest.MonkeyPatch) -> None:
    """One second passes at each look at the clock; a run has 1.5 GB; no TensorBoard, which has a test of its own."""
    ticks = itertools.count()
    monkeypatch.setattr(time, "monotonic", lambda: float(next(ticks)))
    monkeypatch.setattr(progress, "peak_memory_gb", lambda device: 1.5)
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Terminal]:
    """Makes standard output a terminal of so many columns."""

    def make(columns: int) -> Terminal:
        monkeypatch.setenv("COLUMNS", str(columns))
        monkeypatch.setattr(sys, "stdout", Terminal())
        return sys.stdout  # type: ignore[return-value]

    return make


def numbers(step: int, **others: float) -> dict[str, Any]:
    return {"epoch": step / 78, "loss": 1 / step, "aux1": torch.tensor(2.5), "aux2": 2.25, "lr": 0.05, **others}


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def written(folder: Path, start: int, stop: int, total: int = 100) -> None:
    """What a process that takes the steps after `start` writes, with an evaluation at step 50."""
    log = Log(folder, CPU, CONFIG, start, total)
    for step in range(start + 1, stop + 1):
        log.train(step, **numbers(step))
        if step == 50:
            log.evaluation(step, SCORE)
    log.close()


def test_the_line_on_a_wide_terminal(tmp_path: Path, terminal: Callable[[int], Terminal]) -> None:
    screen = terminal(140)
    log = Log(tmp_path, CPU, CONFIG, 0, 936)
    log.train(10, **numbers(10))

    assert screen.getvalue().rstrip() == (
        "\repoch 0.13/12  step 10/936  loss 0.1000  640 img/s  ETA 0:01:33  aux1 2.5000  aux2 2.2500  lr 0.05  1.5 GB"
    )
    assert len(screen.getvalue()) == 1 + 139, "all of the line before is covered, and the line does not wrap"


def test_a_narrow_terminal_gets_the_first_fields(tmp_path: Path, terminal: Callable[[int], Terminal]) -> None:
    screen = terminal(40)
    log = Log(tmp_path, CPU, CONFIG, 0, 936)
    log.train(10, **numbers(10))
    log.train(20, **numbers(20))

    lines = screen.getvalue().split("\r")[1:]
    assert [line.rstrip() for line in lines] == [
        "epoch 0.13/12  step 10/936  loss 0.1000",
        "epoch 0.26/12  step 20/936  loss 0.0500",
    ]
    assert {len(line) for line in lines} == {39} and screen.getvalue().isascii()


def test_what_stays_starts_on_a_line_of_its_own(tmp_path: Path, terminal: Callable[[int], Terminal]) -> None:
    screen = terminal(80)
    log = Log(tmp_path, CPU, CONFIG, 0, 936)
    log.train(10, **numbers(10))
    log.evaluation(10, SCORE)
    log.say("warning: one image could not be read")
    log.close()

    stays = [line.rsplit("\r", 1)[-1].rstrip() for line in screen.getvalue().split("\n")]
    assert stays == [
        "step 10: top-1 87.65%  top-5 99.50%  loss 0.4123  of 1,000 images",
        "warning: one image could not be read",
        "",
    ]


def test_the_progress_line_ends_with_the_run(tmp_path: Path, terminal: Callable[[int], Terminal]) -> None:
    screen = terminal(80)
    log = Log(tmp_path, CPU, CONFIG, 0, 936)
    log.train(10, **numbers(10))
    log.close()

    assert screen.getvalue().count("\n") == 1 and screen.getvalue().endswith("\n")


def test_an_evaluation_shows_its_progress_on_a_terminal(
    tmp_path: Path, terminal: Callable[[int], Terminal], capsys: pytest.CaptureFixture[str]
) -> None:
    Log(tmp_path, CPU, CONFIG, 0, 936).evaluating(1000, 64)
    assert capsys.readouterr().out == ""
    screen = terminal(80)
    log = Log(tmp_path, replace(CPU, world_size=2), CONFIG, 0, 936)
    for done in (64, 128, 512):
        log.evaluating(1000, done)
    log.evaluation(10, SCORE)
    first, *_, score = [line.rstrip() for line in screen.getvalue().split("\r")[1:]]
    assert first == "evaluated 128 of 1,000 images" and score.startswith("step 10: top-1")


def test_without_a_terminal_lines_come_every_few_seconds(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, 0, 100)

    lines = capsys.readouterr().out.splitlines()
    assert "\r" not in "".join(lines)
    assert [line.split()[3] for line in lines if line.startswith("epoch")] == [
        *(f"{step}/100" for step in range(1, 100, 5)),  # the first at once, whatever `run.log_every`
        "100/100",
    ]
    assert "step 50: top-1 87.65%  top-5 99.50%  loss 0.4123  of 1,000 images" in lines


def test_images_that_could_not_be_read_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Log(tmp_path, CPU, CONFIG, 0, 100).evaluation(5, Score(998, 2, {"top1": 0.5, "top5": 0.9, "loss": 1.0}))

    assert capsys.readouterr().out.endswith("of 998 images  (2 unreadable)\n")


def test_every_row_is_on_disk_when_it_is_logged(tmp_path: Path) -> None:
    log = Log(tmp_path, CPU, CONFIG, 0, 25)
    seen = []
    for step in range(1, 26):
        log.train(step, **numbers(step))
        seen.append(len(rows(tmp_path)))

    assert seen == [0] * 9 + [1] * 10 + [2] * 5 + [3], "every tenth, and the last"
    row = rows(tmp_path)[0]
    assert {*row, *row["clock"]} - {"aux1", "aux2"} <= LOGGED, "no head can take these names"
    assert row == {
        "step": 10,
        "epoch": 10 / 78,
        "loss": 0.1,
        "aux1": 2.5,
        "aux2": 2.25,
        "lr": 0.05,
        "clock": {"images_per_second": 64.0, "waiting": 0.0, "memory_gb": 1.5},
    }


def test_a_resumed_log_is_that_of_an_uninterrupted_run(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    whole.mkdir()
    parts.mkdir()
    written(whole, 0, 100)
    written(parts, 0, 73)
    with (parts / "metrics.jsonl").open("ab") as file:
        file.write(b'{"step": 80, "lo')  # a process killed as it wrote
    written(parts, 55, 100)

    def untimed(folder: Path) -> list[dict[str, Any]]:
        return [{key: each for key, each in row.items() if key != "clock"} for row in rows(folder)]

    assert untimed(parts) == untimed(whole)
    assert len(untimed(whole)) == 11


@pytest.mark.parametrize("end", [b'{"step": 20, "lo', b"\x00\x00\x00\n", b"[20]\n", b"{}\n"])
def test_a_broken_last_line_is_dropped(tmp_path: Path, end: bytes) -> None:
    file = tmp_path / "metrics.jsonl"
    file.write_bytes(b'{"step": 10, "loss": 1.0}\n' + end)
    Log(tmp_path, CPU, CONFIG, 50, 100)

    assert file.read_bytes() == b'{"step": 10, "loss": 1.0}\n'


def test_a_start_from_nothing_forgets_the_rows_of_before(tmp_path: Path) -> None:
    written(tmp_path, 0, 100)
    written(tmp_path, 0, 10)

    assert [row["step"] for row in rows(tmp_path)] == [10]


def test_the_csv_has_the_columns_of_all_rows(tmp_path: Path) -> None:
    written(tmp_path, 0, 60)
    with (tmp_path / "metrics.csv").open(newline="") as file:
        table = list(csv.DictReader(file))

    assert [row["step"] for row in table] == ["10", "20", "30", "40", "50", "50", "60"]
    assert table[5]["test_top1"] == "0.8765" and not table[5]["loss"]
    assert table[6]["clock.memory_gb"] == "1.5" and not table[6]["test_top1"]


def test_a_last_line_that_only_lacks_its_end_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "metrics.jsonl"
    file.write_bytes(b'{"step": 10}\n{"step": 20}')
    Log(tmp_path, CPU, CONFIG, 50, 100).train(60, loss=1.0)

    assert [row["step"] for row in rows(tmp_path)] == [10, 20, 60]


def test_numbers_that_json_has_no_word_for_are_null(tmp_path: Path) -> None:
    Log(tmp_path, CPU, CONFIG, 0, 100).train(10, loss=float("nan"), lr=float("inf"))

    assert rows(tmp_path)[0]["loss"] is None and rows(tmp_path)[0]["lr"] is None


def test_only_the_first_process_writes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = Log(tmp_path, RankContext(torch.device("cpu"), 1, 2), CONFIG, 0, 10, 10)
    log.train(10, **numbers(10))
    log.evaluation(10, SCORE)
    log.say("hello")
    log.close()

    assert not list(tmp_path.iterdir()) and not capsys.readouterr().out


def headed(folder: Path, steps: range, losses: dict[str, float], guess: float = math.log(10)) -> None:
    log = Log(folder, CPU, CONFIG, steps.start, 1000, guess)
    for step in steps[1:]:
        log.train(step, epoch=step / 400, lr=0.05, **losses)
    log.close()


DEAD = {"loss": 1.0, "aux1": 2.31, "aux2": 2.0}  # ln 10 is 2.3026


def test_a_head_that_guesses_is_reported_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    headed(tmp_path, range(1000), DEAD)

    (warning,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("warning")]
    assert warning == (
        "warning: aux1 has learnt nothing so far: its loss is 2.310, and that of guessing is 2.303. Deep networks "
        "without batch normalisation often start like this. If it lasts, try batch normalisation, a warm-up (--set "
        "schedule.warmup=5), or a lower rate (--set optim.lr=0.2)"
    )


def test_what_the_log_has_counts_after_a_resume(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    headed(tmp_path, range(400), DEAD)
    assert "warning" not in capsys.readouterr().out
    headed(tmp_path, range(390, 401), DEAD)
    assert "warning: aux1" in capsys.readouterr().out
    headed(tmp_path, range(400, 500), DEAD)
    assert "warning" not in capsys.readouterr().out  # it was


@pytest.mark.parametrize(
    ("losses", "guess"),
    [({"loss": 2.1}, 2.3), ({"loss": 2.3026}, 0.0), ({"loss": 2.3026}, 6.9), ({"loss": float("nan")}, 2.3)],
)
def test_no_warning_without_need(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], losses: dict[str, float], guess: float
) -> None:
    headed(tmp_path, range(1000), losses, guess)

    assert "warning" not in capsys.readouterr().out


def test_both_heads_are_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    headed(tmp_path, range(1000), {"loss": 2.3026, "aux1": 2.3026})

    warned = [line.split(" has ")[0] for line in capsys.readouterr().out.splitlines() if "warning" in line]
    assert warned == ["warning: the main head", "warning: aux1"]


def test_tensorboard_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("tensorboard")
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard")
    written(tmp_path, 0, 50)

    accumulator = importlib.import_module("tensorboard.backend.event_processing.event_accumulator")
    board = accumulator.EventAccumulator(str(tmp_path / "tensorboard")).Reload()
    assert [event.step for event in board.Scalars("loss")] == [10, 20, 30, 40, 50]
    assert [round(event.value, 4) for event in board.Scalars("test/top1")] == [0.8765]


def test_memory_is_that_of_this_process() -> None:
    assert 0.05 < peak_memory_gb(torch.device("cpu")) < 100


def test_a_run_does_not_end_because_nobody_reads_its_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        def isatty(self) -> bool:
            return False

        def write(self, text: str) -> int:
            raise BrokenPipeError

    for stream in (Gone(), None):
        monkeypatch.setattr("sys.stdout", stream)
        log = Log(tmp_path, CPU, CONFIG, 0, 10, 10)
        log.say("one")
        log.say("two")
        log.close()
        sys.stdout.close()  # what was put there instead


def test_a_broken_row_costs_no_other(tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text('{"step": 1}\n{"st\n[]\n{"step": 2}\n')
    assert read_metrics(tmp_path / "metrics.jsonl") == [{"step": 1}, {"step": 2}]


EMPTY = Batch(torch.empty(0), torch.empty(0), torch.empty(0), torch.empty(0), [])


def test_a_loader_that_is_too_slow_is_warned_of_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = iter(range(100_000))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    monkeypatch.setattr("inception_dsl.runner.record.progress.available_cores", lambda: 16)
    log = Log(tmp_path, CPU, CONFIG, 0, 400, 0)
    batches = log.waiting(iter([EMPTY] * 400))
    for step in range(1, 400):
        next(batches)
        log.train(step, **numbers(step))
    output = capsys.readouterr().out
    assert (
        output.count("of the time is spent waiting for images, and each process has 16 cores: --set data.workers=") == 1
    )
    assert all(0 < row["clock"]["waiting"] <= 1 for row in rows(tmp_path))


def test_a_first_step_that_takes_long_is_announced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = []

    class Clock:
        """A timer that is only asked to wait."""

        def __init__(self, seconds: float, say: Any, words: Any) -> None:
            self.seconds, self.say, self.words, self.daemon = seconds, say, words, False

        def start(self) -> None:
            waits.append(self)

        def cancel(self) -> None:
            if self in waits:
                waits.remove(self)

    monkeypatch.setattr("inception_dsl.runner.record.progress.Timer", Clock)
    log = Log(tmp_path, CPU, CONFIG, 4, 10)
    log.start()
    assert [(wait.seconds, wait.words) for wait in waits] == [(3, ["step 5 of 10 has begun ..."])]
    log.train(5, **numbers(5))
    assert waits == []
    Log(tmp_path, CPU, CONFIG, 10, 10).close()
    Log(tmp_path, RankContext(torch.device("cpu"), 1, 2), CONFIG, 4, 10)
    assert waits == []
