"""Runs scripts as processes of their own that start in no time: forked from one process that has imported torch once.

A process of Python takes seconds to import torch, and the tests of what a run survives start dozens.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import runpy
import subprocess
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

AGENT = Path(__file__).with_name("torchrun.py")


class Zygote:
    """The process that forks. It has imported `modules`, from `path` and what is installed."""

    def __init__(self, *modules: str, path: str) -> None:
        environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
        command = [sys.executable, __file__, *modules]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
        )

    def ask(self, **order: Any) -> int | None:
        """Have something done by it."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer: int | None = json.loads(self._process.stdout.readline())
        return answer

    def start(self, log: Path, script: Path | str, *words: str, **env: str) -> Forked:
        """Start a script in the folder of a file that its output goes to."""
        pid = self.ask(log=str(log), folder=str(log.parent), argv=[str(script), *words], env=env)
        assert pid
        return Forked(self, pid, log)

    def run(self, log: Path, script: Path | str, *words: str, **env: str) -> tuple[int, str]:
        """Run a script to its end: its exit code, and what it printed."""
        forked = self.start(log, script, *words, **env)
        return forked.wait(), forked.output

    def torchrun(
        self, log: Path, script: Path, *words: str, ranks: int = 2, restarts: int = 3, **env: str
    ) -> tuple[int, str]:
        """Run a script on some ranks, by the agent that `torchrun` runs it by."""
        return self.run(log, AGENT, str(ranks), str(restarts), str(script), *words, **env)

    def close(self) -> None:
        """End it."""
        self._process.communicate()


class Forked:
    """A process that a zygote started."""

    def __init__(self, zygote: Zygote, pid: int, log: Path) -> None:
        self.pid, self._zygote, self._log = pid, zygote, log

    @property
    def output(self) -> str:
        """What it has printed, to stdout and stderr."""
        return self._log.read_text(encoding="utf-8")

    def wait(self) -> int:
        """Wait for its end; a signal that ended it is a negative number."""
        code = self._zygote.ask(wait=self.pid)
        assert code is not None
        return code


def child(order: dict[str, Any]) -> NoReturn:
    """Be the script, and end as it ends."""
    log = os.open(order["log"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    for target, number in ((os.open(os.devnull, os.O_RDONLY), 0), (log, 1), (log, 2)):
        os.dup2(target, number)
    os.environ.update(order["env"])
    os.chdir(order["folder"])
    sys.argv = order["argv"]
    sys.path[0] = os.path.dirname(sys.argv[0])
    code: Any = 0
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
        code = 1
    if isinstance(code, str):
        sys.stderr.write(f"{code}\n")
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code if isinstance(code, int) else int(code is not None))


def serve() -> None:
    """Do as asked until there is no more."""
    for module in sys.argv[1:]:
        importlib.import_module(module)
    for line in sys.stdin:
        order = json.loads(line)
        if "wait" in order:
            answer = os.waitstatus_to_exitcode(os.waitpid(order["wait"], 0)[1])
        elif not (answer := os.fork()):
            child(order)
        sys.stdout.write(f"{answer}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
