"""Layouts: nothing overlaps, no text is outside its box, and no line crosses an edge or a box."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from figure_examples import small, spec
from figure_geometry import faults, lines, shapes, words
from hypothesis import given, settings
from hypothesis import strategies as st
from markup_reader import parsed
from strategies import specs

from inception_dsl.emit.figures import svg
from inception_dsl.emit.figures.diagram import module_figure, network_figure
from inception_dsl.emit.figures.mermaid import mermaid
from inception_dsl.emit.figures.model import Box, Element, Figure, Fork, Frame, Row, Steps, Trunk
from inception_dsl.emit.figures.placement import scene
from inception_dsl.emit.figures.scene import Group, Text

NAMES = ["googlenet", "inception_resnet_v2", "resnet50", "zoo/densenet121", "zoo/se_resnet50", "inception_time"]


@pytest.mark.parametrize("name", NAMES)
def test_nothing_overlaps_and_no_lines_cross(name: str) -> None:
    typed = spec(name)
    for opened, down in product((False, True), (False, True)):
        assert faults(scene(network_figure(typed, opened), down)) == []


@pytest.mark.parametrize("down", [True, False])
def test_cells_with_references(down: bool) -> None:
    typed = spec("nasnet_a_large")

    assert faults(scene(network_figure(typed), down)) == []
    for module in ("normal_cell", "reduction_cell_halving"):
        assert faults(scene(module_figure(typed.program, module, opened=True), down)) == []


WITH_MODULE = """
network: small
input: 4x8x8
modules: {mod: {graph: "GRAPH"}}
layers: |
  name | layer
  mod  | mod
  fc   | avgpool global -> fc 10
"""


def dashed(graph: str) -> tuple[int, list[str]]:
    """The number of dashed lines of a module of 4 channels, and the references that are boxes."""
    program = small(WITH_MODULE.replace("GRAPH", graph)).program
    found = set()
    for down in (True, False):
        placed = scene(module_figure(program, "mod"), down)
        assert faults(placed) == []
        found.add((sum(line.dashed for line in lines(placed)), tuple(w for w in words(placed) if w.startswith("@"))))
    ((number, boxed),) = found
    return number, [*boxed]


@pytest.mark.parametrize(
    ("graph", "lines_and_boxes"),
    [
        ("a: conv 1x1 4 -> conv 1x1 4 -> [pass + @a]", (1, [])),
        ("a: conv 1x1 4 -> conv 1x1 4 -> [@a + pass]", (1, [])),
        ("a: conv 1x1 4 -> conv 1x1 4 -> @a -> conv 1x1 4", (1, [])),
        ("a: conv 1x1 4 -> b: conv 1x1 4 -> [[@a + @b] | @a -> conv 1x1 4 | @b]", (4, [])),
        # a line would cross the edge to a branch beside it
        ("a: conv 1x1 4 -> conv 1x1 4 -> [conv 1x1 4 | @a | conv 1x1 4]", (0, ["@a"])),
        # or come to the middle of a branch
        ("a: conv 1x1 4 -> [conv 1x1 4 | conv 1x1 4 -> [pass + @a]]", (0, ["@a"])),
    ],
)
def test_references_are_lines_where_nothing_is_in_their_way(graph: str, lines_and_boxes: tuple[int, list[str]]) -> None:
    assert dashed(graph) == lines_and_boxes


@st.composite
def steps(draw: st.DrawFn, depth: int = 3) -> Steps:
    """Elements with labelled steps and references anywhere."""
    number = st.integers(1, 4)
    label = st.sampled_from(("", "28x28x192"))
    box = st.builds(Box, st.sampled_from(("conv 3x3 4", "+")), st.just("convolution"), out=label)
    kept = st.builds(Box, st.just("h"), st.just("value"), step=number)
    read = st.builds(Box, st.just("@h"), st.just("value"), out=label, source=st.just(True), step=number)
    elements: list[st.SearchStrategy[Element]] = [box, kept, read]
    if depth:
        inner = steps(depth=depth - 1)
        branches = st.lists(inner, min_size=1, max_size=3).map(tuple)
        names = st.lists(st.sampled_from(("", "pool", "a longer name of a branch")), min_size=3, max_size=3)
        forks = st.builds(lambda found, join, names: Fork(found, join, (*names[: len(found)],)), branches, box, names)
        frames = st.builds(Frame, st.sampled_from(("", "module")), inner.map(lambda found: found or (BOX,)))
        elements += [forks, frames]
    return tuple(draw(st.lists(st.one_of(elements), max_size=4)))


BOX = Box("pass", "other")


@settings(max_examples=25)
@given(steps(), st.booleans())
def test_any_steps_can_be_laid_out(drawn: Steps, down: bool) -> None:
    figure = Figure("any", "", "", (Trunk(BOX, (Row("row", Frame("", drawn or (BOX,))),)),))

    assert faults(scene(figure, down)) == []


@settings(max_examples=10)
@given(specs())
def test_any_network_can_be_drawn(text: str) -> None:
    typed = small(text)
    for opened, down in ((False, True), (True, False)):
        figure = network_figure(typed, opened)
        assert faults(scene(figure, down)) == []
        parsed(svg.svg(figure, down))
        assert mermaid(figure, down)


def test_the_check_of_the_geometry_sees_faults() -> None:
    good = scene(network_figure(spec("googlenet"), opened=True))
    shape = next(shape for shape in shapes(good) if shape.kind == "convolution")
    aside = replace(shape, region=shape.region._replace(x=shape.region.x + 5))
    level = next(line for line in lines(good) if line.points[0][1] == line.points[1][1])
    (x0, y), (x1, _) = level.points[:2]
    across = replace(level, points=(((x0 + x1) / 2 + 3, y - 2), ((x0 + x1) / 2 + 3, y + 2)))

    loose = Text(0, 0, "loose", "title", "start")
    middle = shape.region.x + shape.region.width / 2
    through = replace(level, points=((middle, shape.region.y - 4), (middle, shape.region.bottom + 4)))

    assert faults(good) == []
    assert any("overlap" in fault for fault in faults(replace(good, groups=(*good.groups, Group("", (aside,))))))
    assert any(
        "outside its box" in fault for fault in faults(replace(good, groups=(*good.groups, Group("", (loose,)))))
    )
    assert any("cross" in fault for fault in faults(replace(good, groups=(*good.groups, Group("", (across,))))))
    for dashed, fault in ((replace(level, dashed=True), "covers"), (replace(through, dashed=True), "through a box")):
        assert any(fault in found for found in faults(replace(good, groups=(*good.groups, Group("", (dashed,))))))
