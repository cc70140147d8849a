"""The passes: each takes a valid program and returns a valid one that computes the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from inception_dsl.ir.program import Program
from inception_dsl.ir.verify import verify_program
from inception_dsl.passes.assign_names import assign_names
from inception_dsl.passes.drop_empty import drop_empty
from inception_dsl.passes.outline import outline
from inception_dsl.passes.simplify import simplify

Pass = Callable[[Program], Program]

PIPELINE: Final[tuple[Pass, ...]] = (drop_empty, simplify, outline, assign_names)

RENAMED: Final = {"drop_absent": "drop_empty"}
"""Former names of passes, which `show --after` still takes."""


def run_passes(program: Program, passes: tuple[Pass, ...] = PIPELINE, until: str = "") -> Program:
    """Run passes in order, up to and with the one called `until`, and verify the program before and after each."""
    verify_program(program)
    until = RENAMED.get(until, until)
    for step in passes:
        program = verify_program(step(program))
        if step.__name__ == until:
            break
    return program
