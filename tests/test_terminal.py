"""What a terminal shows: tables that fit into it, and help that is not cut."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cli_runner import all_commands, drained
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from inception_dsl import compilation, compiler
from inception_dsl.cli import tables
from inception_dsl.cli.main import main
from inception_dsl.emit import catalogue
from inception_dsl.evaluation.evaluate import Evaluation
from inception_dsl.evaluation.scores import Measures
from inception_dsl.spec import discovery
from inception_dsl.text.aligned import TextColumn, format_table, pad, wrap
from inception_dsl.text.terminal import shortened, visible, width

ROOT = Path(__file__).parent.parent
SPECS = discovery.find_specs([ROOT / "specs"])
CELLS = st.lists(st.text(max_size=30), min_size=3, max_size=3)


@given(
    st.lists(CELLS, min_size=1, max_size=5),
    st.lists(st.tuples(st.booleans(), st.integers(1, 10)), min_size=5, max_size=5),
    st.integers(12, 120),
)
def test_no_table_is_wider_than_the_terminal(columns: list[list[str]], how: list[tuple[bool, int]], room: int) -> None:
    """Every line fits, every row is there as often as the header, and what fits is not touched."""
    made = [TextColumn.of(cells, right=right, least=least) for cells, (right, least) in zip(columns, how, strict=False)]
    whole, lines = format_table(made, gap=2), format_table(made, gap=2, room=room)

    assert all(width(line) <= room for line in lines)
    assert (len(lines) + 1) % 4 == 0, "parts of three lines, with an empty one between"
    if all(width(line) <= room for line in whole) and sum(each.width + 2 for each in made) - 2 <= room:
        assert lines == whole


def rows_of(letters: str) -> st.SearchStrategy[list[tuple[str, str, str]]]:
    cell = st.text(letters, max_size=40)
    return st.lists(st.tuples(cell, cell, cell), min_size=1, max_size=4)


@given(rows_of("ab-. é界"), st.integers(0, 3))
def test_padded_cells_are_as_wide_as_their_column(rows: list[tuple[str, str, str]], left: int) -> None:
    padded = pad(rows, left)

    for column, cells in enumerate(zip(*padded, strict=True)):
        given_cells = [row[column] for row in rows]
        assert {*map(width, cells)} == {max(map(width, given_cells))}
        for cell, before in zip(cells, given_cells, strict=True):
            assert cell.startswith(before) if column < left else cell.endswith(before)


@given(rows_of("ab-. "), st.none() | st.integers(30, 120))
def test_a_last_column_wraps_within_the_terminal(rows: list[tuple[str, str, str]], room: int | None) -> None:
    """Nothing is lost; without a terminal each row is one line."""
    lines = wrap(rows, room).split("\n")

    assert "".join("".join(lines).split()) == "".join("".join(map("".join, rows)).split())
    assert len(lines) == len(rows) if room is None else all(width(line) <= room for line in lines)


@given(st.text(), st.integers(1, 50))
def test_a_text_is_shortened_at_its_end(words: str, most: int) -> None:
    shown = shortened(visible(words), most)

    assert width(shown) <= most
    assert shown == visible(words) or shown.endswith("…")


@pytest.mark.parametrize("room", [48, 60, 80, 100])
def test_tables_of_the_specs(room: int) -> None:
    """Down to 48 columns no number of any table is shortened."""
    for path in SPECS[:12]:
        build = compilation.Build(compiler.compile_file(path))
        narrow, whole = (tables.verdict_table(build.own, build.verdicts, room=each) for each in (room, None))
        assert all(width(line) <= room for line in narrow.splitlines())
        numbers = {word for line in whole.splitlines()[1:] for word in line.split()[1:]}
        assert numbers <= {word for line in narrow.splitlines() for word in line.split()}
        shown = tables.inferred_table(build.own, room)
        assert all(width(line) <= room for line in shown.splitlines())
        for number in re.findall(r"\d[\d,]{3,}", tables.inferred_table(build.own)):
            assert number in shown


def test_claims_are_shortened_where_they_have_a_formula() -> None:
    found = compilation.examine(ROOT / "specs/claims.yaml").verdicts
    narrow = tables.claims_table(found, room=100).splitlines()

    assert all(width(line) <= 100 for line in narrow[:-1])
    assert len(narrow) == len(found) + 3
    assert any("…" in line for line in narrow)
    assert [line.split()[-1] for line in narrow[1:-2]] == [each.word.split()[-1] for each in found]


@pytest.mark.parametrize("columns", [60, 200])
@pytest.mark.skipif(os.name != "posix", reason="needs a pseudo-terminal")
def test_a_terminal_is_asked_how_wide_it_is(columns: int) -> None:
    """What a terminal of so many columns gets; a pipe gets lines as long as they are."""
    import pty

    own, theirs = pty.openpty()
    command = [sys.executable, "-m", "inception_dsl", "check", str(ROOT / "specs/googlenet.yaml")]
    done = subprocess.Popen(command, stdout=theirs, env={**os.environ, "COLUMNS": str(columns), "NO_COLOR": "1"})
    os.close(theirs)
    shown = drained(own).replace("\r\n", "\n")
    assert done.wait() == 0
    piped = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    table = shown.partition("\n\n")[2].rpartition("\n\n")[0]

    assert max(map(len, table.splitlines())) <= columns
    assert (shown == piped) == (columns == 200)


@pytest.mark.parametrize("words", [words for words, _ in all_commands()], ids=" ".join)
def test_help_fits_80_columns(words: tuple[str, ...]) -> None:
    """No line is longer, no summary of a command is cut, and no escape is printed."""
    result = CliRunner().invoke(main, [*words, "--help"], terminal_width=80)

    assert result.exit_code == 0
    assert all(len(line) <= 80 for line in result.output.splitlines())
    assert "\\" not in result.output
    listed = result.output.partition("\nCommands:\n")[2]
    assert "..." not in listed
    assert all(line.endswith(".") and len(line) < 80 for line in listed.splitlines())


def test_the_language_fits_too() -> None:
    """What `ops` prints wraps at the terminal's width, of all entries and of one."""
    for room in (50, 80):
        assert all(
            width(line) <= room for line in catalogue.catalogue_text(catalogue.entries(), False, room).splitlines()
        )
    table = catalogue.catalogue_text(catalogue.find_entries("conv"), True, 80).rpartition("written")[2]
    assert all(width(line) <= 80 for line in table.splitlines())


def test_scores_fit_too() -> None:
    measures = Measures(1000, 0.875, (0.85, 0.89), 0.99, (0.98, 0.995), 0.4, 0.02, classes=10)
    found = Evaluation({"recipe": measures, "144": measures}, [], [], None, 0, [], [])

    assert all(width(line) <= 60 for line in found.text(60).splitlines())
    assert [word for word in found.text(60).split() if word.startswith("87")] == ["87.50%"] * 2
    assert str(found).splitlines()[2] == f"   144  {measures}"
