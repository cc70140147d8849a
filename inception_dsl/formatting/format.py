"""Formats specs, variants and files of claims: whitespace and line breaks change, meaning and comments do not."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from copy import deepcopy
from functools import reduce
from itertools import groupby
from operator import getitem
from typing import Any, Final, NamedTuple

from inception_dsl.diagnostics.codes.generated import NOT_FORMATTED
from inception_dsl.diagnostics.diagnostic import Diagnostic, Source, Span
from inception_dsl.edit.edit import Edit, apply
from inception_dsl.formatting.layout import Line, lay_out
from inception_dsl.formatting.notations import Notations, read_notations
from inception_dsl.syntax import yaml
from inception_dsl.syntax.document import Document
from inception_dsl.syntax.source import decode, encode
from inception_dsl.text.terminal import width

GAP: Final = 4
"""The spaces before a comment at the end of a line."""
WIDEST: Final = 120
"""The widest line whose comment others are aligned with."""


class Formatted(NamedTuple):
    """The bytes of a file, what they say, and the edits that format that: none if it is formatted."""

    data: bytes
    source: Source
    edits: list[Edit]

    @property
    def text(self) -> bytes:
        """The bytes of the formatted file, with the line breaks that the file has."""
        return encode(apply(self.source, self.edits), self.data) if self.edits else self.data

    @property
    def difference(self) -> str:
        """The change as a unified diff."""
        from difflib import unified_diff

        name, before, after = self.source.file, self.source.text, apply(self.source, self.edits)
        lines = unified_diff(before.splitlines(), after.splitlines(), name, f"{name} (formatted)", lineterm="")
        return "\n".join(lines)

    @property
    def diagnostic(self) -> Diagnostic:
        """E405, at the first line that changes."""
        name, count, (source, number, *_) = self.source.file, len(self.edits), self.edits[0].span
        line = source.lines[number - 1]
        start, end = len(line) - len(line.lstrip()), max(len(line.rstrip()), 1)
        span = Span(source, number, min(start + 1, end), end + 1)
        label = f"the first of {count} lines that change" if count > 1 else "this line changes"
        hint = f"run `{shlex.join(['inception-dsl', 'fmt', '-' if name.startswith('<') else name])}`"
        return Diagnostic(NOT_FORMATTED, f"`{name}` is not formatted", span, label, help=hint)


def format(text: str) -> str:  # noqa: A001 - what it is called in every language
    r"""Format a spec, a variant or a file of claims, given as text; its line breaks stay `\n` or `\r\n`.

    >>> print(format("network: tiny\ninput:   3x8x8\nlayers: |\n name|layer\n conv|conv 1x1 8->relu"), end="")
    network: tiny
    input: 3x8x8
    layers: |
      name | layer
      conv | conv 1x1 8 -> relu

    Raises `SpecError` for a text that does not parse; one that parses and is wrong is formatted.
    """
    return format_bytes(text.encode(errors="surrogatepass"), "<text>").text.decode()


def format_bytes(data: bytes, name: str) -> Formatted:
    """Format a file, given its bytes; diagnostics call it `name`. Raises `SpecError` as `decode` and `format_edits`."""
    source = decode(data, name)
    return Formatted(data, source, format_edits(source))


def format_edits(source: Source) -> list[Edit]:
    """The edits that format a source, line by line: none if it is formatted.

    Raises `SpecError` with all errors of its syntax: those of `yaml.parse`, or else those of tables and formulas.
    """
    document = yaml.parse(source)
    notations = read_notations(document)
    printed: dict[int, str] = {}
    for line in _with_comments(lay_out(source, notations)):
        printed[line.at] = printed.get(line.at, "") + line.text + line.end
    edits = []
    for at, text in enumerate(source.lines):
        written = text if at == len(source.lines) - 1 else f"{text}\n"
        if printed.get(at, "") != written:
            edits.append(Edit.line(source, at + 1, printed.get(at, "")))
    if edits:
        after = yaml.parse(Source(source.file, apply(source, edits)))
        if _meaning(document, notations) != _meaning(after, read_notations(after)):
            raise AssertionError("formatting changes the meaning")
    return edits


def _meaning(document: Document, notations: Notations) -> tuple[str, object]:
    """What a document says, however it is laid out."""
    data: Any = deepcopy(document.data)
    for *path, key in notations.values:
        reduce(getitem, path, data)[key] = None
    return repr(data), notations.values


def _with_comments(lines: Iterable[Line]) -> Iterator[Line]:
    """The lines with the comments at their ends in their texts, below each other on successive lines."""
    for commented, run in groupby(lines, key=lambda line: bool(line.comment)):
        together = list(run)
        column = max((wide for line in together if (wide := width(line.text)) <= WIDEST), default=0) + GAP
        for line in together:
            gap = " " * max(GAP, column - width(line.text))
            yield line._replace(text=f"{line.text}{gap}{line.comment}") if commented else line
