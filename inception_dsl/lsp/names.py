"""What the names in specs stand for: where each is given, and where it is used, also in other files of a family."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from inception_dsl.lsp.family import Member, Workspace, claims_about, spec_called, variants_of
from inception_dsl.lsp.known import module_of
from inception_dsl.lsp.place import Kind, Place

PARTS: Final[tuple[Kind, ...]] = ("row", "head")
"""Rows and heads share their names: a path of weights or an erratum is about either."""

GIVEN: Final[frozenset[Kind]] = frozenset({*PARTS, "module", "setting", "layer"})
"""What one place of a spec gives; a column may have several."""

RESULTS: Final = ("reported",)
"""The path of a table whose columns are words of the language."""


@dataclass(frozen=True)
class Symbol:
    """A row, module, head, column, setting, layer, or labelled step, given by the spec `giver`.

    `formula` is that of a step. `module` is that of a column which is in no table.
    """

    kind: Kind
    name: str
    giver: Member
    formula: object = None
    module: str = ""


@dataclass(frozen=True)
class Use:
    """A place where a symbol is given or used, in a spec or a file of claims."""

    member: Member
    place: Place

    @property
    def gives(self) -> bool:
        """Whether the name is given here; the words of a layer of the language stand in `defaults`."""
        place = self.place
        return place.defines or (place.kind == "layer" and place.path[-2:] == ("defaults", place.text))


def symbol_at(member: Member, place: Place, files: Workspace) -> Symbol | None:
    """What a place names; None where it names nothing that a spec gives."""
    kind, name = place.kind, place.text
    if place.path[:1] == ("claims",):
        return _given(kind, name, spec_called(place.owner, files, member) if place.owner else None)
    if kind == "label" or (kind == "row" and _is_step(member, place)):
        return _step(member, place)
    if place.path == RESULTS:
        return None
    if kind == "column" or (kind == "cell" and place.column):
        return _column(member, place)
    return _given(kind, name, member.base if _is_of_base(place) else member)


def uses_of(symbol: Symbol, files: Workspace) -> Iterator[Use]:
    """Every place where a symbol is given or used, in the file that gives it and in its variants.

    A variant that gives it another name, or removes it, is followed no further.
    """
    yield from _uses_in(symbol.giver, symbol)
    knowing = {symbol.giver.key: symbol.giver}
    for variant in variants_of(files, symbol.giver):
        if variant.base and variant.base.key in knowing:
            ends = [use for use in _uses_in(variant, symbol) if _is_of_base(use.place)]
            yield from ends or _uses_in(variant, symbol)
            if not ends:
                knowing[variant.key] = variant
    if symbol.kind not in ("column", "layer"):
        yield from _claimed(symbol, knowing.values(), files)


def _uses_in(member: Member, symbol: Symbol) -> Iterator[Use]:
    kinds: tuple[Kind, ...] = ("label", "row") if symbol.formula else PARTS if symbol.kind in PARTS else (symbol.kind,)
    for place in member.places.all:
        if place.kind not in kinds or place.text != symbol.name or place.path == RESULTS:
            continue
        if symbol.formula:
            same = (place.kind == "label" or _is_step(member, place)) and _step(member, place) == symbol
        elif symbol.module:
            same = module_of(place) == symbol.module
        else:
            same = not _is_step(member, place) and not (member is symbol.giver and _is_of_base(place))
        if same:
            yield Use(member, place)


def _claimed(symbol: Symbol, members: Iterable[Member], files: Workspace) -> Iterator[Use]:
    """The places in claims that measure a row, a head or the calls of a module, or set a setting."""
    networks = {member.network for member in members}
    kinds = PARTS if symbol.kind in PARTS else (symbol.kind,)
    for claims in claims_about(files, symbol.giver):
        for place in claims.places.all:
            if place.kind in kinds and place.text == symbol.name and place.owner in networks:
                yield Use(claims, place)


# --- what gives a name ------------------------------------------------------------------------------------------------


def _given(kind: Kind, name: str, first: Member | None) -> Symbol | None:
    """The nearest part of a kind, from a spec up to its last base."""
    kinds = PARTS if kind in PARTS else (kind,)
    for member in first.chain if first and name and kind in GIVEN else ():
        for place in member.places.all:
            if place.kind in kinds and place.text == name and Use(member, place).gives:
                return Symbol(place.kind, name, member)
    return None


def _is_of_base(place: Place) -> bool:
    """Whether a name is one of the base, which a variant renames or removes."""
    return place.path[:1] in (("rename",), ("remove",)) and not place.defines


def _is_step(member: Member, place: Place) -> bool:
    """Whether a place that could name a row names a step of its formula."""
    return place.kind == "row" and not place.defines and (place.formula, place.text) in member.steps


def _step(member: Member, place: Place) -> Symbol | None:
    """The labelled step that a place in its formula names, or a path of weights if one formula alone has the label."""
    if (place.formula, place.text) in member.steps:
        return Symbol("label", place.text, member, place.formula)
    if place.path[:1] not in (("init",), ("training",)):
        return None
    found = [(each, formula) for each in member.chain for formula, label in each.steps if label == place.text]
    return Symbol("label", place.text, *found[0]) if len(found) == 1 else None


def _column(member: Member, place: Place) -> Symbol | None:
    """A column: one of the table, which all modules share, or the argument of a module that only formulas call."""
    name = place.column if place.kind == "cell" else place.text
    found = {each: [use for use in each.places.of("column", name) if use.path != RESULTS] for each in member.chain}
    users = [each for each in found if found[each]]
    modules = {module_of(use) for user in users for use in found[user]}
    return Symbol("column", name, users[-1], module="" if "" in modules else module_of(place)) if users else None
