"""Scene -> SVG: text stays text, colours follow the reader's light or dark scheme, and nothing is loaded."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from inception_dsl.emit.figures.metrics import FONTS
from inception_dsl.emit.figures.model import Figure
from inception_dsl.emit.figures.paint import CORNERS, PAINTS
from inception_dsl.emit.figures.placement import scene
from inception_dsl.emit.figures.scene import STYLES, Line, Part, Scene, Shape, Text
from inception_dsl.emit.look import DARK, GROUND, INK, LABEL, WIRE
from inception_dsl.text.terminal import visible

HEAD: Final = (7, 3)
"""The length of an arrow's head, and half its breadth."""

DOT: Final = 2.5
"""The radius of a dot."""


def svg(figure: Figure, down: bool = True, metadata: str = "", styled: bool = True) -> str:
    """The figure as an SVG file: deterministic, with a title and a description for screen readers.

    A page may have many: they share no ids, and their style reaches only what is in them. It may also have their
    `style` itself, once. `data-row` has a row's name.
    `metadata` are lines for readers of the file; the picture does not show them.
    """
    placed = scene(figure, down)
    width, height = _number(math.ceil(placed.width)), _number(math.ceil(placed.height))
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" class="figure" role="img">',
            f"<title>{_text(figure.title)}</title>",
            f"<desc>{_text(figure.description)}</desc>",
            *_metadata(metadata),
            *([f"<style>\n{style()}</style>"] if styled else []),
            '<rect class="ground" width="100%" height="100%"/>',
            *_drawn(placed),
            "</svg>",
            "",
        ]
    )


def _metadata(lines: str) -> Iterator[str]:
    if lines:
        yield "<metadata>"
        yield from map(_text, lines.split("\n"))
        yield "</metadata>"


def _drawn(placed: Scene) -> Iterator[str]:
    for group in placed.groups:
        if group.row:
            yield f'<g class="row" data-row={quoteattr(visible(group.row))}>'
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
    x, y, width, height = map(_number, shape.region)
    corner = _number(CORNERS.get(shape.kind, 3))
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
        dot = f'<circle class="head" cx="{_number(x)}" cy="{_number(y)}" r="{DOT:g}"/>'
    return f'<path class="{"skip" if line.dashed else "wire"}" d="M{_points(points)}"/>{head}{dot}'


def _words(text: Text) -> str:
    y = _number(text.y + STYLES[text.role].size * 0.36)  # the middle of a capital
    anchor = "" if text.anchor == "start" else ' text-anchor="middle"'
    return f'<text class="{text.role}" x="{_number(text.x)}" y="{y}"{anchor}>{_text(text.text)}</text>'


def _points(points: list[tuple[float, float]]) -> str:
    return " ".join(f"{_number(x)} {_number(y)}" for x, y in points)


@lru_cache(maxsize=1)
def style() -> str:
    """The style of all figures."""
    lines = [*_colours(dark=False), *_RULES, f"{DARK} {{", *_colours(dark=True), "}"]
    return "".join(f".figure {line}\n" if line[0] not in "@}" else f"{line}\n" for line in lines)


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
        fill, stroke = paint[2 * dark :][:2]
        yield f"rect.{kind} {{fill: {fill}; stroke: {stroke}}}"


def _text(text: str) -> str:
    return escape(visible(text))


def _sign(number: float) -> int:
    return (number > 0) - (number < 0)


def _number(number: float) -> str:
    return f"{round(number, 2):g}"
