"""Inlay hints: the output shape of each row, at its end, as in the generated code."""

from __future__ import annotations

from lsprotocol import types

from inception_dsl.lsp.feature import Feature
from inception_dsl.lsp.files import OpenFile


def hints(file: OpenFile, params: types.InlayHintParams) -> list[types.InlayHint]:
    """The shapes of the rows in a range, by the last text that compiled."""
    if file.build is None:
        return []
    typed = file.build.own
    lines = range(params.range.start.line + 1, params.range.end.line + 2)
    rows = [place for place in file.places.all if place.begins_row and place.span.line in lines]
    return [_hint(file, row.span.line, f"→ {typed.out(row.text)}") for row in rows if row.text in typed.ends]


def _hint(file: OpenFile, line: int, label: str) -> types.InlayHint:
    """A hint after the last character of a line."""
    end = len(file.source.lines[line - 1].rstrip()) + 1
    return types.InlayHint(file.files.units.position(file.source, line, end), label, padding_left=True)


FEATURE = Feature(types.TEXT_DOCUMENT_INLAY_HINT, hints, types.InlayHintOptions(resolve_provider=False))
