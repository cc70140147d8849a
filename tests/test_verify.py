"""The verifier finds what no spec can cause: programs and lowered networks that break the compiler's own rules."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from inception_dsl.compiler import compile_file
from inception_dsl.ir.ops.linear import Conv
from inception_dsl.ir.program import Call, Layer, Program
from inception_dsl.ir.shapes import TensorType, Window
from inception_dsl.ir.values import Name
from inception_dsl.ir.verify import InternalError, verify, verify_program
from inception_dsl.lower import lower

PROGRAM = compile_file(Path(__file__).parent.parent / "specs/googlenet.yaml")
TYPED = lower(PROGRAM)
ROW, LAST, HEAD = PROGRAM.rows[6], PROGRAM.rows[-1], PROGRAM.heads[0]


def with_row(body: Layer | Call) -> Program:
    return replace(PROGRAM, rows=(*PROGRAM.rows[:-1], replace(LAST, body=body)))


BROKEN = {
    "which does not come before it": with_row(Call("none")),
    "gives inception": with_row(Call("inception", (("#1x1", 64),))),
    "uses {'width'}, which nothing binds": with_row(Layer((Conv(Name("width"), Window((1, 1))),))),
    "a layer without ops": with_row(Layer(())),
    "share a name": replace(PROGRAM, heads=(HEAD, HEAD)),
    "leaves after no row": replace(PROGRAM, heads=(replace(HEAD, source="none"),)),
    "calls aux": replace(PROGRAM, templates={"inception": PROGRAM.templates["inception"]}),
}


@pytest.mark.parametrize("message", BROKEN)
def test_a_broken_program(message: str) -> None:
    with pytest.raises(InternalError, match=message.replace("{", r"\{")):
        verify_program(BROKEN[message])


def test_sound_trees_are_given_back() -> None:
    assert verify_program(PROGRAM) is PROGRAM
    assert verify(TYPED) is TYPED


def test_a_broken_network() -> None:
    first, second = TYPED.nodes[:2]
    broken = {
        "reads a later node": (replace(first, inputs=(5,)),),
        "its inputs give": (first, replace(second, types=(TensorType((1, 2, 3)),))),
        "infers otherwise": (replace(first, out=TensorType((1, 2, 3))),),
        "two nodes are called": (first, replace(second, path=first.path)),
    }
    for message, nodes in broken.items():
        with pytest.raises(InternalError, match=message):
            verify(replace(TYPED, nodes=(*nodes, *TYPED.nodes[len(nodes) :])))
    with pytest.raises(InternalError, match="has no end"):
        verify(replace(TYPED, ends={}))
