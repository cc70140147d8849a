"""Prints a `NetworkSpec` as a spec file with an aligned table."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from inception_dsl.ir.program import TOTALS
from inception_dsl.ir.values import Scalar, Value, spell
from inception_dsl.spec.init import SOURCE, InitSpec
from inception_dsl.spec.network import ModuleSpec, NetworkSpec
from inception_dsl.spec.reported import print_results
from inception_dsl.spec.rows import RowSpec
from inception_dsl.spec.settings import setting_data
from inception_dsl.spec.vocabulary.entry import DEFAULT_CLASSES, LOSS_WEIGHT
from inception_dsl.spec.vocabulary.operators import NAMES
from inception_dsl.syntax.printer import align, spell_graph, spell_term, spell_words
from inception_dsl.syntax.terms import Branches, Term, value_names
from inception_dsl.syntax.yaml_printer import dump, is_plain


def print_spec(spec: NetworkSpec) -> str:
    """Print a spec as a file that reads back as an equal spec; keys with default values are left out."""
    return dump(as_file(spec))


def as_file(spec: NetworkSpec) -> dict[str, Any]:
    """The data of a spec's file; None for the keys that are left out."""
    return {
        "network": spec.network,
        "title": spec.title if spec.title != spec.network else None,
        "paper": spec.paper or None,
        "input": "x".join(map(str, spec.input)),
        "classes": spec.classes if spec.classes != DEFAULT_CLASSES else None,
        "settings": {name: setting_data(setting) for name, setting in spec.settings.items()} or None,
        "defaults": {layer: spell_words(words) for layer, words in spec.defaults.items()} or None,
        "modules": {name: _module(module, spec) for name, module in spec.modules.items()} or None,
        "layers": _table(spec.rows),
        "heads": {head.name: print_head(head.source, head.loss_weight, head.graph.term) for head in spec.heads} or None,
        "published": _published(spec.published) or None,
        "init": _init(spec.init) if spec.init else None,
        "training": spec.training or None,
        "reported": print_results(spec.reported) if spec.reported else None,
    }


def print_head(source: str, loss_weight: float, term: Term) -> dict[str, Any]:
    """The keys of a head."""
    return {
        "from": source,
        "loss_weight": loss_weight if loss_weight != LOSS_WEIGHT else None,
        "graph": print_graph(term),
    }


def print_graph(term: Term) -> str:
    """A formula as the value of a key: a block scalar where YAML would need quotes."""
    text = spell_graph(term)
    return text if is_plain(text) else f"{text}\n"


def print_cell(term: Term) -> str:
    """A formula as a cell of the table: branches in brackets, because a bar outside them ends the cell."""
    text = spell_term(term)
    return f"[{text}]" if isinstance(term, Branches) and term.join == "|" else text


def print_cells(row: RowSpec) -> dict[str, str]:
    """The cells of a row by column, its name and formula among them."""
    return {column: _cell(row, column) for column in row.cells}


def _published(data: Mapping[str, Any]) -> dict[str, Any]:
    """The columns first, then totals and errata."""
    last = [key for key in (TOTALS, "errata") if key in data]
    return {key: data[key] for key in [*(key for key in data if key not in last), *last]}


def _init(init: InitSpec) -> dict[str, str]:
    return {SOURCE: init.source, **{path: spell_words(words) for path, words in init.words.items()}}


def _module(module: ModuleSpec, spec: NetworkSpec) -> dict[str, Any]:
    used = dict.fromkeys(name.name for name in value_names(module.graph.term))
    implied = tuple(name for name in used if name not in NAMES and name not in spec.settings)
    return {
        "doc": module.doc or None,
        "columns": module.columns if module.columns != implied else None,
        "graph": print_graph(module.graph.term),
    }


def _table(rows: tuple[RowSpec, ...]) -> str:
    header = list(rows[0].cells)
    return align([header, *([_cell(row, column) for column in header] for row in rows)]) + "\n"


def _cell(row: RowSpec, column: str) -> str:
    if column in ("name", "layer"):
        return row.name if column == "name" else print_cell(row.layer.term)
    if column in row.args:
        return _argument(row.args[column])
    return row.printed.get(column, "")


def _argument(value: Scalar | Value | None) -> str:
    match value:
        case None:
            return ""
        case Value():
            return f"{{{spell(value)}}}"
        case float():
            units, _, decimals = f"{value:.9f}".partition(".")  # the decimals of a cell, no exponent
            return f"{units}.{decimals.rstrip('0') or '0'}"
        case _:
            return str(value)
