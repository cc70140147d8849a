"""What must hold of every chart: words are inside it and cover no other words, and every mark is inside."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any, cast
from xml.etree import ElementTree as ET

from markup_reader import SVG, parsed

from inception_dsl.emit.charts.pen import SIZES, Role, wide
from inception_dsl.emit.picture.rectangle import Rectangle


def words(svg: str) -> list[str]:
    """What can be read in a chart."""
    return [text.text or "" for text in parsed(svg).iter(f"{SVG}text")]


def faults(svg: str) -> list[str]:
    """What is wrong with a chart, in words; empty if it is a good one."""
    root = parsed(svg)
    whole = Rectangle(0, 0, float(root.attrib["width"]), float(root.attrib["height"]))
    texts = [(text.text, _box(text)) for text in root.iter(f"{SVG}text")]
    points = [Rectangle(x, y, 0, 0) for path in root.iter(f"{SVG}path") for x, y in _points(path.attrib["d"])]
    return [
        *(f"outside: {text}" for text, box in texts if not whole.holds(box)),
        *(f"overlap: {one[0]} {other[0]}" for one, other in combinations(texts, 2) if one[1].meets(other[1])),
        *(f"outside: {point}" for point in points if not whole.holds(point)),
    ]


def _box(text: ET.Element) -> Rectangle:
    role = cast("Role", text.attrib["class"])
    width, size = wide(text.text or "", role), SIZES[role]
    x, y = float(text.attrib["x"]), float(text.attrib["y"])
    before = {"start": 0.0, "middle": width / 2, "end": float(width)}[text.attrib.get("text-anchor", "start")]
    if "transform" in text.attrib:
        return Rectangle(x - 0.75 * size, y - width + before, 0.9 * size, width)
    return Rectangle(x - before, y - 0.75 * size, width, 0.9 * size)


def _points(data: str) -> Iterator[tuple[float, float]]:
    x = y = 0.0
    for command, numbers in re.findall(r"([MLhvHVz])([^MLhvHVz]*)", data):
        values: list[Any] = [*map(float, numbers.split())]
        match command:
            case "M" | "L":
                x, y = values
            case "h":
                x += values[0]
            case "v":
                y += values[0]
            case "V":
                y = values[0]
        yield x, y
