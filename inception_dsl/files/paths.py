"""Paths that cannot be read or written: the errors, and suggestions for misspelt ones."""

from __future__ import annotations

import os
import stat
from itertools import islice
from pathlib import Path
from typing import Final

from inception_dsl.diagnostics.codes.tool import CANNOT_READ_FILE, CANNOT_WRITE_FILE
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.diagnostics.spelling import alike, suggestion

MAX_COMPARED: Final = 1000
"""The most names of a folder that are compared with a missing one."""

POINTER: Final = b"version https://git-lfs"
"""The beginning of a file that stands for one of Git LFS."""

_KINDS: Final = {
    stat.S_IFDIR: "a directory",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def file_kind(mode: int) -> str:
    """The kind of file that a mode describes, in words; empty for a regular file."""
    return _KINDS.get(stat.S_IFMT(mode), "")


def readable_size(path: Path) -> int:
    """The size of a file in bytes.

    Raises `SpecError` E001 if the file is missing, cannot be opened, is a folder or a pipe (which may never end), or
    stands for a file that Git LFS keeps.
    """
    try:
        found = path.stat()
        if kind := file_kind(found.st_mode):
            raise unreadable(path, f"it is {kind}")
        with path.open("rb") as file:
            if file.read(len(POINTER)) == POINTER:
                raise unreadable(path, "it is a pointer of Git LFS, not the file", "fetch the file with `git lfs pull`")
    except FileNotFoundError as error:
        raise unreadable(path, reason(error), nearest(path)) from None
    except (OSError, ValueError) as error:
        raise unreadable(path, reason(error)) from None
    return found.st_size


def reason(error: Exception) -> str:
    """Why a file cannot be read or written: the operating system's message in lower case."""
    return str(getattr(error, "strerror", None) or error).lower()


def unreadable(path: str | os.PathLike[str], why: str, hint: str = "") -> SpecError:
    """The error (E001) of a file that cannot be read."""
    file = os.fspath(path)
    return SpecError([Diagnostic(CANNOT_READ_FILE, f"cannot read `{file}`: {why}", help=hint, file=file)])


def unwritable(path: str | os.PathLike[str], why: str) -> SpecError:
    """The error (E006) of a file that cannot be written."""
    file = os.fspath(path)
    return SpecError([Diagnostic(CANNOT_WRITE_FILE, f"cannot write `{file}`: {why}", file=file)])


def nearest(path: str | os.PathLike[str]) -> str:
    """Suggest an existing path for a missing one, as a help line; empty if none is similar.

    One name in it may be misspelt, and the suffix `.yaml` or the folder `specs` may be missing. At most `MAX_COMPARED`
    names of a folder are compared.
    """
    path = os.fspath(path)
    for given in (path, os.path.join("specs", path)):
        for candidate in (given, f"{given}.yaml"):
            if os.path.exists(candidate):
                return suggestion([candidate])
    above, *rest = _split(path)
    try:
        with os.scandir(above or ".") as entries:
            names = [entry.name for entry in islice(entries, MAX_COMPARED)]
    except OSError:
        return ""
    near = {name: os.path.join(above, name, *rest[1:]) for name in names}
    return suggestion(near[name] for name in alike(rest[0], (name for name in near if os.path.exists(near[name]))))


def _split(path: str) -> list[str]:
    """Split a path into its longest existing folder, the missing name in that folder, and the names below it."""
    above, name = os.path.split(path.rstrip(os.sep))
    if not name or not above or os.path.isdir(above):
        return [above, name]
    return [*_split(above), name]
