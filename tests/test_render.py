"""The renderers: what a person sees, and what machines read back."""

from __future__ import annotations

import json
import re
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inception_dsl.diagnostics.codes.generated import STALE_FILE
from inception_dsl.diagnostics.codes.layers import REDUNDANT_WORD
from inception_dsl.diagnostics.codes.shapes import BRANCH_SIZES_DIFFER
from inception_dsl.diagnostics.codes.tool import MISSING_DEPENDENCY
from inception_dsl.diagnostics.codes.yaml import INVALID_YAML
from inception_dsl.diagnostics.diagnostic import Diagnostic, Note, Source, Span
from inception_dsl.diagnostics.render import MAX_COLUMNS_SHOWN, diagnostics_data, github, text
from inception_dsl.text.terminal import width

SPEC = Source(
    "specs/googlenet.yaml",
    "\n" * 17
    + "      | pool: maxpool 3x3/1 -> conv 1x1 {pool proj}\n"
    + "\n" * 12
    + "  inception_4a | inception | 192 | 96 | ...\n",
)
E204 = Diagnostic(
    BRANCH_SIZES_DIFFER,
    "branches of `inception` disagree on image size",
    Span(SPEC, 31, 3, 15),
    "`5x5` gives 14x14, `pool` gives 13x13",
    (Note(Span(SPEC, 18, 15, 28), "here"),),
    "write `maxpool 3x3/1 same`",
)


def at(line: str, column: int, end: int, label: str = "") -> Diagnostic:
    """An error in a file of one line."""
    return Diagnostic(INVALID_YAML, "wrong", Span(Source("a.yaml", line), 1, column, end), label)


def snippet(diagnostic: Diagnostic) -> tuple[str, str]:
    """The source line and the line of carets, without their gutter."""
    lines = text([diagnostic]).splitlines()
    return lines[3].removeprefix("1 |").removeprefix(" "), lines[4].removeprefix("  | ")


W201 = Diagnostic(REDUNDANT_WORD, "this may not be meant", Span(SPEC, 31, 3, 15), help="write it otherwise")


def test_warnings() -> None:
    """A warning is called one in every form, and counted apart from the errors."""
    shown = text([W201])
    assert shown.startswith("warning[W201]: this may not be meant\n")
    assert shown.endswith("\n1 warning")
    assert text([E204, W201, W201]).endswith("\n1 error, 2 warnings")
    assert text([E204, W201], colour=True).count("\x1b[1;33m") == 2
    assert [each["severity"] for each in diagnostics_data([E204, W201])] == ["error", "warning"]
    assert [line.split()[0] for line in github([E204, W201]).splitlines() if line.startswith("::")] == [
        "::error",
        "::warning",
    ]


def test_text() -> None:
    """A diagnostic says where, what is, what to do."""
    assert (
        text([E204])
        == """\
error[E204]: branches of `inception` disagree on image size
  --> specs/googlenet.yaml:31:3
   |
31 |   inception_4a | inception | 192 | 96 | ...
   |   ^^^^^^^^^^^^ `5x5` gives 14x14, `pool` gives 13x13
   ::: specs/googlenet.yaml:18:15
18 |       | pool: maxpool 3x3/1 -> conv 1x1 {pool proj}
   |               ^^^^^^^^^^^^^ here
   = help: write `maxpool 3x3/1 same`

1 error"""
    )


def test_colour_adds_only_colour() -> None:
    """Colours are sequences around the same text, each ended."""
    coloured = text([E204, at("x", 1, 2)], colour=True)

    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == text([E204, at("x", 1, 2)])
    assert coloured.count("\x1b[0m") * 2 == coloured.count("\x1b[") > 0


def test_without_a_place() -> None:
    """What stands in no file has a message and help only; help may have several lines."""
    assert (
        text([Diagnostic(MISSING_DEPENDENCY, "torch is missing", help="run\npip install torch")])
        == """\
error[E005]: torch is missing
  = help: run
          pip install torch

1 error"""
    )


def test_a_diagnostic_of_a_file() -> None:
    """What is true of a whole file names it, without a line."""
    assert (
        text([Diagnostic(STALE_FILE, "`a.py` is stale", help="compile", file="a.py")])
        == """\
error[E402]: `a.py` is stale
 --> a.py
  = help: compile

1 error"""
    )


@given(st.text(min_size=1, max_size=300), st.integers(1, 300), st.integers(24, 120))
def test_source_lines_fit_the_room_there_is(line: str, column: int, room: int) -> None:
    """No excerpt is wider than the terminal; the carets stand below its text."""
    span = Span(Source("a", line), 1, column, column + 3)
    shown = text([Diagnostic(INVALID_YAML, "m", span)], room=room).splitlines()[3]

    assert width(shown) <= room


def test_nothing_to_tell() -> None:
    """No diagnostics are no text."""
    assert text([]) == github([]) == ""
    assert diagnostics_data([]) == []


def test_at_most_twenty_in_full() -> None:
    """After twenty the rest is counted."""
    assert "more" not in text([E204] * 20)
    assert text([E204] * 21).endswith("\n\n... and 1 more error\n\n21 errors")
    assert text([E204] * 23).endswith("\n\n... and 3 more errors\n\n23 errors")
    assert text([E204] * 23).count("error[") == 20


@pytest.mark.parametrize(
    ("diagnostic", "line", "carets"),
    [
        (at("a\tb", 3, 4), "a   b", "    ^"),
        (at("\t\tb", 2, 3), "        b", "    ^^^^"),
        (at("界é x", 4, 5), "界é x", "    ^"),
        (at("界面", 2, 3), "界面", "  ^^"),
        (at("e\u0301x", 3, 4), "e\u0301x", " ^"),
        (at("a\u202eb", 3, 4), r"a\u202eb", "       ^"),
        (at("a\x1b[2Jb", 2, 3, "\x07"), r"a\x1b[2Jb", r" ^^^^ \x07"),
        (at("ab", 3, 3, "ends here"), "ab", "  ^ ends here"),
        (at("ab", 2, 99), "ab", " ^"),
        (at("ab", 50, 60), "ab", "  ^"),
        (at("", 1, 1), "", "^"),
        (Diagnostic(INVALID_YAML, "wrong", Span(Source("a.yaml", "ab"), 7, 1, 2)), "7 |", "^"),
    ],
)
def test_carets_stand_under_their_text(diagnostic: Diagnostic, line: str, carets: str) -> None:
    """Tabs, wide, combining and escaped characters take the columns they are shown in."""
    assert snippet(diagnostic) == (line, carets)


@pytest.mark.parametrize("start", [0, 50, 100, 800, 1500, 1596])
def test_long_line(start: int) -> None:
    """A long line is cut around its span."""
    words = "abc " * 399
    line, carets = snippet(at(words[:start] + "HERE" + words[start:], start + 1, start + 5))

    assert len(line) <= MAX_COLUMNS_SHOWN
    assert line.startswith("…") == (start > MAX_COLUMNS_SHOWN // 3)
    assert line[carets.index("^") : carets.rindex("^") + 1] == "HERE"


@given(st.text(max_size=300), st.integers(-3, 310), st.integers(-3, 310))
def test_no_line_attacks_the_terminal(line: str, column: int, end: int) -> None:
    """Whatever stands in a file, what is printed is printable and short."""
    rendered = text([Diagnostic(INVALID_YAML, line, Span(Source(line, line), 1, column, end), line, help=line)])

    assert {category(character) for character in rendered if character != "\n"}.isdisjoint(
        {"Cc", "Cf", "Cs", "Zl", "Zp"}
    )
    assert "^" in rendered


def test_huge_line_and_message() -> None:
    """What is printed does not grow with the file."""
    rendered = text([Diagnostic(INVALID_YAML, "m" * 10**6, Span(Source("a", "\u0301界" * 10**6), 1, 10**6, 2 * 10**6))])

    assert len(rendered) < 2000


def test_json() -> None:
    """The JSON format holds every part of a diagnostic under stable keys."""
    found = json.loads(
        json.dumps(
            diagnostics_data([E204, Diagnostic(MISSING_DEPENDENCY, "m"), Diagnostic(STALE_FILE, "m", file="a.py")])
        )
    )

    assert found[0] == {
        "code": "E204",
        "severity": "error",
        "message": E204.message,
        "file": "specs/googlenet.yaml",
        "line": 31,
        "column": 3,
        "end_column": 15,
        "label": E204.label,
        "notes": [{"message": "here", "file": "specs/googlenet.yaml", "line": 18, "column": 15, "end_column": 28}],
        "help": E204.help,
    }
    assert found[1]["file"] is found[1]["line"] is None
    assert (found[2]["file"], found[2]["line"]) == ("a.py", None)


def test_github() -> None:
    """One command a diagnostic, escaped so that no text can end it or begin another."""
    assert github([E204]) == (
        "::error file=specs/googlenet.yaml,line=31,col=3,endColumn=15,title=E204::"
        "branches of `inception` disagree on image size%0A`5x5` gives 14x14, `pool` gives 13x13%0A"
        "help: write `maxpool 3x3/1 same`"
    )
    hostile = Diagnostic(INVALID_YAML, "50%\n::stop::x\r", Span(Source("a:b,c%.yaml", ""), 1, 1, 1))
    assert github([hostile]) == (
        "::error file=a%3Ab%2Cc%25.yaml,line=1,col=1,endColumn=1,title=E101::50%25%0A::stop::x"
    )
    assert github([Diagnostic(MISSING_DEPENDENCY, "m")]) == "::error title=E005::m"
    assert github([Diagnostic(STALE_FILE, "m", file="a.py")]) == "::error file=a.py,title=E402::m"
