"""A figure with places: shapes, lines and texts, in pixels from the top left corner."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from inception_dsl.emit.figures.model import Kind
from inception_dsl.emit.picture.metrics import text_width
from inception_dsl.emit.picture.rectangle import Rectangle

Role = Literal["heading", "caption", "title", "detail", "value", "edge"]
Anchor = Literal["start", "middle"]
Written = tuple[str, Role]
"""A line of text in a box."""


class Style(NamedTuple):
    """The size of a text in pixels, the height of its line, and whether it is bold."""

    size: float
    line: float
    bold: bool = False


STYLES: Final[dict[Role, Style]] = {
    "heading": Style(16, 24, bold=True),
    "caption": Style(12, 15, bold=True),
    "title": Style(12, 15, bold=True),
    "detail": Style(10, 13),
    "value": Style(11, 14),
    "edge": Style(10, 13),
}


def width_of(words: Iterable[Written]) -> int:
    """The room that lines of text need at most."""
    return max(text_width(text, STYLES[role].size, STYLES[role].bold) for text, role in words)


def height_of(words: Iterable[Written]) -> float:
    """The height of lines of text."""
    return sum(STYLES[role].line for _, role in words)


@dataclass(frozen=True)
class Shape:
    """A box, or the outline (`frame`) and the header of an opened module, with the words in its middle."""

    region: Rectangle
    kind: Kind | Literal["frame", "header"]
    words: tuple[Written, ...] = ()

    @property
    def texts(self) -> Iterator[Text]:
        """The words as texts with places."""
        x, y = self.region.x + self.region.width / 2, self.region.y + self.region.height / 2
        y -= height_of(self.words) / 2
        for text, role in self.words:
            line = STYLES[role].line
            yield Text(x, y + line / 2, text, role)
            y += line


@dataclass(frozen=True)
class Line:
    """A line through points; a skip is dashed, and has a `dot` where it leaves another one."""

    points: tuple[tuple[float, float], ...]
    arrow: bool = False
    dashed: bool = False
    dot: bool = False


@dataclass(frozen=True)
class Text:
    """A line of text; x is its start or its middle, and y the middle of its height."""

    x: float
    y: float
    text: str
    role: Role
    anchor: Anchor = "middle"

    @property
    def region(self) -> Rectangle:
        """The room that the text takes at most."""
        style = STYLES[self.role]
        width = text_width(self.text, style.size, style.bold)
        x = self.x if self.anchor == "start" else self.x - width / 2
        return Rectangle(x, self.y - style.size / 2, width, style.size)


Part = Shape | Line | Text


@dataclass(frozen=True)
class Group:
    """What belongs to a row or a head; a group without a name is what lies between them."""

    row: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Scene:
    """All that is drawn, in the order in which it is painted."""

    width: float
    height: float
    groups: tuple[Group, ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        """What all groups have."""
        return tuple(part for group in self.groups for part in group.parts)


def coordinate(number: float) -> str:
    """A coordinate or a length, as files have it."""
    return f"{round(number, 2):g}"
