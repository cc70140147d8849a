"""Definition, references and rename: names of specs, across the files that extend each other."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from lsprotocol import types
from strategies import specs

from inception_dsl import compiler
from inception_dsl.analysis.cost import cost
from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.edit.edit import apply
from inception_dsl.lsp import definition, references, rename
from inception_dsl.lsp.files import OpenFile, OpenFiles
from inception_dsl.lsp.names import Symbol, symbol_at
from inception_dsl.lsp.positions import path_of

ROOT = Path(__file__).parent.parent

BASE = """\
network: base
input: 3x16x16
classes: 10
settings: {width: {default: 1.0, doc: of all layers}, n: 2}
defaults:
  conv: same relu
modules:
  block:
    columns: ["#3x3 reduce", out]
    graph: |
      a: conv 1x1 {#3x3 reduce} -> [ pass | conv 3x3 {round(out * width)} ] -> [ @a | pass ]
  twice: {graph: "conv 3x3 {k} -> conv 3x3 {k}"}
layers: |
  name | layer                      | #3x3 reduce | out | params
  one  | conv 3x3 4                 |             |     | 108
  two  | block                      | 8           | 16  |
  more | {n} of block "#3x3 reduce"=4 |           | 8   |
  join | [ @one \\| twice k=4 ]      |             |     |
  end  | avgpool global -> fc {classes} |         |     |
heads:
  aux: {from: two, graph: "avgpool global -> fc: fc {classes}"}
published:
  errata: {one.params: "printed 108 of 112"}
init:
  source: a test
  conv: he
  aux.fc: xavier
training:
  recipe: googlenet-paper
  source: a test
  loss: {heads: {aux: 0.3}}
""".replace("\\|", "|")

VARIANT = """\
extends: base.yaml
network: variant
rename: {rows: {more: several}}
override:
  settings: {width: 0.5}
  rows:
    two: {"#3x3 reduce": 4}
insert:
  rows:
    - {after: two, name: three, layer: block, "#3x3 reduce": 2, out: 4}
"""
SECOND = "extends: variant.yaml\nnetwork: second\nremove: {rows: [three, several]}\n"
CLAIMS = """\
claims:
  of_rows:
    source: a test
    sentence: It has 112 parameters.
    formula: params(base.one) + calls(second.block) * 0 + params(variant, width=1) * 0
    printed: 112
    verdict: exact
"""
FILES = {"base": BASE, "variant": VARIANT, "second": SECOND, "claims": CLAIMS}


@pytest.fixture
def files(tmp_path: Path) -> OpenFiles:
    """A family of specs on the disk, with the claims about them."""
    for name, text in FILES.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    opened = OpenFiles()
    opened.folders = [str(tmp_path)]
    return opened


def test_the_family_compiles(files: OpenFiles) -> None:
    compiler.compile_file(Path(files.folders[0]) / "second.yaml")


def opened(files: OpenFiles, name: str) -> OpenFile:
    """A file of the family, open in the editor."""
    path = Path(files.folders[0]) / f"{name}.yaml"
    return files.get(path.as_uri()) or files.open(path.as_uri(), path.read_text(encoding="utf-8"))


def position(file: OpenFile, mark: str) -> types.Position:
    """The position of the caret in a piece of the text."""
    before, _, after = mark.partition("^")
    offset = file.source.text.index(before + after) + len(before)
    line = file.source.text.count("\n", 0, offset)
    return types.Position(line, offset - (file.source.text.rfind("\n", 0, offset) + 1))


def shown(files: OpenFiles, locations: list[types.Location]) -> list[str]:
    """Locations as `file: the text of the line that they cover`."""
    found = []
    for each in locations:
        path = path_of(each.uri)
        line = files.read(path).lines[each.range.start.line]
        found.append(f"{Path(path).stem}: {line[each.range.start.character : each.range.end.character]}")
    return found


def where(locations: list[types.Location]) -> list[str]:
    """Locations as `file:line`."""
    return [f"{Path(path_of(each.uri)).stem}:{each.range.start.line + 1}" for each in locations]


@pytest.mark.parametrize(
    ("name", "mark", "expected"),
    [
        ("base", "two  | blo^ck", ["base:8"]),
        ("base", "graph: |\n      a: con^v 1x1", ["base:6"]),
        ("base", "{#3x3 red^uce} ->", ["base:9", "base:14"]),
        ("base", "rou^nd(out", []),
        ("base", "out * wid^th", ["base:4"]),
        ("base", "[ @a^ | pass", ["base:11"]),
        ("base", "[ @on^e |", ["base:15"]),
        ("base", "twice k^=4", ["base:12"]),
        ("base", "{n^} of", ["base:4"]),
        ("base", "from: tw^o", ["base:16"]),
        ("base", "{on^e.params", ["base:15"]),
        ("base", "one.par^ams", ["base:14"]),
        ("base", "  au^x.fc: xavier", ["base:21"]),
        ("base", "aux.f^c: xavier", ["base:21"]),
        ("base", "heads: {au^x: 0.3", ["base:21"]),
        ("base", "googlenet^-paper", ["googlenet-paper:1"]),
        ("base", "| 16^  |", ["base:9", "base:14"]),
        ("variant", "ba^se.yaml", ["base:1"]),
        ("variant", "    tw^o: {", ["base:16"]),
        ("variant", "layer: blo^ck", ["base:8"]),
        ("variant", '{"#3x3^ reduce": 4', ["base:9", "base:14"]),
        ("variant", "{mo^re: several}", ["base:17"]),
        ("variant", "more: sev^eral}", ["variant:3"]),
        ("second", "[thr^ee, ", ["variant:10"]),
        ("second", ", sev^eral]", ["variant:3"]),
        ("claims", "base.on^e", ["base:15"]),
        ("claims", "second.blo^ck", ["base:8"]),
        ("claims", "wid^th=1", ["base:4"]),
        ("claims", "ba^se.one", ["base:1"]),
        ("base", "net^work: base", []),
    ],
)
def test_a_name_leads_to_what_gives_it(name: str, mark: str, expected: list[str], files: OpenFiles) -> None:
    file = opened(files, name)
    document = types.TextDocumentIdentifier(file.uri)
    found = definition.FEATURE.answer(file, types.DefinitionParams(document, position(file, mark)))

    assert where(found) == expected


@pytest.mark.parametrize(
    ("name", "mark", "expected"),
    [
        ("base", "  bl^ock:\n", ["base:16", "base:17", "variant:10", "claims:5"]),
        ("variant", "layer: blo^ck", ["base:16", "base:17", "variant:10", "claims:5"]),
        ("base", "on^e  | conv", ["base:18", "base:23", "claims:5"]),
        ("base", "a^: conv", ["base:11"]),
        ("base", "au^x: {from", ["base:27", "base:31"]),
        ("base", "mo^re | {n}", ["variant:3"]),
        ("variant", "more: sev^eral", ["second:3"]),
        ("base", "wid^th: {", ["base:11", "variant:5", "claims:5"]),
        ("variant", "name: thr^ee", ["second:3"]),
        ("base", "#3x3 red^uce}", ["base:11", "base:17", "variant:7", "variant:10"]),
        ("base", "twice k^=4", ["base:12", "base:12", "base:18"]),
        ("base", "fc^: fc {classes}", ["base:27"]),
    ],
)
def test_references_are_found_in_all_files(name: str, mark: str, expected: list[str], files: OpenFiles) -> None:
    file = opened(files, name)
    place, document = position(file, mark), types.TextDocumentIdentifier(file.uri)
    without, all_ = (
        references.FEATURE.answer(file, types.ReferenceParams(types.ReferenceContext(declared), document, place))
        for declared in (False, True)
    )

    assert where(without) == expected
    assert [each for each in all_ if each in without] == without
    assert len({text.partition(": ")[2] for text in shown(files, all_)}) == 1


def renamed(files: OpenFiles, name: str, mark: str, new: str) -> dict[str, str]:
    """The files that a rename changes, and their new texts."""
    file = opened(files, name)
    document = types.TextDocumentIdentifier(file.uri)
    prepared = rename.PREPARE.answer(file, types.PrepareRenameParams(document, position(file, mark)))
    result = rename.FEATURE.answer(file, types.RenameParams(document, position(file, mark), new))
    texts = {}
    for uri, edits in (result.changes or {}).items():
        source = files.read(path_of(uri))
        lines = source.lines.copy()
        for edit in sorted(edits, key=lambda each: each.range.start.character, reverse=True):
            row, start, end = edit.range.start.line, edit.range.start.character, edit.range.end.character
            assert lines[row][start:end] == prepared.placeholder
            lines[row] = lines[row][:start] + edit.new_text + lines[row][end:]
        texts[Path(path_of(uri)).stem] = "\n".join(lines)
    return texts


def test_a_module_has_a_new_name_everywhere(files: OpenFiles) -> None:
    texts = renamed(files, "variant", "layer: blo^ck", "cell")

    assert {*texts} == {"base", "variant", "claims"}
    assert texts["base"] == BASE.replace("block", "cell")
    assert texts["variant"] == VARIANT.replace("block", "cell")
    assert texts["claims"] == CLAIMS.replace("block", "cell")


def test_a_column_is_put_in_quotes_where_it_needs_them(files: OpenFiles) -> None:
    texts = renamed(files, "base", "| out^ |", "pool #2")

    assert 'columns: ["#3x3 reduce", "pool #2"]' in texts["base"] and "round(pool #2 * width)" in texts["base"]
    assert '2, "pool #2": 4}' in texts["variant"]


def test_an_argument_is_put_in_quotes_where_it_needs_them(files: OpenFiles) -> None:
    texts = renamed(files, "base", "twice k^=4", "k #")

    assert 'twice "k #"=4' in texts["base"] and "conv 3x3 {k #} -> conv 3x3 {k #}" in texts["base"]


@pytest.mark.parametrize(
    ("name", "mark", "new", "why"),
    [
        ("base", "on^e  | conv", "two", "in use"),
        ("base", "on^e  | conv", "class", "Python keyword"),
        ("base", "on^e  | conv", "a b", "a name is a letter"),
        ("base", "on^e  | conv", "three", "in use"),
        ("base", "  bl^ock:\n", "conv", "a layer of the language"),
        ("base", "au^x: {from", "loss", "training log"),
        ("base", "wid^th: {", "out", "in use"),
        ("base", "wid^th: {", "in", "defined in every formula"),
        ("base", "| out^ |", "width", "in use"),
        ("base", "| out^ |", "a|b", "a column is words"),
        ("base", "| out^ |", "layer", "a word of the language"),
        ("base", "| par^ams", "weights", "a word of the language"),
        ("base", "con^v 3x3 4", "convolution", "a word of the language"),
        ("base", "net^work: base", "other", "no name here"),
        ("base", "a^: conv", "forward", "PyTorch module"),
    ],
)
def test_a_bad_name_is_refused(name: str, mark: str, new: str, why: str, files: OpenFiles) -> None:
    with pytest.raises(rename.Refused, match=why):
        renamed(files, name, mark, new)


def test_what_would_break_a_file_is_refused(files: OpenFiles) -> None:
    """A step called like the row that its formula reads."""
    text = BASE.replace("join | [ @one | twice k=4 ] ", "join | [ @one | t: twice k=4 ]")
    files.open(opened(files, "base").uri, text)

    with pytest.raises(rename.Refused, match="a row, and a label in this formula"):
        renamed(files, "base", "on^e  | conv", "t")


def test_a_built_in_spec_is_not_changed(tmp_path: Path) -> None:
    files = OpenFiles()
    files.folders = [str(tmp_path)]
    file = files.open(
        (tmp_path / "mine.yaml").as_uri(), "extends: builtin:googlenet.yaml\nnetwork: mine\nremove: {heads: [aux1]}\n"
    )
    with pytest.raises(rename.Refused, match="built-in"):
        rename.FEATURE.answer(
            file, types.RenameParams(types.TextDocumentIdentifier(file.uri), position(file, "[au^x1]"), "side")
        )


# --- there and back ---------------------------------------------------------------------------------------------------

KINDS = ("row", "module", "head", "column", "setting", "label")


def symbols(files: OpenFiles, file: OpenFile) -> list[Symbol]:
    """What can be renamed in a file: the first place of each name."""
    member = file.member
    found: dict[object, Symbol] = {}
    for place in member.places.all:
        if place.kind in KINDS and place.text not in rename._OF_TABLES and (symbol := symbol_at(member, place, files)):
            found.setdefault((symbol.kind, symbol.name, symbol.formula, symbol.module), symbol)
    return [*found.values()]


def there_and_back(files: OpenFiles, file: OpenFile, symbol: Symbol, new: str) -> None:
    """A rename changes no network, and its inverse gives the text again."""
    before = {each.uri: each.source.text for each in files}
    for source, edits in rename.edits_of(symbol, new, files).items():
        files.open(files.uri(source.file), apply(source, edits))
    assert file.source.text != before[file.uri]
    assert file.analysis.build is not None
    (again,) = {each.name: each for each in symbols(files, file) if each.name == new}.values()
    for source, edits in rename.edits_of(again, symbol.name, files).items():
        files.open(files.uri(source.file), apply(source, edits))
    for each in files:  # those that the rename opened are as they are on the disk
        assert each.source.text == (before.get(each.uri) or Path(each.path).read_text(encoding="utf-8"))


FRESH = {"column": "fresh", "head": "fresh", "label": "fresh", "module": "fresh", "row": "fresh", "setting": "fresh"}


@settings(max_examples=12)
@given(specs(), st.data())
def test_there_and_back_is_the_identity(text: str, data: st.DataObject) -> None:
    files = OpenFiles()
    file = files.open("untitled:any", text)
    assume("fresh" not in text)
    build = compiler.at_size(compiler.compile_source(Source("any.yaml", text)))
    symbol = data.draw(st.sampled_from(symbols(files, file)))
    there_and_back(files, file, symbol, "fresh")
    assert cost(build).trunk == cost(compiler.at_size(compiler.compile_source(file.source))).trunk


@pytest.mark.parametrize("name", ["googlenet", "zoo/mobilenet_v2"])
def test_there_and_back_in_a_spec_of_the_repository(name: str, tmp_path: Path) -> None:
    """Each name that the spec gives, without its variants, which take seconds; all of them are in tests/nightly."""
    path = tmp_path / "one.yaml"
    path.write_text((ROOT / "specs" / f"{name}.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    files = OpenFiles()
    file = files.open(path.as_uri(), path.read_text(encoding="utf-8"))
    for symbol in symbols(files, file)[::4]:
        there_and_back(files, file, symbol, FRESH[symbol.kind])
