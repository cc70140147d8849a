"""Common mistakes in block scalars (`key: |`): the `|` is missing, or a line is not indented enough."""

from __future__ import annotations

import re
from typing import Final

from inception_dsl.diagnostics.codes.yaml import INVALID_YAML
from inception_dsl.diagnostics.diagnostic import Diagnostic, Note, Source, Span

BLOCK_HEADER: Final = re.compile(r".*:\s*[|>][0-9+-]*\s*(#.*)?$")
EMPTY: Final = re.compile(r"\s*(layers|graph):\s*(#.*)?$")
FORMULA: Final = re.compile(r"\s*[|+]|.*(\s\|\s|->)")
"""A line that only a formula or a table can contain."""


def block_error(source: Source, number: int) -> Diagnostic | None:
    """The mistake that makes YAML fail at a line; None where it is another."""
    line = source.lines[number - 1]
    if not FORMULA.match(line):
        return None
    return _bar_missing(source, number) or _indented_less(source, number)


def _bar_missing(source: Source, number: int) -> Diagnostic | None:
    own = _indent(source.lines[number - 1])
    for above in range(number - 1, 0, -1):
        line = source.lines[above - 1]
        if line.strip() and _indent(line) < own:
            break
    else:
        return None
    if not (key := EMPTY.match(line)):
        return None
    column = line.index(":") + 1
    message, advice = f"missing `|` after `{key[1]}:`", f"write `{key[1]}: |`"
    notes = (Note(_line_span(source, number), "without it, this is not YAML"),)
    return Diagnostic(INVALID_YAML, message, Span(source, above, column, column + 1), notes=notes, help=advice)


def _indented_less(source: Source, number: int) -> Diagnostic | None:
    level = _indent(source.lines[number - 1])
    first = 0  # the line above with the least indentation so far
    for above in range(number - 1, 0, -1):
        line = source.lines[above - 1]
        if not line.strip() or (first and _indent(line) > _indent(source.lines[first - 1])):
            continue
        if first and BLOCK_HEADER.match(line):
            depth = _indent(source.lines[above])
            if depth <= level:
                return None
            message = "this line is indented less than the block it belongs to"
            notes = (Note(_line_span(source, above), "the block starts here"),)
            advice = f"indent it by {depth} spaces, like the first line of the block"
            return Diagnostic(INVALID_YAML, message, _line_span(source, number), notes=notes, help=advice)
        first = above
    return None


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def _line_span(source: Source, number: int) -> Span:
    """The span of a line without the spaces around it."""
    line = source.lines[number - 1]
    return Span(source, number, _indent(line) + 1, max(len(line.rstrip()), _indent(line) + 1) + 1)
