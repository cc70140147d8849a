"""A run that was interrupted is the run that was not, bit by bit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from tiny import Tiny, fingerprint, run

from inception_dsl.runner.checkpoint import newest

FOLDER = Path(__file__).parent


def torchrun(
    script: str, *words: str, ranks: int = 2, restarts: int = 3, **env: str
) -> subprocess.CompletedProcess[str]:
    """A script on some ranks."""
    launch = ["torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}", f"--max-restarts={restarts}"]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1", **env}
    command = [sys.executable, "-m", *launch, str(FOLDER / script), *words]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=180, check=False)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What two ranks found."""
    ended = torchrun("ranks.py", str(tmp_path_factory.mktemp("ranks")))
    assert ended.returncode == 0, ended.stderr[-3000:]
    found: dict[str, Any] = json.loads(next(line for line in ended.stdout.splitlines() if line.startswith('{"coll')))
    return found


def test_ranks_agree(two: dict[str, Any]) -> None:
    assert two["collectives"] == {
        "total": [2.0**53, 2.0, 1.0],
        "any": [True, False],
        "synchronise": [[0.0, 0.0, 0.0], 0],
        "shared": "rank 0",
    }


def test_stopped_and_with_workers_it_is_the_same_run(two: dict[str, Any]) -> None:
    assert two["words"]["stopped"] == two["words"]["workers"] == ["preempted", "done"]
    hashes = two["hashes"]
    assert hashes["stopped"] == hashes["workers"] == hashes["whole"]
    assert hashes["others"] != hashes["whole"]  # or the hash would prove nothing


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


def test_a_killed_rank_and_a_stopped_torchrun_change_nothing(two: dict[str, Any], tmp_path: Path) -> None:
    for name, fault in (("killed", "1 34 KILL"), ("stopped", "0 18 TERM")):
        out, mark = tmp_path / name, tmp_path / f"{name}.mark"
        ended = torchrun("tiny.py", "--out", str(out), TINY=f"{fault} {mark}")
        assert mark.exists(), ended.stderr[-3000:]
        if name == "stopped":
            assert (out / "STATUS").read_text() == "preempted\n", ended.stderr[-3000:]
            ended = torchrun("tiny.py", "--out", str(out))
        assert ended.returncode == 0, ended.stderr[-3000:]
        assert (out / "STATUS").read_text() == "done\n"
        assert fingerprint(out) == two["hashes"]["whole"]
    steps = [json.loads(line) for line in (tmp_path / "killed" / "metrics.jsonl").read_text().splitlines()]
    assert [row["step"] for row in steps if "lr" in row] == list(range(1, 25))


def test_a_run_that_is_killed_again_and_again_comes_to_its_end(tmp_path: Path) -> None:
    """SIGKILL at odd times, with a checkpoint after every step: some fall into its writing."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    words = ["--set", "run.save_every=1", "schedule.epochs=40", "--out"]
    command = [sys.executable, str(FOLDER / "tiny.py"), *words, str(tmp_path / "killed")]
    log = tmp_path / "killed" / "metrics.jsonl"
    for number in range(3):
        with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
            start = log.stat().st_size if log.exists() else 0
            deadline = time.monotonic() + 120
            while time.monotonic() < deadline and (not log.exists() or log.stat().st_size < start + 1500):
                time.sleep(0.003 * (number + 1))
            process.kill()
    assert newest(tmp_path / "killed" / "checkpoints")
    for out, steps in (("killed", 120), ("whole", 120)):
        done = subprocess.run([*command[:-1], str(tmp_path / out), "--steps", str(steps)], env=environment, check=False)
        assert done.returncode == 0
    assert fingerprint(tmp_path / "killed") == fingerprint(tmp_path / "whole")


def test_three_ranks_add_up_in_the_same_order_after_a_resume(tmp_path: Path) -> None:
    ended = torchrun("ranks.py", str(tmp_path), "resume", ranks=3)
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert "Warning" not in ended.stderr  # torch has nothing to say of how it is used
    assert fingerprint(tmp_path / "parts") == fingerprint(tmp_path / "whole")


def test_torchrun_gives_up_on_a_loss_that_is_not_finite(tmp_path: Path) -> None:
    wild = ("--set", "optim.name=sgd", "optim.lr=1e9", "optim.weight_decay=1e9", "optim.clip=0.0")
    ended = torchrun("tiny.py", "--out", str(tmp_path), *wild, restarts=1)
    assert ended.returncode == 1
    assert (tmp_path / "STATUS").read_text() == "failed\n"
    assert len(list(tmp_path.glob("not_finite_*.txt"))) == 1
    assert 2 <= ended.stderr.count("error: step ") <= 4  # twice, by the first of two ranks or by both
    assert ended.stderr.count("lists the images; set a lower optim.lr or a clip") == ended.stderr.count("error: step ")
