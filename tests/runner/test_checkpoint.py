"""Checkpoints are whole or not there, whatever ends the process that writes them."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.record.checkpoint import (
    FolderLock,
    check_identity,
    latest_checkpoint,
    load_checkpoint,
    save_checkpoint,
    write_status,
)

STATE = {"step": 3, "identity": {"spec": "a"}, "network": {"weight": torch.ones(3)}, "optimiser": {"state": [1, 0.5]}}

WRITER = """
import itertools, sys
from pathlib import Path
import torch
from inception_dsl.runner.record.checkpoint import latest_checkpoint, save_checkpoint
folder = Path(sys.argv[1])
state = {"identity": {}, "network": {"weight": torch.zeros(300_000)}, "optimiser": {}}
first = int(latest_checkpoint(folder).stem[5:]) if latest_checkpoint(folder) else 0
for step in itertools.count(first + 1):
    save_checkpoint(folder, step, state | {"step": step}, keep=2)
    print(step, flush=True)
"""


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = save_checkpoint(tmp_path, 3, STATE, keep=2)
    assert path.name == "step_00000003.pt" and latest_checkpoint(tmp_path) == path
    state = load_checkpoint(path)
    assert state["network"]["weight"].equal(torch.ones(3)) and state["optimiser"] == {"state": [1, 0.5]}
    digest, name = path.with_name(path.name + ".sha256").read_text().split()
    assert name == path.name and digest == hashlib.sha256(path.read_bytes()).hexdigest()


def test_only_the_last_are_kept_and_left_overs_are_swept(tmp_path: Path) -> None:
    (tmp_path / "step_00000001.pt.tmp").touch()
    for step in (1, 2, 10):
        save_checkpoint(tmp_path, step, STATE, keep=2)
    names = ["step_00000002.pt", "step_00000002.pt.sha256", "step_00000010.pt", "step_00000010.pt.sha256"]
    assert sorted(os.listdir(tmp_path)) == names


def test_a_broken_checkpoint_is_skipped_and_pushes_out_no_intact_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    paths = [save_checkpoint(tmp_path, step, STATE, keep=9) for step in (1, 2, 3)]
    paths[2].write_bytes(paths[2].read_bytes()[:-1])
    paths[1].with_name(paths[1].name + ".sha256").unlink()
    assert latest_checkpoint(tmp_path) == paths[0]
    assert "step_00000003.pt: broken" in capsys.readouterr().err
    paths[1].touch()
    save_checkpoint(tmp_path, 1, STATE, keep=1)
    assert latest_checkpoint(tmp_path) == paths[0]
    paths[0].unlink()
    with pytest.raises(RunError, match="every checkpoint is broken; move the folder away"):
        latest_checkpoint(tmp_path)
    assert latest_checkpoint(tmp_path / "none") is None


@pytest.mark.parametrize("content", [b"", b"no checkpoint", None])
def test_another_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "other.pt"
    if content is None:
        torch.save({"weight": torch.ones(1)}, path)
    else:
        path.write_bytes(content)
    with pytest.raises(RunError, match=r"other\.pt: (cannot be read as a|not a) checkpoint"):
        load_checkpoint(path)


def test_another_run_is_refused_in_words(capsys: pytest.CaptureFixture[str]) -> None:
    check_identity({"spec": "a"}, {"spec": "a"}, force=False)
    with pytest.raises(
        RunError, match=r"another run: data\.batch was 32, is 64; choose a new --out, or force it with --force of train"
    ):
        check_identity({"spec": "a", "data.batch": "32"}, {"spec": "a", "data.batch": "64"}, force=False)
    with pytest.raises(RunError, match=r"another run: data\.x was 1, is None"):
        check_identity({"spec": "a", "data.x": "1"}, {"spec": "a"}, force=False)
    check_identity({"spec": "a"}, {"spec": "a", "optim.eps": "1.0"}, force=False)  # as checkpoints once were
    check_identity({"spec": "a"}, {"spec": "b"}, force=True)
    assert "spec was a, is b" in capsys.readouterr().err


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full disk to write to")
def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path) -> None:
    before = save_checkpoint(tmp_path, 1, STATE, keep=1)
    original = Path.open
    with pytest.MonkeyPatch.context() as patch:
        full = Path("/dev/full")
        patch.setattr(Path, "open", lambda self, *rest, **kinds: original([self, full][self.suffix == ".tmp"], *rest))
        with pytest.raises(OSError, match=r"step_00000002\.pt: cannot be written"):
            save_checkpoint(tmp_path, 2, STATE, keep=1)
    assert latest_checkpoint(tmp_path) == before and not list(tmp_path.glob("*.tmp"))


def test_a_folder_has_one_run_until_it_ends_or_is_killed(tmp_path: Path) -> None:
    code = "import sys, time; from pathlib import Path; from inception_dsl.runner.record.checkpoint import FolderLock\n"
    code += "lock = FolderLock(Path(sys.argv[1])); print('held', flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"held\n"
        with pytest.raises(RunError, match="another run writes here; wait until it ends, or choose a new --out"):
            FolderLock(tmp_path)
        other.kill()
    with FolderLock(tmp_path):
        write_status(tmp_path, "running")
    assert (tmp_path / "STATUS").read_text() == "running\n"


def test_kill_9_at_any_moment_leaves_a_run_that_goes_on(tmp_path: Path) -> None:
    for round_ in range(2):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE) as writer:
            assert writer.stdout is not None
            last = int(writer.stdout.readline())
            # Copies of the folder are what a reader would find if the writer were killed there: hundreds of moments.
            until = time.monotonic() + 1.5
            while time.monotonic() < until:
                os.kill(writer.pid, signal.SIGSTOP)
                path = latest_checkpoint(tmp_path)
                assert path is not None and int(path.stem[5:]) >= last
                last = load_checkpoint(path)["step"]
                os.kill(writer.pid, signal.SIGCONT)
                time.sleep(0.002)
            writer.kill()
        assert last > 5 * (round_ + 1)
