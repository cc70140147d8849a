"""The exit code of a run under torchrun, which itself fails with 1 whatever the reason."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from inception_dsl.runner.failures import FAILURE_FILE, own_failure
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
