"""Starts a run's `train.py` as one process or several, and forwards signals to it."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

from inception_dsl.runner.machine.failures import FAILURE_FILE, read_failure
from inception_dsl.training import torchrun

PREEMPTED: Final = 75
"""The exit code for "saved, start me again" (EX_TEMPFAIL in sysexits.h)."""
RESTARTS: Final = 3
STDERR: Final = 2  # its file descriptor
SAVE_TIMEOUT: Final = 100
"""Seconds that torchrun waits for its processes to save before it kills them; its default of 30 is short."""


def command(script: Path, arguments: Sequence[str], processes: int = 1) -> list[str]:
    """The command that runs a script, under torchrun if there are several processes."""
    if processes == 1:
        return [sys.executable, str(script), *arguments]
    start = [sys.executable, "-m", torchrun.__name__, "--standalone", f"--nproc-per-node={processes}"]
    return [*start, f"--max-restarts={RESTARTS}", f"--shutdown-timeout={SAVE_TIMEOUT}", str(script), *arguments]


@contextmanager
def signals_passed_on(
    numbers: Iterable[int], processes: Callable[[], Iterable[subprocess.Popen[bytes]]]
) -> Iterator[list[int]]:
    """Pass signals on, as SIGTERM, to the processes that run, so that they save and end; yields those that came."""
    asked: list[int] = []

    def pass_on(number: int, frame: FrameType | None) -> None:
        asked.append(number)
        for process in processes():
            process.send_signal(signal.SIGTERM)

    old = {number: signal.signal(number, pass_on) for number in numbers}
    try:
        yield asked
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def launch(folder: Path, arguments: Sequence[str], processes: int = 1, quiet: bool = False) -> int:
    """Run `train.py` of a run folder to its end; gives its exit code. `quiet` sends what it prints to stderr.

    SIGTERM and SIGUSR1 are passed on, so that the run saves and ends. torchrun always fails with 1; what this run wrote
    to the folder, STATUS or a failure, says more.
    """
    before = {name: _stamp(folder / name) for name in ("STATUS", FAILURE_FILE)}
    started, ended = list[subprocess.Popen[bytes]](), False
    with signals_passed_on((signal.SIGTERM, signal.SIGUSR1), lambda: started) as asked:
        words, out = command(folder / "train.py", arguments, processes), STDERR if quiet else None
        started.append(process := subprocess.Popen(words, stdout=out))  # noqa: S603
        if asked:  # the signal came before the process started
            process.send_signal(signal.SIGTERM)
        while True:
            try:
                code = process.wait(1 if processes > 1 else None)
                break
            except subprocess.TimeoutExpired:
                failure = read_failure(folder) if _stamp(folder / FAILURE_FILE) != before[FAILURE_FILE] else None
                if failure and failure.permanent and not ended:  # torchrun would start it again
                    ended = True
                    process.terminate()
            except KeyboardInterrupt:
                asked.append(signal.SIGINT)  # the terminal has signalled the process too: it saves
    new = {name for name, stamp in before.items() if _stamp(folder / name) != stamp}
    if code and ((status(folder) == "preempted" and "STATUS" in new) or (asked and code < 0)):
        return PREEMPTED  # or it was signalled before it could listen
    if code and FAILURE_FILE in new and (failure := read_failure(folder)):
        return failure.code
    return 128 - code if code < 0 else code  # the convention of shells


def status(folder: Path) -> str:
    """The contents of a run's STATUS file: running, preempted, done or failed; empty if there is none."""
    file = folder / "STATUS"
    return file.read_text(encoding="utf-8", errors="replace").strip() if file.is_file() else ""


def _stamp(file: Path) -> int:
    """When a file was written; 0 if there is none."""
    return file.stat().st_mtime_ns if file.is_file() else 0
