"""What goes wrong is told in one line, and leaves a run that can go on."""

from __future__ import annotations

import errno
import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny import ABOUT, CONFIG, Tiny, fingerprint, run, with_run
from torch import Tensor, nn

from inception_dsl.runner.base.config import Config, Data
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.loop import engine, state
from inception_dsl.runner.loop.command import main
from inception_dsl.runner.loop.preflight import check_run, fit_to_memory
from inception_dsl.runner.loop.state import forward_backward
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.readers import readers
from inception_dsl.runner.readers.reader import Unreadable
from inception_dsl.runner.record import checkpoint, checkpoint_writer
from inception_dsl.runner.record import evaluate as scoring
from inception_dsl.runner.record.checkpoint import latest_checkpoint
from inception_dsl.runner.record.folder import RunFailed

HERE = RankContext(torch.device("cpu"))
LABEL = torch.tensor(0)


@pytest.fixture(autouse=True)
def _as_before() -> Iterator[None]:
    yield
    Tiny.at = None


def at(passes: int, act: Callable[[Tensor], Any]) -> None:
    """Does something in a forward pass: step s, from 0, has the passes 2 s + 1 and 2 s + 2."""
    Tiny.at = staticmethod(lambda number, images: act(images) if number == passes else None)


def status(out: Path) -> str:
    return (out / "STATUS").read_text().strip()


def test_a_loss_that_is_not_finite_stops_the_run_and_names_the_images(tmp_path: Path) -> None:
    at(15, lambda images: images * float("nan"))
    with pytest.raises(RunFailed, match=r"step 8: not finite: .*not_finite_00000008\.txt lists the images"):
        run(tmp_path, with_run(skip_limit=1))
    assert status(tmp_path) == "failed"
    names = (tmp_path / "not_finite_00000008.txt").read_text().splitlines()
    assert len(names) == len(set(names)) == CONFIG.data.batch
    path = latest_checkpoint(tmp_path / "checkpoints")
    assert path is not None and path.stem == "step_00000005"
    Tiny.at = None
    assert run(tmp_path) == "done"
    assert status(tmp_path) == "done"


def test_a_full_disk_costs_a_checkpoint_but_not_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    original, full = checkpoint.save_checkpoint, {10}

    def save(folder: Path, step: int, *rest: Any) -> Path:
        if step in full:
            raise OSError(errno.ENOSPC, "No space left on device")
        return original(folder, step, *rest)

    monkeypatch.setattr(checkpoint_writer, "save_checkpoint", save)
    assert run(tmp_path / "one") == "done"
    assert "No space left on device; the previous checkpoint stays, and training goes on" in capsys.readouterr().out
    full.add(24)
    with pytest.raises(RunFailed, match="No space left on device"):
        run(tmp_path / "two")
    assert status(tmp_path / "two") == "failed"
    full.clear()
    assert run(tmp_path / "two") == "done"
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two")


@pytest.mark.parametrize(
    ("group", "values", "words"),
    [
        ("data", {"batch": 24}, "data.batch was 12, is 24"),
        ("data", {"source": "fake:97x4x10"}, "images was "),
        ("optim", {"lr": 0.02}, "optim.lr was 0.01, is 0.02"),
        ("run", {"seed": 1}, "run.seed was 0, is 1"),
    ],
)
def test_another_run_does_not_go_on_from_a_checkpoint(
    tmp_path: Path, group: str, values: dict[str, Any], words: str
) -> None:
    run(tmp_path, steps=2)
    other = replace(CONFIG, **{group: replace(getattr(CONFIG, group), **values)})
    with pytest.raises(RunError, match=words):
        run(tmp_path, other)
    assert status(tmp_path) == "done"
    assert run(tmp_path, other, steps=3, force=True) == "done"


def test_another_spec_or_other_classes_are_refused(tmp_path: Path) -> None:
    run(tmp_path, steps=1)
    with pytest.raises(RunError, match="spec was 0000"):
        engine.train(Tiny, CONFIG, replace(ABOUT, spec="1" * 64), HERE, tmp_path)
    (tmp_path / "classes.txt").write_text("dog\ncat\n")
    with pytest.raises(RunError, match=r"classes\.txt: differs from the classes of fake:96x4x10 or their order"):
        run(tmp_path)


def test_never_does_not_write_over_a_run_and_a_file_starts_another(tmp_path: Path) -> None:
    run(tmp_path / "one", steps=5)
    with pytest.raises(RunError, match="holds checkpoints; choose a new --out"):
        run(tmp_path / "one", resume="never")
    named = str(latest_checkpoint(tmp_path / "one" / "checkpoints"))
    run(tmp_path / "two", resume=named)
    run(tmp_path / "one")
    assert fingerprint(tmp_path / "one") == fingerprint(tmp_path / "two")
    with pytest.raises(RunError, match="cannot be read as a checkpoint"):
        run(tmp_path / "three", resume=str(tmp_path / "one" / "classes.txt"))
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(RunError, match="not a file; give one of a run's checkpoints"):
        run(tmp_path / "three", resume=str(tmp_path / "pipe"))


class Greedy(nn.Module):
    """Has memory for so many images."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self.most, self.tried, self.norm = most, list[int](), nn.BatchNorm2d(3)

    def forward(self, images: Tensor) -> Tensor:
        self.tried.append(len(images))
        output: Tensor = self.norm(images).mean((2, 3))
        if len(images) > self.most:
            raise torch.OutOfMemoryError("out of memory")
        return output


def test_micro_batches_are_made_as_small_as_the_memory_asks() -> None:
    config = Config(data=Data(batch=24, height=4, width=4))
    network = Greedy(7)
    before = {name: each.clone() for name, each in network.state_dict().items()}
    assert fit_to_memory(network, config, HERE, forward_backward, LABEL).run.accumulate == 4
    assert network.tried == [24, 12, 6]
    assert all(each.equal(before[name]) for name, each in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    with pytest.raises(RunError, match="cpu: out of memory for one image"):
        fit_to_memory(Greedy(0), config, HERE, forward_backward, LABEL)


def test_a_resume_keeps_to_the_micro_batches_that_the_memory_once_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(*arguments: Any) -> Config:
        return with_run(fit_to_memory(*arguments), accumulate=4)

    with monkeypatch.context() as patch:
        patch.setattr(state, "fit_to_memory", short)
        run(tmp_path / "whole")
        run(tmp_path / "parts", steps=9)
    assert json.loads((tmp_path / "parts" / "config.json").read_text())["config"]["run"]["accumulate"] == 4
    assert run(tmp_path / "parts") == "done"  # on a machine with more memory
    assert fingerprint(tmp_path / "parts") == fingerprint(tmp_path / "whole")
    run(tmp_path / "other", with_run(accumulate=4), steps=9)
    run(tmp_path / "other", with_run(accumulate=1))  # who sets another number gets it
    assert json.loads((tmp_path / "other" / "config.json").read_text())["config"]["run"]["accumulate"] == 1


def test_a_recipe_that_is_forced_on_a_checkpoint_counts(tmp_path: Path) -> None:
    run(tmp_path, steps=2)
    other = replace(CONFIG, optim=replace(CONFIG.optim, weight_decay=0.3, momentum=0.5))
    run(tmp_path, other, steps=3, force=True)
    path = latest_checkpoint(tmp_path / "checkpoints")
    assert path is not None
    groups = checkpoint.load_checkpoint(path)["optimiser"]["param_groups"]
    assert {group["weight_decay"] for group in groups} == {0.3, 0.0}
    assert {group["momentum"] for group in groups} == {0.5}


def test_out_of_memory_in_a_run_is_reported_with_advice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(images: Tensor) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

    at(7, fail)
    assert exit_code(monkeypatch, "--out", str(tmp_path)) == 1
    assert "error: CUDA out of memory; --set run.accumulate=4 uses less" in capsys.readouterr().err
    assert status(tmp_path) == "failed"


def test_unexpected_errors_are_shown_in_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at(7, lambda images: images.new_tensor("no such thing"))
    assert exit_code(monkeypatch, "--out", str(tmp_path)) == 1
    assert "Traceback" in (output := capsys.readouterr().err)
    assert "no such thing" in output


def test_a_run_without_a_step_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert exit_code(monkeypatch, "--out", str(tmp_path), "--steps", "0") == 2
    assert "error: --steps is 0; set 1 or more" in capsys.readouterr().err


def test_the_second_interrupt_does_not_wait_for_a_save(tmp_path: Path) -> None:
    def interrupt(images: Tensor) -> None:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)

    at(7, interrupt)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    Tiny.at = None
    assert run(tmp_path) == "done"


def test_a_disk_without_locks_is_warned_of(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def lockf(*arguments: Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.lockf", lockf)
    assert run(tmp_path, steps=1) == "done"
    assert "cannot be locked" in capsys.readouterr().err


def test_a_run_that_is_done_is_not_scored_twice(tmp_path: Path) -> None:
    assert [run(tmp_path), run(tmp_path)] == ["done", "done"]
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in rows if "test_n" in row] == [8, 16, 24]


def test_a_run_that_is_compiled_is_the_same_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = nn.Module.compile
    monkeypatch.setattr(nn.Module, "compile", lambda self: original(self, backend="aot_eager"))
    run(tmp_path / "plain", steps=4)
    run(tmp_path / "compiled", with_run(compile=True), steps=4)
    plain, compiled = (
        [json.loads(line)["loss"] for line in (out / "metrics.jsonl").read_text().splitlines() if '"loss"' in line]
        for out in (tmp_path / "plain", tmp_path / "compiled")
    )
    assert compiled == pytest.approx(plain, rel=1e-5)


def test_a_signal_in_evaluation_saves_and_the_evaluation_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = scoring.evaluate

    def evaluate(*arguments: Any) -> Any:
        os.kill(os.getpid(), signal.SIGTERM)
        return original(*arguments)

    monkeypatch.setattr(engine, "evaluate", evaluate)
    assert run(tmp_path) == "preempted"
    assert status(tmp_path) == "preempted"
    path = latest_checkpoint(tmp_path / "checkpoints")
    assert path is not None and path.stem == "step_00000008"
    assert "test_top1" not in (tmp_path / "metrics.jsonl").read_text()
    monkeypatch.setattr(engine, "evaluate", original)
    assert run(tmp_path) == "done"
    assert (tmp_path / "metrics.jsonl").read_text().count("test_top1") == 3


def exit_code(monkeypatch: pytest.MonkeyPatch, *words: str, config: Config = CONFIG) -> int:
    monkeypatch.setattr("sys.argv", ["train.py", *words])
    with pytest.raises(SystemExit) as ended:
        main(engine.train, Tiny, config, ABOUT)
    return int(ended.value.code or 0)


def test_the_exit_code_says_what_to_do_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path)
    at(3, lambda images: os.kill(os.getpid(), signal.SIGUSR1))
    assert exit_code(monkeypatch, "--out", out) == 75
    assert "stopped after step 2 of 24; the same command resumes" in capsys.readouterr().out
    at(1, lambda images: images * float("inf"))
    assert exit_code(monkeypatch, "--out", out, "--set", "run.skip_limit=1") == 1
    Tiny.at = None
    assert exit_code(monkeypatch, "--out", out, "--set", "run.save_every=7", "data.workers=0") == 0
    assert exit_code(monkeypatch, "--out", out, "--set", "optim.rl=3") == 2
    assert "error: unknown setting 'optim.rl'; did you mean optim.lr?" in capsys.readouterr().err
    assert exit_code(monkeypatch, "--out", out, "--set", "optim.lr") == 2
    assert "'optim.lr' has no value; write KEY=VALUE, such as optim.lr=0.02" in capsys.readouterr().err
    assert exit_code(monkeypatch, "--out", f"{out}/STATUS") == 2
    assert f"error: {out}/STATUS: File exists" in capsys.readouterr().err
    assert exit_code(monkeypatch, "--out", f"{out}/new", "--resume", f"{out}/nothing.pt") == 2
    assert f"error: {out}/nothing.pt: no such file; give one of" in capsys.readouterr().err
    assert exit_code(monkeypatch, "--out", out, "--data", "fake:0") == 2
    assert exit_code(monkeypatch, "--out", out, config=replace(CONFIG, data=Data())) == 2


def test_batches_that_cannot_be_shared_stop_it_before_it_starts(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="accumulate") as stopped:
        run(tmp_path, with_run(accumulate=5))
    assert not isinstance(stopped.value, RunFailed)


@pytest.mark.parametrize(
    ("group", "values", "words"),
    [
        ("run", {"precision": "fp8"}, "run.precision is 'fp8'; set one of auto, fp32, bf16, fp16"),
        ("run", {"accumulate": 0}, "run.accumulate is 0; set 1 or more"),
        ("run", {"log_every": 0}, "run.log_every is 0; set 1 or more"),
        ("data", {"unreadable": "ignore"}, "data.unreadable is 'ignore'; set one of replace, stop"),
        ("data", {"channels": 1}, r"the network cannot be trained on images of \(6, 1, 8, 8\): .*channels"),
        ("optim", {"clip": -1.0}, "optim.clip is -1.0; set 0 or more"),
        ("optim", {"name": "adam"}, "optim.name is 'adam'; set one of "),
        ("loss", {"smoothing": 1.5}, "loss.smoothing is 1.5; set less than 1"),
        ("loss", {"heads": {}}, "loss.heads has no weight for the head aux"),
        ("schedule", {"name": "step"}, "schedule.name is 'step'; set one of "),
        ("augment", {"evaluation": "eye"}, "augment.evaluation is 'eye'; set one of "),
    ],
)
def test_impossible_settings_are_reported_before_training(
    tmp_path: Path, group: str, values: dict[str, Any], words: str
) -> None:
    with pytest.raises(RunError, match=words) as stopped:
        run(tmp_path, replace(CONFIG, **{group: replace(getattr(CONFIG, group), **values)}))
    assert not isinstance(stopped.value, RunFailed)
    assert not (tmp_path / "STATUS").exists()


def test_batch_norm_over_ranks_wants_accelerators() -> None:
    with pytest.raises(RunError, match=r"run\.sync_bn is True, but cpu does not support it; set false"):
        check_run(with_run(sync_bn=True), RankContext(torch.device("cpu"), 0, 2))
    check_run(with_run(sync_bn=True), HERE)
    check_run(with_run(sync_bn=True), RankContext(torch.device("cuda:0"), 0, 2))


def test_another_number_of_ranks_is_noted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run(tmp_path, steps=5)
    run(tmp_path, steps=6)
    path = latest_checkpoint(tmp_path / "checkpoints")
    assert path is not None and "note" not in capsys.readouterr().err
    checkpoint.save_checkpoint(path.parent, 6, checkpoint.load_checkpoint(path) | {"world": 2}, 3)
    assert run(tmp_path, steps=7) == "done"
    assert "note: 2 processes wrote the checkpoint and this run has 1" in capsys.readouterr().err


def test_images_that_cannot_be_read_are_counted_and_named_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def opened(source: str, split: str, classes: Any, loss: str) -> Any:
        reader = readers.open_images(source, split, classes, loss)
        whole = reader.read

        def read(index: int, reduction: object = None) -> Tensor:
            if index == 3:
                raise Unreadable(f"{split}/3.png:\ntruncated")
            return whole(index)

        monkeypatch.setattr(reader, "read", read)
        return reader

    monkeypatch.setattr("inception_dsl.runner.readers.sharing.open_images", opened)
    assert [run(tmp_path, steps=11), run(tmp_path)] == ["done", "done"]
    assert sorted((tmp_path / "unreadable.txt").read_text().splitlines()) == [
        "test/3.png: truncated",
        "train/3.png: truncated",
    ]
    assert capsys.readouterr().err.count("train/3.png") == 1
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    counts = [row["unreadable"] for row in rows if "unreadable" in row]
    assert counts == sorted(counts) and counts[-1] == 3  # once an epoch, over a restart
    assert [row["test_unreadable"] for row in rows if "test_unreadable" in row][-1] == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the disk that is always full is Linux's")
def test_a_log_on_a_full_disk_ends_the_run_in_a_sentence(tmp_path: Path) -> None:
    log = tmp_path / "metrics.jsonl"

    def fill(images: Tensor) -> None:
        log.rename(tmp_path / "kept")
        log.symlink_to("/dev/full")

    at(15, fill)
    with pytest.raises(RunFailed, match="No space left on device; the same command resumes from the last checkpoint"):
        run(tmp_path)
    assert status(tmp_path) == "failed"
    log.unlink()
    (tmp_path / "kept").rename(log)
    Tiny.at = None
    assert run(tmp_path) == "done"
    steps = [json.loads(line)["step"] for line in log.read_text().splitlines() if "lr" in line]
    assert steps == list(range(1, 25))
