"""The Markdown of a run, read back by a parser that is not ours; and its workflow commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cli_runner import SMALL, Run, cli, in_folder
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from inception_dsl.cli.digest import digest
from inception_dsl.cli.outcome import Outcome, SpecResult
from inception_dsl.diagnostics.codes.yaml import INVALID_YAML
from inception_dsl.diagnostics.diagnostic import Diagnostic, Source, Span
from inception_dsl.text.markdown import code, prose, table

PARSER = MarkdownIt("gfm-like", {"html": True, "linkify": False})
ROOT = Path(__file__).parent.parent
HOSTILE = (
    "`x` | y\n\n# z <img src=x onerror=alert(1)> [a](http://b) ![c](d) @team www.e.f http://g.h <!-- **i** ``` | \\| `"
)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command beside a spec."""
    run = in_folder(tmp_path, monkeypatch, {"small.yaml": SMALL})
    return lambda *words: run(*words, "--format", "markdown")


def shown(inline: Token) -> str:
    """What a reader sees of a line; line breaks of our own as spaces."""
    children = inline.children or []
    assert {each.type for each in children} <= {"text", "code_inline", "html_inline", "strong_open", "strong_close"}
    assert {each.content for each in children if each.type == "html_inline"} <= {"<br>"}
    return "".join(" " if each.type == "html_inline" else each.content for each in children)


def tables(text: str) -> list[list[list[str]]]:
    """The tables of a document, by rows and cells; it holds nothing else than them, headings, lists and paragraphs."""
    tokens = PARSER.parse(text)
    kinds = {
        token.type.removesuffix("_open").removesuffix("_close") for token in tokens if not token.type.startswith("t")
    }
    assert kinds <= {"heading", "bullet_list", "list_item", "paragraph", "inline"}
    found: list[list[list[str]]] = []
    for at, token in enumerate(tokens):
        if token.type == "table_open":
            found.append([])
        elif token.type == "tr_open":
            found[-1].append([])
        elif token.type in ("th_open", "td_open"):
            found[-1][-1].append(shown(tokens[at + 1]))
    return found


def test_a_run_in_which_all_holds(run: Run) -> None:
    result = run("check", "small.yaml")

    assert result.exit_code == 0
    assert result.stdout.startswith("### inception-dsl check: nothing is wrong\n")
    assert tables(result.stdout) == [
        [
            ["spec", "network", "printed", "exact", "rounds", "errata", "mismatches", ""],
            ["small.yaml", "small", "4", "4", "0", "0", "0", "holds"],
        ]
    ]


def test_a_run_with_findings(run: Run) -> None:
    Path("small.yaml").write_text(SMALL.replace("108", "107"), encoding="utf-8")
    result = run("check", "small.yaml", "none.yaml")

    assert result.exit_code == 2
    specs, found = tables(result.stdout)
    assert specs[1][-2:] == ["1", "does not hold"]
    assert found[0] == ["code", "place", "what is wrong"]
    assert [row[:2] for row in found[1:]] == [["E001", "none.yaml"], ["E301", "small.yaml:6:45"]]
    assert "prints params 107, 0.9% lower than the computed 108" in found[2][2]


def test_claims_and_show(run: Run) -> None:
    claims = tables(run("claims", str(ROOT / "specs/claims.yaml")).stdout)
    assert claims[0][0] == ["claim", "formula", "printed", "computed", "verdict"]
    assert ["vgg16_parameters", "params(vgg16)", "138M", "138M", "rounds"] in [
        [*row[:3], row[3][:3] + "M", row[4]] for row in claims[0]
    ]
    assert len(claims[0]) > 60, "the others are counted below the table"

    (rows,) = tables(run("show", "small.yaml").stdout)
    assert rows[1][:4] == ["conv", "conv 3x3 4 same", "8x8x4", "108"]


def test_compile(run: Run) -> None:
    assert "- 4 files: 4 written" in run("compile", "small.yaml").stdout
    assert "- 4 files: 4 current" in run("compile", "--check", "small.yaml").stdout
    Path("generated/small/report.md").unlink()
    stale = run("compile", "--check", "small.yaml").stdout
    assert "- 4 files: 3 current, 1 missing" in stale
    assert tables(stale)[1][1][:2] == ["E402", "generated/small/report.md"]


def test_the_spec_itself_is_a_block_of_code(run: Run) -> None:
    Path("small.yaml").write_text(SMALL.replace("input", 'title: "````"\ninput'), encoding="utf-8")
    (block,) = [each for each in PARSER.parse(run("show", "--resolved", "small.yaml").stdout) if each.type == "fence"]

    assert '"````"' in block.content or "title: ````" in block.content


@given(st.one_of(st.text(), st.text(alphabet="`|\\<>&@_*[]() \nax"), st.just(HOSTILE)))
def test_no_spec_writes_markdown(words: str) -> None:
    """A message, a place and a name are read as the text that they are, each in one cell: no markup, HTML or link."""
    found = Diagnostic(INVALID_YAML, words, Span(Source(words, words), 1, 1, 1), words, help=words)
    (rows,) = tables(digest(Outcome("check", 1, (found,), asked=1))) if words else [[["", "", ""]]]

    assert [len(row) for row in rows] == [3] * len(rows)
    (cells,) = tables(table(["a", "b"], [[code(words), prose(words)]]))
    assert [len(row) for row in cells] == [2, 2]


@given(st.text(alphabet=st.characters(categories=["L", "N", "P", "S", "Zs"]), max_size=100))
def test_a_table_shows_every_character_of_its_cells(words: str) -> None:
    """But for blanks, and the backquotes around code."""
    ((_, (quoted, text)),) = tables(table(["a", "b"], [[code(words), prose(words)]]))

    assert "".join(quoted.split()) == "".join(words.split())
    assert "".join(text.split()).replace("`", "") == "".join(words.split()).replace("`", "")


@pytest.mark.parametrize("words", ["@team", "a@b.c", "0@.A", "http://a.b", "www.a.b"])
def test_no_text_is_a_link_or_a_mention(words: str) -> None:
    """GitHub makes links and mentions of texts like these, but for one that is written otherwise, or is code."""
    assert words not in prose(f"see {words}")
    assert code(words) == f"`{words}`"


@pytest.mark.parametrize("words", ["long " * 200, "`|" * 200, "<" * 1000])
def test_there_is_room_for_it_in_a_comment(words: str) -> None:
    many = [Diagnostic(INVALID_YAML, f"{i} {words}", file=words) for i in range(1000)]
    text = digest(Outcome("check", 1, tuple(many), table=[("name", "layer"), *[(words, words)] * 1000]))

    assert len(text) < 65_536
    assert re.search(r"\n\n\.\.\. and \d+ more$", text)


def test_evidence_fits_a_comment_too() -> None:
    sentences = tuple(f"{n} as in the spec" for n in range(2000))
    result = SpecResult("small.yaml", "small", "Small", (), (), True, cross_checks=sentences)
    text = digest(Outcome("check", 0, (), 1, [result]))

    assert len(text) < 20_000
    assert re.search(r"- `small`: 9 as in the spec\n", text) and re.search(r"\n- \.\.\. and 1,\d\d\d more$", text)


def test_workflow_commands(run: Run) -> None:
    """A notice says what was looked at where nothing is wrong; else each finding is at its file."""
    found = cli("check", "small.yaml", "--format", "github")
    assert found.stdout == (
        "::notice title=inception-dsl check::1 spec: 4 printed numbers: 4 exact, 0 rounds, 0 errata, 0 mismatches; "
        "it holds\n"
    )
    missing = cli("compile", "--check", "small.yaml", "--format", "github").stdout
    assert missing.count("::error file=generated/small/") == len(missing.splitlines()) == 4
