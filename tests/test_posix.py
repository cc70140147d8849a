"""Only training needs a POSIX system: the other commands work where its modules and signals are missing, as on Windows.

It is as near as another system comes to that: paths, consoles and processes are still this one's.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SPEC = "specs/googlenet_bn_small.yaml"

WINDOWS = """
import signal, sys
for module in ("fcntl", "resource", "pwd", "grp", "termios", "tty", "pty", "syslog"):
    sys.modules[module] = None
for name in ("SIGHUP", "SIGUSR1", "SIGUSR2", "SIGALRM", "SIGPIPE", "alarm", "setitimer", "pthread_sigmask"):
    delattr(signal, name)
from inception_dsl.cli.main import main
"""

COMMANDS = """
from click.testing import CliRunner
SPEC, OUT = sys.argv[1:]
for words in (
    f"check {SPEC}",
    f"compile {SPEC} --out {OUT}",
    f"compile {SPEC} --out {OUT} --check",
    f"show {SPEC} --resolved",
    "explain E204",
    "ops conv",
    "specs",
    "claims",
    f"export {SPEC} --init 0 --out {OUT}/model.onnx",
    f"weights import specs/googlenet_torchvision.yaml {OUT}/none.pth --from torchvision",
    f"eval {SPEC} {OUT}/none.pth --data fake:8x10",
    f"plot {OUT}",
):
    done = CliRunner().invoke(main, words.split())
    print(done.exit_code, words.split()[0], " ".join(done.stderr.split()))
    assert done.exception is None or isinstance(done.exception, SystemExit), (words, done.exception)
"""


def windows(code: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run code where the modules are missing."""
    command = [sys.executable, "-c", WINDOWS + code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_what_does_not_train_needs_no_posix(tmp_path: Path) -> None:
    done = windows(COMMANDS, SPEC, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    codes = [line.split()[:2] for line in done.stdout.splitlines()]

    assert [name for code, name in codes if code != "0"] == ["weights", "eval", "plot"], done.stdout
    assert done.stdout.count("no such file") == 3, done.stdout  # of weights and of a run: nothing else is missing
    assert not any(module in done.stdout for module in ("fcntl", "resource"))


@pytest.mark.parametrize("command", [f"train {SPEC} --out", "doctor --device cpu --out"])
def test_what_trains_says_that_it_does(tmp_path: Path, command: str) -> None:
    done = windows(f"main({command.split()} + [sys.argv[1]])", tmp_path / "run")

    assert done.returncode == 2, done.stdout + done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error")]
    assert line.startswith("error[E008]: training runs on Linux and macOS: this Python has no `")
    assert "WSL" in done.stderr and "pip install" not in done.stderr and "Traceback" not in done.stderr
    assert not (tmp_path / "run").exists()
