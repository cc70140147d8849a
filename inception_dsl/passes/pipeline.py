"""Rewrites of a program: each takes a valid program and gives a valid one that computes the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from inception_dsl.ir.program import Program
from inception_dsl.ir.verify import verify_program
from inception_dsl.passes.assign_names import assign_names
from inception_dsl.passes.drop_absent import drop_absent
from inception_dsl.passes.simplify import simplify

Pass = Callable[[Program], Program]

PIPELINE: Final[tuple[Pass, ...]] = (drop_absent, simplify, assign_names)


def run(program: Program, passes: tuple[Pass, ...] = PIPELINE, until: str = "") -> Program:
    """Run passes in order, up to and with the one called `until`; each takes a valid program and gives a valid one."""
    verify_program(program)
    for step in passes:
        program = verify_program(step(program))
        if step.__name__ == until:
            break
    return program
