"""Help for errors in the keys of a variant: where, and in which form, to write what was written elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from inception_dsl.diagnostics.spelling import listing
from inception_dsl.spec.models import VERBS
from inception_dsl.spec.variant_models import KINDS, REPLACED, NewRow, Rename
from inception_dsl.syntax.document import KeyPath
from inception_dsl.syntax.yaml_printer import flow

SYNONYMS: Final = {
    **dict.fromkeys(("add", "append", "new"), "insert"),
    **dict.fromkeys(("delete", "drop", "without"), "remove"),
    **dict.fromkeys(("change", "edit", "modify", "replace", "set", "update"), "override"),
}
"""Other names for the keys of edits."""

COLUMN_ADVICE: Final = (
    "a cell adds its column to the table; `columns` states how a printed one counts: `{params: {unit: 1024}}`"
)
MAX_VALUE_SHOWN: Final = 80
"""The longest corrected value that is shown in full."""


def advice(parts: Mapping[str, Collection[str]]) -> Callable[[KeyPath, Any], str]:
    """The help for a wrong key or value at a path; empty where the error has nothing to do with variants.

    `parts` are the names of the base's parts, by kind.
    """

    def advise(path: KeyPath, value: Any) -> str:
        match path:
            case ("network",) if isinstance(value, dict) and "network" not in value:
                return "add `network:`, the variant's own name"
            case (str(key),):
                return _top(key, value, parts)
            case (str(verb), *_) if verb not in VERBS:
                return ""  # inside a key that is replaced: as in any spec
            case (str(verb), str(key)) if key in KINDS and (verb != "rename" or key in Rename.model_fields):
                return _kind(verb, key, value, parts)
            case (str(verb), str(key)):
                return _no_kind(verb, key, parts)
            case (str(verb), str(kind), key):
                return _part(verb, kind, key, value)
            case ("insert", "rows", int(), str(name)) if isinstance(value, dict) and name not in NewRow.model_fields:
                return f"write `{_shown({'name': name, **value})}`"
        return ""

    return advise


def _top(key: str, value: Any, parts: Mapping[str, Collection[str]]) -> str:
    """Help for a key at the top of the file."""
    if key in SYNONYMS:
        return f"write `{SYNONYMS[key]}:`"
    if key == "layers":
        return "write new rows under `insert: {rows: [...]}`, and other cells under `override: {rows: {...}}`"
    if key == "published":
        return f"write `totals`, `errata` and `columns` under {listing(VERBS[1:], 'or')}"
    if key not in KINDS:
        return "" if key in (*REPLACED, *VERBS) else _is_part("override", key, parts)
    names = {*value} if isinstance(value, dict) else {""}
    new, known = (f"under `{verb}: {{{key}: ...}}`" for verb in ("insert", "override"))
    if names <= {*parts[key]}:
        return f"write it {known}"
    return f"write new parts {new}, and parts of the base {known}" if names & {*parts[key], ""} else f"write it {new}"


def _no_kind(verb: str, key: str, parts: Mapping[str, Collection[str]]) -> str:
    """Help for a key under a verb that is not a kind of part."""
    if key in (*REPLACED, "network"):
        return f"write `{key}:` at the top of the file: it replaces that of the base as a whole"
    if key == "layers":
        return f"write `{verb}: {{rows: ...}}`"
    if key == "published":
        return f"write `totals`, `errata` and `columns` under `{verb}`, without `published`"
    return _is_part(verb, key, parts)


def _is_part(verb: str, key: str, parts: Mapping[str, Collection[str]]) -> str:
    """Help for a key that is the name of a part of the base."""
    for kind, names in parts.items():
        if key in names:
            edit = f"[{flow(key)}]" if verb == "remove" else f"{{{flow(key)}: ...}}"
            return f"`{key}` is a {KINDS[kind]} of the base: write `{verb}: {{{kind}: {edit}}}`"
    return ""


def _kind(verb: str, kind: str, value: Any, parts: Mapping[str, Collection[str]]) -> str:
    """Help for edits of a kind of part in the wrong form."""
    if kind == "columns" and verb != "remove":
        return COLUMN_ADVICE
    first: Any = next(iter(value), None) if isinstance(value, list | dict) else value
    if verb == "remove":
        return (
            f"write their names in a list: `remove: {{{kind}: [{flow(first) if isinstance(first, str) else '...'}]}}`"
        )
    if verb == "rename":
        name = flow(first) if isinstance(first, str) else "..."
        return f"write the old and the new name: `rename: {{{kind}: {{{name}: ...}}}}`"
    if verb == "insert" and kind == "rows":
        row: Any = value
        if isinstance(value, dict) and isinstance(value.get(first), dict):
            row = {"name": first, **value[first]}
        shown = _shown(row) if isinstance(row, dict) else "{name: ..., after: ..., layer: ...}"
        return f"write rows as a list, each with its name: `rows: [{shown}]`"
    name, edit = flow(next(iter(parts[kind]), "...")), "..."
    if kind in ("defaults", "settings", "totals", "errata") and isinstance(value, str | int | float):
        edit = flow(value)
    if isinstance(first, dict) and isinstance(first.get("name"), str):
        name, edit = flow(first["name"]), _shown({key: item for key, item in first.items() if key != "name"})
    return f"write them by name: `{kind}: {{{name}: {edit}}}`"


def _part(verb: str, kind: str, key: int | str, value: Any) -> str:
    """Help for an edit of one part in the wrong form."""
    if kind == "columns":
        return COLUMN_ADVICE
    if isinstance(key, int):
        name = flow(value) if isinstance(value, str) else "..."
        return f"write `{{name: {name}, after: ..., layer: ...}}`" if (verb, kind) == ("insert", "rows") else ""
    if value is None:
        return f"remove it with `remove: {{{kind}: [{flow(key)}]}}`" if verb == "override" else ""
    if kind == "rows":
        name, _, column = key.rpartition(".")
        row = {name: {column: value}} if name else {key: {"layer": value}}
        return f"write `{_shown(row)[1:-1]}`" if not isinstance(value, list | dict) else ""
    if kind in ("modules", "heads") and isinstance(value, str):
        head = ", and `from:` beside it" if (verb, kind) == ("insert", "heads") else ""
        return f"write `{_shown({key: {'graph': value}})[1:-1]}`{head}"
    return ""


def _shown(data: dict[str, Any]) -> str:
    """Data in braces, shortened where it is long."""
    text = flow(data)
    if len(text) <= MAX_VALUE_SHOWN:
        return text
    (key, value), *_ = data.items()
    return f"{{{flow(key)}: {flow(value) if len(flow(value)) <= MAX_VALUE_SHOWN else '...'}, ...}}"
