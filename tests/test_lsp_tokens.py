"""Semantic tokens: what the parser reads in a formula is what the editor colours, at the same places."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from lsprotocol import types

from inception_dsl import compiler
from inception_dsl.ir.values import Name
from inception_dsl.lsp.files import OpenFile, OpenFiles
from inception_dsl.lsp.semantic_tokens import FEATURE
from inception_dsl.spec.network import NetworkSpec
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.operators import NAMES
from inception_dsl.syntax.formula import Formula
from inception_dsl.syntax.terms import Labelled, Reference, Use, value_names, walk

ROOT = Path(__file__).parent.parent
SPECS = [
    ROOT / "specs" / f"{name}.yaml"
    for name in ("googlenet", "inception_resnet_v2", "se_bn_inception", "nasnet_a_large", "zoo/mobilenet_v3_large")
]

Tokens = dict[tuple[int, int], tuple[str, str, bool]]
"""Type, text and whether a name is given, by line and column."""


def tokens(file: OpenFile) -> Tokens:
    """The tokens as a client decodes them."""
    data = FEATURE.answer(file, types.SemanticTokensParams(types.TextDocumentIdentifier(file.uri))).data
    found: Tokens = {}
    line, character, end = 0, 0, 0
    for i in range(0, len(data), 5):
        down, right, length, kind, modifiers = data[i : i + 5]
        assert down or right >= end - character or not found, "tokens overlap"
        line, character = line + down, right if down else character + right
        end = character + length
        text = file.source.lines[line].encode("utf-16-le")[2 * character : 2 * end].decode("utf-16-le")
        assert len(text) > 0 and length > 0
        found[line + 1, character + 1] = FEATURE.options.token_types[kind], text, bool(modifiers & 1)
    return found


def opened(path: Path, text: str | None = None) -> OpenFile:
    """A file in the editor."""
    return OpenFiles().open(path.as_uri(), path.read_text(encoding="utf-8") if text is None else text)


def formulas(spec: NetworkSpec) -> Iterator[Formula]:
    """The formulas that are written in the file of a spec."""
    graphs = (*(module.graph for module in spec.modules.values()), *(head.graph for head in spec.heads))
    for formula in (*graphs, *(row.layer for row in spec.rows)):
        if formula.fragment.source.text == spec.document.source.text and not formula.names:
            yield formula


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_token_is_what_the_parser_reads(path: Path) -> None:
    found, spec = tokens(opened(path)), compiler.load(path)
    checked = 0
    for formula in formulas(spec):
        expected: list[tuple[tuple[int, int], str, tuple[str, ...]]] = []
        for term in walk(formula.term):
            match term:
                case Use(str(name)) if name != "again":
                    kind = "function" if name in LAYERS else "class"
                    expected.append((term.at, name, (kind,)))
                    expected += [(word.at, word.text, ("enumMember", "parameter")) for word in term.words]
                case Labelled(label):
                    expected.append((term.at, label, ("property",)))
                case Reference(name):
                    expected.append((term.at, f"@{name}", ("property",)))
        for value in value_names(formula.term):
            assert isinstance(value, Name)
            kind = "variable" if value.name in {*NAMES, *spec.settings} else "parameter"
            expected.append((value.at, value.name, (kind,)))
        for at, text, kinds in expected:
            span = formula.span(at)
            kind, written, _ = found[span.line, span.column]
            assert written == text and kind in kinds, (str(span), text)
            checked += 1
    assert checked > 40


def test_the_table_names_rows_and_columns() -> None:
    file = opened(SPECS[0])
    found, spec = tokens(file), compiler.load(SPECS[0])
    for row in spec.rows:
        span = row.span("name")
        assert found[span.line, span.column] == ("property", row.name, True)
    for cell in spec.table.header:
        assert found[cell.span.line, cell.span.column] == ("parameter", cell.text, True)
    printed = spec.rows[0].cells["output"]
    assert found[printed.span.line, printed.span.column][:2] == ("number", "112x112x64")


def test_a_broken_text_keeps_its_colours() -> None:
    text = SPECS[0].read_text(encoding="utf-8").replace("{#3x3 reduce} ->", "{#3x3 reduce")
    found = {each[1]: each[0] for each in tokens(opened(SPECS[0], text)).values()}

    assert found["pool proj"] == "parameter" and found["avgpool"] == "function" and found["inception"] == "class"


def test_columns_are_counted_in_utf_16() -> None:
    file = opened(SPECS[0], 'modules:\n  a: {doc: 𝄞, graph: "conv 1x1 64"}\n')

    assert [each[1] for each in tokens(file).values()] == ["a", "conv", "1x1", "64"]
