"""Runs command lines inside this process, for a server: what they print is returned."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from threading import Lock
from typing import Final

from inception_dsl.mcp.tools import Answer

_LOCK: Final = Lock()
"""What is printed belongs to one command at a time."""


def answer(words: Sequence[str]) -> Answer:
    """Run a command line, once for its JSON and once for its text."""
    verb, *others = words
    code, printed, _ = _run([verb, "--format", "json", *others])
    try:
        data = json.loads(printed)
    except ValueError:  # an error of the command line, which is text
        data = None
    _, text, errors = _run(words)
    return Answer(code, data, "\n".join(filter(None, (text.rstrip("\n"), errors.rstrip("\n")))))


def _run(words: Sequence[str]) -> tuple[int, str, str]:
    """The exit code of a command line, and what it prints on stdout and stderr."""
    from inception_dsl.cli.main import main

    out, errors, code = io.StringIO(), io.StringIO(), 0
    with _LOCK, redirect_stdout(out), redirect_stderr(errors):
        try:
            main([*words], prog_name="inception-dsl")
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1 if end.code else 0
    return code, out.getvalue(), errors.getvalue()
