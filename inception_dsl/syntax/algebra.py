"""Parses the layer algebra into terms, with lark's LALR parser and with our own error messages."""

from __future__ import annotations

import sys
from functools import cache, lru_cache
from importlib.util import cache_from_source
from operator import itemgetter
from pathlib import Path
from typing import Any

from lark import Lark, UnexpectedInput

from inception_dsl.diagnostics.codes.syntax import OUT_OF_BOUNDS
from inception_dsl.diagnostics.codes.yaml import NESTED_TOO_DEEPLY
from inception_dsl.ir.values import Value
from inception_dsl.syntax.algebra_errors import LEVELS, VALUE_LENGTH, SyntaxFault, check_brackets, explain_parser_error
from inception_dsl.syntax.building import builder
from inception_dsl.syntax.terms import Term, WordTerm, levels


@lru_cache(maxsize=4096)
def parse_formula(text: str) -> Term:
    """Parse a formula such as `conv 1x1 64 -> conv 3x3 192`.

    Terms hold offsets and not spans, so that equal texts, as the rows of a long table have, are parsed once. Raises
    `SyntaxFault`.
    """
    term = _read(text, "formula")
    assert isinstance(term, Term)
    level, deepest = max(levels(term), key=itemgetter(0))
    if level > LEVELS:
        raise SyntaxFault(
            NESTED_TOO_DEEPLY, f"parts nest deeper than {LEVELS}", deepest.at, help="move the inner part into a module"
        )
    return term


@lru_cache(maxsize=256)
def parse_words(text: str) -> tuple[WordTerm, ...]:
    """Parse the words of a default, such as `same bn relu`. Raises `SyntaxFault`."""
    return tuple(_read(text, "words"))


@lru_cache(maxsize=4096)
def parse_braced(text: str) -> Value:
    """Parse a braced value, such as `{64 * width}`. Raises `SyntaxFault`."""
    read = _read(text, "braced")
    assert isinstance(read, Value)
    return read


def parse_claim(text: str) -> Value:
    """Parse the formula of a claim, such as `params(alexnet) / params(googlenet)`.

    What it measures are `Measurement`s, each of `network` or `network.row`. Raises `SyntaxFault`.
    """
    if len(text) > VALUE_LENGTH:
        message = f"a formula has {len(text):,} characters; the limit is {VALUE_LENGTH}"
        raise SyntaxFault(OUT_OF_BOUNDS, message, (0, 1), help="split it into two claims")
    read = _read(text, "value")
    assert isinstance(read, Value)
    return read


def _read(text: str, start: str) -> Any:
    check_brackets(text)
    try:
        return parser(start == "value").parse(text, start=start)
    except UnexpectedInput as error:
        raise explain_parser_error(error, text, start) from None


@cache
def parser(claims: bool = False) -> Lark:
    """The parser of `layers.lark`. lark caches its tables beside this file's bytecode, and rebuilds stale ones."""
    tables = False if sys.dont_write_bytecode else cache_from_source(__file__, optimization="lark")
    return Lark(
        Path(__file__).with_name("layers.lark").read_text(encoding="utf-8"),
        parser="lalr",
        start=["formula", "words", "braced", "value"],
        transformer=builder(claims),
        keep_all_tokens=True,
        maybe_placeholders=False,
        cache=tables,
    )
