"""The line about what takes long: on a terminal only, after some silence, and gone before anything else is printed."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

import pytest
from cli_runner import drained

ROOT = Path(__file__).parent.parent
SLOW = """
import sys, time
from inception_dsl import compiler
from inception_dsl.cli import waiting
waiting.DELAY, waiting.PERIOD = 0.2, 0.02
right = compiler.compile_file
def slow(path, *given, **options):
    if "alexnet" in str(path):
        time.sleep(0.6)
    return right(path, *given, **options)
compiler.compile_file = slow
from inception_dsl.cli.main import main
main(["check", "specs/zfnet.yaml", "specs/alexnet.yaml", *sys.argv[1:]], prog_name="inception-dsl")
"""


def terminal(*words: str, stdout: bool = True, also: Mapping[str, str] = MappingProxyType({})) -> tuple[str, str]:
    """What a terminal of 60 columns gets of a slow command, and what a pipe gets if stdout is one."""
    import pty

    own, theirs = pty.openpty()
    given = {key: value for key, value in os.environ.items() if key not in ("CI", "TERM", "NO_COLOR")}
    with subprocess.Popen(
        [sys.executable, "-c", SLOW, *words],
        stdout=theirs if stdout else subprocess.PIPE,
        stderr=theirs,
        cwd=ROOT,
        env={**given, "COLUMNS": "60", "TERM": "xterm", "NO_COLOR": "1", **also},
    ) as done:
        os.close(theirs)
        piped = done.stdout.read().decode() if done.stdout else ""
        shown = drained(own)
    assert done.returncode == 0
    return shown, piped


def screen(shown: str) -> str:
    """What is left on the screen: a return goes back to the start of the line, and what follows overwrites it."""
    lines = []
    for line in shown.replace("\r\n", "\n").split("\n"):
        cells: list[str] = []
        for part in line.split("\r"):
            cells[: len(part)] = part
        lines.append("".join(cells).rstrip())
    return "\n".join(lines)


pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")


def test_it_comes_and_goes() -> None:
    shown, _ = terminal()
    left = screen(shown)

    assert re.search(r"\rspecs/alexnet\.yaml \.\.\. \d s", shown)
    assert " s\n" not in left
    assert left.splitlines()[-1].endswith("; all hold")
    assert all(len(line) < 60 for line in shown.split("\r") if "..." in line)


def test_it_is_no_part_of_the_output() -> None:
    shown, piped = terminal("--format", "json", stdout=False)

    assert "specs/alexnet.yaml ..." in shown
    assert screen(shown).strip() == ""
    assert piped.startswith("{") and "..." not in piped


@pytest.mark.parametrize(("variable", "value"), [("TERM", "dumb"), ("CI", "true")])
def test_not_where_it_could_not_be_taken_back(variable: str, value: str) -> None:
    shown, _ = terminal(also={variable: value})

    assert "..." not in shown
    assert "\r" not in shown.replace("\r\n", "\n")


def test_not_in_a_pipe() -> None:
    done = subprocess.run([sys.executable, "-c", SLOW], cwd=ROOT, capture_output=True, text=True, check=True)

    assert done.stderr == ""
    assert "..." not in done.stdout
