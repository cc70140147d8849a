"""Scene -> SVG: text stays text, colours follow the reader's light or dark scheme, and nothing is loaded."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from inception_dsl.emit.figures.model import Figure
from inception_dsl.emit.figures.paint import CORNERS, PAINTS
from inception_dsl.emit.figures.placement import scene
from inception_dsl.emit.figures.scene import STYLES, Line, Part, Scene, Shape, Text, coordinate
from inception_dsl.emit.picture.look import GROUND, INK, LABEL, WIRE
from inception_dsl.emit.picture.metrics import FONTS
from inception_dsl.emit.picture.svg import document, quoted, scoped_style
from inception_dsl.emit.picture.svg import text as escaped

HEAD: Final = (7, 3)
"""The length of an arrow's head, and half its breadth."""

DOT: Final = 2.5
"""The radius of a dot."""


def svg(figure: Figure, down: bool = True, metadata: str = "", styled: bool = True) -> str:
    """The figure as an SVG file: deterministic, with a title and a description for screen readers.

    A page may have many: they share no ids, and their style reaches only what is in them. It may also have `STYLE`
    itself, once. `data-row` has a row's name.
    `metadata` are lines for readers of the file; the picture does not show them.
    """
    placed = scene(figure, down)
    size = placed.width, placed.height
    return document("figure", figure.title, figure.description, size, _drawn(placed), STYLE if styled else "", metadata)


def _drawn(placed: Scene) -> Iterator[str]:
    for group in placed.groups:
        if group.row:
            yield f'<g class="row" data-row={quoted(group.row)}>'
        for part in group.parts:
            yield from _part(part)
        if group.row:
            yield "</g>"


def _part(part: Part) -> Iterator[str]:
    match part:
        case Shape():
            yield _shape(part)
            yield from map(_words, part.texts)
        case Line():
            yield _line(part)
        case Text():
            yield _words(part)


def _shape(shape: Shape) -> str:
    x, y, width, height = map(coordinate, shape.region)
    corner = coordinate(CORNERS.get(shape.kind, 3))
    return f'<rect class="{shape.kind}" x="{x}" y="{y}" width="{width}" height="{height}" rx="{corner}"/>'


def _line(line: Line) -> str:
    *_, (x0, y0), (x, y) = line.points
    points = [*line.points]
    head = ""
    if line.arrow:
        length, half = HEAD
        dx, dy = _sign(x - x0), _sign(y - y0)
        back_x, back_y = x - dx * length, y - dy * length
        points[-1] = back_x, back_y
        corners = [(x, y), (back_x + dy * half, back_y + dx * half), (back_x - dy * half, back_y - dx * half)]
        head = f'<path class="head" d="M{_points(corners)}z"/>'
    dot = ""
    if line.dot:
        x, y = line.points[0]
        dot = f'<circle class="head" cx="{coordinate(x)}" cy="{coordinate(y)}" r="{DOT:g}"/>'
    return f'<path class="{"skip" if line.dashed else "wire"}" d="M{_points(points)}"/>{head}{dot}'


def _words(text: Text) -> str:
    y = coordinate(text.y + STYLES[text.role].size * 0.36)  # the middle of a capital
    anchor = "" if text.anchor == "start" else ' text-anchor="middle"'
    return f'<text class="{text.role}" x="{coordinate(text.x)}" y="{y}"{anchor}>{escaped(text.text)}</text>'


def _points(points: list[tuple[float, float]]) -> str:
    return " ".join(f"{coordinate(x)} {coordinate(y)}" for x, y in points)


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)


_RULES: Final = (
    f"text {{font-family: {FONTS}}}",
    *(
        f"text.{role} {{font-size: {style.size:g}px{'; font-weight: bold' if style.bold else ''}}}"
        for role, style in STYLES.items()
    ),
    ".wire, .figure .skip {fill: none; stroke-width: 1.25; stroke-linecap: square}",
    ".skip {stroke-dasharray: 4 3; stroke-linecap: butt}",
    "rect.value {stroke-dasharray: 3 2}",
    "text.value {font-style: italic}",
)


def _colours(dark: bool) -> Iterator[str]:
    yield f".ground {{fill: {GROUND[dark]}}}"
    yield f"text {{fill: {INK[dark]}}}"
    yield f".wire, .figure .skip {{stroke: {WIRE[dark]}}}"
    yield f".head {{fill: {WIRE[dark]}}}"
    yield f"text.edge {{fill: {LABEL[dark]}}}"
    for kind, paint in PAINTS.items():
        yield f"rect.{kind} {{fill: {paint.fill[dark]}; stroke: {paint.stroke[dark]}}}"


STYLE: Final = scoped_style("figure", _RULES, _colours)
"""The style of all figures."""
