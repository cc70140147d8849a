"""Elements -> blocks, by the series-parallel structure: steps in a row along the main axis, branches side by side.

No two edges cross, as every block keeps to its own strip across the axis. All sizes are in pixels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from inception_dsl.emit.figures.block import Block, Entry, Item, Patch, Path, Words, moved
from inception_dsl.emit.figures.bus import Bus
from inception_dsl.emit.figures.model import Box, Element, Fork, Frame, Steps
from inception_dsl.emit.figures.scene import STYLES, Written, height_of, width_of
from inception_dsl.emit.picture.metrics import text_width

GAP: Final = 18
"""The length of an edge without a label, and of the lines around a fork."""

GUTTER: Final = 18
"""Between branches."""

PADDING: Final = 12
"""Between a frame and what it holds."""

ASIDE: Final = 6
"""Between an edge and its label."""

GRID: Final = 8
"""Boxes are multiples of this wide, so that those with about the same words are alike."""

NONE: Final[frozenset[int]] = frozenset()


@dataclass(frozen=True)
class Layout:
    """Lays out elements with the main axis down, or to the right."""

    down: bool

    def element(self, element: Element, breadth: float = 0, given: frozenset[int] = NONE) -> Block:
        """Lay out one element; a box is at least `breadth` wide on the screen.

        Dashed lines can come to its top from the labelled steps that are `given`.
        """
        match element:
            case Box(source=True, step=step) if step in given:
                return Block(0, 0, 0, begins=False, arrow=False, entries=(Entry(step, 0, 0),))
            case Box():
                return self._box(element, breadth)
            case Frame(""):
                return self.steps(element.inner)
            case Frame():
                return self._frame(element)
            case Fork():
                return self._fork(element, given)

    def steps(self, steps: Steps, given: frozenset[int] = NONE) -> Block:
        """Lay out steps, one after the other, with the shape on an edge where it changes."""
        if not steps:
            return Block(0, 0, 0, arrow=False)
        items: list[Item] = []
        before = after = main = 0.0
        bus = Bus()
        blocks: list[Block] = []
        for number, step in enumerate(steps):
            block = self.element(step, given=bus.known if number else given)
            blocks.append(block)
            if number:
                last = steps[number - 1].out
                label = last if block.begins and (number < 2 or last != steps[number - 2].out) else ""
                gap = self.gap(label)
                lines = bus.arrive(main + gap, block)
                if block.begins:
                    found, left, right = self.edge(main, gap, label, block.arrow, lines)
                    items += found
                    before, after = max(before, left), max(after, right)
                main += gap + lines
            if isinstance(step, Box) and step.step and not step.source:
                bus.leave(step.step, main + block.length / 2, block.after)
            items += moved(block.items, main, 0)
            before, after = max(before, block.before), max(after, block.after)
            main += block.length
        dashed, before, after = bus.drawn(before, after)
        first = blocks[0]
        return Block(main, before, after, (*items, *dashed), first.begins, first.arrow, first.port, first.entries)

    def gap(self, label: str) -> float:
        """The length of an edge with a label."""
        if not label:
            return GAP
        return GAP + 8 if self.down else text_width(label, STYLES["edge"].size) + 16

    def edge(
        self, main: float, length: float, label: str, arrow: bool, further: float = 0
    ) -> tuple[list[Item], float, float]:
        """An edge along the axis with its label beside it, and the room that it needs before and after the axis.

        It is longer than `length` by what is `further`, where it has no label.
        """
        items: list[Item] = [Path(((main, 0), (main + length + further, 0)), arrow)]
        if not label:
            return items, 0, 0
        words, before, after = self.label(main + (length - 3) / 2, label)
        return [*items, words], before, after

    def label(self, main: float, label: str) -> tuple[Words, float, float]:
        """A label beside the axis, and the room that it needs before and after it."""
        style = STYLES["edge"]
        width = text_width(label, style.size)
        if self.down:
            return Words(main, 0, label, "edge", dx=ASIDE, anchor="start"), 0, ASIDE + width
        return Words(main, 0, label, "edge", dy=-ASIDE - style.size / 2), ASIDE + style.size, 0

    def box_width(self, box: Box) -> float:
        """The width of a box on the screen, by its longest line."""
        return -(-(width_of(_lines(box)) + 20) // GRID) * GRID

    def _box(self, box: Box, breadth: float) -> Block:
        lines = _lines(box)
        width = max(self.box_width(box), 0 if box.kind == "value" else breadth)
        height = height_of(lines) + (6 if box.kind == "value" else 10)
        length, across = (height, width) if self.down else (width, height)
        patch = Patch(0, -across / 2, length, across, box.kind, lines)
        return Block(length, across / 2, across / 2, (patch,), not box.source, port=(length, across / 2))

    def _frame(self, frame: Frame) -> Block:
        inner = self.steps(frame.inner)
        lines = _lines(frame)
        header, room = height_of(lines) + 8, width_of(lines) + 2 * PADDING
        start = header if self.down else 0
        lead = GAP + (0 if self.down else 4)
        end = start + lead + inner.length
        length, before, after = end + lead, inner.before + PADDING, inner.after + PADDING
        items: list[Item] = [*moved(inner.items, start + lead, 0), Path(((end, 0), (length, 0)))]
        if inner.begins:
            items.append(Path(((start, 0), (start + lead, 0)), inner.arrow))
        if self.down:
            short = max(0.0, room - before - after) / 2
            before, after = before + short, after + short
            band = Patch(0, -before, header, before + after, "header", lines)
            port = (header, before)
        else:
            if length < room:
                items.append(Path(((length, 0), (room, 0))))
                length = room
            before += header
            band = Patch(0, -before, length, header, "header", lines)
            port = (length, before)
        outline = Patch(0, -before, length, before + after, "frame")
        return Block(length, before, after, (outline, band, *items), inner.begins, port=port)

    def _fork(self, fork: Fork, given: frozenset[int]) -> Block:
        """Branches side by side; a dashed line comes to one only where it crosses no edge and no name."""
        lines = [given] * len(fork.branches)
        while True:
            blocks = [self.steps(branch, here) for branch, here in zip(fork.branches, lines, strict=True)]
            join = self.element(fork.join)
            axes, before, after = self._axes(fork, blocks, join)
            reading = [axis for axis, block in zip(axes, blocks, strict=True) if block.begins]
            low, high = min((0.0, *reading)), max((0.0, *reading))
            crossing = [
                number
                for number, (axis, block) in enumerate(zip(axes, blocks, strict=True))
                if (reading and any(low <= axis + entry.cross <= high for entry in block.entries))
                or self._is_named(fork.labels[number], block)
            ]
            if not crossing:
                break
            for number in crossing:
                lines[number] = NONE
        lead = max(map(self.gap, fork.labels))
        tails = [self.gap(label) for label in _outs(fork)]
        end = max(lead + block.length + tail for block, tail in zip(blocks, tails, strict=True))
        items: list[Item] = []
        entries: list[Entry] = []
        for branch, block, out, tail, axis, name in zip(
            fork.branches, blocks, _outs(fork), tails, axes, fork.labels, strict=True
        ):
            leave = lead + block.length if branch else 0
            items += moved(block.items, lead, axis)
            items.append(Path(((leave, axis), (end, axis))))
            entries += [Entry(entry.step, lead + entry.main, axis + entry.cross) for entry in block.entries]
            if branch and block.begins:
                items.append(Path(((0, axis), (lead, axis)), block.arrow))
            if name and (block.begins or block.entries):
                items += moved([self.label((lead - 3) / 2, name)[0]], 0, axis)
            if out and block.length:
                items += moved([self.label(leave + (tail - 3) / 2, out)[0]], 0, axis)
        for place, touched in ((0, [0.0, *reading]), (end, [0.0, *axes])):
            if max(touched) > min(touched):
                items.append(Path(((place, min(touched)), (place, max(touched)))))
        items.append(Path(((end, 0), (end + GAP, 0)), arrow=True))
        items += moved(join.items, end + GAP, 0)
        length = end + GAP + join.length
        return Block(length, before, after, tuple(items), bool(reading), arrow=False, entries=tuple(entries))

    def _is_named(self, name: str, block: Block) -> bool:
        """Whether the name of a branch is where a dashed line is to come in, other than along its axis."""
        _, before, after = self.label(0, name)
        return bool(name) and any(-before <= entry.cross <= after and entry.cross for entry in block.entries)

    def _axes(self, fork: Fork, blocks: list[Block], join: Block) -> tuple[list[float], float, float]:
        """The place of each branch across the axis of the fork, and the room that all of them need."""
        axes: list[float] = []
        at = 0.0
        for block, out, name in zip(blocks, _outs(fork), fork.labels, strict=True):
            reach = [self.label(0, label)[1:] for label in (out, name) if label]
            before = max([block.before, *(left for left, _ in reach)])
            after = max([block.after, *(right for _, right in reach)])
            axes.append(at + before)
            at += before + after + GUTTER
        whole = at - GUTTER
        solid = [axis for axis, block in zip(axes, blocks, strict=True) if block.length]
        middle = solid[0] if len(solid) == 1 else (axes[0] + axes[-1]) / 2
        return (
            [axis - middle for axis in axes],
            max(middle, join.before),
            max(whole - middle, join.after),
        )


def _outs(fork: Fork) -> list[str]:
    """The shapes that leave the branches."""
    return [branch[-1].out if branch else "" for branch in fork.branches]


def _lines(element: Box | Frame) -> tuple[Written, ...]:
    if isinstance(element, Box) and element.kind == "value":
        return ((element.title, "value"),)
    return ((element.title, "title"), *((text, "detail") for text in element.detail))
