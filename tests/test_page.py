"""The page of a network: complete, one file that loads nothing, and safe whatever a spec says."""

from __future__ import annotations

import ast
import json
import re
from itertools import product
from pathlib import Path

import onnx
import pytest
from cli_runner import SMALL, cli, in_folder
from hypothesis import given, settings
from markup_reader import Reader
from strategies import specs
from test_look import contrast

from inception_dsl import network
from inception_dsl.compiler import at_size, compile_source
from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.emit.onnx.onnx import graph_nodes
from inception_dsl.emit.page.colours import GROUNDS, TEXTS, variables
from inception_dsl.emit.page.page import page
from inception_dsl.emit.page.subject import Subject
from inception_dsl.emit.picture.look import DARK
from inception_dsl.emit.pytorch.listing import listing
from inception_dsl.emit.templates import prose

ROOT = Path(__file__).parent.parent
MOST = 400_000
"""Bytes of a page."""

HOSTILE = [
    "</script><script>alert(1)</script>",
    "--><img src=x onerror=alert(1)><!--",
    "<!-- </style> <![CDATA[ ]]>",
    "\"'`><svg onload=alert(1)>&amp;&lt;",
    "{{ 7*7 }} {% raw %} {# x",
    "a\u202egnp.exe\u2066b\u200b\u0007",
]
VARIABLE = re.compile(r"var\(--([\w-]+)\)")


def page_of(name: str) -> str:
    """The page of a network of this repository."""
    return network.load(ROOT / "specs" / f"{name}.yaml").page()


def spec(said: str) -> str:
    """A spec with a text wherever one can stand."""
    quoted = json.dumps(said)
    return f"""# {said if said.isprintable() else "plain"}
network: evil
title: {quoted}
paper: {{title: {quoted}, authors: {quoted}, table: {quoted}}}
input: 3x8x8
classes: 10
modules:
  block:
    doc: {quoted}
    graph: conv 3x3 4 same
layers: |
  name | layer                        | <i>"'&
  conv | block                        | 9
  fc   | avgpool global -> fc {{classes}} |
published:
  '<i>"''&': {{measure: params}}
  errata: {{'conv.<i>"''&': {quoted}}}
reported: |
  metric | value | data | source
  top-1  | 1%    | x    | y
training: {{source: {quoted}, optim: {{lr: 0.1}}, notes: {{optim.lr: {quoted}}}}}
"""


def check_alone(page: Reader) -> None:
    """Nothing in a page makes a browser load another file."""
    links = [
        (tag, name, value)
        for tag, attributes in page.found
        for name, value in attributes.items()
        if name in {"src", "href", "srcset", "data", "action", "poster", "xlink:href"}
        and not (value or "").startswith("#")
    ]
    assert {link for link in links if link[0] != "a"} == {("link", "href", "data:,")}
    assert all((value or "").startswith("https://arxiv.org/abs/") for tag, _, value in links if tag == "a")
    styles = "".join(text for (tag, _), text in zip(page.found, page.texts, strict=True) if tag == "style")
    assert "url(" not in styles and "@import" not in styles


@pytest.fixture(scope="module")
def googlenet() -> Reader:
    return Reader(page_of("googlenet"))


def test_every_row_and_head_is_a_line_of_the_table(googlenet: Reader) -> None:
    typed = network.load(ROOT / "specs/googlenet.yaml").typed
    lines = [attributes["data-row"] for tag, attributes in googlenet.found if tag == "tr" and "data-row" in attributes]

    assert lines == [*typed.trunk, *typed.heads]


def test_a_line_has_computed_and_printed_numbers_with_their_verdicts(googlenet: Reader) -> None:
    line = googlenet.text("tr", id="row=inception_3a")

    assert "28x28x256 ✓" in line and "163,696printed 159K ≈ 159.9K" in line
    assert "9,472printed 2.7K † 9.25K" in googlenet.text("tr", id="row=conv1")


@pytest.mark.extras
@pytest.mark.parametrize("name", ["googlenet", "xception", "zoo/shufflenet_v2_x0_5"])
def test_the_lines_of_a_row_are_those_that_python_runs_for_it(name: str) -> None:
    """The statements with the row's attribute, and the classes of all modules in it, by Python's own account."""
    net = network.load(ROOT / f"specs/{name}.yaml")
    listed = listing(net.typed)
    assert listed.text == net.pytorch_source()
    built, text = net.build(), listed.text.splitlines()
    classes = {one.name: one for one in ast.parse(listed.text).body if isinstance(one, ast.ClassDef)}
    network_class = classes[type(built).__name__]
    for row, places in listed.rows.items():
        lines = [line for first, last in places for line in text[first - 1 : last]]
        own = [line for first, last in places if first > network_class.lineno for line in text[first - 1 : last]]
        assert sum(line.startswith((f"        self.{row} ", f"        # {row} ")) for line in own) == 1
        module = getattr(built, row, None)
        used = {type(part).__name__ for part in module.modules()} & classes.keys() if module else set()
        assert used == {line.removeprefix("class ").split("(")[0] for line in lines if line.startswith("class ")}
        assert {line for line in text[network_class.lineno :] if f"self.{row}(" in line} <= {*own}


def test_the_nodes_are_those_of_the_graph() -> None:
    net = network.load("builtin:googlenet")
    graph = onnx.load_from_string(net.onnx(heads=True)).graph
    expected = [(node.name, node.op_type) for node in graph.node if not node.name.endswith(":identity")]

    assert [(name, op_type) for name, op_type, _ in graph_nodes(net.typed)] == expected


def test_ids_are_unique_and_links_lead_somewhere(googlenet: Reader) -> None:
    ids = [attributes["id"] for _, attributes in googlenet.found if "id" in attributes]
    links = {attributes["href"] or "" for tag, attributes in googlenet.found if tag == "a"}

    assert len(ids) == len({*ids})
    assert {link for link in links if not link.startswith("https://arxiv.org/")} <= {f"#{name}" for name in ids}


def test_numbers_claims_and_recipe_are_there_with_their_reasons(googlenet: Reader) -> None:
    numbers = googlenet.text("section", id="numbers")
    assert "463K, 7.1% lower than the computed 498.1K † known erratum: fits no single edit" in numbers
    assert "7.1% lower than the computed 498.1K" in googlenet.text("section", id="errata")
    assert "false: 12x is printed, 8.7x computed by params(alexnet) / params(googlenet)" in googlenet.text(
        "section", id="claims"
    )
    assert "optim.lr0.01not printed; BVLC's is 0.01" in googlenet.text("section", id="recipe")
    assert "inference peak1,204,2244.59" in googlenet.text("section", id="memory")
    assert "top-5 error 6.67%" in googlenet.text("section", id="reported")


def test_a_variant_has_the_files_that_it_extends_and_what_it_drops() -> None:
    page = Reader(page_of("ablations/googlenet_bn_small/deep"))
    names = [page.texts[at] for at, (tag, _) in enumerate(page.found) if tag == "figcaption"]

    assert [name for name in names if name.endswith(".yaml")] == [
        "specs/ablations/googlenet_bn_small/deep.yaml",
        "specs/googlenet_bn_small.yaml",
    ]
    assert "Printed for the base, not for this variant: output of stage1" in page_of("zoo/efficientnet_b4")


def test_code_in_a_sentence_is_code() -> None:
    read = Reader(page_of("zoo/se_resnet50"))
    assert "convolutions and fc make 3,860,488,192" in read.text("section", id="errata")
    assert "convolutions and fc for one example" in read.text("section", id="counting")
    assert prose("`a<b>` `` ` <i>") == "<code>a&lt;b&gt;</code> `` ` &lt;i&gt;"


@pytest.mark.parametrize("evil", HOSTILE)
def test_nothing_that_a_spec_says_becomes_markup(evil: str) -> None:
    plain, page = Reader(network.loads(spec("plain")).page()), network.loads(spec(evil), evil).page()
    read = Reader(page)

    assert read.kinds == plain.kinds
    assert sum(tag == "script" for tag, _ in read.found) == 1
    assert page.count("<!--") == page.count("-->") == 1
    assert all(character.isprintable() or character == "\n" for character in page)
    shown = "".join(character if character.isprintable() else ascii(character)[1:-1] for character in evil)
    assert shown in read.text("h1") and shown in read.text("section", id="errata")
    assert shown in read.text("section", id="spec") and shown in read.text("section", id="recipe")


@pytest.mark.parametrize("dark", [False, True])
def test_texts_have_contrast_on_their_grounds(dark: bool) -> None:
    """Level AA of WCAG 2.2: 4.5 for texts, 3 for what shows the state of a control."""
    style = variables().partition(DARK)[2 * dark]
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", style))

    for text, ground in product(TEXTS, GROUNDS):
        assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for ground in GROUNDS:
        assert contrast(colours["strong-line"], colours[ground]) >= 3
    used = {
        name for file in (ROOT / "inception_dsl/emit/page").glob("*.css") for name in VARIABLE.findall(file.read_text())
    }
    assert used - {"sans", "mono"} == colours.keys()


def test_the_largest_page_is_small_and_loads_nothing() -> None:
    page = page_of("polynet")

    assert len(page.encode()) < MOST
    check_alone(Reader(page))


@settings(max_examples=15)
@given(specs())
def test_any_network_has_a_page(text: str) -> None:
    typed = at_size(compile_source(Source("drawn.yaml", text)))
    read = Reader(page(Subject(typed)))

    check_alone(read)
    assert [has["data-row"] for tag, has in read.found if tag == "tr" and "data-row" in has] == [*typed.ends]


def test_a_page_loads_nothing(googlenet: Reader) -> None:
    check_alone(googlenet)


def test_compile_writes_a_page_only_if_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = in_folder(tmp_path, monkeypatch, {"specs/small.yaml": SMALL})

    assert run("compile").exit_code == 0 and not Path("generated/small/report.html").exists()
    assert run("compile", "--page").exit_code == 0
    page = Path("generated/small/report.html").read_text(encoding="utf-8")
    assert page == network.load("specs/small.yaml").page()
    assert "inception-dsl compile specs/small.yaml --page" in page
    assert run("compile", "--check").exit_code == 0 and run("compile", "--check", "--page").exit_code == 0
    assert "orphaned" not in cli("compile").stderr
    Path("generated/small/report.html").write_text("old", encoding="utf-8")
    assert run("compile", "--check").exit_code == 0
    checked = run("compile", "--check", "--page")
    assert checked.exit_code == 1 and "--page" in checked.stderr
