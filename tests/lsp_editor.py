"""An editor for tests of the language server: files with a caret, asked in this process."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import attrs
from lsprotocol import types

from inception_dsl.edit.edit import Edit, apply
from inception_dsl.lsp.features import FEATURES
from inception_dsl.lsp.files import OpenFile, OpenFiles
from inception_dsl.lsp.rename import Refused

ROOT = Path(__file__).parent.parent
GOOGLENET = ROOT / "specs" / "googlenet.yaml"
SMALL = """
network: small
input: 3x8x8
classes: 16
layers: |
  name | layer                          | output | params
  conv | conv 3x3 8 same                | 8x8x8  | 216
  fc   | avgpool global -> fc {classes} | 1x1x16 | 144
"""
"""A spec that holds, and in which lint finds nothing."""

ANSWERS = {feature.method: feature.answer for feature in FEATURES}


def opened(text: str, path: Path = ROOT / "specs" / "unsaved.yaml", files: OpenFiles | None = None) -> OpenFile:
    """A text as it is open in an editor, beside the specs of this repository unless a path is given."""
    return (files or OpenFiles()).open(path.as_uri(), text)


def position(file: OpenFile, mark: str) -> types.Position:
    """The position of the caret `^` in a piece of the text."""
    before, _, after = mark.partition("^")
    offset = file.source.text.index(before + after) + len(before)
    line = file.source.text.count("\n", 0, offset) + 1
    return file.files.units.position(file.source, line, offset - file.source.text.rfind("\n", 0, offset))


def whole(file: OpenFile) -> types.Range:
    """The range of all its text."""
    return types.Range(types.Position(0, 0), types.Position(len(file.source.lines), 0))


def ask(file: OpenFile, method: str, **parameters: Any) -> Any:
    """What a feature answers about a file."""
    kind: Any = types.METHOD_TO_TYPES[method][2]
    return ANSWERS[method](file, kind(text_document=types.TextDocumentIdentifier(file.uri), **parameters))


def ask_everything(file: OpenFile, at: types.Position) -> None:
    """Ask every feature about a position, and about the whole file."""
    known = {
        "position": at,
        "range": whole(file),
        "context": None,
        "new_name": "renamed",
        "options": types.FormattingOptions(2, insert_spaces=True),
    }
    contexts = {
        types.TEXT_DOCUMENT_CODE_ACTION: types.CodeActionContext([]),
        types.TEXT_DOCUMENT_REFERENCES: types.ReferenceContext(include_declaration=True),
    }
    for method in ANSWERS:
        kind: Any = types.METHOD_TO_TYPES[method][2]
        fields = attrs.fields_dict(kind)
        parameters = {name: value for name, value in known.items() if name in fields}
        if "context" in fields:
            parameters["context"] = contexts.get(method)
        with suppress(Refused):  # which the client shows to the user
            ask(file, method, **parameters)


def edited(file: OpenFile, edits: list[types.TextEdit]) -> str:
    """The text after edits of the protocol."""
    units, source = file.files.units, file.source
    own = []
    for edit in edits:
        (line, column), (last, end) = (units.place(source, at) for at in (edit.range.start, edit.range.end))
        assert last in (line, line + 1), "our edits are of one line"
        start = Edit.insert(source, line, column, edit.new_text).span
        own.append(Edit(start._replace(end=end if last == line else len(source.lines[line - 1]) + 2), edit.new_text))
    return apply(source, own)
