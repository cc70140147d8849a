"""Removes layers whose width is empty or 0, and branches with nothing left."""

from __future__ import annotations

from dataclasses import replace

from inception_dsl.diagnostics.codes.modules import NOTHING_LEFT
from inception_dsl.diagnostics.codes.values import NOT_GIVEN
from inception_dsl.diagnostics.diagnostic import Findings
from inception_dsl.ir.dataflow import parts_of, references
from inception_dsl.ir.program import Again, Body, Call, Dropped, Join, Program, Repeat, Sequence
from inception_dsl.passes.rewrite import bodies, bottom_up


def drop_empty(program: Program) -> Program:
    """Remove `Dropped` layers from sequences and joins; one with nothing left is itself dropped.

    So BN-Inception's stride-2 modules lose their 1x1 branch, and their pool has no projection. Raises `SpecError` E213
    where nothing is left of a row.
    """
    dropped = {name for name, template in program.templates.items() if isinstance(_clean(template.body), Dropped)}
    if dropped:  # a call of a module with nothing left is dropped too

        def drop_call(body: Body) -> Body:
            return Dropped(origin=body.origin) if isinstance(body, Call) and body.template in dropped else body

        kept = {name: template for name, template in program.templates.items() if name not in dropped}
        return drop_empty(bodies(replace(program, templates=kept), bottom_up(drop_call)))
    program = bodies(program, _clean)
    findings = Findings()
    for entry in program.entries:
        if isinstance(entry.body, Dropped):
            hint = "give it a width, or write `pass`"
            findings.error(NOTHING_LEFT, f"every layer of `{entry.name}` is left out", entry.origin, help=hint)
    for body in (
        *(template.body for template in program.templates.values()),
        *(entry.body for entry in program.entries),
    ):
        left = {part.label for part in parts_of(body)}
        for found in references(body):
            label = found.label if isinstance(found, Again) else found.name if found.kind == "step" else ""
            if label and label not in left:
                message, hint = f"`{label}` is left out, and read here", "give it a width, or read another step"
                findings.error(NOT_GIVEN, message, found.origin, help=hint)
    findings.stop()
    return program


def _drop(body: Body) -> Body:
    match body:
        case Sequence(parts) if parts:
            kept = tuple(part for part in parts if not isinstance(part.body, Dropped))
            return replace(body, parts=kept) if kept else Dropped(origin=body.origin)
        case Join(_, branches):
            kept = tuple(part for part in branches if not isinstance(part.body, Dropped))
            return replace(body, branches=kept) if kept else Dropped(origin=body.origin)
        case Repeat(_, Dropped()):
            return Dropped(origin=body.origin)
        case _:
            return body


_clean = bottom_up(_drop)
