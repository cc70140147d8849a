"""What a spec's author is told: every broken spec gives the diagnostics it should, and nothing else is ever raised."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from fuzzing import in_file
from hypothesis import given, settings
from hypothesis import strategies as st

from inception_dsl import compilation, compiler
from inception_dsl.analysis.dropped import dropped
from inception_dsl.analysis.recipe_fit import unused_settings
from inception_dsl.analysis.unread import unread
from inception_dsl.diagnostics import render
from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.diagnostics.codes.shapes import BRANCH_SIZES_DIFFER
from inception_dsl.diagnostics.codes.table import CODES, MODULES, find_code
from inception_dsl.diagnostics.diagnostic import Diagnostic, Source, SpecError
from inception_dsl.ir.typed import Typed
from inception_dsl.paper import verdicts
from inception_dsl.spec import discovery
from inception_dsl.syntax import yaml
from inception_dsl.syntax.source import decode

HERE = Path(__file__).parent
PACKAGE = HERE.parent / "inception_dsl"
CODE_FILES = PACKAGE / "diagnostics" / "codes"
BAD = sorted((HERE / "cases" / "bad").glob("*.yaml"))
SPECS = discovery.find_specs([HERE.parent / "specs"])

ROWS = """\
network: tiny
input: 3x32x32
classes: 10
settings: {width: 0.5, depth: 2}
defaults: {conv: same relu bias, maxpool: ceil}
modules:
  inception:
    doc: figure 2(b)
    columns: ["#1x1", "#3x3 reduce", "#3x3", pool proj, stride, pool]
    graph: |
      | 1x1:  conv 1x1 {#1x1}
      | 3x3:  conv 1x1 {#3x3 reduce} -> conv 3x3/{stride} {#3x3}
      | pool: {pool} 3x3/{stride} same -> conv 1x1 {pool proj}
    # a comment
  residual: {graph: "[ pass + 0.17 * [ conv 1x1 {in // 2} -> conv 3x3 24 act=none ] ] -> relu"}
layers: |
  name  | layer                  | #1x1 | #3x3 reduce | #3x3 | pool proj | stride | pool    | output   | params
  conv1 | conv 3x3/2 {8 * width} |      |             |      |           |        |         | 16x16x4  | 112
  block | inception              | 8    | 4           | 8    | 8         | 1      | maxpool | 16x16x24 |
  res   | {depth} of residual    |      |             |      |           |        |         |          |
  pool  | avgpool global         |      |             |      |           |        |         | 1x1x24   |
  fc    | dropout 40% -> fc {classes} |  |            |      |           |        |         | 1x1x10   | 250
heads:
  aux: {from: block, loss_weight: 0.3, graph: "avgpool 5x5/3 valid -> fc 32 relu -> fc {classes}"}
published:
  params: {unit: 1024}
  totals: {params: 3K}
  errata: {totals.params: it is only about right}
"""

ELSEWHERE = {
    *("E118", "E140", "E141", "E142", "E143", "E218", "E304", "W130", "W131"),
    *(f"E13{digit}" for digit in range(10)),
}
"""Codes that no spec alone can give: another image size, two backends, files of weights, tables and graphs."""


def check(source: Source) -> Typed:
    """The whole way from a text to a network whose printed numbers hold; raises `SpecError`.

    The text of a variant stands in a file, beside those that it extends.
    """
    variant = source.text.startswith("extends:") and Path(source.file).exists()
    typed = compiler.at_size(compiler.compile_file(source.file) if variant else compiler.compile_source(source))
    if wrong := verdicts.findings(typed, verdicts.compare_cells(typed)):
        raise SpecError(wrong)
    return typed


def examine(source: Source) -> tuple[Diagnostic, ...]:
    """Check a spec, or claims about the specs of this repository, and give the warnings; raises `SpecError`."""
    if not source.text.startswith("claims:"):
        typed = check(source)
        return (*typed.program.warnings, *unread(typed), *dropped(typed), *unused_settings(typed.program))
    if wrong := compilation.examine_source(source, HERE.parent / "specs").findings:
        raise SpecError(wrong)
    return ()


def spec_error(source: Source) -> SpecError:
    """What is wrong with a text, or what it is warned of where nothing is."""
    try:
        warnings = examine(source)
    except SpecError as error:
        return error
    assert warnings, "nothing is wrong"
    return SpecError(warnings)


@pytest.mark.parametrize("path", BAD, ids=lambda path: path.stem)
def test_bad_spec(path: Path, update_golden: bool) -> None:
    """A broken spec gives the text beside it, in the order of its lines, every code explained and every place real."""
    error = spec_error(Source(path.name, path.read_text(encoding="utf-8")))
    text = render.text(error.diagnostics) + "\n"
    golden = path.with_suffix(".txt")
    if update_golden:
        golden.write_text(text, encoding="utf-8")

    assert text == golden.read_text(encoding="utf-8")
    assert error.exit_code == any(diagnostic.severity == "error" for diagnostic in error.diagnostics)
    assert all(map(in_file, error.diagnostics))
    assert {diagnostic.code for diagnostic in error.diagnostics} <= {*CODES}
    lines = [diagnostic.span.line for diagnostic in error.diagnostics if diagnostic.span]
    assert lines == sorted(lines)


def test_every_case_is_a_pair() -> None:
    """There is a text for every broken spec, and a broken spec for every text."""
    assert len(BAD) >= 55
    assert [path.stem for path in BAD] == sorted(path.stem for path in (HERE / "cases" / "bad").glob("*.txt"))


def test_the_codes_of_meaning_are_covered() -> None:
    """Every code that a spec's text alone can cause is caused by one of the cases here."""
    texts = "\n".join(path.read_text(encoding="utf-8") for path in (HERE / "cases" / "bad").rglob("*.txt"))
    caused = set(re.findall(r"^(?:error|warning)\[([EW]\d+)\]", texts, re.MULTILINE))
    elsewhere = ELSEWHERE
    wanted = {code for code in CODES if code[1] in "123"} - elsewhere

    assert wanted - caused == set()


HEADER = b"network: tiny\ninput: 3x8x8\nlayers: |\n  name | layer\n"


@pytest.mark.parametrize(
    ("data", "code", "exit_code"),
    [
        (b"", "E004", 2),
        (b"# only a comment\n", "E004", 2),
        (b"network: \xff\n", "E002", 2),
        (b"a: " + b"[" * 100_000, "E107", 1),
        (HEADER + b"  a | " + b"[" * 45_000, "E107", 1),
        (HEADER + b"  a | " + b"relu -> " * 6250 + b"relu", "E117", 1),
        (HEADER + b"  a | conv 1x1 {1" + b" + 1" * 100 + b"}", "E117", 1),
        (HEADER + b"  a | relu\n" * 340_000, "E117", 1),
        (HEADER + b"  a | relu |\n" * 49_000, "E113", 1),
        (HEADER + b"  a | relu" + b" | " * 1_300_000, "E113", 1),
    ],
    ids=["empty", "comment", "not utf-8", "yaml nesting", "nesting", "formula", "value", "rows", "cells", "row"],
)
def test_hostile_bytes(data: bytes, code: str, exit_code: int) -> None:
    """Sizes and depths out of all measure are errors, soon."""
    with pytest.raises(SpecError) as caught:
        check(decode(data, "spec.yaml"))

    assert caught.value.diagnostics[0].code == code
    assert caught.value.exit_code == exit_code
    assert len(render.text(caught.value.diagnostics)) < 20_000


@pytest.mark.parametrize("name", ["missing.yaml", "."])
def test_what_is_no_file(tmp_path: Path, name: str) -> None:
    """A missing file and a directory could not be read."""
    with pytest.raises(SpecError) as caught:
        yaml.read(tmp_path / name)

    assert (caught.value.diagnostics[0].code, caught.value.exit_code) == ("E001", 2)


def test_a_large_file_is_not_read(tmp_path: Path) -> None:
    """200 MB are refused by their size alone."""
    path = tmp_path / "spec.yaml"
    path.touch()
    os.truncate(path, 200 * 2**20)
    with pytest.raises(SpecError) as caught:
        yaml.read(path)

    assert (caught.value.diagnostics[0].code, caught.value.exit_code) == ("E003", 2)


TINY = "network: tiny\ninput: 3x8x8\nmodules:\n{modules}\nlayers: |\n  name | layer\n  a | {layer}\n"


@pytest.mark.parametrize(
    ("modules", "layer"),
    [
        (["  m0: {graph: conv 1x1 8}"], "10000 of [10000 of [10000 of m0]]"),
        (["  m0: {graph: pass}"], "10000 of [10000 of [10000 of m0]]"),
        (["  m0: {graph: flatten}"], "10000 of [10000 of [10000 of m0]]"),
        ([f"  m{i}: {{graph: '[m{i + 1} | m{i + 1}]'}}" for i in range(40)] + ["  m40: {graph: conv 1x1 8}"], "m0"),
        ([f"  m{i}: {{graph: 'm{i + 1} -> m{i + 1}'}}" for i in range(40)] + ["  m40: {graph: pass}"], "m0"),
    ],
    ids=["layers", "nothing", "vectors", "branches", "steps"],
)
def test_expansion_is_bounded(modules: list[str], layer: str) -> None:
    """What multiplies beyond measure is one error, or nothing at all where what multiplies is nothing."""
    text = TINY.replace("{modules}", "\n".join(modules)).replace("{layer}", layer)
    try:
        found = [str(node.path) for node in check(Source("spec.yaml", text)).nodes]
    except SpecError as error:
        found = [diagnostic.code for diagnostic in error.diagnostics]

    assert found in ([], ["E214"])


def test_values_are_bounded() -> None:
    """A value that doubles from module to module does not grow without end."""
    modules = [f"  m{i}: {{columns: [c], graph: 'm{i + 1} c={{c + c}}'}}" for i in range(60)]
    text = TINY.replace("{modules}", "\n".join([*modules, "  m60: {columns: [c], graph: 'conv 1x1 {c}'}"]))
    error = spec_error(Source("spec.yaml", text.replace("{layer}", "m0 c=1")))

    assert [diagnostic.code for diagnostic in error.diagnostics] == ["E207"]


CHARACTERS = "abx0159 -|+*{}[]()/%:=#.,;\"'\n\t\\é×→\x00\u202e"
WORDS = ["-> ", " | ", "0", "9999999", "{in}", "[", "same", "pass", "global", "3 of ", "groups=", "flatten", "fc 10"]
EDIT = st.tuples(
    st.sampled_from(["delete", "insert", "replace", "swap", "repeat", "word"]),
    st.integers(0, 10_000),
    st.text(CHARACTERS, min_size=1, max_size=3) | st.sampled_from(WORDS),
)


def edited(text: str, edits: list[tuple[str, int, str]]) -> str:
    """A text with characters taken out, put in and replaced, and lines swapped or doubled."""
    for how, where, new in edits:
        at = where % max(len(text), 1)
        lines = text.split("\n")
        line = where % len(lines)
        if how == "delete":
            text = text[:at] + text[at + len(new) :]
        elif how == "insert":
            text = text[:at] + new + text[at:]
        elif how == "replace":
            text = text[:at] + new + text[at + len(new) :]
        elif how == "word":
            words = [word.span() for word in re.finditer(r"[^\s|]+", text)] or [(0, 0)]
            begin, end = words[where % len(words)]
            text = text[:begin] + new + text[end:]
        elif how == "swap":
            lines[line - 1], lines[line] = lines[line], lines[line - 1]
            text = "\n".join(lines)
        else:
            text = "\n".join([*lines[:line], lines[line], *lines[line:]])
    return text


def test_the_fuzzed_spec_is_right() -> None:
    """The spec that the fuzz test breaks holds as it stands."""
    assert check(Source("tiny.yaml", ROWS)).out("fc").channels == 10


@settings(max_examples=1000, derandomize=True)
@given(
    st.sampled_from([ROWS, *(path.read_text(encoding="utf-8") for path in SPECS if path.stem == "googlenet")]),
    st.lists(EDIT, min_size=1, max_size=4),
)
def test_any_edit_gives_a_network_or_errors(text: str, edits: list[tuple[str, int, str]]) -> None:
    """A spec with a few slips compiles, or raises `SpecError` with places that are in the file; never anything else."""
    try:
        check(Source("spec.yaml", edited(text, edits)))
        found: tuple[Diagnostic, ...] = ()
    except SpecError as error:
        found = error.diagnostics

    assert all(map(in_file, found))
    assert bool(render.text(found)) == bool(found)


OF_AUDITS = "E5"
"""The codes that a spec and a network have together; `test_audit.py` runs their examples."""

OWN = [code for code in CODES if not code.startswith(OF_AUDITS)]
EXAMPLES = [(code, word, text) for code in OWN for word in ("wrong", "right") if (text := getattr(code, word))]


@pytest.mark.parametrize(("code", "word", "text"), EXAMPLES, ids=[f"{code} {word}" for code, word, _ in EXAMPLES])
def test_explained_example(code: Code, word: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong example gives exactly the code it is for, and a right one compiles and holds."""
    source = Source("example.yaml", text)
    if code.base:
        monkeypatch.chdir(tmp_path)
        Path("base.yaml").write_text(code.base, encoding="utf-8")
        Path("example.yaml").write_text(text, encoding="utf-8")
    if word == "right":
        assert examine(source) == ()
    else:
        assert {diagnostic.code for diagnostic in spec_error(source).diagnostics} == {code}


def test_codes_are_in_one_table() -> None:
    """Each code stands there once, in order; the table reads every module of its folder."""
    files = {path.stem for path in CODE_FILES.glob("*.py")} - {"__init__", "code", "table"}

    assert [*CODES] == sorted({*CODES})
    assert sorted(module.__name__.rpartition(".")[2] for module in MODULES) == sorted(files)
    assert all(re.fullmatch(r"[EW][0-9]{3}", code) for code in CODES)
    assert find_code("e204") is find_code("E204") is BRANCH_SIZES_DIFFER
    assert find_code("E999") is None


def test_examples_come_in_pairs() -> None:
    """Codes of writing and meaning have a wrong and a right example; variants extend a base."""
    with_examples = {code for code in CODES if code[1] in "123" and code not in ELSEWHERE}

    assert {code for code in OWN if code.wrong} == {code for code in OWN if code.right} == with_examples
    assert {code for code in CODES if code.wrong} == {code for code in CODES if code.right}
    assert all(bool(code.base) == code.wrong.startswith("extends:") for code in CODES)


def test_explanations_are_markdown() -> None:
    """A title line, the explanation, then the examples in fences."""
    lines = BRANCH_SIZES_DIFFER.markdown().splitlines()

    assert lines[:2] == ["## E204 branches disagree on image size", ""]
    assert [line for line in lines if line.startswith("```")] == ["```yaml wrong", "```", "```yaml right", "```"]
    assert BRANCH_SIZES_DIFFER.explanation in BRANCH_SIZES_DIFFER.markdown()
    assert BRANCH_SIZES_DIFFER.right in BRANCH_SIZES_DIFFER.markdown()
    assert all(code.explanation.endswith(".\n") and not code.summary.endswith(".") for code in CODES)


def strings(path: Path) -> Iterator[str]:
    """The strings of a module, without docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    docstrings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings:
            yield node.value


def test_no_code_is_written_out_where_it_is_raised() -> None:
    """Modules name the constants of the table. `__main__` cannot: it reports that the program cannot be imported."""
    modules = [path for path in PACKAGE.rglob("*.py") if path.parent != CODE_FILES and path.name != "__main__.py"]

    assert len(modules) > 100
    assert not [(path, text) for path in modules for text in strings(path) if re.search(r"\b[EW][0-9]{3}\b", text)]


def test_every_code_is_raised() -> None:
    """The program names each constant of the table, outside the table."""
    texts = [path.read_text(encoding="utf-8") for path in PACKAGE.rglob("*.py") if path.parent != CODE_FILES]
    words = {*re.findall(r"\b[A-Z][A-Z0-9_]+\b", "\n".join(texts))}
    names = {name for module in MODULES for name, value in vars(module).items() if isinstance(value, Code)}

    assert len(names) == len(CODES)
    assert names <= words
