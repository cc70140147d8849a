"""Document symbols: the sections of a spec, and in them its settings, modules, rows and heads."""

from __future__ import annotations

from collections.abc import Iterator

from lsprotocol import types

from inception_dsl.diagnostics.diagnostic import Span
from inception_dsl.lsp.feature import Feature
from inception_dsl.lsp.files import OpenFile
from inception_dsl.lsp.place import Kind, Place

_SYMBOLS: dict[Kind, types.SymbolKind] = {
    "setting": types.SymbolKind.Variable,
    "module": types.SymbolKind.Class,
    "row": types.SymbolKind.Field,
    "head": types.SymbolKind.Event,
    "layer": types.SymbolKind.Constant,
}
"""The symbols of the protocol that stand for the parts of a spec."""


def symbols(file: OpenFile, params: types.DocumentSymbolParams) -> list[types.DocumentSymbol]:
    """The sections of a text, each with the parts that it names."""
    sections = [place for place in file.places.all if len(place.path) == 1 and place.kind == "key"]
    last = len(file.source.lines)
    ends = [*(place.span.line - 1 for place in sections), last][1:]
    found = []
    for section, end in zip(sections, ends, strict=True):
        inside = [place for place in file.places.all if section.span.line <= place.span.line <= end]
        symbol = _symbol(file, section, end, types.SymbolKind.Namespace)
        symbol.children = [*_parts(file, section, inside, end)]
        found.append(symbol)
    return found


def _parts(file: OpenFile, section: Place, inside: list[Place], end: int) -> Iterator[types.DocumentSymbol]:
    """The symbols of what a section names: with the lines down to the next, or with their own."""
    named = [
        place
        for place in inside
        if place.kind in _SYMBOLS and place.text and (place.begins_row if place.kind == "row" else len(place.path) == 2)
    ]
    ends = [*(place.span.line - 1 for place in named), end][1:]
    for place, last in zip(named, ends, strict=True):
        own = place.kind == "row" or last < place.span.line
        yield _symbol(file, place, place.span.line if own else last, _SYMBOLS[place.kind])


def _symbol(file: OpenFile, place: Place, last: int, kind: types.SymbolKind) -> types.DocumentSymbol:
    """A symbol from a name to the last line that is not blank."""
    lines = file.source.lines
    while last > place.span.line and not lines[last - 1].strip():
        last -= 1
    start = file.range(place.span).start
    end = file.range(Span(file.source, last, 1, len(lines[last - 1]) + 1)).end
    return types.DocumentSymbol(place.text, kind, types.Range(start, end), file.range(place.span))


FEATURE = Feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL, symbols)
