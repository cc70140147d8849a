"""Rows, heads, modules of the spec and ranges of rows, as modules of the generated network."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Final

from inception_dsl.diagnostics.codes.modules import UNDEFINED_NAME
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.diagnostics.spelling import did_you_mean
from inception_dsl.ir.program import Body, Call, Join, Program, Repeat
from inception_dsl.ir.program import Sequence as Steps
from inception_dsl.ir.typed import PartPath, Typed

HEADS: Final = "heads."
RANGE: Final = ".."
SHORTEST_RANGE: Final = 3
"""The fewest rows that a sentence names as a range."""


def named_modules(typed: Typed, names: Iterable[str]) -> list[str]:
    """The modules of a network that some names stand for, in its order; one inside another is left out.

    A name is that of a row (`conv1`), a head (`aux1` or `heads.aux1`), a module of the spec (`inception`: the rows and
    heads that use it), a range of rows (`conv1..inception_3b`) or a part of a row (`inception_3a.b3x3`). Raises
    `SpecError` E206 for an unknown name, and for one of nothing that has weights.
    """
    chosen = {path for name in names for path in _layers_named(typed, name)}
    return [".".join(path) for path in _largest(_layers(typed), chosen)]


def spell_modules(typed: Typed, modules: Sequence[str]) -> str:
    """Modules in a sentence: three rows or more that follow each other are a range."""
    order = {row: at for at, row in enumerate(row for row in typed.trunk if _layers(typed, {row}))}
    words: list[str] = []
    # Rows that follow each other have the same distance to their places in `modules`; all else stands alone.
    for _, group in groupby(enumerate(modules), lambda item: order[item[1]] - item[0] if item[1] in order else item[1]):
        run = [module for _, module in group]
        words += [f"{run[0]}{RANGE}{run[-1]}"] if len(run) >= SHORTEST_RANGE else run
    return ", ".join(words)


def _layers(typed: Typed, rows: Collection[str] | None = None) -> list[PartPath]:
    """The paths of all layers with weights, or of those in some rows or heads."""
    return [node.path for node in typed.nodes if node.weights and (rows is None or node.row in rows)]


def _largest(layers: Sequence[PartPath], chosen: Collection[PartPath], depth: int = 1) -> Iterator[PartPath]:
    """The largest modules of which all layers are chosen."""
    for prefix, group in groupby(layers, key=lambda path: path[:depth]):
        inside = list(group)
        if all(path in chosen for path in inside):
            yield prefix
        elif any(path in chosen for path in inside):
            yield from _largest(inside, chosen, depth + 1)


def _layers_named(typed: Typed, name: str) -> list[PartPath]:
    """The layers that one name stands for. Raises `SpecError` E206."""
    if RANGE in name:
        return _layers(typed, _range(typed, name))
    modules = {template.module for template in typed.program.templates.values()}
    entry = name.removeprefix(HEADS)
    if entry in typed.heads or name in typed.trunk:
        found = _layers(typed, {entry})
    elif name in modules:
        found = _layers(typed, _users(typed.program, name))
    else:
        parts = tuple(entry.split("."))
        found = [path for path in _layers(typed) if path[: len(parts)] == parts]
        if not found:
            raise _unknown(name, [*typed.trunk, *typed.heads, *modules, *(f"{HEADS}{head}" for head in typed.heads)])
    if not found:
        raise SpecError([Diagnostic(UNDEFINED_NAME, f"`{name}` has no weights", help="leave it out")])
    return found


def _range(typed: Typed, name: str) -> Sequence[str]:
    first, _, last = name.partition(RANGE)
    for end in (first, last):
        if end not in typed.trunk:
            raise _unknown(end, typed.trunk)
    start, stop = typed.trunk.index(first), typed.trunk.index(last)
    if stop < start:
        message = f"`{last}` comes before `{first}`"
        raise SpecError([Diagnostic(UNDEFINED_NAME, message, help=f"write `{last}{RANGE}{first}`")])
    return typed.trunk[start : stop + 1]


def _unknown(name: str, known: Collection[str]) -> SpecError:
    hint = did_you_mean(name, known) or "`inception-dsl show SPEC` lists the rows"
    return SpecError([Diagnostic(UNDEFINED_NAME, f"no row, head or module is called `{name}`", help=hint)])


def _users(program: Program, module: str) -> set[str]:
    """The rows and heads that use a module, directly or inside another."""

    def uses(body: Body) -> bool:
        match body:
            case Call(template):
                called = program.templates[template]
                return called.module == module or uses(called.body)
            case Steps(parts) | Join(_, parts):
                return any(uses(part.body) for part in parts)
            case Repeat(_, inner):
                return uses(inner)
        return False

    return {entry.name for entry in program.entries if uses(entry.body)}
