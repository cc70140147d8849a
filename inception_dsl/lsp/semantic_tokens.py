"""Semantic tokens: the colours of names, words and numbers, which YAML takes for one text, in formulas and tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from lsprotocol import types

from inception_dsl.diagnostics.diagnostic import Span
from inception_dsl.lsp.feature import Feature
from inception_dsl.lsp.files import OpenFile
from inception_dsl.lsp.place import Kind, Place

_TYPES: Final[Mapping[Kind, types.SemanticTokenTypes]] = {
    "layer": types.SemanticTokenTypes.Function,
    "module": types.SemanticTokenTypes.Class,
    "word": types.SemanticTokenTypes.EnumMember,
    "column": types.SemanticTokenTypes.Parameter,
    "setting": types.SemanticTokenTypes.Variable,
    "name": types.SemanticTokenTypes.Variable,
    "row": types.SemanticTokenTypes.Property,
    "head": types.SemanticTokenTypes.Property,
    "label": types.SemanticTokenTypes.Property,
    "function": types.SemanticTokenTypes.Method,
    "number": types.SemanticTokenTypes.Number,
    "cell": types.SemanticTokenTypes.Number,
    "operator": types.SemanticTokenTypes.Operator,
}
"""What editors call our kinds: their themes know no other names."""

_NAMES: Final = tuple(dict.fromkeys(_TYPES.values()))
_DEFINED: Final = types.SemanticTokenModifiers.Declaration
_GIVEN: Final = types.SemanticTokenModifiers.DefaultLibrary
_MODIFIERS: Final = (_DEFINED, _GIVEN)


def answer(file: OpenFile, params: types.SemanticTokensParams) -> types.SemanticTokens:
    """The tokens of the present text, also of a broken one."""
    data: list[int] = []
    line = character = 0
    for place in file.places.all:
        if place.kind not in _TYPES or not place.text:
            continue
        start, end = file.range(_whole(place)).start, file.range(place.span).end
        on_line = start.line == line
        data += [start.line - line, start.character - character * on_line, end.character - start.character]
        data += [_NAMES.index(_TYPES[place.kind]), sum(1 << _MODIFIERS.index(each) for each in _modifiers(place))]
        line, character = start.line, start.character
    return types.SemanticTokens(data)


def _whole(place: Place) -> Span:
    """The span of a name, with the `@` before that of a row or step."""
    source, line, column, end = place.span
    at = place.kind == "row" and source.lines[line - 1][column - 2 : column - 1] == "@"
    return Span(source, line, column - at, end)


def _modifiers(place: Place) -> Iterator[Any]:
    if place.defines:
        yield _DEFINED
    if place.kind in ("layer", "name", "function"):
        yield _GIVEN


FEATURE: Final = Feature(
    types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL,
    answer,
    types.SemanticTokensLegend([str(each.value) for each in _NAMES], [str(each.value) for each in _MODIFIERS]),
)
