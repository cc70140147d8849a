"""What is generated: the same on every run, and nothing but what the compiler meant, whatever the spec says."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
import unicodedata
from pathlib import Path

import onnx as standard
import pytest
import torch
from builders import checked

from inception_dsl.build import build
from inception_dsl.compiler import compile_file, compile_source
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.emit.report import report
from inception_dsl.ir import names
from inception_dsl.ir.typed import Typed
from inception_dsl.lower import lower
from inception_dsl.spec.discovery import find_specs

ROOT = Path(__file__).parent.parent

EMIT = """
import sys
from inception_dsl.compilation import Build
from inception_dsl.compiler import compile_file
from inception_dsl.emit.onnx.onnx import model
from inception_dsl.lower import lower
for name in sys.argv[1:]:
    program = compile_file(name)
    for content in [*Build(program).files.values(), model(lower(program), heads=True)]:
        sys.stdout.buffer.write(content)
"""


def compiled(text: str) -> Typed:
    """A spec, lowered."""
    return lower(compile_source(Source("specs/hostile.yaml", text)))


def verify(typed: Typed) -> None:
    """The generated file runs, with the shapes and the weights of the spec, and so does the graph."""
    with torch.device("meta"):
        net = build(pytorch.source(typed), typed.program.name).eval()
        net.training = True
        given = net(torch.empty(2, *typed.input.shape))
    weights = {name: tuple(each.shape) for name, each in net.state_dict().items() if "num_batches" not in name}
    outputs = given._asdict() if typed.heads else {"logits": given}

    assert list(weights.items()) == [(name, weight.shape) for name, weight in typed.weights.items()]
    shapes = {name: typed.out(name).shape for name in typed.heads} | {"logits": typed.out(typed.trunk[-1]).shape}
    assert {name: tuple(each.shape[1:]) for name, each in outputs.items()} == shapes
    assert checked(onnx.model(typed, heads=True)) == ("N", *shapes["logits"])


# --- the same on every run --------------------------------------------------------------------------------------------


def test_two_hash_seeds_give_the_same_files() -> None:
    """Of some networks: `compile --check specs/` compares all of them with `generated/`, under any seed."""
    paths = [str(path) for path in find_specs([ROOT / "specs"])][::6]
    runs = [
        subprocess.run(
            [sys.executable, "-c", EMIT, *paths],
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    ]

    assert len(runs[0]) > 100_000
    assert runs[0] == runs[1]


def test_no_file_tells_where_it_was_made(tmp_path: Path) -> None:
    path = tmp_path / "specs" / "googlenet.yaml"
    path.parent.mkdir()
    path.write_bytes((ROOT / "specs" / "googlenet.yaml").read_bytes())
    here, there = (lower(compile_file(each)) for each in (ROOT / "specs" / "googlenet.yaml", path))

    assert pytorch.source(here) == pytorch.source(there)
    assert str(tmp_path) not in pytorch.source(there)
    assert onnx.model(here) == onnx.model(there)
    assert report.report(here) == report.report(there)


# --- text that would do harm ------------------------------------------------------------------------------------------

PLAIN = "A plain sentence"
HOSTILE = [
    '"""\nimport os\nos.abort()\n"""',
    'ends in a quote"',
    "ends in a backslash\\",
    'many """""" and "" and \\""" more \\',
    "'''\nraise SystemExit\n'''",
    "a\u202etxt.exe and \u2066isolated\u2069 and \u200b nothing",
    "{{ cycler.__init__.__globals__ }} {% raw %} {# gone #} {{",
    "\\x00 \\u202e \\N{BULLET} %s %(x)d {0} ${x}",
    "line\rfeed\x85next\u2028line\u2029paragraph\x0bvertical\x0cform",
    "--> <script>alert(1)</script> <!-- | a | b | `code` [x](javascript:x)",
    "# noqa\n# type: ignore\n# -*- coding: utf-7 -*-",
    "x" * 500,
    "Ünïcödé 网络 are letters",
]

SPEC = """
network: hostile
title: {text}
paper: {{title: {text}, authors: {text}, year: 2015, table: 1}}
input: 3x12x12
classes: 5
modules:
  block:
    doc: {text}
    columns: ["#1x1"]
    graph: "a: conv 1x1 {{#1x1}} relu -> [ conv 3x3 4 same | pass ]"
layers: |
  name | layer         | #1x1 | params
  one  | block         | 8    | 1K
  pool | avgpool global |     |
  fc   | fc {{classes}} |     |
heads:
  aux: {{from: one, loss_weight: 0.3, graph: "avgpool global -> fc {{classes}}"}}
published:
  errata: {{one.params: {text}}}
"""


def hostile(text: str) -> Typed:
    """A network that says `text` wherever a spec may say anything at all."""
    return compiled(SPEC.format(text=json.dumps(text, ensure_ascii=True)))


def bare(source: str) -> str:
    """What a file does: its syntax tree, without docstrings and the names that a title gives."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if (
            isinstance(body, list)
            and body
            and isinstance(body[0], ast.Expr)
            and isinstance(body[0].value, ast.Constant)
        ):
            del body[0]
    return ast.dump(tree)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_text_of_a_spec_is_only_ever_read(text: str) -> None:
    typed = hostile(text)
    source = pytorch.source(typed)

    assert bare(source) == bare(pytorch.source(hostile(PLAIN)))
    verify(typed)


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("kind", ["model.py", "report.md"])
def test_nothing_invisible_reaches_a_file(text: str, kind: str) -> None:
    typed = hostile(text)
    content = pytorch.source(typed) if kind == "model.py" else report.report(typed)
    categories = {unicodedata.category(each) for each in content if each != "\n"}

    assert not categories & {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}


def test_the_text_is_there_to_be_read() -> None:
    text = 'A "quoted" \\ title, """thrice""", and Ünïcödé 网络'

    assert ast.get_docstring(ast.parse(pytorch.source(hostile(text))), clean=False).startswith(text)  # type: ignore[union-attr]


def test_a_graph_says_what_the_spec_says() -> None:
    graph = standard.ModelProto.FromString(onnx.model(hostile(HOSTILE[0]))).graph

    assert graph.doc_string.startswith(" ".join(HOSTILE[0].split()) if "\n" not in graph.doc_string else HOSTILE[0])


# --- names that collide -----------------------------------------------------------------------------------------------


def network(rows: str, modules: str = "", heads: str = "") -> Typed:
    """A small network of some rows."""
    lines = "\n".join(f"  {row.strip()}" for row in rows.strip().splitlines())
    return compiled(f"network: names\ninput: 3x12x12\nclasses: 5\n{modules}\nlayers: |\n{lines}\n{heads}\n")


MODULE_NAMES = (
    *("concat", "add", "scale", "conv_relu", "conv_bn", "conv_bn_relu", "same_conv2d", "same_max_pool2d", "linear"),
    *(
        "linear_relu",
        "flatten_linear",
        "output",
        "size",
        "tensor",
        "nn",
        "torch",
        "f",
        "names",
        "Names",
        "ordered_dict",
    ),
    *(
        "named_tuple",
        "Concat",
        "ConvReLU",
        "Tensor",
        "Output",
        "F",
        "pad_same",
        "math",
        "super",
        "int",
        "conv2d",
        "str",
    ),
)


@pytest.mark.parametrize("name", MODULE_NAMES)
def test_a_module_may_be_called_like_anything_of_the_file(name: str) -> None:
    """Or it is refused as a name, at the place where it stands."""
    graph = "| conv 3x3 {k} same relu | a: conv 3x3 {k} same_upper bn relu -> conv 1x1 4 bn | maxpool 3x3/1 same_upper"
    modules = f'modules:\n  {name}: {{columns: ["k"], graph: "{graph}"}}'
    rows = f"name | layer | k\n one | {name} | 4\n two | 2 of {name} | 3\n"
    rows += f" sum | [conv 1x1 9 + 0.5 * [{name} k=2 -> conv 1x1 9]] |\n head | fc 7 relu -> fc {{classes}} |"
    heads = 'heads:\n  aux: {from: one, loss_weight: 0.3, graph: "fc {classes}"}'
    if names.problem(name):
        with pytest.raises(SpecError) as error:
            network(rows, modules, heads)
        assert {diagnostic.code for diagnostic in error.value.diagnostics} == {"E108"}
    else:
        verify(network(rows, modules, heads))


@pytest.mark.parametrize(
    ("columns", "labels"),
    [
        (("#1x1", "1x1"), ("1x1", "b1x1")),
        (("n1x1", "#1x1"), ("b1x1", "1x1")),
        (("a b", "a_b"), ("conv", "conv_2")),
        (("in_channels", "in channels"), ("branch1", "branch2")),
        (("features", "self_"), ("features", "a")),
        (("lambda", "x y"), ("way", "concat_2")),
        (("l", "I"), ("l", "O")),
        (("#", "##"), ("a1", "a2")),
    ],
)
def test_columns_and_labels_that_become_one_identifier(columns: tuple[str, str], labels: tuple[str, str]) -> None:
    one, two = columns
    graph = (
        f"| {labels[0]}: conv 1x1 {{{one}}} | {labels[1]}: conv 3x3 {{{two}}} same | conv 1x1 2 -> conv 1x1 {{in // 2}}"
    )
    modules = f"modules:\n  block:\n    columns: [{json.dumps(one)}, {json.dumps(two)}]\n    graph: {json.dumps(graph)}"

    verify(network(f"name | layer | {one} | {two}\n one | block | 3 | 4\n two | block | 5 | 6", modules))


@pytest.mark.parametrize(
    "rows",
    [
        ("one", "one_1", "one_2"),
        ("fc", "conv", "relu"),
        ("Block", "block", "Names"),
        ("nn_", "Tensor", "F"),
        ("logits_", "input_", "output"),
        ("aux1", "aux_2", "Size"),
        ("print", "str", "range"),
    ],
)
def test_rows_may_be_called_like_each_other_and_like_classes(rows: tuple[str, str, str]) -> None:
    modules = 'modules:\n  block: {columns: [], graph: "| conv 1x1 2 relu | conv 3x3 2 same bn"}'
    table = f"name | layer\n {rows[0]} | block\n {rows[1]} | 2 of block\n {rows[2]} | fc {{classes}}"

    verify(network(table, modules, f'heads:\n  aux: {{from: {rows[0]}, loss_weight: 0.3, graph: "fc {{classes}}"}}'))


@pytest.mark.parametrize(
    "name", ["block", "Block", "conv_relu", "scale", "linear", "size", "f", "tensor", "ordered_dict"]
)
def test_a_network_may_be_called_like_its_modules_and_helpers(name: str) -> None:
    graph = "| conv 3x3 3 same relu | way: conv 1x1 3 -> [pass + 0.5 * [conv 1x1 3]]"
    typed = compiled(
        f"""
network: {name}
title: {"ConvReLU" if name == "conv_relu" else name.title()}
input: 3x12x12
classes: 5
modules:
  block: {{columns: [], graph: "{graph}"}}
  bLock: {{columns: [], graph: "block -> block"}}
  a_b: {{columns: [], graph: "| block | conv 1x1 2"}}
  aB: {{columns: [], graph: "bLock -> a_b"}}
layers: |
  name | layer
  one  | block
  two  | aB
  fc   | fc {{classes}}
heads:
  aux: {{from: one, loss_weight: 0.3, graph: "fc {{classes}}"}}
"""
    )

    verify(typed)


def test_a_module_with_classifiers_of_several_sizes() -> None:
    modules = """modules:
  side: {columns: [], graph: "pool: avgpool 2x2/2 valid -> fc1: fc 6 relu -> fc2: fc {classes}"}
  twin: {columns: [], graph: "| side | fc 3 -> fc 4"}"""
    rows = "name | layer\n one | conv 3x3/2 4 same relu\n two | conv 1x1 7\n three | twin"
    heads = "heads:\n" + "".join(
        f"  aux{i}: {{from: {source}, loss_weight: 0.3, graph: {graph}}}\n"
        for i, (source, graph) in enumerate([("one", "side"), ("two", "side"), ("one", "twin"), ("two", "twin")])
    )

    verify(network(rows, modules, heads))


def test_three_hundred_rows() -> None:
    modules = 'modules:\n  block: {columns: ["k"], graph: "| conv 1x1 {k} | conv 3x3 2 same"}'
    rows = "".join(f"row{i} | block | {1 + i % 5}\n " for i in range(299))

    verify(network(f"name | layer | k\n {rows}\n last | fc {{classes}} |", modules))
