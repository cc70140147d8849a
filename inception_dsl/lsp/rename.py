"""Rename: every place of a name, in its file, in the variants of that, and in claims about them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Final

from lsprotocol import types
from pygls.exceptions import JsonRpcException

from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.edit.edit import Edit, apply
from inception_dsl.files import builtin
from inception_dsl.ir import names
from inception_dsl.lsp.analysis import Analysis, analyse, real
from inception_dsl.lsp.family import Member, variants_of
from inception_dsl.lsp.feature import Feature
from inception_dsl.lsp.files import OpenFile, OpenFiles
from inception_dsl.lsp.known import module_of
from inception_dsl.lsp.names import PARTS, Symbol, Use, symbol_at, uses_of
from inception_dsl.spec.fields import COLUMN_MEASURES
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.operators import NAMES
from inception_dsl.syntax.yaml_printer import flow

_COLUMN: Final = re.compile(r"(?:[^\W\d]|#|\d+[^\W\d])[\w#]*(?: [\w#]+)*")
_BARE: Final = re.compile(r"[\w#]+")
_OF_TABLES: Final = frozenset({"name", "layer", "totals", "errata", "after", "before", *COLUMN_MEASURES})


class Refused(JsonRpcException):
    """A name that cannot be given, or a thing that cannot be renamed; the client shows why."""

    CODE = types.LSPErrorCodes.RequestFailed.value


def rename(file: OpenFile, params: types.RenameParams) -> types.WorkspaceEdit:
    """The edits of all files that rename what is at a position. Raises `Refused`."""
    symbol = _symbol(file, params.position)
    new = params.new_name.strip()
    edits = edits_of(symbol, new, file.files)
    changes = {
        file.files.uri(source.file): [types.TextEdit(file.range(edit.span), edit.text) for edit in found]
        for source, found in edits.items()
    }
    return types.WorkspaceEdit(changes)


def prepare(file: OpenFile, params: types.PrepareRenameParams) -> types.PrepareRenamePlaceholder:
    """The range of what would be renamed. Raises `Refused`."""
    _symbol(file, params.position)
    place = file.at(params.position)
    return types.PrepareRenamePlaceholder(file.range(place.span), place.text)


def edits_of(symbol: Symbol, new: str, files: OpenFiles) -> Mapping[Source, list[Edit]]:
    """The edits that give a symbol another name, by source. Raises `Refused`."""
    family = [symbol.giver, *variants_of(files, symbol.giver)]
    if problem := _problem(symbol, new) or _taken(symbol, new, family):
        raise Refused(f"`{symbol.name}` cannot become `{new}`: {problem}")
    edits: dict[Member, list[Edit]] = {}
    for use in uses_of(symbol, files) if new != symbol.name else ():
        edits.setdefault(use.member, []).append(Edit(use.place.span, _spelled(use, new)))
    texts = {member.key: apply(member.source, found) for member, found in edits.items()}
    if problem := _consequence(texts, family, files):
        raise Refused(f"`{symbol.name}` cannot become `{new}`: {problem}")
    return {member.source: found for member, found in edits.items()}


def _symbol(file: OpenFile, position: types.Position) -> Symbol:
    """What can be renamed at a position. Raises `Refused`."""
    member = file.member
    place = file.at(position)
    symbol = symbol_at(member, place, file.files) if place.kind != "cell" else None
    if symbol is None:
        raise Refused("there is no name here that a spec gives")
    if symbol.kind == "layer" or (symbol.kind == "column" and symbol.name in _OF_TABLES):
        raise Refused(f"`{symbol.name}` is a word of the language")
    path = symbol.giver.path
    if path.startswith(builtin.PREFIX) and not any(
        real(path).startswith(f"{real(folder)}/") for folder in file.files.folders
    ):
        raise Refused(f"`{symbol.name}` is given in the built-in spec `{path}`; a variant can rename it")
    return symbol


# --- which names can be given -----------------------------------------------------------------------------------------


def _problem(symbol: Symbol, new: str) -> str:
    """Why nothing of this kind can have a name; empty where it can."""
    match symbol.kind:
        case "head":
            return names.head_problem(new)
        case "label":
            return names.label_problem(new)
        case "setting":
            known = "this name is defined in every formula" if new in NAMES else ""
            return known or (
                "" if names.IDENTIFIER.fullmatch(new) else "a name is a letter, then letters, digits and `_`"
            )
        case "column":
            if not _COLUMN.fullmatch(new):
                return "a column is words of letters, digits, `_` and `#`"
            return "this is a word of the language" if new in _OF_TABLES or new in NAMES else ""
        case "module" if new in LAYERS:
            return "this is a layer of the language"
        case _:
            return names.problem(new)


def _taken(symbol: Symbol, new: str, family: Iterable[Member]) -> str:
    """Where a name is in use already, and would mean two things; empty where it is not."""
    values, steps = ("column", "setting"), ("label", *PARTS)
    alike = {"column": values, "setting": values, "label": steps, "module": ("module",)}.get(symbol.kind, PARTS)
    for member in (*symbol.giver.chain, *family) if new != symbol.name else ():
        for place in member.places.all:
            apart = symbol.formula and (member.key, place.formula) != (symbol.giver.key, symbol.formula)
            apart = apart or (symbol.module and place.kind == "column" and module_of(place) not in ("", symbol.module))
            if not apart and place.text == new and place.kind in alike:
                return f"it is in use at {place.span}"
    return ""


def _consequence(texts: Mapping[str, str], family: Iterable[Member], files: OpenFiles) -> str:
    """The first error that a family has with these texts, by the keys of its files, and has not now."""

    def edited(source: Source, key: str) -> Source:
        return Source(source.file, texts[key], source.name) if key in texts else source

    def read(path: str) -> Source:
        return edited(files.read(path), real(path))

    for member in family:
        after = _errors(analyse(edited(member.source, member.key), member.path, read))
        before = _errors(analyse(member.source, member.path, files.read)) if after else {}
        for error in after.keys() - before.keys():
            return after[error]
    return ""


def _errors(analysis: Analysis) -> dict[tuple[str, str], str]:
    """The errors of a spec by their code and file, with their messages."""
    found = (each for each in analysis.diagnostics if each.severity == "error")
    return {(str(each.code), real(each.path)): f"{each.message} ({each.span or each.path})" for each in found}


# --- how a name is written --------------------------------------------------------------------------------------------


def _spelled(use: Use, new: str) -> str:
    """A name as it is written at a place: in quotes where the place needs them and has none."""
    span = use.place.span
    line = span.source.lines[span.line - 1]
    if use.place.kind != "column" or line[span.column - 2 : span.column - 1] in ('"', "'"):
        return new
    pieces = use.member.places.outline.pieces
    if any(piece.span == span and not piece.in_block for piece in pieces):
        return flow(new)  # a key, an item or a value of its own
    is_argument = line[span.end - 1 :].lstrip().startswith("=")
    return f'"{new}"' if is_argument and not _BARE.fullmatch(new) else new


FEATURE: Final = Feature(types.TEXT_DOCUMENT_RENAME, rename, types.RenameOptions(prepare_provider=True))
PREPARE: Final = Feature(types.TEXT_DOCUMENT_PREPARE_RENAME, prepare)
