"""Writes an edited text back to the file that it was read from."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from inception_dsl.files import builtin, output, paths

_MARK: Final = b"\xef\xbb\xbf"


def rewrite(path: Path, text: str) -> Path:
    r"""Replace the content of a file, with the byte order mark and the line ends (\n or \r\n) that it has; returns it.

    Raises `SpecError` E006 for a file that cannot be written, such as a built-in spec.
    """
    if str(path).startswith(builtin.PREFIX):
        raise paths.unwritable(path, "it is a part of the installation; edit a copy of it")
    before = output.content_of(path) or b""
    ends = "\r\n" if b"\r\n" in before else "\n"
    content = _MARK * before.startswith(_MARK) + text.replace("\n", ends).encode()
    target = path.resolve()  # a link stays a link
    output.write({target.name: content}, target.parent)
    return path
