"""`fmt`: one layout for all ways to write the same spec; meaning and comments stay."""

from __future__ import annotations

import json
import os
import re
import stat
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import yaml as pyyaml
from cli_runner import SMALL, Run, cli, in_folder
from click.testing import CliRunner
from fuzzing import in_file
from hypothesis import given, settings
from hypothesis import strategies as st
from strategies import specs, terms
from test_bad_specs import EDIT, ROWS, edited
from test_yaml import NESTED

import inception_dsl
from inception_dsl.cli.main import main
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.formatting.graph import graph_lines
from inception_dsl.formatting.tokens import one_line
from inception_dsl.spec.network import NetworkSpec, read_spec
from inception_dsl.syntax import algebra, yaml
from inception_dsl.syntax.printer import spell_graph, spell_term
from inception_dsl.syntax.terms import Term
from inception_dsl.text.terminal import width

ROOT = Path(__file__).parent.parent
CASES = sorted(ROOT.glob("tests/cases/formatting/*.yaml"))
FILES = sorted([*ROOT.glob("specs/**/*.yaml"), *ROOT.glob("inception_dsl/recipes/*.yaml")])


def formatted(text: str) -> str:
    """A text formatted, and nothing left to do about it."""
    once = inception_dsl.format(text)
    assert inception_dsl.format(once) == once
    return once


def spec_of(text: str) -> NetworkSpec | None:
    """The spec that a text is, if it is one."""
    try:
        return read_spec(yaml.parse(Source("spec.yaml", text)))
    except SpecError:
        return None


def comments(text: str) -> Counter[str]:
    """The comments of a text, and what looks like some outside tables and graphs, which stays as well."""
    found = (re.search(r"(?:^|\s)(#.*)", line) for line in text.split("\n") if "|" not in line)
    return Counter(" ".join(comment[1].split()) for comment in found if comment)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_layout(path: Path) -> None:
    """A text is laid out as the text beside it."""
    assert formatted(path.read_text(encoding="utf-8")) == path.with_suffix(".txt").read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_shipped_file_is_formatted_and_has_that_layout_alone(path: Path) -> None:
    """With all alignment lost, every line indented more, blanks at the ends of lines: the file comes back."""
    text = path.read_text(encoding="utf-8")
    squeezed = re.sub(r"(?<=[^ \n]) +(?=[|#]|\S*:  )", " ", text)
    squeezed = re.sub(r"(?<=[|:]) +(?=[^ \n#])", " ", squeezed)
    end = "" if path.stem == "claims" else " "  # its formulas over several lines are texts of YAML
    lost = re.sub(r"^( *)(.*)$", rf"\1\1\2{end}", squeezed, flags=re.MULTILINE)

    assert formatted(text) == text
    assert inception_dsl.format(f"\n{lost}\n \n") == text


@settings(max_examples=40, deadline=None)
@given(specs())
def test_any_spec_keeps_its_meaning(text: str) -> None:
    after = formatted(text)

    assert spec_of(after) == spec_of(text) is not None
    assert comments(after) == comments(text)


COMMENTED = (
    ROWS.replace("  conv1 |", "# c1\n  conv1 |").replace("input:", "# c2\ninput:").replace("\n  aux", "\n # c3\n  aux")
)
MUTANTS = st.builds(edited, st.sampled_from([ROWS, SMALL, COMMENTED]), st.lists(EDIT, min_size=1, max_size=3))


@settings(max_examples=150, deadline=None)
@given(MUTANTS, st.sampled_from(["\n", "\r\n"]))
def test_a_text_with_slips_keeps_its_meaning_or_is_refused(text: str, line_break: str) -> None:
    written = text.replace("\n", line_break)
    try:
        inception_dsl.format(written)
    except SpecError as error:
        found = error.diagnostics
    else:
        found = ()
    if found:
        assert all(map(in_file, found))
        return
    after = formatted(written).replace("\r\n", "\n")

    assert spec_of(after) == spec_of(text)
    assert comments(after) == comments(text)


BLANKS = st.sampled_from([" ", " ", "  ", "\n", "\n ", "\t", "\n\n    "])


@settings(max_examples=60)
@given(terms(), st.booleans(), st.data())
def test_any_graph_keeps_its_meaning(term: Term, wide: bool, data: st.DataObject) -> None:
    """However a formula is broken into lines, it is laid out as the same formula, which then stays as it is."""
    parts = re.split(r"(\{[^}]*\}|\"[^\"]*\"| )", spell_graph(term) if wide else spell_term(term))
    text = "".join(data.draw(BLANKS) if part == " " else part for part in parts).strip()
    lines = [line for lines in graph_lines(text) for line in lines]

    assert algebra.parse_formula("\n".join(lines)) == term
    assert graph_lines("\n".join(lines)) == [[line] for line in lines]
    assert algebra.parse_formula(one_line(text)) == term


@settings(max_examples=40)
@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=3), NESTED, min_size=1, max_size=4),
    st.integers(2, 5),
    st.sampled_from([True, False, None]),
    st.sampled_from([20, 80]),
)
def test_any_yaml_keeps_its_data(data: dict[str, Any], indent: int, flow: bool | None, wide: int) -> None:
    text = pyyaml.safe_dump(
        data, indent=indent, default_flow_style=flow, width=wide, allow_unicode=True, sort_keys=False
    )
    try:
        before = yaml.parse(Source("spec.yaml", text)).data
    except SpecError:
        return  # anchors, and what YAML 1.1 writes otherwise
    assert yaml.parse(Source("spec.yaml", formatted(text))).data == before


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("a:  b", "a: b\n"),
        ("a:  b # c", "a: b    # c\n"),
        ("layers: |\n  name|layer\n  a|b", "layers: |\n  name | layer\n  a    | b\n"),
        ("a:  |\n  b", "a: |\n  b"),  # whose line break would be a part of the text
        ("a:  |\n  b\n  ", "a: |\n  b\n"),
        ("a:  |\n  b\n   \n", "a: |\n  b\n   \n"),
        ("a:  |", "a: |"),
        ("a:  |\n   \n\n", "a: |\n"),
        ("a:  |+\n  b\n\n", "a: |+\n  b\n\n"),
        ("a:  |+\n\n   \n", "a: |+\n\n\n"),
    ],
)
def test_the_end_of_a_file(text: str, after: str) -> None:
    assert formatted(text) == after


def test_columns_of_wide_characters_are_aligned() -> None:
    rows = formatted("reported: |\n  metric|value|data|source\n  精|1%|é|x\n  a|2%|ﬀ̈|y").split("\n")[1:-1]

    assert len({width(row[: row.index(row[-1])]) for row in rows[1:]}) == 1


MESSY = SMALL.replace(" | output | params", "|output|params")
BROKEN = SMALL.replace("same ", "same ->")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """What runs a command in a folder of specs."""
    claims = "claims:\n   a: {source: x, sentence: y, formula: params(a), printed: 158, verdict: exact}\n"
    return in_folder(tmp_path, monkeypatch, {"specs/a.yaml": MESSY, "specs/in/b.yaml": SMALL, "specs/c.yaml": claims})


def test_a_folder_is_formatted(run: Run) -> None:
    """Of its files, those that change are written, claims as well, and then nothing is left to do."""
    checked, done, again = run("fmt", "--check"), run("fmt"), run("fmt", "--check", "specs/a.yaml", "specs")

    assert (checked.exit_code, done.exit_code, again.exit_code) == (1, 0, 0)
    assert checked.stdout == "3 not formatted\n"
    assert checked.stderr.count("error[E405]") == 3
    assert done.stdout == "wrote specs/a.yaml\nwrote specs/c.yaml\nwrote specs/in/b.yaml\n3 formatted\n"
    assert again.stdout == "3 formatted already\n"
    assert Path("specs/a.yaml").read_text() == Path("specs/in/b.yaml").read_text()


def test_a_difference_is_printed_and_not_made(run: Run) -> None:
    before = Path("specs/c.yaml").read_bytes()
    done = run("fmt", "--diff", "specs/c.yaml")

    assert done.exit_code == 1
    assert done.stdout.startswith("--- specs/c.yaml\n+++ specs/c.yaml (formatted)\n@@ -1,2 +1,2 @@\n claims:\n-   a: {")
    assert Path("specs/c.yaml").read_bytes() == before


@pytest.mark.parametrize("text", [BROKEN, "a: [\n", "network: \xff"])
def test_a_file_that_does_not_parse_is_left_alone(run: Run, text: str) -> None:
    """Its diagnostics are printed, and the other files are formatted."""
    Path("specs/a.yaml").write_text(text, encoding="latin-1")
    done = run("fmt")

    assert done.exit_code in (1, 2)
    assert "--> specs/a.yaml:" in done.stderr
    assert Path("specs/a.yaml").read_text(encoding="latin-1") == text
    assert "wrote specs/c.yaml" in done.stdout


def test_a_text_that_no_file_can_hold_is_refused() -> None:
    with pytest.raises(SpecError, match="is not UTF-8"):
        inception_dsl.format("a: \ud800")


def test_what_is_wrong_but_parses_is_formatted() -> None:
    assert formatted("layers: |\n  name|layer\n  a|no such layer\nnonsense:   1\n").endswith("nonsense: 1\n")


def test_the_standard_input_is_formatted() -> None:
    runner = CliRunner()
    done = runner.invoke(main, ["fmt", "-"], input="\ufeffa:   1\r\n")
    refused = runner.invoke(main, ["fmt", "-"], input="a: [")
    checked = runner.invoke(main, ["fmt", "--check", "-"], input="a:   1")

    assert (done.exit_code, done.stdout_bytes) == (0, "\ufeffa: 1\r\n".encode())
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert (checked.exit_code, checked.stdout) == (1, "")
    assert "<stdin>:1:1" in checked.stderr
    assert "run `inception-dsl fmt -`" in checked.stderr


def test_a_file_keeps_its_mode_its_line_breaks_and_the_links_to_it(run: Run) -> None:
    Path("a.yaml").write_bytes(MESSY.replace("\n", "\r\n").encode())
    os.chmod("a.yaml", 0o640)
    os.symlink("a.yaml", "link.yaml")
    done = run("fmt", "link.yaml")

    assert done.exit_code == 0
    assert Path("link.yaml").is_symlink()
    assert Path("a.yaml").read_bytes() == inception_dsl.format(MESSY).replace("\n", "\r\n").encode()
    assert stat.S_IMODE(os.stat("a.yaml").st_mode) == 0o640


def test_machines_are_told(run: Run) -> None:
    run("fmt", "specs/in")
    told = json.loads(run("fmt", "--diff", "--format", "json").stdout)

    assert {file["path"]: file["status"] for file in told["files"]} == {
        "specs/a.yaml": "unformatted",
        "specs/c.yaml": "unformatted",
        "specs/in/b.yaml": "current",
    }
    assert [text.partition("\n")[0] for text in told["result"]["diff"]] == ["--- specs/a.yaml", "--- specs/c.yaml"]
    assert [(d["code"], d["file"], d["line"]) for d in told["diagnostics"]] == [
        ("E405", "specs/a.yaml", 1),
        ("E405", "specs/c.yaml", 2),
    ]


@pytest.mark.parametrize("words", [["builtin:googlenet"], ["-", "specs"]])
def test_what_cannot_be_formatted(words: list[str]) -> None:
    assert cli("fmt", *words).exit_code == 2
