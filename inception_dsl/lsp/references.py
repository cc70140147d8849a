"""Find all references: where a name is used, in its file, in the variants of that, and in claims about them."""

from __future__ import annotations

from typing import Final

from lsprotocol import types

from inception_dsl.lsp.feature import Feature
from inception_dsl.lsp.files import OpenFile
from inception_dsl.lsp.names import symbol_at, uses_of


def references(file: OpenFile, params: types.ReferenceParams) -> list[types.Location]:
    """Every place of the name at a position, with those that give it if the client asks for them."""
    member = file.member
    symbol = symbol_at(member, file.at(params.position), file.files)
    uses = uses_of(symbol, file.files) if symbol else ()
    return [file.location(use.place.span) for use in uses if params.context.include_declaration or not use.gives]


FEATURE: Final = Feature(types.TEXT_DOCUMENT_REFERENCES, references)
