"""Chart -> SVG: text stays text, colours follow the reader's light or dark scheme, and nothing is loaded."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import pairwise, repeat
from typing import Final, NamedTuple

from inception_dsl.emit.charts.axes import Axis
from inception_dsl.emit.charts.labels import place
from inception_dsl.emit.charts.model import Chart, Dots, Line, Mark, Name, Panel, Point, Spread
from inception_dsl.emit.charts.pen import STYLE, Role, fitted, linked, number, path, text, wide, wrapped
from inception_dsl.emit.picture.rectangle import Rectangle
from inception_dsl.emit.picture.svg import document
from inception_dsl.emit.picture.svg import text as escaped

EDGE: Final = 16
"""Around a chart, and between its panels."""

ROW: Final = 17
"""The height of a line of words."""

KEY: Final = 26
"""The width of the sample in a legend."""


def svg(chart: Chart, styled: bool = True) -> str:
    """The chart as an SVG file, the same every time; without its style for a page that has `pen.STYLE`."""
    width, height = chart.size
    across = chart.columns * (width + EDGE) - EDGE
    parts: list[str] = []
    y = float(EDGE)
    if len(chart.panels) != 1 or not chart.panels[0].title:
        for line in wrapped(chart.title, "title", across):
            parts.append(text(line, EDGE, y + 14, "title"))
            y += 24
    for keys in _legend(chart.keys, across):
        parts += _keys(keys, EDGE, y + 12)
        y += ROW
    y += 8
    for first in range(0, len(chart.panels), chart.columns):
        row = chart.panels[first : first + chart.columns]
        head = max(len(_head(panel, width)) for panel in row)
        for column, panel in enumerate(row):
            parts += _panel(panel, Rectangle(EDGE + column * (width + EDGE), y, width, height), head)
        y += height + EDGE
    for line in (line for note in chart.notes for line in wrapped(note, "label", across)):
        parts.append(text(line, EDGE, y, "label"))
        y += ROW
    return document("chart", chart.title, chart.description, (across + 2 * EDGE, y), parts, STYLE if styled else "")


class _Scale(NamedTuple):
    """Where numbers stand in a picture."""

    x: Axis
    y: Axis
    box: Rectangle

    def at(self, point: Point) -> Point:
        """The place of a point."""
        x, y = point
        left, top, width, height = self.box
        return left + width * self.x.part(x), top + height * (1 - self.y.part(y))


def _panel(panel: Panel, outer: Rectangle, head: int) -> Iterator[str]:
    """A panel, whose words above the axes take `head` lines."""
    for index, (role, content) in enumerate(_head(panel, outer.width)):
        y = outer.y + ROW * index + 12
        if isinstance(content, str):
            yield text(content, outer.x, y, role)
        else:
            yield from _keys(content, outer.x, y)
    top = outer.y + ROW * head + 8
    bottom = outer.y + outer.height - 20 - ROW * bool(panel.x.label)
    ups = [] if panel.note else panel.y.ticks(max(2, int(bottom - top) // 36))
    left = outer.x + 8 + max((wide(panel.y.form(value), "tick") for value in ups), default=0)
    scale = _Scale(panel.x, panel.y, Rectangle(left, top, outer.x + outer.width - 14 - left, bottom - top))
    yield from _axes(scale, ups)
    if panel.x.label:
        yield text(fitted(panel.x.label, "label", scale.box.width), left, bottom + 20 + 12, "label")
    for mark in panel.marks:
        yield from _mark(mark, scale)
    yield from _names(panel.marks, scale)
    if panel.note:
        yield text(
            fitted(panel.note, "label", scale.box.width),
            left + scale.box.width / 2,
            (top + bottom) / 2,
            "label",
            "middle",
        )


def _head(panel: Panel, width: float) -> list[tuple[Role, str | Sequence[Line | Dots]]]:
    """What stands above the axes of a panel: its title, its remark, its legend and the label of the y axis."""
    labelled = [mark for mark in panel.marks if isinstance(mark, Line | Dots) and mark.label]
    return [
        *(("heading", line) for line in wrapped(panel.title, "heading", width)),
        *(("remark", line) for line in wrapped(panel.remark, "remark", width)),
        *(("label", keys) for keys in (_legend(labelled, width) if len(labelled) > 1 else [])),
        *(("label", line) for line in wrapped(panel.y.label, "label", width)),
    ]


def _axes(scale: _Scale, ups: Sequence[float]) -> Iterator[str]:
    left, top, width, height = scale.box
    lines, words = [], []
    for value in ups:
        _, y = scale.at((scale.x.low, value))
        lines.append(f"M{number(left)} {number(y)}h{number(width)}")
        words.append(text(scale.y.form(value), left - 6, y + 4, "tick", "end"))
    stems = []
    for value in _across(scale.x, width):
        x, _ = scale.at((value, scale.y.low))
        stems.append(f"M{number(x)} {number(top + height)}v4")
        words.append(text(scale.x.form(value), x, top + height + 16, "tick", "middle"))
    yield path("line grid", "".join(lines))
    yield path("line tick", f"M{number(left)} {number(top + height)}h{number(width)}{''.join(stems)}")
    yield from words


def _across(axis: Axis, width: float) -> list[float]:
    """As many ticks of a horizontal axis as have room for their texts."""
    for most in range(max(2, int(width) // 60), 1, -1):
        ticks = axis.ticks(most)
        places = [axis.part(value) * width for value in ticks]
        halves = [wide(axis.form(value), "tick") / 2 + 5 for value in ticks]
        if all(places[i] + halves[i] <= places[i + 1] - halves[i + 1] for i in range(len(ticks) - 1)):
            break
    return ticks


def _mark(mark: Mark, scale: _Scale) -> Iterator[str]:
    faint = " faint" if isinstance(mark, Line | Dots) and mark.faint else ""
    match mark:
        case Line() if data := "".join(_segments(mark.points, scale)):
            yield path(f"line {mark.ink}{faint}", data, mark.width, mark.dash)
        case Dots() if mark.names:
            yield f'<g class="dot {mark.ink}{faint}" stroke-width="{number(mark.size)}">'
            for point, name, link in zip(mark.points, mark.names, mark.links or repeat(""), strict=bool(mark.links)):
                yield linked(f'<path d="{_dot(scale.at(point))}"><title>{escaped(name)}</title></path>', link)
            yield "</g>"
        case Dots():
            finite = (scale.at(point) for point in mark.points if all(map(math.isfinite, point)))
            if data := "".join(map(_dot, finite)):
                yield path(f"dot {mark.ink}{faint}", data, mark.size)
                if mark.hollow:
                    yield path("dot hole", data, mark.size - 2.4)
        case Spread():
            (x, low), (_, high) = scale.at((mark.x, mark.low)), scale.at((mark.x, mark.high))
            caps = "".join(f"M{number(x - 4)} {number(y)}h8" for y in (low, high))
            yield path(f"line {mark.ink}", f"M{number(x)} {number(low)}V{number(high)}{caps}", 1.5)
        case _:
            pass


def _dot(place: Point) -> str:
    """A line of no length, whose round ends are a dot."""
    return f"M{number(place[0])} {number(place[1])}h0"


def _segments(points: Sequence[Point], scale: _Scale) -> Iterator[str]:
    down = False
    for point in points:
        if math.isfinite(point[1]):
            x, y = scale.at(point)
            yield f"{'L' if down else 'M'}{number(x)} {number(y)}"
        down = math.isfinite(point[1])


def _names(marks: Sequence[Mark], scale: _Scale) -> Iterator[str]:
    names = [mark for mark in marks if isinstance(mark, Name)]
    shown = [fitted(mark.text, "label", scale.box.width / 3) for mark in names]
    sizes = [(wide(words, "label"), 13) for words in shown]
    taken = [box for mark in marks for box in _covered(mark, scale)] if names else []
    boxes = place([scale.at(mark.point) for mark in names], sizes, scale.box, taken)
    for mark, words, box in zip(names, shown, boxes, strict=True):
        x, y = scale.at(mark.point)
        near_x, near_y = min(max(x, box.x), box.right), min(max(y, box.y), box.bottom)
        if math.hypot(near_x - x, near_y - y) > 12:
            yield path(f"line {mark.ink}", f"M{number(x)} {number(y)}L{number(near_x)} {number(near_y)}", 0.8)
        yield linked(text(words, box.x, box.y + 10, "label"), mark.link, again=True)


def _covered(mark: Mark, scale: _Scale) -> Iterator[Rectangle]:
    """Where a mark is, so that no name covers it."""
    match mark:
        case Dots():
            yield from (Rectangle(*scale.at(point), 0, 0).grown(5) for point in mark.points if math.isfinite(point[1]))
        case Spread():
            (x, low), (_, high) = scale.at((mark.x, mark.low)), scale.at((mark.x, mark.high))
            yield Rectangle(x, high, 0, low - high).grown(5)
        case Line():
            places = [scale.at(point) for point in mark.points if math.isfinite(point[1])]
            for (x, y), (to_x, to_y) in pairwise(places):
                steps = math.ceil(math.hypot(to_x - x, to_y - y) / 8) or 1
                yield from (
                    Rectangle(x + (to_x - x) * i / steps, y + (to_y - y) * i / steps, 0, 0).grown(3)
                    for i in range(steps)
                )
        case _:
            pass


def _legend(marks: Sequence[Line | Dots], width: float) -> list[list[Line | Dots]]:
    """The entries of a legend, in lines of at most a width."""
    lines: list[list[Line | Dots]] = []
    room = 0.0
    for mark in marks:
        label = fitted(mark.label, "label", width - KEY - 20)
        needed = KEY + 20 + wide(label, "label")
        if needed > room or not lines:
            lines.append([])
            room = width
        lines[-1].append(replace(mark, label=label))
        room -= needed
    return lines


def _keys(marks: Sequence[Line | Dots], x: float, y: float) -> Iterator[str]:
    for mark in marks:
        match mark:
            case Line():
                yield path(f"line {mark.ink}", f"M{number(x)} {number(y - 4)}h{KEY}", mark.width, mark.dash)
            case Dots():
                yield path(f"dot {mark.ink}", f"M{number(x + KEY / 2)} {number(y - 4)}h0", mark.size)
                if mark.hollow:
                    yield path("dot hole", f"M{number(x + KEY / 2)} {number(y - 4)}h0", mark.size - 2.4)
        yield text(mark.label, x + KEY + 6, y, "label")
        x += KEY + 20 + wide(mark.label, "label")
