"""Reading within one folder alone, whatever path leads to a file: a link, `extends`, a folder of specs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from inception_dsl.files import builtin, paths

_FOLDER: Final[ContextVar[str]] = ContextVar("folder", default="")
"""The folder that may be read, without links in its path; "" sets no limit."""


@contextmanager
def confined_to(folder: str) -> Iterator[None]:
    """Read only files in a folder, and those that come with the tool; "" lifts the limit."""
    token = _FOLDER.set(folder and os.path.realpath(folder))
    try:
        yield
    finally:
        _FOLDER.reset(token)


def is_within(path: str, folder: str) -> bool:
    """Whether a path is in a folder or is that folder, after all links in both."""
    real, above = os.path.realpath(path), os.path.realpath(folder)
    return real == above or real.startswith(os.path.join(above, ""))


def check_readable(path: str, name: str) -> None:
    """Raise `SpecError` E001 for a file that must not be read; the message calls it `name`."""
    folder = _FOLDER.get()
    if folder and not any(is_within(path, above) for above in (folder, _package(), builtin.folder())):
        raise paths.unreadable(name, f"it is outside `{folder}`", "only files in that folder can be read")


def _package() -> str:
    """The folder of this package, which has the recipes."""
    return os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
