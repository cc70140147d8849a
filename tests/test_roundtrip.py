"""Printing and reading are inverse: of values, terms, whole specs, and programs between passes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from strategies import specs, terms, values

from inception_dsl import compiler
from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.elaborate.elaborate import elaborate
from inception_dsl.elaborate.printer import print_program
from inception_dsl.ir.ops.channels import ChannelPart, ChannelShuffle
from inception_dsl.ir.ops.joins import Add, Concat, Mul
from inception_dsl.ir.ops.resampling import PixelShuffle, PixelUnshuffle
from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.ir.program import Program
from inception_dsl.ir.typed import Typed
from inception_dsl.ir.values import Name, Number, Operation, Value, spell
from inception_dsl.lower import lower
from inception_dsl.passes import pipeline
from inception_dsl.spec import discovery
from inception_dsl.spec.network import NetworkSpec, read_spec
from inception_dsl.spec.printer import print_spec
from inception_dsl.syntax import algebra, yaml
from inception_dsl.syntax.printer import spell_graph, spell_term
from inception_dsl.syntax.terms import Branches, Chain, Fraction, Labelled, Repeated, Scaled, Term, Use
from inception_dsl.syntax.yaml_printer import dump

ROOT = Path(__file__).parent.parent
FILES = discovery.find_specs([ROOT / "specs", ROOT / "tests" / "cases" / "good"])
LOWERABLE = range(1, len(pipeline.PIPELINE) + 1)
"""How many passes may have run before a program is lowered: one, which takes out what is absent, or more."""

every_file = pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
often = settings(max_examples=150)
seldom = settings(max_examples=60)


def parse(text: str) -> NetworkSpec:
    return read_spec(yaml.parse(Source("spec.yaml", text)))


def after(program: Program, count: int) -> Program:
    """A program after the first passes."""
    return pipeline.run_passes(program, pipeline.PIPELINE[:count])


def nodes(typed: Typed) -> list[tuple[Any, ...]]:
    """All that a node computes, from what, and under which names."""
    return [(n.path, n.op, n.inputs, n.types, n.out, n.receptive_field, n.row) for n in typed.nodes]


@often
@given(values())
@example(Operation("-", Number(1), Operation("-", Number(2), Number(3))))
@example(Operation("*", Number(1e-05), Operation("+", Number(0.1), Number(2))))
def test_values(value: Value) -> None:
    printed = spell(value)

    assert algebra.parse_braced(f"{{{printed}}}") == value
    assert spell(algebra.parse_braced(f"{{{printed}}}")) == printed


NOTHING = (Scale(1.0), ChannelPart((1, 1)), ChannelShuffle(1), PixelShuffle(1), PixelUnshuffle(1))


def working(typed: Typed) -> list[tuple[Any, ...]]:
    """Its graph without what `simplify` takes out: joins of a single branch, and `NOTHING`."""
    place = {-1: -1}
    kept: list[tuple[Any, ...]] = []
    for i, node in enumerate(typed.nodes):
        single = isinstance(node.op, Concat | Add | Mul) and len(node.inputs) == 1
        if single or node.op in NOTHING:
            place[i] = place[node.inputs[0]]
        else:
            place[i] = len(kept)
            inputs = tuple(place[index] for index in node.inputs)
            kept.append((node.op, inputs, node.types, node.out, node.receptive_field, node.row))
    return kept


A, B, C = Use("a"), Use("b"), Use("c")
X_A = Labelled("x", A)


@often
@given(terms())
@example(Branches("|", (Chain((X_A, B)), C)))  # a label of the first step, not of the branch
@example(Branches("|", (Labelled("x", Chain((Labelled("y", A), B))), C)))
@example(Branches("|", (Labelled("x", Labelled("y", Chain((A, B)))), C)))
@example(Branches("+", (Labelled("x", Chain((Branches("|", (A, B)), C))), A)))
@example(Branches("*", (Use(Name("x")), A)))  # a product, not a factor
@example(Branches("*", (A, Use(Name("x")), A)))
@example(Branches("*", (Use(Name("x"), fraction=Fraction(Number(1), Number(2))), A)))  # nor here
@example(Scaled(Name("x"), Branches("*", (Scaled(Name("x"), A), Repeated(Number(2), B)))))
def test_terms(term: Term) -> None:
    printed = spell_term(term)

    assert algebra.parse_formula(printed) == term
    assert spell_term(algebra.parse_formula(printed)) == printed


@often
@given(terms())
def test_graphs_over_several_lines(term: Term) -> None:
    assert algebra.parse_formula(spell_graph(term)) == term


@pytest.mark.parametrize(
    ("written", "printed"),
    [
        ("[a -> b] -> [c]", "a -> b -> c"),
        ("[a | [b | c]]", "a | b | c"),
        ("[a | b] + c", "[a | b] + c"),
        ("a | [b + c]", "a | b + c"),
        ("x: [a -> b]", "x: [a -> b]"),
        ("| x: a -> b | c", "x: a -> b | c"),
        ("[x: a] -> b | c", "[x: a] -> b | c"),
        ("x: a -> b", "x: a -> b"),
        ("2 of [0.5 * [a]]", "2 of 0.5 * a"),
        ("2 of [a -> b]", "2 of [a -> b]"),
        ("[[a] * [[b] * c]]", "a * b * c"),
        ("[a -> b] * [a + c]", "[a -> b] * [a + c]"),
        ("[2 of [a * 0.5 * b]]", "2 of a * [0.5 * b]"),
        ("[{x}] * [{y}]", "[{x}] * {y}"),
        ("[0.5 * [a * b]]", "0.5 * a * b"),
        ("conv  3x3/2x2 {64} same", "conv 3x3/2 64 same"),
        ("dropout 0.4", "dropout 40%"),
        ("conv 1x1 {(2 * (in)) + 1} eps=1e-3", "conv 1x1 {2 * in + 1} eps=0.001"),
        ('inception #1x1=64  "pool proj"={k}', 'inception #1x1=64 "pool proj"={k}'),
    ],
)  # fmt: skip
def test_brackets_are_minimal(written: str, printed: str) -> None:
    assert spell_term(algebra.parse_formula(written)) == printed


def test_labels_of_branches_are_aligned() -> None:
    assert spell_graph(algebra.parse_formula("1x1: conv 1x1 64 | double: conv 1x1 {k} -> conv 3x3 {k} | pass")) == (
        "| 1x1:    conv 1x1 64\n"
        "| double: conv 1x1 {k} -> conv 3x3 {k}\n"
        "|         pass"
    )  # fmt: skip


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
TRAPS = ["null", "no", "1.5B", "0x1f", "1e5", "a: b", "a #b", "a, b", "1409.4842", "- a", "\u202e", "x\n", "x\n\n"]
SCALARS = TEXTS | st.sampled_from(TRAPS)
DATA = st.recursive(
    SCALARS | st.booleans() | st.integers(-(10**9), 10**9) | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.dictionaries(SCALARS, inner, min_size=1, max_size=3) | st.lists(inner, max_size=3),
    max_leaves=10,
)


@often
@given(st.dictionaries(SCALARS, DATA, min_size=1, max_size=4))
def test_plain_data(data: dict[str, Any]) -> None:
    printed = dump(data)

    assert yaml.parse(Source("data.yaml", printed)).data == data
    assert all(line.isprintable() for line in printed.splitlines())


def check_spec(spec: NetworkSpec) -> None:
    printed = print_spec(spec)

    assert parse(printed) == spec
    assert print_spec(parse(printed)) == printed


@every_file
def test_specs(path: Path) -> None:
    check_spec(compiler.load(path))


@seldom
@given(specs())
def test_random_specs(text: str) -> None:
    check_spec(parse(text))


def test_every_key_of_a_spec() -> None:
    spec = parse(EVERY_KEY)
    check_spec(spec)

    assert print_spec(spec) == EVERY_KEY


EVERY_KEY = """\
network: every_key
title: "A title: with \\"quotes\\", a \\u202e mark and\\nlines"
paper: {title: Going Deeper, authors: Szegedy et al., year: 2015, arxiv: "1409.4842", table: 1, figure: A.1}
input: 3x32x32
classes: 10
settings: {width: 0.5, n: 2}
defaults: {conv: same relu eps=0.001, maxpool: ceil}
modules:
  inception:
    doc: the module of figure 2(b), pooled
    columns: [pool proj, "#1x1"]
    graph: |
      | 1x1:  conv 1x1 {#1x1}
      | pool: maxpool 3x3/1 same -> conv 1x1 {pool proj}
layers: |
  name  | layer                                       | #1x1 | pool proj         | share       | output   | nodes
  conv1 | conv 7x7/2 {round(64 * width, 8)}           |      |                   |             | 16x16x32 | 1
  mixed | {n} of inception                            | 64   | {2 * (width + 1)} |             |          | 4
  join  | [left: conv 1x1 {share} | conv 1x1 8 -> bn] |      |                   | 0.000000001 |          |
  fc    | dropout 40% -> fc {classes}                 |      | 0                 |             |          |
heads:
  aux:
    from: conv1
    loss_weight: 0.3
    graph: avgpool global -> fc {classes}
published:
  nodes: {measure: depth, unit: 1000, rounding: down, bias: true}
  totals: {params: 1.5B, ops: 2}
  errata: {mixed.nodes: printed 4; it is two}
"""


@every_file
@pytest.mark.parametrize("count", range(len(pipeline.PIPELINE) + 1))
def test_programs(path: Path, count: int) -> None:
    check_program(compiler.load(path), count)


@seldom
@given(specs(), st.integers(0, len(pipeline.PIPELINE)))
def test_random_programs(text: str, count: int) -> None:
    check_program(parse(text), count)


def check_program(spec: NetworkSpec, count: int) -> None:
    """What a program prints after `count` passes is the same network, to the names of its weights."""
    program = elaborate(spec)
    again = elaborate(parse(print_program(after(program, count))))

    assert nodes(lower(pipeline.run_passes(again))) == nodes(lower(pipeline.run_passes(program)))
    assert print_program(pipeline.run_passes(again)) == print_program(pipeline.run_passes(program))
    assert again.published.claims == program.published.claims


@seldom
@given(specs())
def test_passes_preserve_the_network(text: str) -> None:
    program = elaborate(parse(text))
    first, *others = (working(lower(after(program, count))) for count in LOWERABLE)

    assert first
    assert all(other == first for other in others)


@seldom
@given(specs())
def test_passes_have_nothing_left_to_do(text: str) -> None:
    program = pipeline.run_passes(elaborate(parse(text)))

    assert pipeline.run_passes(program) == program
