"""The text of a spec that was adopted."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from inception_dsl.adopt.layout import graph_of
from inception_dsl.adopt.modules import Module
from inception_dsl.adopt.names import cleaned
from inception_dsl.adopt.scopes import Path
from inception_dsl.adopt.spec import Adopted, AdoptedRow
from inception_dsl.adopt.words import classes_of, defaults_of, with_defaults
from inception_dsl.formatting.format import format as fmt
from inception_dsl.ir.values import Value, spell
from inception_dsl.spec.printer import print_cell
from inception_dsl.spec.vocabulary.entry import DEFAULT_CLASSES
from inception_dsl.syntax.printer import align, spell_words
from inception_dsl.syntax.terms import Term, Use, WordTerm, walk, with_children
from inception_dsl.syntax.yaml_printer import dump
from inception_dsl.text.terminal import shortened, visible

WIDEST: Final = 118
MOST_PLACES: Final = 4
"""The most places of a module, and the most classes of them, that its `doc` lists."""

PUBLISHED: Final = "What the paper prints goes to `published`, and is checked."

LONGEST: Final = 80
"""The most columns of a name of the source."""

_EXPONENT: Final = re.compile(r"=(\d+(?:\.\d+)?e-0\d)\b")
"""A small number as Python prints it, which specs write out."""

Defaults = Mapping[str, tuple[WordTerm, ...]]


def text_of(spec: Adopted, name: str, source: str) -> str:
    """The file of a spec called `name`, formatted; `source` says in its comments where it comes from."""
    defaults = defaults_of([inner for term in _terms(spec) for inner in walk(term) if isinstance(inner, Use)])
    classes = classes_of(spec.network)
    heads = {head.name: {"from": head.source, "graph": graph_of(_short(head.term, defaults))} for head in spec.heads}
    head: dict[str, Any] = {"network": name, "input": "x".join(map(str, spec.network.graph.input.shape))}
    if classes != DEFAULT_CLASSES:
        head["classes"] = classes
    blocks = [_comment(f"Adopted from {_shown(source)}. {PUBLISHED}") + dump(head)]
    if defaults:
        lines = (f"  {layer}: {spell_words(words)}\n" for layer, words in defaults.items())
        blocks.append(f"defaults:\n{''.join(lines)}")
    if spec.modules.found:
        modules = (dump({module.name: _module(module, defaults)}) for module in spec.modules.found.values())
        spread = "\n\n".join(textwrap.indent(module.rstrip(), "  ") for module in modules)
        blocks.append(f"modules:\n{spread}\n")
    blocks.append(dump({"layers": _table(spec.rows, defaults)}))
    if origins := _origins(spec.rows):
        blocks.append(_comment(f"Rows in the source: {origins}."))
    if heads:
        blocks.append(dump({"heads": heads}))
    return fmt(_EXPONENT.sub(lambda found: f"={float(found[1]):.9f}".rstrip("0"), "\n".join(blocks)))


def _comment(text: str) -> str:
    return "".join(f"# {line}\n" for line in textwrap.wrap(text, WIDEST, break_long_words=False))


def _terms(spec: Adopted) -> Iterator[Term]:
    yield from (module.graph for module in spec.modules.found.values())
    yield from (row.term for row in spec.rows)
    yield from (head.term for head in spec.heads)


def _short(term: Term, defaults: Defaults) -> Term:
    """A term without what the defaults say."""
    if isinstance(term, Use):
        return with_defaults(term, defaults)
    return with_children(term, lambda inner: _short(inner, defaults))


def _module(module: Module, defaults: Defaults) -> dict[str, Any]:
    graph = graph_of(_short(module.graph, defaults))
    return {"doc": _places(module), "columns": [*module.kinds] or None, "graph": graph}


def _shown(name: str) -> str:
    """A name of the source as comments show it: it ends no line of YAML, whatever it is, and is not long."""
    return shortened(visible(name), LONGEST)


def _places(module: Module) -> str | None:
    """Where a module stands in the source."""
    kinds = [*dict.fromkeys(_shown(place.kind) for place in module.places if place.kind)][:MOST_PLACES]
    paths = list(dict.fromkeys(_shown(".".join(place.path)) for place in module.places if place.path))
    shown = ", ".join(paths)
    if len(paths) > MOST_PLACES:
        shown = f"{paths[0]}, {paths[1]} to {paths[-1]}, {len(paths)} in all"
    kind = " and ".join(f"`{kind}`" for kind in kinds)
    if kind and shown:
        return f"{kind} in the source: {shown}."
    return f"In the source: {shown}." if shown else None


def _table(rows: Sequence[AdoptedRow], defaults: Defaults) -> str:
    columns = list(dict.fromkeys(column for row in rows for column in row.cells))
    lines = [["name", "layer", *columns]]
    for row in rows:
        cells = [_cell(row.cells[column]) if column in row.cells else "" for column in columns]
        lines.append([row.name, print_cell(_short(row.term, defaults)), *cells])
    return align(lines) + "\n"


def _cell(value: Any) -> str:
    return f"{{{spell(value)}}}" if isinstance(value, Value) and not hasattr(value, "value") else spell(value)


def _origins(rows: Sequence[AdoptedRow]) -> str:
    """The rows whose names are not those of the source, with the path there."""
    named = [(row.name, _shown(".".join(row.path))) for row in rows if row.path and not _is_same(row.name, row.path)]
    return ", ".join(f"{name} = {path}" for name, path in named)


def _is_same(name: str, path: Path) -> bool:
    def plain(text: str) -> str:
        return cleaned(text).replace("_", "")

    places = range(len(path) + 1)
    return plain(name) in {plain("_".join(path[start:end])) for start in places for end in places}
