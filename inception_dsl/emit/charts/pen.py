"""What charts are drawn with: the elements of an SVG, and the style that all charts share."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, Literal

from inception_dsl.emit.picture.look import FAINT, GRID, GROUND, INK, LABEL, SERIES, Ink
from inception_dsl.emit.picture.metrics import FONTS, filled, text_width
from inception_dsl.emit.picture.svg import quoted, scoped_style
from inception_dsl.emit.picture.svg import text as escaped
from inception_dsl.text.terminal import visible

Role = Literal["title", "heading", "tick", "cell", "label", "remark"]
Anchor = Literal["start", "middle", "end"]

SIZES: Final[dict[Role, float]] = {"title": 16, "heading": 13, "tick": 11, "cell": 11, "label": 11.5, "remark": 10.5}
"""The size of a text in pixels."""

BOLD: Final = frozenset({"title", "heading"})

LEVELS: Final = (
    Ink("#eef4fb", "#1b2530"),
    Ink("#d3e4f5", "#1d3348"),
    Ink("#aacdec", "#1f4566"),
    Ink("#75afdd", "#2a6496"),
    Ink("#3f8cc8", "#4590c9"),
    Ink("#1769aa", "#7cbcec"),
    Ink("#0b4a80", "#b5dcfa"),
)
"""The colours of the cells of a matrix, from the least to the most."""


def text(words: str, x: float, y: float, role: Role, anchor: Anchor = "start", turned: bool = False) -> str:
    """Words on a base line; `turned`: from the bottom to the top."""
    where = f' x="{number(x)}" y="{number(y)}"'
    place = "" if anchor == "start" else f' text-anchor="{anchor}"'
    turn = f' transform="rotate(-90 {number(x)} {number(y)})"' if turned else ""
    return f'<text class="{role}"{where}{place}{turn}>{escaped(words)}</text>'


def linked(part: str, link: str, again: bool = False) -> str:
    """A part that leads to a page, or to none; `again`: as another part does, so the keyboard does not stop at it."""
    beside = ' tabindex="-1" aria-hidden="true"' if again else ""
    return f"<a href={quoted(link)}{beside}>{part}</a>" if link else part


def path(kind: str, data: str, width: float = 1, dash: str = "") -> str:
    """A path of some classes."""
    dashes = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<path class="{kind}" stroke-width="{number(width)}"{dashes} d="{data}"/>'


def wide(words: str, role: Role) -> int:
    """The width of words in pixels."""
    return text_width(words, SIZES[role], role in BOLD)


def fitted(words: str, role: Role, width: float) -> str:
    """Words that are cut where they are too wide."""
    shown = visible(words)
    if wide(shown, role) <= width:
        return shown
    while shown and wide(f"{shown}…", role) > width:
        shown = shown[:-1]
    return f"{shown}…"


def wrapped(words: str, role: Role, width: float) -> Iterator[str]:
    """Words in lines of at most a width."""
    lines = filled(visible(words), width, SIZES[role], role in BOLD)
    return (fitted(line, role, width) for line in lines)


def number(value: float) -> str:
    """A coordinate."""
    return f"{round(value, 1):.7g}"


def _rules() -> Iterator[str]:
    yield f"text {{font-family: {FONTS}; fill: currentColor}}"
    for role, size in SIZES.items():
        yield f"text.{role} {{font-size: {size:g}px{'; font-weight: bold' if role in BOLD else ''}}}"
    yield ".line {fill: none; stroke: currentColor; stroke-linejoin: round}"
    yield ".dot {fill: none; stroke: currentColor; stroke-linecap: round}"
    yield ".faint {opacity: 0.35}"
    yield "a {color: inherit}"


def _colours(dark: bool) -> Iterator[str]:
    yield f".ground {{fill: {GROUND[dark]}}}"
    yield f".hole {{color: {GROUND[dark]}}}"
    yield f".title, .chart .heading {{color: {INK[dark]}}}"
    yield f".tick, .chart .label, .chart .remark {{color: {LABEL[dark]}}}"
    yield f".grid {{color: {GRID[dark]}}}"
    yield f".many {{color: {FAINT[dark]}}}"
    for index, ink in enumerate(SERIES):
        yield f".s{index} {{color: {ink[dark]}}}"
    for index, level in enumerate(LEVELS):
        yield f".level{index} {{color: {level[dark]}}}"
        yield f".on{index} {{color: {_opposite(level[dark])}}}"


def _opposite(colour: str) -> str:
    """The colour of text on a colour: the one of black and white that has more contrast."""
    red, green, blue = ((int(colour[at : at + 2], 16) / 255) ** 2.2 for at in (1, 3, 5))
    return "#000000" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.18 else "#ffffff"


STYLE: Final = scoped_style("chart", _rules(), _colours)
"""The style of all charts."""
