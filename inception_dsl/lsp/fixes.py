"""What can put a diagnostic right: a title, and the edits of the file, for the author to choose from."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Final, NamedTuple

from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.diagnostics.codes.paper import PRINTED_NUMBER_DIFFERS, STALE_ERRATUM
from inception_dsl.diagnostics.codes.syntax import WRONG_CELL_COUNT
from inception_dsl.diagnostics.diagnostic import Diagnostic, Span
from inception_dsl.diagnostics.spelling import sentence, suggested
from inception_dsl.edit.edit import Edit
from inception_dsl.lsp.files import OpenFile
from inception_dsl.lsp.insertion import insert_key
from inception_dsl.syntax import table


class Fix(NamedTuple):
    """Edits of a file, and what they do."""

    title: str
    edits: tuple[Edit, ...]


def fixes(file: OpenFile, diagnostic: Diagnostic) -> Iterator[Fix]:
    """What can put a diagnostic right that is in a file."""
    span = diagnostic.span
    if span is None or span.source is not file.source:
        return
    for word in suggested(diagnostic.help):
        yield Fix(f"Write `{word}`", (Edit(_misspelt(diagnostic.message, span), word),))
    if find := _BY_CODE.get(diagnostic.code):
        yield from find(file, span)
    for finding in file.analysis.lint:
        if finding.edits and finding.diagnostic == diagnostic:
            yield Fix(sentence(diagnostic.help) or f"Fix {diagnostic.code}", finding.edits)


def _misspelt(message: str, span: Span) -> Span:
    """The part of a span that a message is about: the first name in it that stands there, else all of it."""
    text = span.source.lines[span.line - 1][span.column - 1 : span.end - 1]
    for name in re.findall("`([^`]+)`", message):
        if found := re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text):
            return span._replace(column=span.column + found.start(), end=span.column + found.end())
    return span


def _add_erratum(file: OpenFile, span: Span) -> Iterator[Fix]:
    """Explain a printed number that differs: the reason has both numbers, and its author adds why."""
    verdicts = file.analysis.build.verdicts if file.analysis.build else ()
    for verdict in verdicts:
        claim = verdict.claim
        if claim.origin != span:
            continue
        extends = any(place.kind == "base" for place in file.places.all)
        path = ("insert" if extends else "published", "errata", f"{claim.row}.{claim.column}")
        edit = insert_key(file.places.outline, path, f"printed {claim.text}, computed {verdict.shown}")
        if edit:
            yield Fix(f"Add an erratum: the spec gives {verdict.shown}", (edit,))


def _remove_erratum(file: OpenFile, span: Span) -> Iterator[Fix]:
    """Take out an erratum that explains nothing, where it has a line of its own."""
    line = span.source.lines[span.line - 1]
    if not line[: span.column - 1].strip("\"' \t"):
        yield Fix("Remove the erratum", (Edit.line(span.source, span.line),))


def _insert_cells(file: OpenFile, span: Span) -> Iterator[Fix]:
    """Give a short row all its cells: those that are there stay under the columns that they stand under."""
    source = span.source
    block = file.places.outline.blocks
    path = block.get(span.line)
    lines = [line for line in block if block[line] == path and source.lines[line - 1].strip()]
    if not lines:
        return
    header, row = source.lines[lines[0] - 1], source.lines[span.line - 1]
    names, cells = _cells(header), _cells(row)
    if len(cells) >= len(names):
        return
    starts = [start for start, _ in names]
    under = [bisect(starts, start) - 1 for start, text in cells]
    aligned = under[0] == 0 and len({*under}) == len(under)
    at = dict(zip(under if aligned else range(len(cells)), cells, strict=True))
    texts = [at[i][1] if i in at else "" for i in range(len(names))]
    widths = [after - start - len(" | ") for start, after in pairwise(starts)]
    padded = [text.ljust(width) for text, width in zip(texts, [*widths, 0], strict=True)]
    indent = header[: starts[0]]
    closing = " |" if header.rstrip().endswith("|") and indent.strip() else ""
    text = (indent + " | ".join(padded)).rstrip() + closing
    missing = len(names) - len(cells)
    title = f"Insert {missing} empty {'cell' if missing == 1 else 'cells'}"
    yield Fix(title, (Edit(Span(source, span.line, 1, len(row) + 1), text),))


def _cells(line: str) -> list[tuple[int, str]]:
    """The cells of a line, and their offsets: where a text starts, or would start after its bar."""
    start = len(line) - len(line.lstrip())
    found = []
    for begin, end in table.split(line.strip()):
        text = line.strip()[begin:end]
        lead = len(text) - len(text.lstrip()) if text.strip() else min(1, len(text))
        found.append((start + begin + lead, text.strip()))
    if line.strip().startswith("|"):
        found = found[1:]
        found = found[:-1] if found and not found[-1][1] else found
    return found


_BY_CODE: Final[Mapping[Code, Callable[[OpenFile, Span], Iterator[Fix]]]] = {
    PRINTED_NUMBER_DIFFERS: _add_erratum,
    STALE_ERRATUM: _remove_erratum,
    WRONG_CELL_COUNT: _insert_cells,
}
