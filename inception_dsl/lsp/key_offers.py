"""Completion in YAML: keys, the names that are keys, and values."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, Final

from inception_dsl.files import builtin
from inception_dsl.lsp import known
from inception_dsl.lsp.family import Member, extends
from inception_dsl.lsp.offers import COLUMN, FILE, KEY, LAYER, MODULE, ROW, SETTING, VALUE, Offer
from inception_dsl.lsp.place import Kind, Place
from inception_dsl.spec import plugin_recipes
from inception_dsl.spec.claims import ClaimsFile
from inception_dsl.spec.error_places import FieldType, error_place
from inception_dsl.spec.fields import Section
from inception_dsl.spec.init import LAYER_WORDS
from inception_dsl.spec.models import VERBS, Spec
from inception_dsl.spec.variant_models import Variant
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.syntax.document import KeyPath
from inception_dsl.syntax.yaml_printer import flow as quoted

_KINDS: Final[Mapping[str, tuple[Kind, Any]]] = {
    "rows": ("row", ROW),
    "modules": ("module", MODULE),
    "heads": ("head", ROW),
    "settings": ("setting", SETTING),
}
_TEXTS: Final = ("graph", "layers", "reported")


def keys(member: Member, above: KeyPath, own: str, flow: bool, written: bool) -> Iterator[Offer]:
    """The keys that can stand below others and are not there yet; `own` is the one that would be replaced.

    `flow` says whether they stand in braces, `written` whether a `:` follows already.
    """
    here = _type(member, above)
    present = {piece.path[-1] for piece in member.places.outline.pieces if piece.is_key and piece.path[:-1] == above}
    sections = _fields(here)
    for name, kind, meaning in (*sections, *_named(member, above)):
        if name in present - {own}:
            continue
        inner = here.fields.get(name) or here.others
        end = " |" if name in _TEXTS and not flow else "" if inner.is_collection and not flow else " "
        yield Offer(quoted(name) if written else f"{quoted(name)}:{end}", kind, meaning, name)


def meaning(member: Member, path: KeyPath) -> str:
    """What a key means, as the models describe it; "" for a name."""
    sections = _fields(_type(member, path[:-1]))
    return next((meaning for name, _, meaning in sections if name == path[-1]), "")


def values(member: Member, place: Place) -> Iterator[Offer]:
    """The values that a key, or an item of a list, can have."""
    path = place.path
    here = _type(member, path)
    words = [*here.words, *(here.fields["name"].words if "name" in here.fields else ())]
    yield from (Offer(word, VALUE) for word in words)
    if here.form is bool:
        yield from (Offer(word, VALUE) for word in ("true", "false"))
    match path:
        case ("extends",):
            yield from _bases(member)
        case ("training", "recipe"):
            yield from (Offer(name, VALUE) for name in plugin_recipes.names() if name not in words)
        case ("remove", str(part), int()):
            yield from (Offer(quoted(name), kind) for name, kind, _ in _parts(member.base, part))
        case ("heads" | "override" | "insert", *_, "from"):
            yield from (Offer(row, ROW) for row in known.names(member, "row"))
        case ("insert", "rows", int(), "after" | "before"):
            yield from (Offer(row, ROW) for row in known.names(member.base, "row"))
        case (*_, "modules", str(), "columns", int()):
            yield from (Offer(quoted(name), COLUMN) for name in _unlisted(member, place))


def _unlisted(member: Member, place: Place) -> list[str]:
    """The columns that the graph of a module uses, and its `columns` do not list."""
    module = place.path[-4:-2]
    columns = [each for each in member.places.all if each.kind == "column" and each.text]
    listed = {each.text for each in columns if each.path[:-1] == place.path[:-1] and each.span != place.span}
    used = (each.text for each in columns if each.path[-3:-1] == module and each.path[-1] == "graph")
    return [name for name in dict.fromkeys(used) if name not in listed]


def _type(member: Member, path: KeyPath) -> FieldType:
    """What the models know of the value at a path."""
    top = {piece.path[0] for piece in member.places.outline.pieces if piece.is_key and len(piece.path) == 1}
    model: type[Section] = Variant if "extends" in top else ClaimsFile if "claims" in top else Spec
    here = error_place(model, ()).type
    for part in path:
        here = here.alternatives.get("section", here)
        here = here.fields.get(str(part)) or here.others
    return here.alternatives.get("section", here)


def _fields(here: FieldType) -> Iterator[tuple[str, Any, str]]:
    """The keys of a section with their meanings, or the words that are keys of a mapping."""
    if not here.fields:
        yield from ((key, KEY, "") for key in here.keys)
        return
    if here.form is Spec:
        yield "extends", KEY, Variant.model_fields["extends"].description or ""
    for name, field in here.form.model_fields.items():
        yield field.alias or name, KEY, field.description or ""


def _named(member: Member, above: KeyPath) -> Iterator[tuple[str, Any, str]]:
    """The names that can be keys below others."""
    verb = above[0] if above and above[0] in VERBS else ""
    part = str(above[1]) if verb and len(above) > 1 else str(above[0]) if above else ""
    match above[len([verb]) if verb else 0 :]:
        case ("defaults",) if verb != "override":
            yield from ((name, LAYER, LAYERS[name].written) for name in LAYERS if LAYERS[name].words)
        case ("rows", _) if verb in ("override", "insert"):
            yield from ((name, COLUMN, "a column") for name in known.header(member.base) if name != "name")
            yield from ([("layer", COLUMN, "its formula")] if verb == "override" else [])
        case (str(),) if verb in ("override", "rename"):
            yield from _parts(member.base, part)
        case ("init",):
            yield from ((name, LAYER, "all layers of this kind") for name in LAYER_WORDS)
            for kind in ("row", "head"):
                yield from ((name, ROW, f"the weights of a {kind}") for name in known.names(member, kind))
        case ("published",) | ("published", "totals") | ("totals",) | ("columns",) if verb != "override":
            yield from ((name, COLUMN, "a printed column") for name in known.printed(member))
        case ("published", "errata") | ("errata",) if verb != "override":
            yield from _cells(member)
        case ("training", "loss", "heads"):
            yield from ((name, ROW, "the weight of its loss") for name in known.names(member, "head"))


def _parts(member: Member | None, part: str) -> Iterator[tuple[str, Any, str]]:
    """The names of the parts of a kind."""
    if part in _KINDS:
        kind, shown = _KINDS[part]
        yield from ((name, shown, f"a {kind} of the base") for name in known.names(member, kind))
    elif part == "columns":
        yield from ((name, COLUMN, "a column") for name in known.header(member) if name not in ("name", "layer"))
    else:
        for each in member.chain if member else ():
            for piece in each.places.outline.pieces:
                if piece.is_key and piece.path[-2:-1] == (part,):
                    yield piece.text, KEY, f"one of the {part} of the base"


def _cells(member: Member) -> Iterator[tuple[str, Any, str]]:
    """The printed cells of the tables of a spec and its bases, as errata name them."""
    columns = {*known.printed(member)}
    for each in member.chain:
        for place in each.places.all:
            if place.kind == "cell" and place.text and place.row and place.column in columns:
                yield f"{place.row}.{place.column}", COLUMN, f"printed as {place.text}"
    yield from ((f"totals.{column}", COLUMN, "a printed total") for column in known.printed(member))


def _bases(member: Member) -> Iterator[Offer]:
    """The specs beside a file and the built-in ones, without those that extend it."""
    folder = os.path.dirname(member.path) if member.path else ""
    try:
        names = sorted(os.listdir(folder)) if folder else []
    except OSError:
        names = []
    for name in names:
        itself = name == os.path.basename(member.path)
        if name.endswith((".yaml", ".yml")) and not itself and not extends(os.path.join(folder, name), member.key):
            yield Offer(name, FILE, "a spec beside this one")
    folder = os.path.realpath(builtin.folder())
    for name in builtin.spec_names():
        path = f"{builtin.PREFIX}{name}{builtin.SUFFIX}"
        if os.path.join(folder, f"{name}{builtin.SUFFIX}") != member.key and not extends(path, member.key):
            yield Offer(path, FILE, "a built-in spec")
