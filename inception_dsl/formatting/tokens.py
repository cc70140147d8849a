"""The tokens of a formula as they are printed, and the space between them."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Final, NamedTuple

_TOKEN: Final = re.compile(
    r"""
    (?P<label> \w+ [ \t]* : )
  | (?P<key> (?: [\w#]+ | "[^"\n]*" ) [ \t]* = )
  | (?P<operator> -> | [|+*] )
  | (?P<open> \[ )
  | (?P<close> ] )
  | (?P<glue> / | (?<=[0-9}]) x (?=[0-9{]) )
  | (?P<braces> \{ [^{}]* \} )
  | (?P<word> \d+ (?:\.\d+)? (?: [eE][-+]?\d+ (?![\w#]) | % )? | @? \w+ )
  | (?P<other> \S )
    """,
    re.VERBOSE,
)
_VALUE: Final = re.compile(
    r"""
    (?P<name> \d+ (?:\.\d+)? [eE] [-+]? \d+ (?![\w#]) | \d+\.\d+ | module\.in (?![\w#])
            | (?: [^\W\d] | \# | \d+[^\W\d] ) [\w#]* (?: [ \t]+ [\w#]+ )* | \d+ )
  | (?P<operator> // | [-+*/%] )
  | (?P<comma> , )
  | (?P<other> \S )
    """,
    re.VERBOSE,
)


class Token(NamedTuple):
    """A token as it is printed; `line` is the line of the text that it starts on, from 0, and `kind` a group above."""

    kind: str
    text: str
    line: int = 0


def scan(text: str) -> Iterator[Token]:
    """The tokens of a formula that `algebra` parses, or of the words of a layer."""
    starts = [0, *accumulate(len(line) + 1 for line in text.split("\n"))]
    for found in _TOKEN.finditer(text):
        kind, written = found.lastgroup or "", found[0]
        if kind in ("label", "key"):
            written = written[:-1].rstrip() + written[-1]
        elif kind == "braces":
            written = f"{{{_value(written[1:-1])}}}"
        yield Token(kind, written, bisect_right(starts, found.start()) - 1)


def space(before: Token | None, token: Token) -> str:
    """The space between a token and the one before it on its line."""
    return "" if before is None or before.kind in ("key", "glue") or token.kind == "glue" else " "


def one_line(text: str) -> str:
    """A formula, or the words of a layer, on one line."""
    printed, before = "", None
    for token in scan(text):
        printed += space(before, token) + token.text
        before = token
    return printed


def _value(text: str) -> str:
    """The inside of braces: an operator between spaces, the rest without."""
    printed = ""
    for found in _VALUE.finditer(text):
        written = " ".join(found[0].split())
        printed += {"operator": f" {written} ", "comma": ", "}.get(found.lastgroup or "", written)
    return printed
