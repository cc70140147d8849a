"""Places in the words of the protocol: URIs and paths, and columns counted in the units that the client chose."""

from __future__ import annotations

import os
import re
from typing import Final
from urllib.parse import quote, unquote, urlsplit

from lsprotocol.types import Position, PositionEncodingKind, Range

from inception_dsl.diagnostics.diagnostic import Source, Span

_DRIVE: Final = re.compile("/[A-Za-z]:")


def path_of(uri: str) -> str:
    """The path of a URI; "" for one that is not a file, such as `untitled:`."""
    parts = urlsplit(uri)
    if parts.scheme != "file":
        return ""
    path = unquote(parts.path, errors="surrogateescape")
    if parts.netloc not in ("", "localhost"):
        return f"//{parts.netloc}{path}"
    return path[1:] if _DRIVE.match(path) else path


def uri_of(path: str) -> str:
    """The URI of a file."""
    written = os.path.abspath(path).replace(os.sep, "/")
    slash = "" if written.startswith("/") else "/"
    return f"file://{slash}{quote(os.fsencode(written), safe='/:')}"


class Units:
    """Counts columns as the client does: in UTF-16 code units unless it asked for others."""

    def __init__(self, encoding: str | None = None) -> None:
        self._codec, self._width = {
            PositionEncodingKind.Utf8: ("utf-8", 1),
            PositionEncodingKind.Utf32: ("utf-32-le", 4),
        }.get(PositionEncodingKind(encoding or PositionEncodingKind.Utf16), ("utf-16-le", 2))

    def units(self, text: str) -> int:
        """The length of a text in the client's units."""
        return len(text) if text.isascii() else len(text.encode(self._codec, "surrogatepass")) // self._width

    def column(self, line: str, character: int) -> int:
        """The column, from 1, of a character that the client counts from 0; at most one after the line's last."""
        if line.isascii():
            return min(character, len(line)) + 1
        for index, letter in enumerate(line):
            if character <= 0:
                return index + 1
            character -= self.units(letter)
        return len(line) + 1

    def place(self, source: Source, position: Position) -> tuple[int, int]:
        """The line and column, from 1, of a position of the client."""
        if position.line >= len(source.lines):
            return len(source.lines), len(source.lines[-1]) + 1
        return position.line + 1, self.column(source.lines[position.line], position.character)

    def position(self, source: Source, line: int, column: int) -> Position:
        """The client's position of a line and column, which count from 1."""
        text = source.lines[line - 1] if line <= len(source.lines) else ""
        return Position(line - 1, self.units(text[: column - 1]))

    def range(self, span: Span) -> Range:
        """The client's range of a span."""
        source, line, column, end = span
        return Range(self.position(source, line, column), self.position(source, line, end))
