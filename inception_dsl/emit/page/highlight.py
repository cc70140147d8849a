"""Lines of Python and of specs as HTML, with their keywords, texts and comments marked."""

from __future__ import annotations

import io
import keyword
import token
import tokenize
from collections.abc import Iterable, Iterator
from typing import Final, Literal, NamedTuple

from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.emit.templates import markup, text
from inception_dsl.syntax import yaml_tokens

Kind = Literal["key", "lit", "rem"]
"""The class of a keyword or key, of a text, and of a comment."""

_DEFINES: Final = ("class", "def")


class Piece(NamedTuple):
    """A part of a text, by its offsets."""

    start: int
    end: int
    kind: Kind


def python_lines(code: str) -> list[str]:
    """The lines of a Python file as HTML."""
    return _lines(code, _python(code))


def spec_lines(source: Source) -> list[str]:
    """The lines of a spec as HTML."""
    return _lines(source.text, _spec(source))


def _python(code: str) -> Iterator[Piece]:
    starts = Source("", code).line_starts
    kinds: dict[int, Kind] = {token.STRING: "lit", token.COMMENT: "rem"}
    for found in tokenize.generate_tokens(io.StringIO(code).readline):
        kind = kinds.get(found.type)
        if found.type == token.NAME and keyword.iskeyword(found.string):
            kind = "key"
        if kind:
            start, end = (starts[line - 1] + column for line, column in (found.start, found.end))
            yield Piece(start, end, kind)


def _spec(source: Source) -> Iterator[Piece]:
    before, is_key = 0, False
    for found in yaml_tokens.tokens(source):
        yield from _comments(source.text, before, found.start)
        if is_key and found.kind == "scalar":
            yield Piece(found.start, found.end, "key")
        is_key = found.kind == "key"
        before = max(before, found.end)
    yield from _comments(source.text, before, len(source.text))


def _comments(whole: str, start: int, end: int) -> Iterator[Piece]:
    """The comments between two tokens."""
    at = whole.find("#", start, end)
    while at >= 0:
        stop = whole.find("\n", at, end)
        stop = end if stop < 0 else stop
        yield Piece(at, stop, "rem")
        at = whole.find("#", stop, end)


def _lines(whole: str, pieces: Iterable[Piece]) -> list[str]:
    """The lines of a text as HTML; a piece of several lines is marked on each."""
    shown, before = [], 0
    for start, end, kind in pieces:
        shown.append(text(whole[before:start]))
        inner = whole[start:end].split("\n")
        shown.append("\n".join(f'<span class="{kind}">{text(line)}</span>' if line else "" for line in inner))
        before = end
    shown.append(text(whole[before:]))
    return [markup(line) for line in "".join(shown).removesuffix("\n").split("\n")]
