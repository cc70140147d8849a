"""Removes parts without effect: `pass` steps, factors of 1, repeats of 1 or of nothing, joins of one branch."""

from __future__ import annotations

from dataclasses import replace

from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.ir.ops.shaping import Identity
from inception_dsl.ir.program import Body, Join, Layer, Part, Program, Repeat, Sequence
from inception_dsl.passes.rewrite import bodies, bottom_up


def simplify(program: Program) -> Program:
    """Rewrite `1 of a`, `1.0 * a`, `[a]` to `a`, and `a -> pass` to `a`; labelled parts stay."""
    return bodies(program, bottom_up(_simplify))


def _simplify(body: Body) -> Body:
    match body:
        case Layer((Scale(1.0) | Identity(),)):
            return Sequence((), origin=body.origin)
        case Repeat(_, Sequence(())):
            return Sequence((), origin=body.origin)
        case Repeat(1, inner):
            return inner
        case Join(_, (Part(label="", body=only),)):
            return only
        case Join(_, (only,)):  # a label still names the one branch that is left
            return Sequence((only,), origin=body.origin)
        case Sequence(parts) if parts:
            return _flattened(body)
        case _:
            return body


def _flattened(body: Sequence) -> Body:
    parts: list[Part] = []
    for part in body.parts:
        if isinstance(part.body, Sequence) and not part.label:
            parts.extend(part.body.parts)
        elif not (isinstance(part.body, Sequence) and not part.body.parts):
            parts.append(part)
    if len(parts) == 1 and not parts[0].label:
        return parts[0].body
    return replace(body, parts=tuple(parts))
