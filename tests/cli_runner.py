"""Commands that run inside the tests' own process, a small spec to try them on, and what a terminal shows of others."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from inception_dsl.cli.main import main

Run = Callable[..., Result]

SMALL = """
network: small
input: 3x8x8
layers: |
  name | layer                   | output | params
  conv | conv 3x3 4 same         | 8x8x4  | 108
  fc   | avgpool global -> fc 10 | 1x1x10 | 50
"""
"""A spec that holds."""


def cli(*words: object) -> Result:
    """Run a command; an exception that it lets through fails the test."""
    return CliRunner().invoke(main, [str(word) for word in words], catch_exceptions=False)


def in_folder(folder: Path, patch: pytest.MonkeyPatch, files: Mapping[str, str]) -> Run:
    """Go to a folder and write some files there; gives what runs a command in it.

    Modules that other tests imported from files of the same names are forgotten.
    """
    patch.chdir(folder)
    own = {Path(name).parts[0].removesuffix(".py") for name in files if name.endswith(".py")}
    for module in [name for name in sys.modules if name.partition(".")[0] in own]:
        patch.delitem(sys.modules, module)
    for name, text in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return cli


def drained(terminal: int) -> str:
    """All that a pseudo-terminal gets until no process has it open any more; closes it."""
    shown = b""
    while data := _read(terminal):
        shown += data
    os.close(terminal)
    return shown.decode()


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 65536)
    except OSError:  # what Linux says of a terminal that nobody has open any more
        return b""


def all_commands(
    command: click.Command = main, words: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """The commands and groups of commands, each with the words that call it; `()` is the program itself."""
    yield words, command
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            inner = command.get_command(context, name)
            assert inner
            yield from all_commands(inner, (*words, name))
