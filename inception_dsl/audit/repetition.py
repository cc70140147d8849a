"""Which repetition of a row a layer stands in, where the row is `5 of` something or has such a part."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from inception_dsl.ir.program import Body, Call, Head, Join, Part, Program, Repeat, Row, Template
from inception_dsl.ir.program import Sequence as Chain


class Repetition(NamedTuple):
    """The number of a repetition, from 1, and how many there are."""

    number: int
    of: int


def repetition(program: Program, row: str, layer: str) -> Repetition | None:
    """The repetition of a row in which a layer stands, the outermost if they are nested; None if in none."""
    rows: tuple[Row | Head, ...] = (*program.rows, *program.heads)
    bodies = {each.name: each.body for each in rows}
    if row not in bodies or not layer.startswith(f"{row}/"):
        return None
    return _found(bodies[row], layer.split("/")[1:], program.templates)


def _found(body: Body, path: Sequence[str], templates: Mapping[str, Template]) -> Repetition | None:
    match body:
        case Repeat(count):
            return Repetition(int(path[0]) + 1, count) if path and path[0].isdecimal() else None
        case Call(template):
            return _found(templates[template].body, path, templates)
        case Chain() | Join():
            parts: tuple[Part, ...] = body.parts if isinstance(body, Chain) else body.branches
            within = [part for part in parts if not part.name or part.name == path[0]] if path else []
            found = (_found(part.body, path[bool(part.name) :], templates) for part in within)
            return next((each for each in found if each), None)
    return None
