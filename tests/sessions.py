"""A page as the session that it shows: its files are written, its commands run, and all that they print is compared."""

from __future__ import annotations

import contextlib
import io
import re
import runpy
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from cli_runner import cli

FENCE = re.compile(r'^```(\w*)(?: title="([^"]+)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)
EXCERPT = " (excerpt)"
"""The end of a title, if its block shows what is in the file already."""


def steps(session: str) -> Iterator[tuple[str, str]]:
    """The commands of a block `console`, which follow `$ `, and what each of them prints."""
    for step in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
        command, _, shown = step.replace("\\\n", "").partition("\n")
        yield command, shown


def differs(shown: str, printed: str) -> str:
    """How a command did not print what is shown, or ""; `...` is any number of lines, or the rest of one."""
    printed = "".join(f"{line.rstrip()}\n" for line in printed.splitlines())
    lines, pattern = shown.splitlines(), ""
    if re.fullmatch("".join(map(_pattern, lines)), printed):
        return ""
    for line in lines:
        pattern += _pattern(line)
        if not re.match(pattern, printed):
            return f"not printed: `{line}`"
    return "more is printed"


def _pattern(line: str) -> str:
    if line == "...":
        return r"(?:.*\n)*"
    return re.escape(line.removesuffix("...")) + (r".*\n" if line.endswith("...") else r"\n")


def run(command: str) -> tuple[int, str]:
    """Run a command as a shell would, without a process of its own if it is one of ours or a Python file."""
    words = shlex.split(command)
    if words[0] == "inception-dsl":
        done = cli(*words[1:])
        return done.exit_code, done.output
    if words[0] == "python":
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            sys.path.insert(0, str(Path.cwd()))
            try:
                runpy.run_path(words[1], run_name="__main__")
            finally:
                here = sys.path.pop(0)
                for name, module in [*sys.modules.items()]:
                    if here in repr(getattr(module, "__spec__", "")):  # another page may have another file of this name
                        del sys.modules[name]
        return 0, printed.getvalue()
    ran = subprocess.run(["/bin/sh", "-c", command], capture_output=True, text=True, check=False)
    return ran.returncode, ran.stdout + ran.stderr


def follow(session: str) -> list[str]:
    """Run the commands of a block `console`, and compare what they print; one that prints an error fails, no other."""
    ran = []
    for command, shown in steps(session):
        code, printed = run(command)
        wrong = differs(shown, printed)
        assert not wrong, f"$ {command}\n{printed}\n{wrong}"
        assert bool(code) == shown.startswith("error") | ("\nerror" in shown), (command, code, printed)
        ran.append(command)
    return ran


def edit(file: Path, change: str) -> None:
    """Apply a block `diff`: its lines without `+` stand in the file once, and those without `-` take their place."""
    lines = change.splitlines(keepends=True)
    assert {line[0] for line in lines} <= {" ", "-", "+"}, change
    old, new = ("".join(line[1:] for line in lines if line[0] != left_out) for left_out in "+-")
    text = file.read_text("utf-8")
    assert text.count(old) == 1, f"{file} has this {text.count(old)} times:\n{old}"
    file.write_text(text.replace(old, new), encoding="utf-8")


def play(page: str, known: tuple[str, ...] = ()) -> list[str]:
    """Follow a page in the current folder: a block with a title writes, edits or shows a file, `console` has commands.

    Gives the commands. A block of neither kind has to be `known`.
    """
    ran, blocks = [], FENCE.findall(page)
    assert len(re.findall("^```", page, re.MULTILINE)) == 2 * len(blocks)
    for kind, title, text in blocks:
        if title.endswith(EXCERPT):
            wrong = differs(text, Path(title.removesuffix(EXCERPT)).read_text("utf-8"))
            assert not wrong, f"{title}: {wrong}"
        elif title and kind == "diff":
            edit(Path(title), text)
        elif title:
            Path(title).parent.mkdir(parents=True, exist_ok=True)
            Path(title).write_text(text, encoding="utf-8")
        elif kind == "console":
            ran += follow(text)
        else:
            assert text in known, f"what is to be done with\n{text}"
    return ran
