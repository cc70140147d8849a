"""What a layout is made of: blocks along a main axis, each with its own axis at cross 0, and items in them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple

from inception_dsl.emit.figures.model import Kind
from inception_dsl.emit.figures.scene import Anchor, Line, Part, Role, Shape, Text, Written
from inception_dsl.emit.picture.rectangle import Rectangle


@dataclass(frozen=True)
class Patch:
    """A shape from (main, cross), `length` along the main axis and `breadth` across it."""

    main: float
    cross: float
    length: float
    breadth: float
    kind: Kind | Literal["frame", "header"]
    words: tuple[Written, ...] = ()


@dataclass(frozen=True)
class Path:
    """A line through points of (main, cross); a `dot` says that it leaves another line."""

    points: tuple[tuple[float, float], ...]
    arrow: bool = False
    dashed: bool = False
    dot: bool = False


@dataclass(frozen=True)
class Words:
    """A line of text at (main, cross), moved by (dx, dy) on the screen."""

    main: float
    cross: float
    text: str
    role: Role
    dx: float = 0
    dy: float = 0
    anchor: Anchor = "middle"


Item = Patch | Path | Words


class Entry(NamedTuple):
    """Where a dashed line comes in from a labelled step of the chain around it."""

    step: int
    main: float
    cross: float


@dataclass(frozen=True)
class Block:
    """A placed part: it enters at (0, 0), leaves at (length, 0), and reaches `before` and `after` across its axis.

    `begins` says whether it reads what arrives, and `arrow` whether the edge into it ends there in an arrow. `port` is
    where skips enter: a length along its side, and the side's distance from the axis. Dashed lines are to come from
    before it to its `entries`.
    """

    length: float
    before: float
    after: float
    items: tuple[Item, ...] = ()
    begins: bool = True
    arrow: bool = True
    port: tuple[float, float] = (0, 0)
    entries: tuple[Entry, ...] = ()


def moved(items: Iterable[Item], main: float, cross: float) -> list[Item]:
    """Items at another place."""
    found: list[Item] = []
    for item in items:
        match item:
            case Path(points):
                found.append(replace(item, points=tuple((m + main, c + cross) for m, c in points)))
            case _:
                found.append(replace(item, main=item.main + main, cross=item.cross + cross))
    return found


def on_screen(item: Item, down: bool) -> Part:
    """An item with screen coordinates: the main axis goes down or to the right."""
    match item:
        case Patch(main, cross, length, breadth, kind, words):
            region = Rectangle(cross, main, breadth, length) if down else Rectangle(main, cross, length, breadth)
            return Shape(region, kind, words)
        case Path(points, arrow, dashed, dot):
            return Line(tuple((c, m) if down else (m, c) for m, c in points), arrow, dashed, dot)
        case Words(main, cross, text, role, dx, dy, anchor):
            x, y = (cross, main) if down else (main, cross)
            return Text(x + dx, y + dy, text, role, anchor)
