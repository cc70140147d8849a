"""Starts a spec: where its file lies, and what stands in it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

from inception_dsl import compiler
from inception_dsl.authoring.empty_spec import empty_spec
from inception_dsl.authoring.variant import variant
from inception_dsl.diagnostics.codes.tool import CANNOT_WRITE_FILE
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.files import builtin
from inception_dsl.files.modeline import modeline, with_modeline
from inception_dsl.syntax import source as sources


class NewFile(NamedTuple):
    """A file to write: its path, and its text."""

    path: Path
    text: str


def new(name: str, base: str | None = None, folder: Path | None = None, outside: bool = False) -> NewFile:
    """A new spec called `name`: a small table, or a variant of the spec `base`.

    It lies in `folder`; without one beside its base, else in the folder `specs` if there is one, else here. Raises
    `SpecError` for a base that does not compile, and E006 for a base that no spec in that folder can extend.
    """
    own = None if base is None or base.startswith(builtin.PREFIX) else Path(base)
    folder = folder or (own.parent if own else Path(sources.SPECS) if Path(sources.SPECS).is_dir() else Path())
    path = folder / f"{name}{builtin.SUFFIX}"
    file = path.as_posix()
    if base is None:
        text = empty_spec(name, file)
    else:
        spec = compiler.load(base, outside=outside)
        text = variant(name, file, _extends(base, own, folder, outside), spec)
    return NewFile(path, with_modeline(text, modeline(path)))


def check_absent(path: Path) -> None:
    """Raise `SpecError` E006 if something is at a path already."""
    if os.path.lexists(path):
        hint = "choose another name, or overwrite it with --force"
        raise SpecError([Diagnostic(CANNOT_WRITE_FILE, f"`{path}` exists already", help=hint, file=str(path))])


def _extends(base: str, own: Path | None, folder: Path, outside: bool) -> str:
    """The base as a spec in a folder names it. Raises `SpecError` E006 where it may not."""
    if own is None:
        return builtin.full(base)
    relative = os.path.relpath(own.resolve(), folder.resolve()).replace(os.sep, "/")
    if relative.startswith("../") and not outside:
        message = f"a spec in `{folder}` cannot extend `{base}`, which is outside that folder"
        hint = f"write it to `{own.parent}` or above, or allow it with --extend-outside"
        raise SpecError([Diagnostic(CANNOT_WRITE_FILE, message, help=hint, file=base)])
    return relative
