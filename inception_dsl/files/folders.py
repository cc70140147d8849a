"""The files in a folder and in the folders below it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NoReturn


def walk(folder: str | os.PathLike[str]) -> Iterator[str]:
    """The files below a folder as paths with `/`, relative to it: its own by name, then those of its folders.

    Hidden files and folders are left out. Links are followed, but a folder is entered once, so that links do not
    loop. Raises `OSError` for a folder that cannot be read.
    """
    seen: set[tuple[int, int]] = set()
    for path, folders, files in os.walk(folder, onerror=_raise, followlinks=True):
        status = os.stat(path)
        if (identity := (status.st_dev, status.st_ino)) in seen:
            folders.clear()
            continue
        seen.add(identity)
        folders[:] = sorted(filter(_is_visible, folders))
        inside = os.path.relpath(path, folder).replace(os.sep, "/")
        yield from (file if inside == os.curdir else f"{inside}/{file}" for file in sorted(filter(_is_visible, files)))


def _is_visible(name: str) -> bool:
    return not name.startswith(".")


def _raise(error: OSError) -> NoReturn:
    raise error
