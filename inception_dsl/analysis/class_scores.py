"""Checks that a network with `training` ends in one score per class, in the trunk and in every head."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from inception_dsl.diagnostics.codes.shapes import NOT_A_CLASSIFIER
from inception_dsl.diagnostics.diagnostic import Findings
from inception_dsl.ir.program import Head, Program, Row
from inception_dsl.ir.shapes import TensorType
from inception_dsl.ir.typed import Typed


def check_class_scores(typed: Typed) -> None:
    """Raise `SpecError` E221 for each end of a network with `training` that is not a vector of one score per class.

    A network without `training` may end in features of any shape.
    """
    findings = Findings()
    classes = int(typed.program.env["classes"])
    for entry, out in wrong_ends(typed.program, typed.out):
        message = f"`{entry.name}` gives {_shown(out)}, but training needs one number for each of {classes:,} classes"
        findings.error(NOT_A_CLASSIFIER, message, entry.origin, help=_advice(out, classes))
    findings.stop()


def wrong_ends(program: Program, out: Callable[[str], TensorType]) -> Iterator[tuple[Row | Head, TensorType]]:
    """The ends that must be such vectors and are not, and the output of each, which `out` gives by name."""
    entries: tuple[Row | Head, ...] = (program.rows[-1], *program.heads) if program.training else ()
    for entry in entries:
        shape = out(entry.name)
        if shape.shape != (program.env["classes"],):
            yield entry, shape


def _shown(out: TensorType) -> str:
    if len(out.shape) == 1:
        return f"a vector of {out.channels:,}"
    height, width = out.image
    return f"an image of {height}x{width} with {out.channels:,} channels"


def _advice(out: TensorType, classes: int) -> str:
    if len(out.shape) == 1:
        return f"end in `fc {{classes}}`, or write `classes: {out.channels}` if these are the classes"
    if out.channels != classes:
        return "end in `fc {classes}`"
    if out.size == classes:
        return "write `-> flatten` after it"
    return "write `-> avgpool global -> flatten` after it, or end in `fc {classes}`"
