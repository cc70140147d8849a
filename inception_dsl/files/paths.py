"""Paths that cannot be used, and why: of another kind than a file, or not there and near to one that is."""

from __future__ import annotations

import os
import stat
from itertools import islice
from typing import Final

from inception_dsl.diagnostics.codes.tool import CANNOT_READ_FILE, CANNOT_WRITE_FILE
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.diagnostics.spelling import alike, suggestion

MOST: Final = 1000
"""The names of a folder that are compared with one that is not there."""

_KINDS: Final = {
    stat.S_IFDIR: "a directory",
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFIFO: "a pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def kind(mode: int) -> str:
    """What the mode of a path says that it is, in words; empty for a file."""
    return _KINDS.get(stat.S_IFMT(mode), "")


def reason(error: Exception) -> str:
    """Why a file cannot be read or written: what the operating system says, in small letters."""
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
    """Suggest a path that is there for one that is not, as a help line; empty where none is like it.

    One name of it may be misspelt, its suffix `.yaml` left out, or the folder `specs` before it; of a folder with more
    names than `MOST`, some are not looked at.
    """
    path = os.fspath(path)
    for given in (path, os.path.join("specs", path)):
        for whole in (given, f"{given}.yaml"):
            if os.path.exists(whole):
                return suggestion([whole])
    above, *rest = _split(path)
    try:
        with os.scandir(above or ".") as entries:
            names = [each.name for each in islice(entries, MOST)]
    except OSError:
        return ""
    near = {name: os.path.join(above, name, *rest[1:]) for name in names}
    return suggestion(near[name] for name in alike(rest[0], (name for name in near if os.path.exists(near[name]))))


def _split(path: str) -> list[str]:
    """A path as the folder of it that is there, the name in it that is not, and the names below that."""
    above, name = os.path.split(path.rstrip(os.sep))
    if not name or not above or os.path.isdir(above):
        return [above, name]
    return [*_split(above), name]
