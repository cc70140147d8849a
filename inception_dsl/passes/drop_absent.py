"""Takes out layers without filters, and branches that had nothing else."""

from __future__ import annotations

from dataclasses import replace

from inception_dsl.diagnostics.codes.modules import NOTHING_LEFT
from inception_dsl.diagnostics.diagnostic import Findings
from inception_dsl.ir.program import Absent, Body, Call, Join, Program, Repeat, Sequence
from inception_dsl.passes.rewrite import bodies, bottom_up


def drop_absent(program: Program) -> Program:
    """Remove `Absent` layers: a sequence goes on without them; a sequence or join with nothing left is absent itself.

    So BN-Inception's stride-2 modules lose their 1x1 branch, and pass their pool on. Raises `SpecError` E213 where
    nothing at all is left of a row.
    """
    gone = {name for name, template in program.templates.items() if isinstance(_clean(template.body), Absent)}
    if gone:  # a module whose every layer was left out is itself left out by whoever calls it

        def call_absent(body: Body) -> Body:
            return Absent(origin=body.origin) if isinstance(body, Call) and body.template in gone else body

        kept = {name: template for name, template in program.templates.items() if name not in gone}
        return drop_absent(bodies(replace(program, templates=kept), bottom_up(call_absent)))
    program = bodies(program, _clean)
    findings = Findings()
    for each in program.entries:
        if isinstance(each.body, Absent):
            hint = "give it a width, or write `pass`"
            findings.error(NOTHING_LEFT, f"every layer of `{each.name}` is left out", each.origin, help=hint)
    findings.stop()
    return program


def _drop(body: Body) -> Body:
    match body:
        case Sequence(parts) if parts:
            kept = tuple(part for part in parts if not isinstance(part.body, Absent))
            return replace(body, parts=kept) if kept else Absent(origin=body.origin)
        case Join(_, branches):
            kept = tuple(part for part in branches if not isinstance(part.body, Absent))
            return replace(body, branches=kept) if kept else Absent(origin=body.origin)
        case Repeat(_, Absent()):
            return Absent(origin=body.origin)
        case _:
            return body


_clean = bottom_up(_drop)
