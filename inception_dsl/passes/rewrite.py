"""Shared by the passes: rewrites every body of a program, from the leaves up."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from inception_dsl.ir.program import Body, Join, Part, Program, Repeat, Sequence

Rewrite = Callable[[Body], Body]


def bodies(program: Program, rewrite: Rewrite) -> Program:
    """A program with every row's, head's and template's body rewritten."""
    return replace(
        program,
        templates={key: replace(value, body=rewrite(value.body)) for key, value in program.templates.items()},
        rows=tuple(replace(row, body=rewrite(row.body)) for row in program.rows),
        heads=tuple(replace(head, body=rewrite(head.body)) for head in program.heads),
    )


def bottom_up(rewrite: Rewrite) -> Rewrite:
    """Turn a rewrite of one node into a rewrite of a body, inner nodes first."""

    def deep(body: Body) -> Body:
        match body:
            case Sequence(parts) if parts:
                body = replace(body, parts=tuple(map(of_part, parts)))
            case Join(_, branches):
                body = replace(body, branches=tuple(map(of_part, branches)))
            case Repeat(_, inner):
                body = replace(body, body=deep(inner))
            case _:
                pass
        return rewrite(body)

    def of_part(part: Part) -> Part:
        body = deep(part.body)
        return part if body is part.body else replace(part, body=body)

    return deep
