"""Figures: complete, laid out without overlaps and crossings, safe whatever a spec says, and legible."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_runner import SMALL, cli, in_folder
from figure_examples import ROOT, hostile, small, spec
from figure_geometry import faults, lines, words
from markup_reader import SVG, parsed

from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.emit.figures import svg
from inception_dsl.emit.figures.diagram import module_figure, network_figure
from inception_dsl.emit.figures.mermaid import mermaid
from inception_dsl.emit.figures.model import Box, Element, Figure, Fork, Frame, Steps
from inception_dsl.emit.figures.placement import scene
from inception_dsl.ir.ops.joins import Add, Concat
from inception_dsl.ir.ops.linear import Conv
from inception_dsl.ir.typed import Typed
from inception_dsl.network import load


def boxes(steps: Steps) -> Iterator[Box]:
    """The boxes in some elements, joins included."""
    for step in steps:
        match step:
            case Box():
                yield step
            case Frame(inner=inner):
                yield from boxes(inner)
            case Fork(branches=branches, join=join):
                yield from (box for branch in branches for box in boxes(branch))
                yield join


def module_steps(typed: Typed, module: str) -> Steps:
    """The elements of a module's first form."""
    frame = module_figure(typed.program, module).trunks[0].rows[0].element
    assert isinstance(frame, Frame)
    return frame.inner


def elements(figure: Figure) -> list[Element]:
    """The rows and heads of a figure."""
    (trunk,) = figure.trunks
    return [*(row.element for row in trunk.rows), *(head.row.element for head in trunk.heads)]


# --- what a figure shows ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["googlenet", "zoo/squeezenet1_0", "bn_inception"])
def test_an_open_figure_has_all_convolutions_and_joins(name: str) -> None:
    typed = spec(name)
    shown = Counter(box.kind for box in boxes(tuple(elements(network_figure(typed, opened=True)))))

    assert shown["convolution"] == sum(isinstance(node.op, Conv) for node in typed.nodes)
    assert shown["join"] == sum(isinstance(node.op, Concat | Add) for node in typed.nodes)


def test_every_row_and_head_has_its_shape_and_marks() -> None:
    typed = spec("googlenet")
    figure = network_figure(typed)
    (trunk,) = figure.trunks
    by_name = {row.name: row.element for row in (*trunk.rows, *(head.row for head in trunk.heads))}

    assert [*by_name] == [*typed.trunk, *typed.heads]
    assert all(element.out.startswith(str(typed.out(name))) for name, element in by_name.items())
    assert by_name["conv1"] == Box(
        "conv1",
        "convolution",
        ("conv 7x7/2 64", "same bias relu", "depth 1 \u2713 params 2.7K \u2020 ops 34M \u2020"),
        "112x112x64 \u2713",
    )
    assert figure.legend[0] == "Totals: depth 22 \u2713 ops 1.5B \u2020"


def test_a_row_is_one_group_and_a_page_may_have_many_figures() -> None:
    typed = spec("googlenet")
    root = parsed(svg.svg(network_figure(typed, opened=True)))
    groups = [group.get("data-row") for group in root.iter(f"{SVG}g")]

    assert groups == [*typed.trunk, *typed.heads]
    assert not any(element.get("id") for element in root.iter())
    style = root.findtext(f"{SVG}style") or ""
    assert all(line.startswith((".figure ", "@media", "}")) for line in style.split("\n") if line)


def test_a_module_is_drawn_with_its_symbolic_widths() -> None:
    shown = words(scene(module_figure(spec("googlenet").program, "inception")))

    assert {"conv 1x1 {#1x1}", "conv 1x1 {#3x3 reduce}", "conv 3x3 {#3x3}", "maxpool 3x3/1", "concat"} <= {*shown}


def test_branches_have_their_names() -> None:
    (fork,) = module_steps(spec("googlenet"), "inception")

    assert isinstance(fork, Fork)
    assert fork.labels == ("1x1", "3x3", "5x5", "pool")
    assert {*fork.labels} < {*words(scene(module_figure(spec("googlenet").program, "inception")))}


def test_a_module_has_its_forms_side_by_side() -> None:
    program = spec("bn_inception").program
    shown = words(scene(both := module_figure(program, "inception")))

    assert [trunk.caption for trunk in both.trunks] == ["inception", "inception_maxpool"]
    assert {"avgpool 3x3/1", "maxpool 3x3/1", "inception_maxpool"} <= {*shown}
    assert "avgpool 3x3/1" not in words(scene(module_figure(program, "inception_maxpool")))
    assert mermaid(both).count("  end\n") == 2


def test_many_forms_are_several_lines_of_figures() -> None:
    drawn = scene(module_figure(spec("polynet").program, "two_way_a"))

    assert drawn.width < 1700
    assert faults(drawn) == []


def test_long_fractions_are_short() -> None:
    shown = words(scene(module_figure(spec("zoo/convnext_tiny").program, "block_rate_0_0058823529411764705")))

    assert "drop_path 0.005882" in shown


def test_a_repeat_is_one_frame() -> None:
    rows = {row.name: row.element for row in network_figure(spec("inception_v4"), opened=True).trunks[0].rows}

    assert isinstance(drawn := rows["inception_b"], Frame)
    assert drawn.detail == ("7 of inception_b",)
    assert sum(box.kind == "convolution" for box in boxes(drawn.inner)) == 10


def test_an_earlier_row_is_a_dashed_skip() -> None:
    figure = network_figure(spec("nasnet_a_large"))
    dashed = [line for line in lines(scene(figure)) if line.dashed]

    assert len(dashed) == sum(len(row.reads) for row in figure.trunks[0].rows) > 15


# --- text of a spec ---------------------------------------------------------------------------------------------------


def test_hostile_text_stays_text_in_svg() -> None:
    for figure in hostile():
        drawn = svg.svg(figure)
        root = parsed(drawn)

        assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
            *("svg", "title", "desc", "style", "g", "rect", "path", "circle", "text")
        }
        assert all(char.isprintable() or char == "\n" for char in drawn)
        assert "alert(1)" in "".join(root.itertext())
        assert not re.search(r"https?:(?!//www\.w3\.org/2000/svg)|url\(|@import|href", drawn)


def test_hostile_text_stays_text_in_mermaid() -> None:
    for figure in hostile():
        for line in mermaid(figure).splitlines():
            kind, _, rest = line.strip().partition(":")
            if kind in ("accTitle", "accDescr"):
                assert not re.search(r"[<>\"'&;#%{}`]", rest)
            for quoted in re.findall(r'"([^"]*)"', line):
                assert re.fullmatch(r"(<br/>|#\d+;|[\w .,+\-=/@()])*", quoted)
            outside = re.sub(r'"[^"]*"', "", line)
            assert kind in ("accTitle", "accDescr") or (outside.isascii() and "script" not in outside)


# --- the command ------------------------------------------------------------------------------------------------------


def test_draw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = in_folder(tmp_path, monkeypatch, {"small.yaml": SMALL})

    drawn = run("draw", "small.yaml").stdout
    assert parsed(drawn).findtext(f"{SVG}title") == "small"
    assert run("draw", "small.yaml", "--out", "new/a.svg").stdout == "wrote new/a.svg\n"
    assert Path("new/a.svg").read_text("utf-8") == drawn
    assert "conv 3x3 4" in run("draw", "small.yaml", "--format", "mermaid", "--direction", "right").stdout
    rows = run("draw", "small.yaml", "--rows", "fc..", "--level", "layers").stdout
    assert "conv 3x3 4" not in rows
    assert "fc 10" in rows


def test_the_suffix_is_the_format(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("resvg_py")
    run = in_folder(tmp_path, monkeypatch, {"small.yaml": SMALL})
    for name in ("a.svg", "a.tex", "a.mmd", "a.png", "without"):
        assert run("draw", "small.yaml", "--out", name).stdout == f"wrote {name}\n"
    run("draw", "small.yaml", "--out", "mermaid.md", "--format", "mermaid")
    run("draw", "small.yaml", "--out", "json.tex", "--format", "json")

    assert Path("a.png").read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert run("draw", "small.yaml", "--format", "png").stdout_bytes == Path("a.png").read_bytes()
    assert Path("without").read_bytes() == Path("a.svg").read_bytes()
    assert Path("mermaid.md").read_bytes() == Path("a.mmd").read_bytes()
    assert Path("json.tex").read_bytes() == Path("a.tex").read_bytes()
    assert json.loads(run("draw", "small.yaml", "--format", "json").stdout)["result"] == {
        "svg": Path("a.svg").read_text("utf-8"),
        "mermaid": Path("a.mmd").read_text("utf-8"),
        "tikz": Path("a.tex").read_text("utf-8"),
    }


@pytest.mark.parametrize(
    ("out", "form", "says"),
    [
        ("a.tex", "svg", "the suffix says tikz, and --format svg"),
        ("a.jpg", None, "expected the suffix `.svg`"),
        ("small.yaml", "svg", "is a spec, which a figure would replace"),
        ("base.yml", "tikz", "is a spec, which a figure would replace"),
    ],
)
def test_a_wrong_file_is_refused(
    out: str, form: str | None, says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = in_folder(tmp_path, monkeypatch, {"small.yaml": SMALL})
    done = run("draw", "small.yaml", "--out", out, *(("--format", form) if form else ()))

    assert done.exit_code == 2
    assert says in done.stderr
    assert [(path.name, path.read_text("utf-8")) for path in tmp_path.iterdir()] == [("small.yaml", SMALL)]


def test_no_png_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inception_dsl.cli.commands.draw.columns", lambda: 80)
    result = cli("draw", ROOT / "specs" / "vgg16.yaml", "--format", "png")

    assert result.exit_code == 2
    assert "give --out FILE.png" in result.stderr


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--out", "a.pdf"), "a.pdf: expected the suffix `.svg`, `.tex`, `.mmd` or `.png`, or --format"),
        (("--module", "inceptoin"), "Did you mean `inception`?"),
        (("--rows", "conv1..pol1"), "unknown row `pol1`"),
        (("--rows", "pool1..conv1"), "write conv1..pool1"),
        (("--rows", "pool1", "--module", "inception"), "leave out the rows"),
    ],
)
def test_what_cannot_be_drawn(options: tuple[str, ...], message: str) -> None:
    result = cli("draw", ROOT / "specs" / "googlenet.yaml", *options)

    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_a_broken_spec_is_a_diagnostic(tmp_path: Path) -> None:
    file = tmp_path / "broken.yaml"
    file.write_text(SMALL.replace("conv 3x3 4 same", "conv 9x9 4 valid"), "utf-8")

    with pytest.raises(SpecError):
        small(file.read_text("utf-8"))
    assert "E209" in cli("draw", file).stderr


@pytest.mark.parametrize("wrong", [{"format": "gif"}, {"level": "boxes"}, {"direction": "up"}, {"rows": "conv1..pol1"}])
def test_python_draws_what_it_knows(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"not one of|Did you mean `pool1`"):
        load(ROOT / "specs/googlenet.yaml").draw(**wrong)
