"""What a chart shows: panels of lines, dots and names on two axes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from inception_dsl.emit.charts.axes import Axis
from inception_dsl.emit.picture.look import SERIES

Point = tuple[float, float]

SMALL: Final = (328, 270)
"""The size of a panel whose text is legible where a page is as wide as a telephone."""

DASHES: Final = ("", "6 2.5", "1.6 2", "6 2.5 1.6 2.5")
"""Tell the lines of one colour apart."""


def series(number: int) -> str:
    """The class of a series, which has its colour; the colours repeat."""
    return f"s{number % len(SERIES)}"


@dataclass(frozen=True)
class Line:
    """A line through points, with gaps where one is NaN; its label is in the legend."""

    points: Sequence[Point]
    ink: str
    label: str = ""
    dash: str = ""
    width: float = 1.8
    faint: bool = False


@dataclass(frozen=True)
class Dots:
    """Points; with names, each is an element of its own that tells its name where it is pointed at.

    With links too, it leads to a page.
    """

    points: Sequence[Point]
    ink: str
    label: str = ""
    size: float = 5
    hollow: bool = False
    faint: bool = False
    names: Sequence[str] = ()
    links: Sequence[str] = ()


@dataclass(frozen=True)
class Spread:
    """An error bar: from one number to another."""

    x: float
    low: float
    high: float
    ink: str


@dataclass(frozen=True)
class Name:
    """Words beside a point, where they cover nothing; with a link, they lead to a page as the point does."""

    point: Point
    text: str
    ink: str
    link: str = ""


Mark = Line | Dots | Spread | Name


@dataclass(frozen=True)
class Panel:
    """Marks on two axes; those with labels are in the legend. `note` stands where there is nothing to draw."""

    title: str
    x: Axis
    y: Axis
    marks: Sequence[Mark]
    remark: str = ""
    note: str = ""


@dataclass(frozen=True)
class Chart:
    """Panels in rows, under a title and over notes; `keys` are entries of a legend for all of them.

    The title of a panel stands for that of the chart where it is the only one.
    """

    title: str
    description: str
    panels: Sequence[Panel]
    columns: int = 1
    keys: Sequence[Line | Dots] = ()
    notes: Sequence[str] = ()
    size: tuple[int, int] = (760, 400)
    """The width and the height of a panel with its words, in pixels."""
