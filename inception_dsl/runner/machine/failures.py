"""A failure that a restart would repeat: the run's folder records it, and torchrun's restarts end at once."""

from __future__ import annotations

import fcntl
import json
import os
import socket
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from inception_dsl.runner.machine.launcher import by_torchrun, is_alone


class Failure(NamedTuple):
    """Why a process ended, in `failure.json`."""

    launcher: str  # the machine and the process of torchrun, or the step of Slurm
    attempt: int  # how often it had restarted the run
    step: int  # steps done; -1 before training
    error: str
    code: int  # the exit code
    permanent: bool  # a restart fails in the same way


FAILURE_FILE = "failure.json"


def read_failure(folder: Path) -> Failure | None:
    """The last failure of a run; None if there is none, or if it was not completely written."""
    with suppress(OSError):
        return _parsed((folder / FAILURE_FILE).read_text(encoding="utf-8"))
    return None


def _parsed(text: str) -> Failure | None:
    with suppress(ValueError, TypeError):
        return Failure(**json.loads(text))
    return None


def own_failure(error: str = "", code: int = 1, permanent: bool = False, step: int = -1) -> Failure:
    """A failure of this process."""
    launcher, restarts = f"{socket.gethostname()}:{os.getppid()}", "TORCHELASTIC_RESTART_COUNT"
    if not by_torchrun() and "SLURM_STEP_ID" in os.environ:
        launcher, restarts = "step {SLURM_JOB_ID}.{SLURM_STEP_ID}".format_map(os.environ), "SLURM_RESTART_COUNT"
    return Failure(launcher, int(os.environ.get(restarts, "0")), step, error, code, permanent)


def failed_for_good(folder: Path) -> Failure | None:
    """The permanent failure after which torchrun restarted this process, if there was one.

    Slurm restarts what it stopped itself, or what its user has put back into the queue.
    """
    last, own = read_failure(folder), own_failure()
    again = by_torchrun() and last and last.permanent and last.launcher == own.launcher and last.attempt < own.attempt
    return last if again else None


def record_failure(folder: Path, failure: Failure) -> bool:
    """Record a failure for restarts; returns whether to report it, which only the first of equal processes does.

    A failure that repeats an earlier attempt's, at the same step, is permanent.
    """
    if is_alone():
        return True
    with suppress(OSError):  # without a record, restarts try again
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / FAILURE_FILE).open("a+", encoding="utf-8") as file:
            with suppress(OSError):  # not every network disk has locks
                fcntl.lockf(file, fcntl.LOCK_EX)
            file.seek(0)
            last = _parsed(file.read())  # by this file, since to close another one of it would end the lock
            if last and last.launcher == failure.launcher:
                if last.attempt < failure.attempt and last[2:4] == failure[2:4]:
                    failure = failure._replace(permanent=True)
                elif last.attempt == failure.attempt and last.permanent >= failure.permanent:
                    return last.error != failure.error
            file.truncate(0)
            file.write(json.dumps(failure._asdict()) + "\n")
    return True


def forget_failure(folder: Path, done: bool) -> None:
    """Remove the record of an earlier command, or, once the run is done, every record."""
    last = read_failure(folder)
    if done or (last and last.launcher != own_failure().launcher):
        (folder / FAILURE_FILE).unlink(missing_ok=True)
