"""Formatting: what `fmt` does, in the text that is not saved yet."""

from __future__ import annotations

from lsprotocol import types

from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.formatting.format import format_edits
from inception_dsl.lsp.analysis import is_ours
from inception_dsl.lsp.edits import text_edits
from inception_dsl.lsp.feature import Feature
from inception_dsl.lsp.files import OpenFile


def formatting(file: OpenFile, params: types.DocumentFormattingParams) -> list[types.TextEdit] | None:
    """The edits that format a file; None where the text cannot be parsed, or is of another kind."""
    if not is_ours(file.source.text, file.language):
        return None
    try:
        return text_edits(file, format_edits(file.source))
    except SpecError:
        return None


FEATURE = Feature(types.TEXT_DOCUMENT_FORMATTING, formatting)
