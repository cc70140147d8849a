"""Completion: what is offered where, and that all of it can be written there."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lsp_editor import ROOT, opened, position
from lsprotocol import types
from strategies import specs

from inception_dsl.lsp.completion import FEATURE
from inception_dsl.lsp.files import OpenFile, OpenFiles
from inception_dsl.spec.training_model import RECIPES
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.operators import FUNCTIONS
from inception_dsl.syntax import algebra, table
from inception_dsl.syntax.algebra_errors import SyntaxFault
from inception_dsl.syntax.blocks import BLOCK_HEADER

SPEC = """\
network: small
input: 3x8x8
settings:
  width: {default: 1.0, type: float}
defaults:
  conv: same relu
modules:
  block:
    columns: ["#3x3 reduce", k]
    graph: |
      | a: conv 1x1 {#3x3 reduce} groups=2
      | b: [ pass + 2 of conv 3x3 {round(k * width)} ] -> again a -> @a
layers: |
  name | layer                       | #3x3 reduce | k    | params
  one  | conv 3x3 {k} -> relu        |             | 4    | 108
  two  | block                       | 8           | 6    |
  end  | block k=3 -> fc {classes}   | 2           |      |
heads:
  aux: {from: one, graph: block}
published:
  errata:
    one.params: "printed wrong"
training: {recipe: googlenet-paper}
"""

VARIANT = """\
extends: small.yaml
network: variant
remove: {rows: [two]}
override:
  rows:
    end: {layer: fc 10, k: 5}
insert:
  rows:
    - {after: one, name: more, layer: block, k: 7}
"""


def items(file: OpenFile, at: types.Position) -> list[types.CompletionItem]:
    """What is offered at a position."""
    found: list[types.CompletionItem] = FEATURE.answer(
        file, types.CompletionParams(types.TextDocumentIdentifier(file.uri), at)
    ).items
    return found


def offered(text: str, mark: str, path: Path | None = None) -> list[str]:
    """The texts that are offered at a caret in a text."""
    file = opened(text, path) if path else opened(text)
    return [item.text_edit.new_text for item in items(file, position(file, mark)) if item.text_edit]


@pytest.mark.parametrize(
    ("old", "new", "has", "lacks"),
    [
        # keys
        ("input: 3x8x8\n", "input: 3x8x8\n^\n", ["init:", "paper:", "classes: ", "extends: "], ["input: ", "modules:"]),
        ("type: float}", "type: float, ^}", ["min: ", "doc: "], ["default: ", "type: "]),
        ("    graph: |\n", "    ^\n    graph: |\n", ["doc: "], ["graph: |", "columns:"]),
        ("  conv: same relu\n", "  conv: same relu\n  ^\n", ["maxpool: ", "fc: "], ["conv: ", "relu: "]),
        ("    one.params:", "    ^\n    one.params:", ["totals.params: "], ["one.params: "]),
        ("{recipe: googlenet-paper}", "{^}", ["recipe: ", "optim: "], []),
        ("input: 3x8x8\n", "input: 3x8x8\nin^\n", ["init:", "paper:"], ["input: "]),
        ("    graph: |\n", "    d^\n    graph: |\n", ["doc: "], ["graph: |"]),
        ("  conv: same relu\n", "  conv: same relu\n  max^\n", ["maxpool: "], ["conv: "]),
        ("  conv: same relu\n", "  conv: same relu\n ^\n", [], ["maxpool: "]),
        # values
        ("googlenet-paper", "^", [*RECIPES], []),
        ("type: float", "type: ^", ["int", "float", "layer"], []),
        ("from: one", "from: ^", ["one", "two", "end"], ["aux"]),
        (", k]", ", ^]", ["k"], ['"#3x3 reduce"']),
        # layers, modules and words
        ("| a: conv", "| a: ^", [*LAYERS], ["block", "again "]),
        ("-> again a", "-> ^", ["conv", "again "], ["block"]),
        ("again a", "again ^", ["a"], ["b"]),
        ("| b: [", "| b: [ x: pass -> ^ pass ] -> [", ["again "], []),
        ("again a", "c: bn -> again ^", ["a", "c"], ["b"]),
        ("| block     ", "| ^     ", ["conv", "block", "pass"], ["again "]),
        ("groups=2", "^", ["bn", "groups=", "norm="], ["ceil", "global"]),
        ("groups=2", "bn ^", ["groups=", "eps=", "silu"], ["bn", "gn=", "ln", "norm="]),
        ("groups=2", "act=^", ["none", "silu"], ["leaky"]),
        ("same relu", "same ^", ["bias", "bn"], ["same", "valid", "pad="]),
        ("block k=3", "block ^", ["k=", '"#3x3 reduce"='], ["same"]),
        ("graph: block}", "graph: ^}", ["block", "conv"], []),
        # values in braces
        ("{#3x3 reduce}", "{^}", ["#3x3 reduce", "k", "width", "in", "module.in", "classes", "round("], ["params"]),
        ("{classes}", "{^}", ["k", "width", "classes"], ["module.in", "name", "params"]),
        ("(k * width)", "(k * ^)", ["width", "ceil("], []),
        # references
        ("-> @a", "-> @^", ["a"], ["one", "b"]),
        ("end  | block", "end  | @^ -> block", ["one", "two"], ["end"]),
        ("end  | block", "end  | unpool 1x1 pooled=^", ["@one", "@two"], ["@end", "@conv1"]),
        ("end  | block", "end  | a: bn -> unpool 1x1 pooled=@^", ["a", "one", "two"], ["end"]),
        # the table
        ("name | layer  ", "name | ^  ", ["layer", "output", "ops"], ["k", "params"]),
        ("| 6    |", "| ^    |", ["4"], ["108"]),
        ("  two  | block", "  ^  | block", [], ["one", "conv"]),
        ("| 108", "| ^", [], ["108", "4"]),
        # nowhere
        ("network: small", "network: ^", [], ["conv"]),
        ("network: small", "network: small  # ^", [], ["conv"]),
        ("3x3 {k}", "3^x3 {k}", [], ["same"]),
        ("| a: conv", "| ^a: conv", [], ["conv"]),
    ],
)
def test_what_is_offered(old: str, new: str, has: list[str], lacks: list[str]) -> None:
    text = SPEC.replace(old, new, 1)
    caret = text.index("^")
    found = offered(text.replace("^", ""), f"{text[max(caret - 40, 0) : caret]}^{text[caret + 1 : caret + 30]}")

    assert {*has} <= {*found} and not {*lacks} & {*found}, found
    assert bool(found) == bool(has)


@pytest.mark.parametrize(
    ("old", "new", "has", "lacks"),
    [
        ("small.yaml", "^", ["small.yaml", "builtin:googlenet.yaml"], ["variant.yaml"]),
        ("[two]", "[^]", ["one", "two", "end"], ["more"]),
        ("    end: {", "    ^\n    end: {", ["one:", "two:"], ["end:", "more:"]),
        ("fc 10, k: 5", "fc 10, ^", ["k: ", '"#3x3 reduce": ', "params: "], ["name: ", "layer: "]),
        ("layer: fc 10", "layer: ^", ["block", "fc"], []),
        ("layer: fc 10", "layer: 'fc {^}'", ["width", "classes", "k"], []),
        ("layer: fc 10", "layer: '[ @^ | pass ]'", ["one", "more"], ["two", "end"]),
        ("after: one", "after: ^", ["one", "two", "end"], ["more"]),
        ("layer: block, ", "layer: block, ^, ", ["before: ", '"#3x3 reduce": '], ["after: ", "k: "]),
        ("k: 7}\n", "k: 7}\n    - ^\n", ["name: ", "after: "], []),
        ("k: 7}\n", "k: 7}\n    - na^\n", ["name: ", "after: "], []),
        ("remove: {rows: [two]}", "remove:\n  rows:\n    - tw^", ["two", "end"], ["more", "name: "]),
        ("network: variant\n", "network: variant\n^\n", ["rename:", "title: "], ["layers: |", "network: "]),
    ],
)
def test_what_is_offered_in_a_variant(old: str, new: str, has: list[str], lacks: list[str], tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(SPEC, encoding="utf-8")
    text = VARIANT.replace(old, new, 1)
    caret = text.index("^")
    mark = f"{text[max(caret - 40, 0) : caret]}^{text[caret + 1 : caret + 30]}"
    found = offered(text.replace("^", ""), mark, tmp_path / "variant.yaml")

    assert {*has} <= {*found} and not {*lacks} & {*found}, found


def test_an_item_replaces_the_word_that_it_completes() -> None:
    file = opened(SPEC)
    (item,) = (each for each in items(file, position(file, "| b: [ pa^ss")) if each.label == "conv")
    assert isinstance(item.text_edit, types.TextEdit) and item.detail == "conv KxK/S N"
    start, end = (file.source.lines[11].index(word) for word in ("pass", " + 2"))

    assert (item.text_edit.range.start.character, item.text_edit.range.end.character) == (start, end)


# --- whatever is offered can be written -------------------------------------------------------------------------------


class Written:
    """A text with an item in it: `before` ends with the item."""

    def __init__(self, file: OpenFile, item: types.CompletionItem) -> None:
        edit = item.text_edit
        assert isinstance(edit, types.TextEdit)
        starts = file.source.line_starts
        start, end = (
            starts[at.line] + file.files.units.column(file.source.lines[at.line], at.character) - 1
            for at in (edit.range.start, edit.range.end)
        )
        text = file.source.text
        self.before = text[:start] + edit.new_text
        self.whole = self.before + text[end:]
        self.line = edit.range.start.line + 1
        self.item = edit.new_text
        self.end = len(self.before) - self.before.rfind("\n")

    @property
    def formula(self) -> tuple[str, str] | None:
        """The beginning of a formula that ends with the item, by what it is; None in other parts of a text."""
        lines = self.before.split("\n")
        above = [number for number, line in enumerate(lines[:-1]) if BLOCK_HEADER.match(line)]
        if above:
            header = lines[above[-1]]
            indent = len(header) - len(header.lstrip())
            block = lines[above[-1] + 1 :]
            if all(not line.strip() or len(line) - len(line.lstrip()) > indent for line in block):
                if header.strip().startswith("graph:"):
                    return "formula", "\n".join(block)
                cells = [lines[-1][begin:end] for begin, end in table.split(lines[-1])]
                names = [cell.strip() for cell in next(line for line in block if line.strip()).split("|")]
                column = names[len(cells) - 1] if len(cells) <= len(names) else ""
                return ("formula", cells[-1]) if column == "layer" and len(block) > 1 else None
        if match := re.search(r"""\b(?:graph|layer): ["']?([^"'|>,]*)$""", lines[-1]):
            return "formula", match[1]
        return None


def fault_of(text: str) -> int:
    """Where a formula stops being the beginning of one; after its end if it does not."""
    try:
        algebra.parse_formula(text)
    except SyntaxFault as fault:
        return fault.at[0] if text[fault.at[0] :].strip() else len(text)
    return len(text)


WRONG = ("E101", "E102", "E103", "E106", "E121", "E122", "E201")
"""The codes of texts that are not YAML, of unknown keys, parts and layers, and of a spec that extends itself."""


def check(file: OpenFile, item: types.CompletionItem) -> None:
    """An item in a formula is part of the beginning of a formula; elsewhere it leaves the text as good as it was."""
    written = Written(file, item)
    formula = written.formula
    if formula:
        _, text = formula
        opened_, closed = sum(map(text.count, "[{(")), sum(map(text.count, "]})"))
        if opened_ == closed:  # else the parser's first words are about the bracket
            assert fault_of(text) >= len(text) - len(written.item), (text, written.item)
        return
    changed = OpenFiles().open(file.uri, written.whole)
    spans = {each: each.span for each in changed.analysis.diagnostics if each.span}
    here = [
        each
        for each, span in spans.items()
        if span.line == written.line and written.end - len(written.item) <= span.column <= written.end
    ]
    before = {str(each.code) for each in file.analysis.diagnostics}
    assert [str(each.span) for each in here if str(each.code) in {*WRONG} - before] == [], written.item


def positions(file: OpenFile) -> Iterator[types.Position]:
    """Every position of a text."""
    for number, line in enumerate(file.source.lines):
        yield from (types.Position(number, character) for character in range(len(line) + 1))


@pytest.mark.parametrize("name", ["inception_naive", "se_bn_inception", "zoo/mobilenet_v3_small"])
def test_what_is_offered_can_be_written(name: str) -> None:
    """At every position; of what is offered at one, some items, always the same ones."""
    path = ROOT / "specs" / f"{name}.yaml"
    file = opened(path.read_text(encoding="utf-8"), path)
    chosen = random.Random(name)  # noqa: S311 - no secret
    found = [each for at in positions(file) for each in items(file, at)]
    for item in chosen.sample(found, 40):
        check(file, item)
    assert len(found) > 1000


@settings(max_examples=15)
@given(specs(), st.data())
def test_what_is_offered_in_any_spec_can_be_written(text: str, data: st.DataObject) -> None:
    file = opened(text)
    at = data.draw(st.sampled_from([*positions(file)]))
    for item in items(file, at)[:: data.draw(st.integers(1, 7))]:
        check(file, item)


@settings(max_examples=15)
@given(st.data())
def test_what_is_offered_where_a_text_ends_can_be_written(data: st.DataObject) -> None:
    """The text as it is being typed: nothing stands behind the cursor."""
    end = data.draw(st.integers(1, len(SPEC)))
    file = opened(SPEC[:end])
    last = len(file.source.lines) - 1
    for item in items(file, types.Position(last, len(file.source.lines[last])))[::5]:
        check(file, item)


def test_the_functions_are_those_of_the_language() -> None:
    found = offered(SPEC.replace("{k}", "{}"), "3x3 {^}")

    assert [each for each in found if each.endswith("(")] == [f"{name}(" for name in FUNCTIONS]
