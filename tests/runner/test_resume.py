"""A run that was interrupted is the run that was not, bit by bit."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from tiny import Tiny, fingerprint, run
from zygote import Zygote

from inception_dsl.runner.base.tensor_files import read_safetensors, save_safetensors
from inception_dsl.runner.machine.failures import read_failure
from inception_dsl.runner.record.checkpoint import latest_checkpoint, load_checkpoint

FOLDER = Path(__file__).parent


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    """A process to fork others from."""
    # `torch._dynamo` is what the first step of an optimiser imports
    made = Zygote("tiny", "torch._dynamo", path=os.pathsep.join([str(FOLDER), *filter(None, sys.path)]))
    yield made
    made.close()


@pytest.fixture(scope="module")
def two(zygote: Zygote, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What two ranks found."""
    folder = tmp_path_factory.mktemp("ranks")
    torch.manual_seed(1)
    save_safetensors(folder / "init.safetensors", Tiny(4).state_dict(), {})
    code, output = zygote.torchrun(folder / "log", FOLDER / "ranks.py", str(folder))
    assert code == 0, output[-3000:]
    found: dict[str, Any] = json.loads(next(line for line in output.splitlines() if line.startswith('{"coll')))
    return {**found, "folder": folder}


def test_ranks_agree(two: dict[str, Any]) -> None:
    assert two["collectives"] == {
        "total": [2.0**53, 2.0, 1.0],
        "any": [True, False],
        "synchronise": [[0.0, 0.0, 0.0], 0],
        "gathered": [[1.0], [1.0]],
        "shared": "rank 0",
        "state": [True, True, 2],
    }


def test_stopped_and_with_workers_it_is_the_same_run(two: dict[str, Any]) -> None:
    assert two["words"]["stopped"] == two["words"]["workers"] == ["preempted", "done"]
    hashes = two["hashes"]
    assert hashes["stopped"] == hashes["workers"] == hashes["whole"]
    assert hashes["others"] != hashes["whole"]  # or the hash would prove nothing


def test_frozen_modules_stay_on_all_ranks_and_after_a_resume(two: dict[str, Any]) -> None:
    assert two["words"]["thawed"] == ["preempted", "done"]
    assert two["hashes"]["thawed"] == two["hashes"]["frozen"]
    first = read_safetensors(two["folder"] / "init.safetensors")
    last = load_checkpoint(two["folder"] / "frozen" / "checkpoints" / "step_00000009.pt")
    for part in ("network", "averaged"):
        stayed = {name for name, tensor in last[part].items() if torch.equal(tensor, first[name])}
        assert stayed == {name for name in first if name.startswith(("conv.", "norm."))}


def test_another_number_of_ranks_sees_the_same_images_in_each_step(two: dict[str, Any], tmp_path: Path) -> None:
    sums: dict[int, list[float]] = {}

    def note(passes: int, images: Any) -> None:
        sums.setdefault((passes - 1) // 2, []).extend(images.double().sum((1, 2, 3)).tolist())

    Tiny.at = staticmethod(note)
    try:
        run(tmp_path, steps=10)
    finally:
        Tiny.at = None
    assert {str(step): sorted(each) for step, each in sums.items()} == two["images"]


def test_batch_statistics_are_the_mean_of_the_ranks_or_the_first_ones(two: dict[str, Any]) -> None:
    mean, first = two["statistics"]["average"], two["statistics"]["first"]
    assert mean[0] == mean[1]
    assert mean[0] == pytest.approx([(one + other) / 2 for one, other in zip(*first, strict=True)], rel=1e-5, abs=1e-7)
    assert first[0] != pytest.approx(first[1], rel=1e-3)


def test_srun_without_torchrun_is_the_same_run(two: dict[str, Any], zygote: Zygote, tmp_path: Path) -> None:
    step = {"SLURM_JOB_ID": str(os.getpid()), "SLURM_STEP_ID": "0", "SLURM_NTASKS": "2", "SLURM_NODEID": "0"}
    step |= {"SLURM_STEP_TASKS_PER_NODE": "2", "SLURM_STEP_NODELIST": "localhost"}
    words = ("--out", str(tmp_path / "run"))

    def run(*more: str) -> tuple[list[int], str]:
        ranks = [
            zygote.start(
                tmp_path / f"log{rank}",
                FOLDER / "tiny.py",
                *words,
                *more,
                **step,
                SLURM_PROCID=rank,
                SLURM_LOCALID=rank,
            )
            for rank in ("0", "1")
        ]
        return [rank.wait() for rank in ranks], "".join(rank.output for rank in ranks)

    codes, output = run()
    assert codes == [0, 0], output[-3000:]
    assert fingerprint(tmp_path / "run") == two["hashes"]["whole"]
    codes, output = run("--set", "data.batch=13")
    assert codes == [2, 2]
    assert output.count("error: data.batch 13 cannot be divided") == 1


def test_a_killed_rank_changes_nothing(two: dict[str, Any], zygote: Zygote, tmp_path: Path) -> None:
    out, mark = tmp_path / "run", tmp_path / "mark"
    code, output = zygote.torchrun(tmp_path / "log", FOLDER / "tiny.py", "--out", str(out), TINY=f"1 34 KILL {mark}")
    assert mark.exists() and code == 0, output[-3000:]
    assert (out / "STATUS").read_text() == "done\n"
    assert fingerprint(out) == two["hashes"]["whole"]
    steps = [json.loads(line) for line in (out / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in steps if "lr" in row] == list(range(1, 25))


def test_a_stopped_torchrun_changes_nothing(two: dict[str, Any], zygote: Zygote, tmp_path: Path) -> None:
    out, mark = tmp_path / "run", tmp_path / "mark"
    _, output = zygote.torchrun(tmp_path / "log", FOLDER / "tiny.py", "--out", str(out), TINY=f"0 18 TERM {mark}")
    assert mark.exists(), output[-3000:]
    assert (out / "STATUS").read_text() == "preempted\n", output[-3000:]
    code, output = zygote.torchrun(tmp_path / "log", FOLDER / "tiny.py", "--out", str(out))
    assert code == 0, output[-3000:]
    assert (out / "STATUS").read_text() == "done\n"
    assert fingerprint(out) == two["hashes"]["whole"]


def test_a_run_that_is_killed_again_and_again_comes_to_its_end(zygote: Zygote, tmp_path: Path) -> None:
    """SIGKILL at odd times, with a checkpoint after every step: some fall into its writing."""
    script, words = FOLDER / "tiny.py", ["--set", "schedule.epochs=40", "--out"]
    log = tmp_path / "killed" / "metrics.jsonl"
    for number in range(3):
        process = zygote.start(tmp_path / "log", script, *words, str(tmp_path / "killed"), "--set", "run.save_every=1")
        start = log.stat().st_size if log.exists() else 0
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and (not log.exists() or log.stat().st_size < start + 1500):
            time.sleep(0.003 * (number + 1))
        os.kill(process.pid, signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert latest_checkpoint(tmp_path / "killed" / "checkpoints")
    for out in ("killed", "whole"):
        code, output = zygote.run(tmp_path / "log", script, *words, str(tmp_path / out), "--steps", "120")
        assert code == 0, output
    assert fingerprint(tmp_path / "killed") == fingerprint(tmp_path / "whole")


def test_three_ranks_add_up_in_the_same_order_after_a_resume(zygote: Zygote, tmp_path: Path) -> None:
    code, output = zygote.torchrun(tmp_path / "log", FOLDER / "ranks.py", str(tmp_path), "resume", ranks=3)
    assert code == 0, output[-3000:]
    assert "Warning" not in output  # torch has nothing to say of how it is used
    assert fingerprint(tmp_path / "parts") == fingerprint(tmp_path / "whole")


def test_a_loss_that_is_not_finite_is_not_tried_again(zygote: Zygote, tmp_path: Path) -> None:
    wild = ("--set", "optim.name=sgd", "optim.lr=1e9", "optim.weight_decay=1e9", "optim.clip=0.0")
    code, output = zygote.torchrun(tmp_path / "log", FOLDER / "tiny.py", "--out", str(tmp_path / "run"), *wild)
    assert code == 1
    assert (tmp_path / "run" / "STATUS").read_text() == "failed\n"
    assert len(list((tmp_path / "run").glob("not_finite_*.txt"))) == 2  # of the first and the last in a row
    assert output.count("error: step ") == output.count("lists the images; set a lower optim.lr, or optim.clip") == 1
    failure = read_failure(tmp_path / "run")
    assert failure and (failure.attempt, failure.code, failure.permanent) == (0, 1, True)
    assert f"error: step {failure.step}, the last of 10 in a row: " in output


def test_a_data_set_that_is_not_there_is_reported_once_and_the_command_goes_on_when_it_is(
    zygote: Zygote, tmp_path: Path
) -> None:
    data, out = tmp_path / "data", tmp_path / "run"
    words = ("--out", str(out), "--data", f"folder:{data}", "--steps", "3")
    for _ in range(2):
        code, output = zygote.torchrun(tmp_path / "log", FOLDER / "tiny.py", *words)
        assert code == 1
        assert output.count(f"No such file or directory: {data}") == 1, output
        failure = read_failure(out)
        assert failure and (failure.attempt, failure.step, failure.code, failure.permanent) == (0, -1, 2, True)
    for split in ("train", "val"):
        for number in range(12):
            image = data / split / str(number % 4) / f"{number}.png"
            image.parent.mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (9, 9), (number,) * 3).save(image)
    code, output = zygote.torchrun(tmp_path / "log", FOLDER / "tiny.py", *words)
    assert code == 0, output[-3000:]
    assert read_failure(out) is None
    assert (out / "STATUS").read_text() == "done\n"


def test_the_same_error_at_the_same_step_is_tried_twice(zygote: Zygote, tmp_path: Path) -> None:
    words = ("--out", str(tmp_path / "run"), "--set", "run.save_every=100")  # a restart begins with step 0
    code, output = zygote.torchrun(tmp_path / "log", FOLDER / "tiny.py", *words, TINY=f"1 18 RAISE {tmp_path / 'mark'}")
    assert code == 1
    assert output.count("ArithmeticError: in the middle") == 2, output
    failure = read_failure(tmp_path / "run")
    assert failure and (failure.attempt, failure.step, failure.permanent) == (1, 8, True)
