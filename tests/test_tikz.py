"""TikZ: text of a spec stays text, and pdfLaTeX makes one page of a figure."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from figure_examples import HOSTILE, hostile, spec
from hypothesis import example, given
from hypothesis import strategies as st

from inception_dsl.emit.figures.diagram import network_figure
from inception_dsl.emit.figures.latex import latex
from inception_dsl.emit.figures.model import Box, Figure, Frame, Kind, Row, Trunk
from inception_dsl.emit.figures.tikz import tikz

PRINTED = r"""
    [A-Za-z0-9 !()*+,./:;=?@\[\]'`-]                        # signs that are themselves
    | \\[{}&\#%_]                                           # and those that TeX reads
    | \{\}
    | \\(text[a-z]+|dots|mismatch|ss|ae|AE|o|O|oe|OE|l|L|i)\{\}
    | \\\((-|\\\$|\\[a-z]+)\\\)
    | \\[`'^~=u."rHvdc]\{[A-Za-z]\}
    | \\unicode\{[0-9A-F]{4,6}\} | \\llap\{\\unicode\{[0-9A-F]{4,6}\}\}
"""
"""What may stand for a character."""


def compiled(figure: Figure, folder: Path, down: bool = True) -> str:
    """The log of pdfLaTeX, which has made a PDF file of a figure."""
    if not shutil.which("pdflatex"):
        pytest.skip("pdflatex is not installed")
    (folder / "figure.tex").write_text(tikz(figure, down), "ascii")
    command = ["pdflatex", "-no-shell-escape", "-interaction=nonstopmode", "-halt-on-error", "figure.tex"]
    done = subprocess.run(command, cwd=folder, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout.decode("utf-8", "replace")
    return (folder / "figure.log").read_text("latin-1")


@given(st.text())
@example(HOSTILE)
def test_latex_prints_any_text(text: str) -> None:
    assert re.fullmatch(f"({PRINTED})*", latex(text), re.VERBOSE)


def test_latex_prints_what_it_is_given() -> None:
    assert latex(r"#3x3_reduce {50%} \input") == r"\#3x3\_reduce \{50\%\} \textbackslash{}input"
    assert latex("gr\u00f6\u00dfe \u0151 \u4f60 \u2713") == r"gr\"{o}\ss{}e \H{o} \unicode{4F60} \(\checkmark\)"
    assert latex("a--b \u202e") == r"a-{}-b \textbackslash{}u202e"


def test_a_document_has_a_style_for_a_kind_and_a_node_for_a_box() -> None:
    drawn = tikz(network_figure(spec("googlenet")))

    assert drawn.isascii()
    assert re.search(r"^  convolution box/\.style=\{box, fill=convolution fill,", drawn, re.MULTILINE)
    assert re.search(
        r"^  \\node\[convolution box, .*\] \(conv1\) at \(.*\) \{\\boxtitle\{conv1\} \\\\ ", drawn, re.MULTILINE
    )


def test_hostile_text_cannot_end_a_line_or_a_group_in_tikz() -> None:
    for figure in hostile():
        for line in tikz(figure).split("\\begin{document}\n", 1)[1].splitlines()[2:-2]:
            command = line.strip().partition(" ")[0].partition("[")[0]
            assert command in (r"\node", r"\draw", r"\path", "%")
            if command == r"\node":
                words = line[line.index("{") + 1 : line.rindex("}")]
                assert re.fullmatch(
                    rf"((\\box(title|detail|value)\{{({PRINTED})*\}}(\ \\\\\ )?)*|({PRINTED})*)", words, re.VERBOSE
                )


def test_pdflatex_makes_one_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of boxes of all kinds and of hostile text; also if they are too long for a page of TeX."""
    monkeypatch.setattr("inception_dsl.emit.figures.tikz.LARGEST", 700)
    given = hostile()[2]
    rows = tuple(Row(f"{kind}_", Box(kind, kind)) for kind in get_args(Kind))
    log = compiled(replace(given, trunks=(*given.trunks, Trunk(Box("input", "value", source=True), rows))), tmp_path)

    assert "(1 page," in log
    assert "Overfull" not in log


def test_a_figure_too_long_for_a_page_is_smaller_in_all_its_lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    boxes = Frame("big", tuple(Box(str(number), "convolution") for number in range(20)))
    figure = Figure("", "", "", (Trunk(Box("input", "value", source=True), (Row("big", boxes),)),))
    full = tikz(figure)
    monkeypatch.setattr("inception_dsl.emit.figures.tikz.LARGEST", 100)
    small = tikz(figure)

    def most(what: str, text: str) -> float:
        return max(float(length) for length in re.findall(rf"{what}=(\d+(?:\.\d+)?)pt", text))

    assert most("minimum height", small) <= 100 < most("minimum height", full)
    for what in ("line width", "rounded corners", "length", r"\[length=[0-9.]+pt, width"):
        assert most(what, small) < most(what, full) / 5
    assert small.count(r"\boxtitle{big}") == 1
