"""Our edits of a source as those of the protocol."""

from __future__ import annotations

from collections.abc import Iterable

from lsprotocol import types

from inception_dsl.diagnostics.diagnostic import Span
from inception_dsl.edit.edit import Edit
from inception_dsl.lsp.files import OpenFile


def text_edits(file: OpenFile, edits: Iterable[Edit]) -> list[types.TextEdit]:
    """Edits of a file; a span that takes the line break with it ends where the next line starts."""
    return [types.TextEdit(_range(file, edit.span), edit.text) for edit in edits]


def workspace_edit(file: OpenFile, edits: Iterable[Edit]) -> types.WorkspaceEdit:
    """Edits of one file."""
    return types.WorkspaceEdit({file.uri: text_edits(file, edits)})


def _range(file: OpenFile, span: Span) -> types.Range:
    source, line, _, end = span
    found = file.range(span)
    if end > len(source.lines[line - 1]) + 1 and line < len(source.lines):
        return types.Range(found.start, types.Position(line, 0))
    return found
