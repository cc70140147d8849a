"""Checkpoints are written beside training: from a copy, one at a time; and the best one is kept."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from threading import Event
from typing import Any

import pytest
import torch
from tiny import Tiny, run, with_run
from torch import nn

from inception_dsl.runner.base.files import file_sha256
from inception_dsl.runner.loop import engine
from inception_dsl.runner.machine.host_copy import copy_to_host
from inception_dsl.runner.record import checkpoint_writer
from inception_dsl.runner.record import evaluate as scoring
from inception_dsl.runner.record.checkpoint import checksum_path, latest_checkpoint, load_checkpoint, save_checkpoint
from inception_dsl.runner.record.checkpoint_writer import CheckpointWriter
from inception_dsl.runner.record.scores import Score
from inception_dsl.weights.files import read_weights

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    Tiny.at = None


def state(step: int, weight: torch.Tensor) -> dict[str, Any]:
    return {"step": step, "identity": {}, "network": {"weight": weight}, "optimiser": {"state": [weight, {"lr": 0.1}]}}


class Held:
    """Writes only once it may, and notes which state was written."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.may, self.steps, self.failure = Event(), list[int](), None
        original = save_checkpoint

        def save(folder: Path, step: int, *rest: Any) -> Path:
            assert self.may.wait(60)
            self.steps.append(step)
            if self.failure:
                raise self.failure
            return original(folder, step, *rest)

        monkeypatch.setattr(checkpoint_writer, "save_checkpoint", save)

    failure: BaseException | None


def test_training_goes_on_while_a_copy_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held, said = Held(monkeypatch), list[str]()
    weight = torch.ones(2, 3, 4, 4).to(memory_format=torch.channels_last)
    with CheckpointWriter(tmp_path, 2, CPU, said.append) as writer:
        writer.save(state(1, weight), 1, regular=True, best=False, wait=False)
        weight.fill_(2)  # the next step
        writer.poll()
        assert held.steps == []
        held.may.set()
        writer.save(state(2, weight), 2, regular=True, best=False, wait=True)
        assert held.steps == [1, 2]
        weight.fill_(3)
    one, two = (load_checkpoint(tmp_path / f"step_0000000{step}.pt") for step in (1, 2))
    assert [each["network"]["weight"].unique().tolist() for each in (one, two)] == [[1.0], [2.0]]
    assert one["network"]["weight"].stride() == weight.stride()
    assert one["network"]["weight"].data_ptr() == one["optimiser"]["state"][0].data_ptr()  # stored once
    assert said == []


def test_a_write_that_fails_is_a_warning_until_someone_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held, said = Held(monkeypatch), list[str]()
    held.may.set()
    held.failure = OSError(errno.ENOSPC, "No space left on device")
    writer = CheckpointWriter(tmp_path, 2, CPU, said.append)
    with writer:
        writer.save(state(1, torch.ones(1)), 1, regular=True, best=False, wait=False)
    assert said == [f"warning: {held.failure}; the previous checkpoint stays, and training goes on"]
    with pytest.raises(OSError, match="No space left"):
        writer.save(state(2, torch.ones(1)), 2, regular=True, best=False, wait=True)
    held.failure = ZeroDivisionError("no disk's")
    writer.save(state(3, torch.ones(1)), 3, regular=True, best=False, wait=False)
    with pytest.raises(ZeroDivisionError):
        writer.poll(wait=True)
    held.failure = None
    writer.save(state(4, torch.ones(1)), 4, regular=True, best=True, wait=True)
    assert len(said) == 1
    assert {path.name for path in tmp_path.glob("*.pt")} == {"best.pt", "step_00000004.pt"}


def test_the_second_interrupt_does_not_wait_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held = Held(monkeypatch)
    writer = CheckpointWriter(tmp_path, 2, CPU, print)
    writer.save(state(1, torch.ones(1)), 1, regular=True, best=False, wait=False)
    with pytest.raises(KeyboardInterrupt), writer:
        raise KeyboardInterrupt
    assert held.steps == []
    held.may.set()


def test_a_stop_waits_for_the_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regular checkpoints may still be in the making when the next step runs; that of a stop is on the disk."""
    held = Held(monkeypatch)

    def at(passes: int, images: torch.Tensor) -> None:
        if passes == 13:  # the seventh step, while the checkpoint after the fifth is held
            assert held.steps == []
            held.may.set()
            os.kill(os.getpid(), signal.SIGTERM)

    Tiny.at = staticmethod(at)
    assert run(tmp_path) == "preempted"
    assert held.steps == [5, 7]
    path = latest_checkpoint(tmp_path / "checkpoints")
    assert path is not None and path.stem == "step_00000007"


def test_a_copy_of_a_module_is_its_state() -> None:
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    copied, wait = copy_to_host(network.state_dict(), CPU)
    wait()
    other = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4))
    other.load_state_dict(copied)
    assert all(torch.equal(other.state_dict()[name], tensor) for name, tensor in network.state_dict().items())
    assert not {tensor.data_ptr() for tensor in copied.values()} & {each.data_ptr() for each in network.parameters()}


def scored(monkeypatch: pytest.MonkeyPatch, *top1: float) -> None:
    """The evaluations find these scores."""
    original, left = scoring.evaluate, [*top1]

    def evaluate(*arguments: Any) -> Any:
        score, unreadable = original(*arguments)
        return Score(score.n, score.unreadable, score.numbers | {"top1": left.pop(0)}), unreadable

    monkeypatch.setattr(engine, "evaluate", evaluate)


def best(out: Path) -> int:
    """The step of the best checkpoint, whose hash is right."""
    path = out / "checkpoints" / "best.pt"
    assert checksum_path(path).read_text() == f"{file_sha256(path)}  best.pt\n"
    return int(load_checkpoint(path)["step"])


def test_the_best_checkpoint_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    scored(monkeypatch, 0.3, 0.5, 0.4)
    run(tmp_path, with_run(keep=1))
    assert best(tmp_path) == 16
    assert "the best score was that of step 16: top-1 50.00%" in capsys.readouterr().out
    found = read_weights(tmp_path / "checkpoints" / "best.pt")
    averaged = load_checkpoint(tmp_path / "checkpoints" / "best.pt")["averaged"]
    assert torch.equal(torch.from_numpy(found.tensors["conv.weight"]), averaged["conv.weight"])


def test_the_best_score_is_known_after_a_resume(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scored(monkeypatch, 0.5, 0.6, 0.2, 0.3)
    run(tmp_path, steps=9)  # which ends with an evaluation too
    run(tmp_path, steps=16)
    assert best(tmp_path) == 9
    run(tmp_path)
    assert best(tmp_path) == 9
    named = str(tmp_path / "checkpoints" / "best.pt")
    scored(monkeypatch, 0.7)
    run(tmp_path / "other", resume=named, steps=10)
    assert best(tmp_path / "other") == 10


def test_another_score_starts_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scored(monkeypatch, 0.9)
    run(tmp_path, steps=5)
    original = scoring.evaluate

    def evaluate(*arguments: Any) -> Any:
        score, unreadable = original(*arguments)
        return Score(score.n, score.unreadable, {"map": 0.1, "loss": 1.0}), unreadable

    monkeypatch.setattr(engine, "evaluate", evaluate)
    run(tmp_path, steps=8)
    assert best(tmp_path) == 8
