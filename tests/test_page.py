"""The page of a network: complete, one file that loads nothing, and safe whatever a spec says."""

from __future__ import annotations

import ast
from html.parser import HTMLParser
from pathlib import Path

import onnx
import pytest
from cli_runner import SMALL, cli, in_folder

from inception_dsl import network
from inception_dsl.emit.onnx.onnx import graph_nodes
from inception_dsl.emit.pytorch.listing import listing

ROOT = Path(__file__).parent.parent

VOID = {"meta", "link", "br", "img", "input"}
CLOSED_BY = {
    "thead": {"tbody"},
    "tbody": {"tbody"},
    "tr": {"tr", "tbody"},
    "th": {"th", "td", "tr", "tbody"},
    "td": {"th", "td", "tr", "tbody"},
    "dt": {"dt", "dd"},
    "dd": {"dt", "dd"},
    "li": {"li"},
}
"""Elements whose end tag may be left out, and those that end them."""


class Reader(HTMLParser):
    """Reads a page as a list of elements with their attributes, and the text of each."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[int] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        while self.open and tag in CLOSED_BY.get(self.found[self.open[-1]][0], ()):
            self.open.pop()
        self.handle_startendtag(tag, attrs)
        if tag not in VOID:
            self.open.append(len(self.found) - 1)

    def handle_endtag(self, tag: str) -> None:
        while self.found[self.open[-1]][0] != tag:
            left = self.found[self.open.pop()][0]
            assert left in CLOSED_BY, f"<{left}> is open at </{tag}>"
        self.open.pop()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        self.texts.append("")

    def handle_data(self, data: str) -> None:
        for at in self.open:
            self.texts[at] += data

    def text(self, tag: str, **attributes: str) -> str:
        """The text of the only element with a tag and some attributes."""
        at = [i for i, (name, has) in enumerate(self.found) if name == tag and attributes.items() <= has.items()]
        assert len(at) == 1, (tag, attributes, len(at))
        return " ".join(self.texts[at[0]].split())


def page_of(name: str) -> str:
    """The page of a network of this repository."""
    return network.load(ROOT / "specs" / f"{name}.yaml").page()


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
