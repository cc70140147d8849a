"""Tables in every form that papers have are read as the same cells; what cannot be read is reported with its place."""

from __future__ import annotations

import csv
import html
import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.tables import formats, grid
from inception_dsl.tables.kinds import normal, unmarked
from inception_dsl.text import markdown

Rows = list[list[str]]

CELLS = st.text(st.characters(exclude_categories=("C", "Z")), max_size=8).map(lambda text: " ".join(text.split()))
WIDTHS = st.integers(2, 4)


def tables(cells: st.SearchStrategy[str]) -> st.SearchStrategy[Rows]:
    """Tables with a header and one row or more, all with the same number of cells."""

    def of_width(width: int) -> st.SearchStrategy[Rows]:
        rows = st.lists(st.lists(cells, min_size=width, max_size=width), min_size=1, max_size=5)
        header = st.lists(cells.filter(bool), min_size=width, max_size=width)
        return st.builds(lambda first, others: [first, *others], header, rows)

    return WIDTHS.flatmap(of_width)


def texts(text: str, form: str | None = None) -> Rows:
    """The cells of the first table in a text."""
    return formats.read(Source("table", text), form).grid.texts


def as_csv(rows: Rows, delimiter: str = ",") -> str:
    out = io.StringIO()
    csv.writer(out, delimiter=delimiter).writerows(rows)
    return out.getvalue()


def as_latex(rows: Rows) -> str:
    special = {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}
    special |= {sign: f"\\{sign}" for sign in "{}$&#_%"} | {sign: f"{{{sign}}}" for sign in "-'`<>!?\"*[]"}
    lines = [" & ".join("".join(special.get(sign, sign) for sign in cell) for cell in row) for row in rows]
    return "\\begin{tabular}{llll}\n\\hline\n" + " \\\\ \\hline\n".join(lines) + " \\\\\n\\end{tabular}\n"


def as_html(rows: Rows) -> str:
    cells = ["".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows]
    return "<table>" + "".join(f"<tr>{row}</tr>\n" for row in cells) + "</table>"


@given(tables(CELLS))
def test_csv_and_tsv_are_read_as_written(rows: Rows) -> None:
    assert texts(as_csv(rows), "csv") == texts(as_csv(rows, "\t"), "tsv") == rows


@given(tables(CELLS))
def test_html_is_read_as_written(rows: Rows) -> None:
    assert texts(as_html(rows)) == rows


@pytest.mark.extras
@given(tables(CELLS))
def test_markdown_is_read_as_written(rows: Rows) -> None:
    written = markdown.table([*map(markdown.escaped, rows[0])], [[*map(markdown.escaped, row)] for row in rows[1:]])

    assert texts(written, "markdown") == rows


@pytest.mark.extras
@given(tables(CELLS))
def test_latex_is_read_as_written(rows: Rows) -> None:
    assert texts(as_latex(rows)) == rows


NAMES = st.from_regex(r"[a-z]{2,8}( [a-z]{2,5})?", fullmatch=True)
NUMBERS = st.from_regex(r"[1-9][0-9]{0,3}[KM]?|[1-9][0-9]?x[1-9]x[1-9]", fullmatch=True)


@given(st.data(), WIDTHS)
def test_text_with_a_layout_is_read_as_written(data: st.DataObject, width: int) -> None:
    header = data.draw(st.lists(NAMES, min_size=width, max_size=width))
    row = st.tuples(NAMES, *[NUMBERS] * (width - 1)).map(list)
    rows = [header, *data.draw(st.lists(row, min_size=1, max_size=5))]
    room = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["   ".join(f"{cell:^{wide}}" for cell, wide in zip(row, room, strict=True)) for row in rows]

    assert texts("\n".join(lines), "text") == rows


PAPER = r"""
% a comment & more \\
\begin{table}\begin{tabular}{|l|c|c|} \toprule
\textbf{type} & \begin{tabular}{c}patch size/\\stride\end{tabular} & \multicolumn{2}{c|}{\bf $3{\times}3$} \\ \hline
conv$^{a}$ & $7\times7/2$ & 1\tnote{b} & \multirow{2}{*}{\shortstack{x\\y}} \\[2pt] \cmidrule(lr){2-3}
{\em max pool} & 3$\times$3/2 & 5\% & \\ % the end
\bottomrule
\end{tabular}\end{table}
"""


@pytest.mark.extras
def test_latex_of_papers() -> None:
    assert texts(PAPER) == [
        ["type", "patch size/ stride", "3×3", "3×3"],
        ["conv^a", "7×7/2", "1^b", "x y"],
        ["max pool", "3×3/2", "5%", "x y"],
    ]


def test_html_with_spans_and_marks() -> None:
    read = texts(
        "<table><tr><th>a<th colspan=2>b</tr><tr><td rowspan=2>1<td>x<sup>a</sup><br>y</td><td>2</td></tr>"
        "<tr><td>112&times;112<td>5</table>"
    )

    assert read == [["a", "b", "b"], ["1", "x^a y", "2"], ["1", "112×112", "5"]]


def test_a_cell_knows_its_place() -> None:
    text = "<table>\n<tr><th>a</th><th>b</th></tr>\n<tr><td>1</td><td>2</td></tr></table>"
    cell = formats.read(Source("t.html", text)).grid.rows[1][1]

    assert (cell.text, str(cell.span)) == ("2", "t.html:3:15")


def test_broken_lines_of_a_pdf_are_joined() -> None:
    text = """\
                 patch size/    output
  type             stride         size       depth
  inception                    28x28x256       2
  (3a)
  average          7x7/1       1x1x1024        0
  pooling
"""

    assert texts(text) == [
        ["type", "patch size/stride", "output size", "depth"],
        ["inception (3a)", "", "28x28x256", "2"],
        ["average", "7x7/1", "1x1x1024", "0"],
        ["pooling", "", "", ""],
    ]


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("a,b\n1,2\n", "csv"),
        ("a;b\n1;2\n", "csv"),
        ("a\tb\n1\t2\n", "tsv"),
        ("a | b\n1 | 2\n", "markdown"),
        ("| a | b |\n|---|--:|\n| 1 | 2 |\n", "markdown"),
        ("a & b \\\\\n1 & 2 \\\\\n", "latex"),
        ("<p><table><tr><td>a<td>b<tr><td>1<td>2</table>", "html"),
        ("name   b\nx   2\n", "text"),
    ],
)
def test_forms_are_recognised(text: str, form: str) -> None:
    assert formats.guess(Source("-", text)) == form


@pytest.mark.extras
def test_bars_need_no_rule() -> None:
    assert texts("| a | b, c\n| 1 | 2, 3") == [["", "a", "b, c"], ["", "1", "2, 3"]]


def test_the_suffix_of_a_file_says_its_form() -> None:
    assert formats.guess(Source("a/table.TEX", "x,y\n1,2")) == "latex"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("112 × 112 × 64", "112x112x64"),
        ("112²×64", "112x112x64"),
        ("7^2 x 1280", "7x7x1280"),
        ("3 X 3/2", "3x3/2"),
        ("3×Inception", "3×Inception"),
        ("max  pool", "max pool"),
    ],
)
def test_sizes_have_one_form(text: str, expected: str) -> None:
    assert normal(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("convolution*", ("convolution", "*")),
        ("28x28x576†", ("28x28x576", "†")),
        ("64^a", ("64", "a")),
        ("64a", ("64", "a")),
        ("2.7K^{*}".replace("{", "").replace("}", ""), ("2.7K", "*")),
        ("340M", ("340M", "")),
        ("1,024b", ("1,024", "b")),
        ("*", ("*", "")),
        ("conv [^1]", ("conv", "1")),
    ],
)
def test_footnote_marks_are_taken_off(text: str, expected: tuple[str, str]) -> None:
    assert unmarked(text, letters=True) == expected


@pytest.mark.extras
@pytest.mark.parametrize(
    ("text", "form", "code", "line"),
    [
        ("", None, "E118", 1),
        ("  \n\n", None, "E118", 1),
        ('a,b\n1,"2\n3,4\n', "csv", "E118", 2),
        ("no table here", "html", "E118", 1),
        ("no table here", "markdown", "E118", 1),
        ("x\n\\begin{tabular}{l}\na & b", None, "E118", 2),
        ("a & b \\\\ \n {" * 3000, "latex", "E118", 1),
        ("a & " + "\\textbf" * 5000 + "{x} \\\\", "latex", None, 0),
        ("a,b\n" * 2001, "csv", "E117", 2001),
        (",".join("ab" * 60) + "\n1\n", "csv", "E117", 1),
        ("a,b\n" + "x" * 1001 + ",1\n", "csv", "E117", 2),
        ("x" * (grid.MAX_CHARACTERS + 1), None, "E117", 1),
        ("<table>" + "<tr><td rowspan=99999 colspan=99999>x" * 3, None, "E117", 1),
        ("<table>" + "<tr><td rowspan=2000 colspan=90>x<tr>" * 2000, None, "E117", 1),
        ("a   b   " * 60 + "\n1   2\n", "text", "E117", 1),
        ("type params\nconv 1 2 3 4 5 6\n", None, "E118", 2),
        ("<table>" * 10_000, None, "E118", 1),
    ],
)
def test_what_cannot_be_read_is_reported(text: str, form: str | None, code: str | None, line: int) -> None:
    try:
        formats.read(Source("given", text), form)
    except SpecError as error:
        (first, *_) = error.diagnostics
        assert code == first.code and first.span
        assert re.match(rf"given:{line}:", str(first.span)), first.span
    else:
        assert code is None


@pytest.mark.extras
@given(st.text(max_size=60), st.sampled_from([*formats.FORMATS, None]))
def test_any_text_is_read_or_reported(text: str, form: str | None) -> None:
    try:
        found = formats.read(Source("given", text), form)
    except SpecError as error:
        places = [error.span for error in error.diagnostics if error.span]
        assert places and all(place.line <= len(place.source.lines) for place in places)
    else:
        assert found.grid.rows
