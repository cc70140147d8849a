"""Figure -> Scene: the trunk along the axis, heads in lanes after it, and skips in lanes before it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from inception_dsl.emit.figures.block import Block, Item, Path, moved, on_screen
from inception_dsl.emit.figures.bus import LANE, Lanes
from inception_dsl.emit.figures.layout import GAP, GUTTER, Layout
from inception_dsl.emit.figures.model import Box, Figure, Trunk
from inception_dsl.emit.figures.scene import STYLES, Group, Line, Part, Role, Scene, Shape, Text
from inception_dsl.emit.picture.metrics import filled, text_width
from inception_dsl.emit.picture.rectangle import Rectangle

MARGIN: Final = 20
CAPTION: Final = 24
"""The room of the name of a form."""

SPACE: Final = 40
"""Between the forms of a module."""

WIDEST: Final = 1600
"""Of the forms beside one another, if they are more than one."""

FOLD: Final = 10
"""How exactly lines are made even."""

NARROWEST: Final = 300
"""The room of the line below the title, in a figure that is narrower."""


def scene(figure: Figure, down: bool = True) -> Scene:
    """Place all of a figure, with its title above and its legend below."""
    drawn, right, bottom = _side_by_side([_drawn(trunk, down) for trunk in figure.trunks])
    texts: list[Text] = []
    y = float(MARGIN)
    below: list[tuple[str, Role]] = [(line, "edge") for line in _folded(figure.subtitle, max(right, NARROWEST))]
    headings: list[tuple[str, Role]] = [(figure.title, "heading"), *below]
    for line, role in headings:
        texts.append(Text(MARGIN, y + STYLES[role].line / 2, line, role, "start"))
        y += STYLES[role].line
    top = y + 12
    width, height = right + 2 * MARGIN, bottom + top + MARGIN
    for line in figure.legend:
        texts.append(Text(MARGIN, height, line, "edge", "start"))
        height += STYLES["edge"].line + 4
    groups = [replace(group, parts=_shifted(group.parts, MARGIN, top)) for group in drawn]
    width = max([width, *(text.region.right + MARGIN for text in texts)])
    return Scene(width, height, (*groups, Group("", tuple(texts))))


Drawn = tuple[list[Group], float, float]
"""Groups from the top left corner, with their width and height."""


def _drawn(trunk: Trunk, down: bool) -> Drawn:
    """A trunk with its heads and skips, below its caption."""
    placement = _Placement(trunk, Layout(down))
    placement.trunk()
    placement.heads()
    placement.skips()
    groups = [Group(row, tuple(on_screen(item, down) for item in here)) for row, here in placement.items.items()]
    regions = [region for group in groups for part in group.parts for region in _regions(part)]
    left, top = min(region.x for region in regions), min(region.y for region in regions)
    right, bottom = max(region.right for region in regions), max(region.bottom for region in regions)
    caption = Text(0, STYLES["title"].line / 2, trunk.caption, "caption", "start")
    above = CAPTION if trunk.caption else 0
    found = [replace(group, parts=_shifted(group.parts, -left, above - top)) for group in groups]
    if trunk.caption:
        found.append(Group("", (caption,)))
    return found, max(right - left, caption.region.width), above + bottom - top


def _side_by_side(drawn: Sequence[Drawn]) -> Drawn:
    """Some trunks beside one another, in lines of which none is wider than `WIDEST` if it has several."""
    groups: list[Group] = []
    widest = x = y = bottom = 0.0
    for found, width, height in drawn:
        if x and x + width > WIDEST:
            x, y = 0.0, bottom + SPACE
        groups += [replace(group, parts=_shifted(group.parts, x, y)) for group in found]
        widest, bottom = max(widest, x + width), max(bottom, y + height)
        x += width + SPACE
    return groups, widest, bottom


@dataclass
class _Placement:
    whole: Trunk
    layout: Layout
    items: dict[str, list[Item]] = field(default_factory=lambda: {"": []})
    """By row or head; those of "" are the lines between them."""
    before: float = 0
    after: float = 0
    taps: dict[str, float] = field(default_factory=dict)
    """Where on the axis heads and skips leave, by row."""
    entries: dict[str, tuple[float, Block]] = field(default_factory=dict)
    """Where rows begin, and their blocks."""

    def trunk(self) -> None:
        """Place the rows, one after the other."""
        whole, layout = self.whole, self.layout
        tapped = {head.source for head in whole.heads} | {name for row in whole.rows for name in row.reads}
        boxes = [row.element for row in whole.rows if isinstance(row.element, Box) and row.element.kind != "value"]
        breadth = max(map(layout.box_width, boxes), default=0) if layout.down and len(boxes) > 1 else 0
        start = layout.element(whole.start)
        self._place("", start, 0)
        main, name, out = start.length, "", whole.start.out
        for row in whole.rows:
            block = layout.element(row.element, breadth)
            main = self._edge(main, name, out, name in tapped, block)
            self._place(row.name, block, main)
            self.entries[row.name] = main, block
            main, name, out = main + block.length, row.name, row.element.out
        self._edge(main, name, out, name in tapped, None)

    def heads(self) -> None:
        """Place the heads in lanes: one that begins later lies nearer to the trunk, so that no edge crosses it."""
        blocks = [self.layout.element(head.row.element) for head in self.whole.heads]
        spans = []
        for head, block in zip(self.whole.heads, blocks, strict=True):
            start = self.taps[head.source]
            spans.append((start, start + GAP + block.length + self.layout.gap(head.row.element.out) + GUTTER))
        lanes = [0] * len(blocks)
        order = sorted(range(len(blocks)), key=lambda at: (spans[at][0], at), reverse=True)
        for position, at in enumerate(order):
            inner = [lanes[other] for other in order[:position] if spans[other][0] <= spans[at][1]]
            lanes[at] = max(inner, default=-1) + 1
        edge = self.after + GUTTER * 2
        for lane in range(max(lanes, default=-1) + 1):
            here = [at for at in range(len(blocks)) if lanes[at] == lane]
            axis = edge + max(blocks[at].before for at in here)
            reach = [self._head(at, blocks[at], spans[at][0], axis) for at in here]
            edge = axis + max(reach) + GUTTER

    def _head(self, at: int, block: Block, tap: float, axis: float) -> float:
        """Place a head; gives how far it reaches after its axis."""
        row = self.whole.heads[at].row
        self.items[""].append(Path(((tap, 0), (tap, axis), (tap + GAP, axis)), block.arrow))
        out = row.element.out
        items, _, room = self.layout.edge(tap + GAP + block.length, self.layout.gap(out), out, arrow=True)
        self.items[row.name] = [*moved(block.items, tap + GAP, axis), *moved(items, 0, axis)]
        return max(block.after, room)

    def skips(self) -> None:
        """Place a dashed line from every row that a later one reads beside the row before it."""
        skips = [(self.taps[name], row, number) for row in self.whole.rows for number, name in enumerate(row.reads)]
        skips.sort(key=lambda skip: (self.entries[skip[1].name][0] - skip[0], skip[0]))  # short ones lie inside
        lanes = Lanes()
        for at, (tap, row, number) in enumerate(skips):
            main, block = self.entries[row.name]
            length, side = block.port
            target = main + length * (number + 1) / (len(row.reads) + 1)
            cross = -self.before - LANE * (lanes.take(tap, target) + 1)
            points = (tap, cross), (target, cross), (target, -side)
            alone = tap not in (later for later, *_ in skips[at + 1 :])  # else the longest line from there goes on
            begin = ((tap, 0),) if alone else ()
            self.items[""].append(Path((*begin, *points), arrow=True, dashed=True, dot=not alone))

    def _edge(self, main: float, name: str, out: str, tapped: bool, block: Block | None) -> float:
        """Place the edge after a row; gives where the next one begins."""
        label = self.layout.gap(out)
        length = label + (GAP if tapped else 0)
        self.taps[name] = main + label
        if block is None or block.begins:
            self._reach(*self.layout.label(main + (label - 3) / 2, out)[1:] if out else (0, 0))
            self.items[""].append(Path(((main, 0), (main + length, 0)), block is None or block.arrow))
        elif tapped:
            self.items[""].append(Path(((main, 0), (main + label, 0))))
        if out:
            self.items.get(name, self.items[""]).append(self.layout.label(main + (label - 3) / 2, out)[0])
        return main + length

    def _place(self, row: str, block: Block, main: float) -> None:
        self.items.setdefault(row, []).extend(moved(block.items, main, 0))
        self._reach(block.before, block.after)

    def _reach(self, before: float, after: float) -> None:
        self.before, self.after = max(self.before, before), max(self.after, after)


def _folded(text: str, room: float) -> list[str]:
    """A text in lines of at most this width, as few and as even as can be."""
    size = STYLES["edge"].size
    lines = filled(text, room, size)
    even = text_width(text, size) // max(1, len(lines))
    narrower = (filled(text, width, size) for width in range(even, math.ceil(room), FOLD))
    return next((found for found in narrower if len(found) == len(lines)), lines)


def _regions(part: Part) -> list[Rectangle]:
    if isinstance(part, Line):
        return [Rectangle(x, y, 0, 0) for x, y in part.points]
    return [part.region]


def _shifted(parts: Iterable[Part], dx: float, dy: float) -> tuple[Part, ...]:
    return tuple(_moved(part, dx, dy) for part in parts)


def _moved(part: Part, dx: float, dy: float) -> Part:
    match part:
        case Shape(region):
            return replace(part, region=region._replace(x=region.x + dx, y=region.y + dy))
        case Line(points):
            return replace(part, points=tuple((x + dx, y + dy) for x, y in points))
        case Text(x, y):
            return replace(part, x=x + dx, y=y + dy)
