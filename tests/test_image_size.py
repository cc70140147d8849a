"""Layers that fix a network to one image size: which they are, what runs without them, and how they are described."""

from __future__ import annotations

import pytest

from inception_dsl.analysis import image_size
from inception_dsl.compiler import compile_source
from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.ir.program import Program

HEAD = "heads:\n  aux: {from: conv, loss_weight: 0.3, graph: avgpool 5x5/5 valid -> fc 4 relu -> fc 7}\n"


def program(pool: str, head: str = "", before: str = "dropout 40% -> ") -> Program:
    """A network of 16x16 images whose classifier reads what `pool` leaves."""
    rows = f"conv | conv 3x3 8 same bias\n  pool | {pool}\n  fc | {before}fc 7\n  last | relu"
    text = f"network: small\ninput: 3x16x16\nlayers: |\n  name | layer\n  {rows}\n{head}"
    return compile_source(Source("specs/small.yaml", text))


def test_a_pool_of_one_size_fixes_the_classifier() -> None:
    constraint = image_size.fixed_by(program("avgpool 16x16/1 valid"), (17, 18))
    assert constraint
    described = image_size.describe_constraint(constraint)

    assert described.message == "`fc.1.fc` fixes the image size to 16x16: at 17x18 it would read 48 features, not 8"
    assert (described.code, described.help) == ("E218", "write `avgpool global` there")
    assert [note.message for note in described.notes] == ["this gives 1x1 at 16x16, and 2x3 at 17x18"]
    assert [described.span and described.span.line, described.notes[0].span.line] == [7, 6]


@pytest.mark.parametrize(("pool", "image"), [("avgpool global", (31, 5)), ("maxpool 2x2/2 valid", (17, 17))])
def test_layers_that_give_the_same_image_fix_nothing(pool: str, image: tuple[int, int]) -> None:
    assert image_size.fixed_by(program(pool), image) is None
    assert image_size.part_at(program(pool), image) == program(pool)


def test_a_classifier_of_a_larger_image_wants_a_pool_before_it() -> None:
    constraint = image_size.fixed_by(program("maxpool 2x2/2 valid"), (18, 16))
    assert constraint
    described = image_size.describe_constraint(constraint)

    assert "at 18x16 it would read 576 features, not 512" in described.message
    assert described.help == "write `avgpool global` before it"


def test_a_classifier_of_the_input_itself_is_fixed_without_a_cause() -> None:
    constraint = image_size.fixed_by(program("pass", before=""), (15, 16))
    assert constraint

    assert constraint.cause is None
    assert image_size.describe_constraint(constraint).notes == ()


def test_the_rows_before_the_constraint_run_and_so_do_heads_that_fit() -> None:
    network = program("avgpool 16x16/1 valid", HEAD)

    fits, fails = image_size.part_at(network, (17, 17)), image_size.part_at(network, (21, 17))

    assert [row.name for row in fits.rows] == [row.name for row in fails.rows] == ["conv", "pool"]
    assert [head.name for head in fits.heads] == ["aux"]  # 17 pixels give its pool 3 positions, as 16 do; 21 give 4
    assert fails.heads == ()
    assert [constraint.node.row for constraint in image_size.size_constraints(network, (21, 17))] == ["fc", "aux"]
