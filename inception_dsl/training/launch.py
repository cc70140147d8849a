"""A run: its folder written, its `train.py` started as a process of its own or as many, its signals passed on."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Final

PREEMPTED: Final = 75
"""The exit code that says: saved, start me again (sysexits' EX_TEMPFAIL)."""
RESTARTS: Final = 3


def command(script: Path, arguments: Sequence[str], processes: int = 1) -> list[str]:
    """The command that runs a script, under torchrun where it is several processes."""
    if processes == 1:
        return [sys.executable, str(script), *arguments]
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    return [*torchrun, f"--max-restarts={RESTARTS}", str(script), *arguments]


def launch(folder: Path, arguments: Sequence[str], processes: int = 1) -> int:
    """Run `train.py` of a run folder to its end; gives its exit code.

    SIGTERM and SIGUSR1 are passed on, so that the run saves and ends; torchrun ends with 1 then, and the folder's
    STATUS says that it was only preempted.
    """
    with subprocess.Popen(command(folder / "train.py", arguments, processes)) as process:  # noqa: S603 - our own file

        def pass_on(number: int, frame: FrameType | None) -> None:
            process.send_signal(signal.SIGTERM if processes > 1 else number)

        old = {number: signal.signal(number, pass_on) for number in (signal.SIGTERM, signal.SIGUSR1)}
        try:
            code = process.wait()
        except KeyboardInterrupt:
            code = process.wait()  # the terminal has told it too: it saves
        finally:
            for number, handler in old.items():
                signal.signal(number, handler)
    return PREEMPTED if code and status(folder) == "preempted" else code


def status(folder: Path) -> str:
    """What a run's STATUS file says: running, preempted, done or failed; empty where there is none."""
    file = folder / "STATUS"
    return file.read_text(encoding="utf-8").strip() if file.is_file() else ""
