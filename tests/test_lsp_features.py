"""Hover, inlay hints, document symbols and code actions of the language server."""

from __future__ import annotations

from pathlib import Path

import pytest
from lsp_editor import GOOGLENET, SMALL, ask, edited, opened, position, whole
from lsprotocol import types

from inception_dsl import load
from inception_dsl.edit.edit import apply
from inception_dsl.emit import catalogue
from inception_dsl.formatting.format import format  # noqa: A004 - what it is called in every language
from inception_dsl.lint.table import codes
from inception_dsl.lsp.files import OpenFile
from inception_dsl.lsp.fixes import fixes

BAD = sorted((Path(__file__).parent / "cases" / "bad").glob("*.yaml"))
VARIANT = """\
extends: googlenet.yaml
network: variant
override:
  rows:
    pool4: {layer: maxpool 2x2/2}
insert:
  rows:
    - {after: inception_5b, name: more, layer: conv 1x1 8 same}
"""


@pytest.fixture(scope="module")
def googlenet() -> OpenFile:
    """GoogLeNet in the editor."""
    return opened(GOOGLENET.read_text(encoding="utf-8"), GOOGLENET)


def hover(file: OpenFile, mark: str) -> str:
    """The text that an editor shows at a caret."""
    shown = ask(file, types.TEXT_DOCUMENT_HOVER, position=position(file, mark))
    return shown.contents.value if shown else ""


def test_hover_on_a_row_tells_what_it_computes(googlenet: OpenFile) -> None:
    row = load(GOOGLENET).cost().rows["inception_4c"]
    shown = hover(googlenet, "inception_4^c | inception")

    assert all(f"{number}" in shown for number in (row.out, f"{row.params:,}", f"{row.macs:,}"))
    assert f"{row.receptive_field[0]}, stride {row.stride[0]}" in shown


def test_hover_on_a_row_has_the_verdicts_of_its_cells(googlenet: OpenFile) -> None:
    shown = hover(googlenet, "| 46^3K")

    assert [line.split("|")[4].split(":")[0].strip() for line in shown.splitlines() if "463K" in line] == ["erratum"]
    assert "fits no single edit" in shown


def test_hover_on_a_word_is_its_entry_of_the_vocabulary(googlenet: OpenFile) -> None:
    for mark, kind, name in (("same re^lu bias", "words", "relu"), ("| con^v 7x7", "layers", "conv")):
        entry = catalogue.catalogue_text({kind: catalogue.find_entries(name)[kind]}, verbose=True)
        assert entry in hover(googlenet, mark)


@pytest.mark.parametrize(
    ("mark", "text"),
    [
        ("graph: au^x}", "the side network"),
        ('columns: ["#1x^1"', "`#1x1` is an argument of `inception`."),
        ("| para^ms |", "Numbers that training changes"),
        ("{clas^ses}", "the number of classes"),
        ("loss_we^ight: 0.3", "The weight of its loss beside the trunk's"),
        ("classes^: 1000", "The number of classes"),
        ("  aux^1: {", "4,169,728"),
        ("from: inception^_4d", "14x14x528"),
    ],
)
def test_hover_on_a_name_tells_what_it_is(googlenet: OpenFile, mark: str, text: str) -> None:
    assert text in hover(googlenet, mark)


def test_hover_on_a_setting_has_its_value_and_bounds() -> None:
    file = opened(SMALL.replace("layers:", "settings:\n  w: {default: 2, min: 1, doc: Width.}\nlayers:"))

    assert hover(file, "  w^: {") == "**w** is `2` (int, at least 1)\n\nWidth."


def test_hover_and_hints_use_the_last_network_that_compiled() -> None:
    file = opened(SMALL)
    whole_text = ask(file, types.TEXT_DOCUMENT_INLAY_HINT, range=whole(file))
    file.change(SMALL.replace("8 same ", "8 sam "))

    assert file.analysis.build is None
    assert "by the last text that compiled" in hover(file, "con^v |")
    assert [hint.label for hint in ask(file, types.TEXT_DOCUMENT_INLAY_HINT, range=whole(file))] == [
        hint.label for hint in whole_text
    ]


def test_a_hint_at_the_end_of_each_row_is_its_output(googlenet: OpenFile) -> None:
    rows = load(GOOGLENET).cost().rows
    hints = ask(googlenet, types.TEXT_DOCUMENT_INLAY_HINT, range=whole(googlenet))
    lines = googlenet.source.lines

    named = {lines[hint.position.line].split("|")[0].strip(): hint for hint in hints}
    assert {name: hint.label for name, hint in named.items()} == {
        name: f"→ {rows[name].out}" for name in rows if not name.startswith("aux")
    }
    assert all(hint.position.character == len(lines[hint.position.line]) for hint in hints)


def test_hints_of_a_variant_stand_at_the_rows_that_it_edits() -> None:
    file = opened(VARIANT)

    hints = ask(file, types.TEXT_DOCUMENT_INLAY_HINT, range=whole(file))
    assert [(hint.position.line, hint.label) for hint in hints] == [(4, "→ 7x7x832"), (7, "→ 7x7x8")]


def test_hints_are_of_the_range_that_is_asked_for(googlenet: OpenFile) -> None:
    row = position(googlenet, "^pool5").line
    asked = types.Range(types.Position(row, 0), types.Position(row, 5))

    assert len(ask(googlenet, types.TEXT_DOCUMENT_INLAY_HINT, range=asked)) == 1


def test_symbols_are_sections_and_what_they_name(googlenet: OpenFile) -> None:
    symbols = {symbol.name: symbol for symbol in ask(googlenet, types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)}

    assert [child.name for child in symbols["modules"].children] == ["inception", "aux"]
    assert [child.name for child in symbols["layers"].children] == [*load(GOOGLENET).typed.trunk]
    assert [child.name for child in symbols["heads"].children] == ["aux1", "aux2"]
    for symbol in symbols.values():
        for part in (symbol, *symbol.children):
            assert symbol.range.start <= part.range.start <= part.selection_range.start
            assert part.selection_range.end <= part.range.end <= symbol.range.end


def repaired(file: OpenFile, title: str) -> str:
    """The text after the code action that a title begins, over the whole file."""
    context = types.CodeActionContext([])
    actions = ask(file, types.TEXT_DOCUMENT_CODE_ACTION, range=whole(file), context=context)
    (action,) = [action for action in actions if action.title.startswith(title)]
    return edited(file, action.edit.changes[file.uri])


def test_an_erratum_is_added_with_the_computed_number() -> None:
    file = opened(SMALL.replace("216", "217"))
    text = repaired(file, "Add an erratum")

    assert text.endswith('published:\n  errata:\n    conv.params: "printed 217, computed 216"\n')
    assert opened(text).analysis.diagnostics == ()


@pytest.mark.parametrize(
    ("published", "line"),
    [
        ("published: {params: {unit: 1000}}", "published: {params: {unit: 1000}, errata: {conv.params: "),
        ("published:\n  params: {unit: 1000}\n", "  errata:\n    conv.params: "),
        ("published:\n  errata: {fc.params: 'no'}\n", "  errata: {fc.params: 'no', conv.params: "),
        ("published:\n    errata:\n        fc.params: no\n", "        fc.params: no\n        conv.params: "),
    ],
)
def test_an_erratum_goes_where_the_others_are(published: str, line: str) -> None:
    file = opened(SMALL.replace("216", "217") + published)

    assert line in repaired(file, "Add an erratum")


def test_missing_cells_are_inserted_where_they_are_missing() -> None:
    row = "  conv | conv 3x3 8 same                |"
    file = opened(SMALL.replace(f"{row} 8x8x8  | 216", f"{row}          216"))

    assert f"{row}        | 216\n" in repaired(file, "Insert 1 empty cell")


def test_formatting_is_that_of_fmt(googlenet: OpenFile) -> None:
    options = types.FormattingOptions(2, insert_spaces=True)
    ragged = SMALL.replace("  fc   |", "  fc|").removesuffix("\n")
    file = opened(ragged)

    assert edited(file, ask(file, types.TEXT_DOCUMENT_FORMATTING, options=options)) == format(ragged)
    assert ask(googlenet, types.TEXT_DOCUMENT_FORMATTING, options=options) == []
    assert ask(opened("network: [\nlayers: |"), types.TEXT_DOCUMENT_FORMATTING, options=options) is None


def test_fixes_of_lint_put_right_what_it_finds() -> None:
    fixed = 0
    for code in codes():
        file = opened(code.wrong)
        for finding in file.analysis.lint:
            for fix in fixes(file, finding.diagnostic) if finding.edits else ():
                after = opened(apply(file.source, fix.edits)).analysis.lint
                assert len(after) < len(file.analysis.lint)
                fixed += 1

    assert fixed


def test_every_fix_puts_its_diagnostic_right() -> None:
    tried = 0
    for path in BAD:
        file = opened(path.read_text(encoding="utf-8", errors="replace"), path)
        found = [(each.code, each.message) for each in file.analysis.diagnostics]
        for diagnostic in file.analysis.diagnostics:
            for fix in fixes(file, diagnostic):
                after = opened(apply(file.source, fix.edits), path).analysis.diagnostics
                key = diagnostic.code, diagnostic.message
                assert [(each.code, each.message) for each in after].count(key) < found.count(key), (path.name, fix)
                tried += 1

    assert tried > 50
