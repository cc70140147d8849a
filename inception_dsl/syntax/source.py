"""Reads files as sources; a `Fragment` is a text inside a source that knows its place."""

from __future__ import annotations

import codecs
import os
import re
import stat
from bisect import bisect_right
from copy import copy
from itertools import accumulate
from typing import Final

from inception_dsl.diagnostics.codes.tool import FILE_NOT_UTF8, FILE_TOO_LARGE
from inception_dsl.diagnostics.diagnostic import Diagnostic, Source, Span, SpecError
from inception_dsl.files import builtin, confined, paths

SPECS: Final = "specs"
"""The usual folder of specs."""

MAX_BYTES: Final = 4 * 2**20
"""The most bytes of a file."""


def read(path: str | os.PathLike[str], name: str | None = None) -> Source:
    """Read a text file, or a spec named `builtin:...`; diagnostics call it `name`, by default the path as given.

    Raises `SpecError` as `read_bytes` and `decode` do.
    """
    given = builtin.full(os.fspath(path))
    name, path = given if name is None else name, builtin.resolve(given)
    cited = citation(path).encode(errors="backslashreplace").decode()  # a name may have bytes that are not UTF-8
    return decode(read_bytes(path, name), name, cited)


def read_bytes(path: str, name: str) -> bytes:
    """Read a file, or as much of it as shows that it is too large; diagnostics call it `name`.

    Raises `SpecError` E001 for a file that cannot be read or is not a regular file.
    """
    try:
        confined.check_readable(path, name)
        mode = os.stat(path).st_mode  # before it is opened: opening a pipe may never return
        if kind := paths.file_kind(mode):
            hint = "name a file in it" if stat.S_ISDIR(mode) else "save its output to a file"
            raise paths.unreadable(name, f"it is {kind}", hint)
        with open(path, "rb") as file:
            return file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        hint = (paths.nearest(path) or builtin.namesake(path)) if isinstance(error, FileNotFoundError) else ""
        raise paths.unreadable(name, paths.reason(error), hint) from None


def citation(path: str | os.PathLike[str]) -> str:
    """What generated files call a path: its part from a folder `specs` on, else its last two names."""
    parts = os.path.abspath(path).split(os.sep)
    above = [index for index, part in enumerate(parts) if part == SPECS]
    return "/".join(parts[above[-1] if above else -2 :])


def decode(data: bytes, name: str, citation: str = "") -> Source:
    r"""Decode bytes: UTF-8 with or without a byte order mark, and lines that end in \n, \r\n or \r.

    Generated files cite the source as `citation`. Raises `SpecError`: E002 at the first byte that is not UTF-8, E003
    for more than `MAX_BYTES`.
    """
    if len(data) > MAX_BYTES:
        hint = f"a spec has at most {MAX_BYTES:,} bytes"
        raise SpecError([Diagnostic(FILE_TOO_LARGE, f"`{name}` is too large", help=hint, file=name)])
    data = data.removeprefix(codecs.BOM_UTF8).replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        return Source(name, data.decode(), citation)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode()
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        span = Span(Source(name, data.decode(errors="replace")), line, column, column + 1)
        label = f"byte 0x{data[error.start]:02x}"
        message = f"`{name}` is not UTF-8"
        raise SpecError([Diagnostic(FILE_NOT_UTF8, message, span, label, help="save the file as UTF-8")]) from None


def encode(text: str, like: bytes) -> bytes:
    """The bytes of a text, with the line breaks of a file and its byte order mark if it has one.

    The first line break of the file decides, so that a file keeps those of its system.
    """
    line_break = re.search(rb"\r\n?|\n", like)
    data = text.encode().replace(b"\n", line_break[0] if line_break else b"\n")
    return codecs.BOM_UTF8 + data if like.startswith(codecs.BOM_UTF8) else data


class Fragment:
    """A text inside a source, and the place of any part of it.

    A `literal` text is the indented lines below `span`, as in a YAML block scalar (`|`). Any other text is in `span`,
    as it is or in quotes; where it is folded or escaped, the span of each part is all of it.
    """

    __slots__ = ("_base", "_last", "_shift", "_span", "_starts", "literal", "text")

    def __init__(self, text: str, span: Span, literal: bool = False) -> None:
        self.text = text
        self._base = 0
        self._span = span
        self.literal = literal
        lines = text.split("\n")
        # the offset of each line in the text, and of a line after the last
        self._starts = [0, *accumulate(len(line) + 1 for line in lines)]
        self._last = len(text.removesuffix("\n"))  # an unexpected end is reported at the last line, not below it
        written = "" if literal else span.source.lines[span.line - 1][span.column - 1 : span.end - 1]
        self._shift = 0 if written == text else 1 if written[1:-1] == text else None

    @classmethod
    def of(cls, source: Source) -> Fragment:
        """The whole text of a source."""
        return cls(source.text, Span(source, 0, 1, 1), literal=True)

    @property
    def source(self) -> Source:
        """The source that contains it."""
        return self._span.source

    def slice(self, start: int, end: int) -> Fragment:
        """The part of this text between two offsets."""
        part = copy(self)
        part.text = self.text[start:end]
        part._base += start
        return part

    def span(self, start: int, end: int) -> Span:
        """The place of the characters from `start` to `end`, as far as they are on one line."""
        source, line, column, _ = self._span
        start = min(self._base + start, self._last)
        end = max(self._base + end, start)
        if self.literal:
            row = bisect_right(self._starts, start) - 1
            if line + row >= len(source.lines):  # a block without lines, at the end of the file
                return self._span
            first, stop = self._starts[row], self._starts[row + 1] - 1
            line += row + 1
            indent = len(source.lines[line - 1]) - (stop - first)
            return Span(source, line, indent + start - first + 1, indent + min(end, stop) - first + 1)
        if self._shift is None:
            return self._span
        column += self._shift
        return Span(source, line, column + start, column + min(end, self._last))

    def __repr__(self) -> str:
        return f"Fragment({self.text!r}, {self.span(0, 0)})"
