"""Text on a terminal: its width in columns, escapes for invisible characters, and the width of the terminal."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Final, TextIO
from unicodedata import category, combining, east_asian_width

TAB: Final = 4
MAX_MESSAGE: Final = 1000
"""The most characters of a message that are shown."""


def columns(stream: TextIO | None = None) -> int | None:
    """The width of the terminal that a stream writes to, by default stdout; None if it is not a terminal."""
    stream = stream or sys.stdout
    if stream is None or not stream.isatty():
        return None
    from shutil import get_terminal_size

    return get_terminal_size().columns


def cells(line: str) -> Iterator[tuple[str, int]]:
    """Each character as it is shown, with its width in columns."""
    at = 0
    for character in line:
        if character == "\t":
            cell = " " * (TAB - at % TAB)
            width = len(cell)
        elif (cell := _escaped(character)) != character:
            width = len(cell)
        elif combining(character) or category(character) in ("Mn", "Me"):
            width = 0
        else:
            width = 2 if east_asian_width(character) in "WF" else 1
        at += width
        yield cell, width


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x80 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def visible(words: str) -> str:
    """Words on one line, shortened if long, with control, invisible and bidirectional characters as escapes."""
    if len(words) > MAX_MESSAGE:
        words = f"{words[: MAX_MESSAGE // 2]}…{words[-MAX_MESSAGE // 2 :]}"
    return words if words.isprintable() else "".join(map(_escaped, words))


def visible_lines(text: str, colour: bool) -> str:
    """A text of several lines with escapes as in `visible`; colours stay if `colour` is true."""
    if text.isascii() and not _CONTROLS.search(text):
        return text

    def shown(part: str) -> str:
        stays = part in "\n\t" or (colour and _COLOUR.fullmatch(part)) or part.isprintable()
        return part if stays else "".join(map(_escaped, part))

    return "".join(map(shown, _PARTS.split(text)))


_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_COLOUR: Final = re.compile(r"\x1b\[\d*m")
_PARTS: Final = re.compile(rf"({_COLOUR.pattern}|[\n\t])")


def width(words: str) -> int:
    """The width of printable words in columns."""
    return len(words) if words.isascii() else sum(columns for _, columns in cells(words))


def shortened(words: str, most: int) -> str:
    """The beginning of a text in at most this many columns, with `…` for the rest."""
    if width(words) <= most:
        return words
    shown, used = "", 0
    for cell, columns in cells(words):
        if used + columns > most - 1:
            break
        shown, used = shown + cell, used + columns
    return f"{shown}…"
