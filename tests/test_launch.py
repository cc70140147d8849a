"""The exit code of a run under torchrun, which itself fails with 1 whatever the reason."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from torch import nn

from inception_dsl.runner.base.config import Config, NetworkInfo
from inception_dsl.runner.loop import command as run_command
from inception_dsl.runner.machine.failures import FAILURE_FILE, own_failure
from inception_dsl.training import launch


def launched(monkeypatch: pytest.MonkeyPatch, folder: Path, code: int, name: str = "", text: str = "") -> int:
    """The exit code of a launch whose process writes a file of the folder and ends."""
    write = f"open({str(folder / name)!r}, 'w').write({text!r})" if name else "pass"

    def command(script: Path, arguments: Sequence[str], processes: int = 1) -> list[str]:
        return [sys.executable, "-c", f"import sys; {write}; sys.exit({code})"]

    monkeypatch.setattr(launch, "command", command)
    return launch.launch(folder, [], 2)


def test_a_recorded_failure_gives_the_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = json.dumps(own_failure("no data", 2, permanent=True)._asdict())
    assert launched(monkeypatch, tmp_path, 1, FAILURE_FILE, record) == 2
    assert launched(monkeypatch, tmp_path, 1) == 1  # the record is of another run
    assert launched(monkeypatch, tmp_path, 0, FAILURE_FILE, record + " ") == 0


def test_a_permanent_failure_ends_torchrun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    record = json.dumps(own_failure("no data", 2, permanent=True)._asdict())
    write = f"open({str(tmp_path / FAILURE_FILE)!r}, 'w').write({record!r})"

    def command(script: Path, arguments: Sequence[str], processes: int = 1) -> list[str]:
        return [sys.executable, "-c", f"import time; {write}; time.sleep(600)"]  # as if it restarted its processes

    monkeypatch.setattr(launch, "command", command)
    assert launch.launch(tmp_path, [], 2) == 2


def test_a_saved_run_is_preempted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert launched(monkeypatch, tmp_path, 1, "STATUS", "preempted\n") == launch.PREEMPTED
    assert launched(monkeypatch, tmp_path, 1) == 1


def test_torchrun_adds_nothing_to_what_its_processes_say(tmp_path: Path) -> None:
    """No traceback of its own, but a word on a process that could not say why it ended."""
    script = tmp_path / "train.py"
    script.write_text(
        "import os, signal, sys, time\n"
        "first = os.environ['TORCHELASTIC_RESTART_COUNT'] == '0'\n"
        "if os.environ['RANK'] == '1':\n    time.sleep(600)\n"
        "if first:\n    os.kill(os.getpid(), signal.SIGKILL)\n"
        "sys.exit('error: no data')\n"
    )
    words = launch.command(script, [], 2)
    words[words.index(f"--max-restarts={launch.RESTARTS}")] = "--max-restarts=1"
    ended = subprocess.run(words, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert re.fullmatch(r"process 0 \(pid \d+\) was ended by SIGKILL\nerror: no data\n", ended.stderr)


def test_torchrun_ends_by_a_signal_without_a_traceback(tmp_path: Path) -> None:
    (script := tmp_path / "train.py").write_text(
        "import os, signal, time\n"
        # torchrun forgets processes that it starts while a signal arrives: the last one sends it, a moment later
        "if os.environ['RANK'] == '1':\n    time.sleep(1)\n    os.kill(os.getppid(), signal.SIGTERM)\n"
        "time.sleep(60)"
    )
    ended = subprocess.run(launch.command(script, [], 2), capture_output=True, text=True, check=False, timeout=120)
    assert (ended.returncode, ended.stderr) == (128 + 15, "")


def test_a_second_interrupt_ends_a_run_without_a_traceback(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    codes = list[int]()

    def train(*arguments: object) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(sys, "argv", ["train.py", "--data", "fake:8x2", "--out", str(tmp_path)])
    monkeypatch.setattr(run_command, "exit_process", codes.append)
    run_command.main(train, lambda classes: nn.Identity(), Config(), NetworkInfo("v3", "v3", ""))
    assert codes == [130]
    assert (
        capsys.readouterr().err == "\ninterrupted; the same command resumes from the last checkpoint, if there is one\n"
    )
