"""What is recorded of a failure, and which restarts it ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from torch import distributed

from inception_dsl.runner.machine.devices import lost_connection
from inception_dsl.runner.machine.failures import (
    FAILURE_FILE,
    Failure,
    failed_for_good,
    forget_failure,
    own_failure,
    read_failure,
    record_failure,
)


@pytest.fixture(autouse=True)
def _under_torchrun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_RUN_ID", "7")
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "0")


def restarted(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", str(count))


def test_a_permanent_failure_ends_the_restarts_of_its_command_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "new"
    assert record_failure(out, own_failure("no data", 2, permanent=True))
    assert failed_for_good(out) is None  # an attempt is not ended by itself
    restarted(monkeypatch, 1)
    failure = failed_for_good(out)
    assert failure and (failure.code, failure.error) == (2, "no data")
    monkeypatch.setattr("os.getppid", lambda: 1)  # the same command again
    assert failed_for_good(out) is None
    forget_failure(out, done=False)
    assert read_failure(out) is None


def test_of_equal_processes_one_reports(tmp_path: Path) -> None:
    assert record_failure(tmp_path, own_failure("no data", 2, permanent=True))
    assert not record_failure(tmp_path, own_failure("no data", 2, permanent=True))
    assert record_failure(tmp_path, own_failure("a consequence"))
    failure = read_failure(tmp_path)
    assert failure and failure.error == "no data"  # a permanent failure stays


def test_a_permanent_failure_replaces_another_of_its_attempt(tmp_path: Path) -> None:
    assert record_failure(tmp_path, own_failure("a consequence"))
    assert record_failure(tmp_path, own_failure("no data", 2, permanent=True))
    failure = read_failure(tmp_path)
    assert failure and failure.permanent


@pytest.mark.parametrize(("step", "error", "permanent"), [(8, "full", True), (9, "full", False), (8, "gone", False)])
def test_the_same_error_at_the_same_step_is_permanent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: int, error: str, permanent: bool
) -> None:
    record_failure(tmp_path, own_failure("full", step=8))
    restarted(monkeypatch, 1)
    assert failed_for_good(tmp_path) is None
    record_failure(tmp_path, own_failure(error, step=step))
    restarted(monkeypatch, 2)
    assert (failed_for_good(tmp_path) is not None) == permanent


def test_without_torchrun_nothing_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHELASTIC_RUN_ID")
    assert record_failure(tmp_path / "new", own_failure("no data", 2, permanent=True))
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("text", ["", "{", "[]", '{"step": 1}'])
def test_a_broken_record_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / FAILURE_FILE).write_text(text)
    assert read_failure(tmp_path) is None
    assert record_failure(tmp_path, own_failure("no data"))
    assert isinstance(read_failure(tmp_path), Failure)


def test_a_lost_connection_is_known() -> None:
    assert lost_connection(distributed.DistNetworkError("gone"))
    assert lost_connection(RuntimeError("[gloo] Connection closed by peer [127.0.0.1]:4711"))
    assert not lost_connection(RuntimeError("shapes differ"))
