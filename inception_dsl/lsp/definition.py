"""Go to definition: from a name to what gives it, from `extends:` and `recipe:` to the file."""

from __future__ import annotations

from typing import Final

from lsprotocol import types

from inception_dsl.lsp.family import Member, spec_called
from inception_dsl.lsp.feature import Feature
from inception_dsl.lsp.files import OpenFile
from inception_dsl.lsp.names import symbol_at, uses_of
from inception_dsl.lsp.place import Place
from inception_dsl.spec.training_model import RECIPES, recipe_file


def definition(file: OpenFile, params: types.DefinitionParams) -> list[types.Location]:
    """Where the name at a position is given; none for a word of the language that the spec gives no defaults."""
    member = file.member
    place = file.at(params.position)
    if whole := _file(file, member, place):
        return [types.Location(file.files.uri(whole), types.Range(types.Position(0, 0), types.Position(0, 0)))]
    symbol = symbol_at(member, place, file.files)
    if symbol is None:
        return []
    uses = [use for use in uses_of(symbol, file.files) if use.member is symbol.giver]
    given = [use.place.span for use in uses if use.gives] or [use.place.span for use in uses[:1]]
    return [file.location(span) for span in given]


def _file(file: OpenFile, member: Member, place: Place) -> str:
    """The path of the file that a value names; empty where it names none."""
    match place.path:
        case ("extends",) if place.kind == "base" and member.base:
            return member.base.key
        case ("claims", *_) if place.kind == "base" and (spec := spec_called(place.text, file.files, member)):
            return spec.key
        case ("training", "recipe") if place.text in RECIPES:
            return recipe_file(place.text)
    return ""


FEATURE: Final = Feature(types.TEXT_DOCUMENT_DEFINITION, definition)
