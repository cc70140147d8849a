"""The names that a spec knows: its own, and those that its bases give, after the edits of a variant."""

from __future__ import annotations

from typing import Final

from inception_dsl.lsp.family import Member
from inception_dsl.lsp.place import Kind, Place
from inception_dsl.spec.fields import COLUMN_MEASURES
from inception_dsl.syntax.document import KeyPath

_KEYS: Final[dict[Kind, str]] = {"row": "rows", "module": "modules", "head": "heads", "setting": "settings"}
PRINTED: Final = COLUMN_MEASURES[:4]
"""The columns of printed numbers that need no `published`."""


def names(member: Member | None, kind: Kind) -> list[str]:
    """The rows, modules, heads or settings, in their order; none where there is no spec."""
    if member is None:
        return []
    places = [place for place in member.places.all if place.kind == kind]
    key = _KEYS[kind]
    new = {place.path[-1]: place.text for place in places if place.path[:2] == ("rename", key) and place.defines}
    gone = {place.text for place in places if place.path[:2] == ("remove", key)}
    known = [str(new.get(name, name)) for name in names(member.base, kind) if name not in gone]
    for place in places:
        if place.defines and place.text and place.path[:1] != ("rename",) and place.text not in known:
            known.insert(_index(member, place, known), place.text)
    return known


def _index(member: Member, place: Place, known: list[str]) -> int:
    """Where a name stands among those that are known: a row that a variant inserts follows or precedes another."""
    if place.path[:2] == ("insert", "rows"):
        for piece in member.places.outline.pieces:
            if piece.path[:3] == place.path[:3] and not piece.is_key and piece.text in known:
                if piece.path[3:] == ("after",):
                    return known.index(piece.text) + 1
                if piece.path[3:] == ("before",):
                    return known.index(piece.text)
    return len(known)


def rows_above(member: Member, place: Place) -> list[str]:
    """The rows whose values a row can read; none for what is in no row."""
    known = names(member, "row")
    if place.path[:2] == ("insert", "rows"):
        known = known[: known.index(place.row)] if place.row in known else known
    elif place.path == ("layers",) or place.path[:2] == ("override", "rows"):
        row = place.row or (str(place.path[2]) if len(place.path) > 2 else "")
        known = known[: known.index(row)] if row in known else known
    else:
        return []
    return known


def header(member: Member | None) -> list[str]:
    """The columns of the table, with those that variants add."""
    found: dict[str, None] = {}
    for each in reversed([*member.chain]) if member else ():
        for place in each.places.all:
            added = place.path[:1] in (("override",), ("insert",)) and place.path[1:2] in (("rows",), ("columns",))
            if place.kind == "column" and place.text and ((place.path == ("layers",) and place.defines) or added):
                found.setdefault(place.text)
    return [*found]


def columns(member: Member, module: str = "") -> list[str]:
    """The columns that modules use, or those of one module, the most recent file first."""
    found: dict[str, None] = {}
    for each in member.chain:
        for place in each.places.all:
            if place.kind == "column" and place.text and (of := module_of(place)) and of == (module or of):
                found.setdefault(place.text)
    return [*found]


def module_of(place: Place) -> str:
    """The module that a column is an argument of, by the place alone; empty in tables, and in the layers of rows."""
    line = place.span.source.lines[place.span.line - 1]
    if place.owner and line[place.span.end - 1 :].lstrip('" \t').startswith("="):
        return place.owner  # in a call
    return enclosing(place.path)


def enclosing(path: KeyPath) -> str:
    """The module that a path leads into; empty elsewhere."""
    match path:
        case ("modules", module, *_) | ("override" | "insert", "modules", module, *_):
            return str(module)
        case _:
            return ""


def printed(member: Member) -> list[str]:
    """The columns of printed numbers: those of the language, and those that `published` declares."""
    own = (
        place.text
        for each in member.chain
        for place in each.places.all
        if place.kind == "column"
        and (place.path[:1] == ("published",) or "columns" in place.path[:2])
        and len(place.path) in (2, 3)
    )
    arguments = {*columns(member)}
    return [name for name in dict.fromkeys((*PRINTED, *own)) if name not in arguments]
