"""What of a network is drawn (all of it, some of its rows, or one of its modules), and in which formats."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

from inception_dsl.diagnostics.spelling import did_you_mean, listing, sentence
from inception_dsl.emit.figures.diagram import module_figure, network_figure
from inception_dsl.emit.figures.mermaid import mermaid
from inception_dsl.emit.figures.model import Figure
from inception_dsl.emit.figures.svg import svg
from inception_dsl.emit.figures.tikz import tikz
from inception_dsl.ir.typed import Typed

FORMATS: Final[Mapping[str, Callable[[Figure, bool], str]]] = {"svg": svg, "tikz": tikz, "mermaid": mermaid}
"""How a figure becomes a text, by the name of the format; the flag says whether data flows down."""


def chosen(typed: Typed, module: str | None = None, rows: str | None = None, opened: bool = False) -> Figure:
    """The figure of a network, its rows `A..B`, a module, or one form of it; modules in it are opened if `opened`.

    Raises `ValueError` for a name that the network does not have, and for rows of a module.
    """
    if module and rows:
        raise ValueError("a module is drawn alone: leave out the rows")
    if module:
        templates = typed.program.templates.values()
        modules = dict.fromkeys(one.module for one in templates)
        if module not in {one.name for one in templates}:
            _known("module", module, modules)
        return module_figure(typed.program, module, opened)
    first, last = _ends(rows, typed.trunk) if rows else ("", "")
    return network_figure(typed, opened, first, last)


def _ends(rows: str, trunk: Sequence[str]) -> tuple[str, str]:
    """The first and the last of the rows `A..B`, where `A..` goes on to the end and `..B` begins at the input."""
    first, dots, last = (rows, "..", rows) if rows in trunk else rows.partition("..")
    first, last = first or trunk[0], last or (trunk[-1] if dots else first)
    for name in (first, last):
        _known("row", name, trunk)
    if trunk.index(first) > trunk.index(last):
        raise ValueError(f"row `{first}` comes after `{last}`: write {last}..{first}")
    return first, last


def _known(what: str, name: str, known: Collection[str]) -> None:
    if name not in known:
        expected = f"expected {listing(known, 'or')}" if known else f"the spec has no {what}s"
        raise ValueError(f"unknown {what} `{name}`: {expected}. {sentence(did_you_mean(name, known))}".rstrip())
