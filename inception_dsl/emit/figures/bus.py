"""Dashed lines from labelled steps of a chain to where later ones read them: lanes beside the chain, as in a circuit.

A line leaves a step at its side, follows a lane along the chain, and crosses to the readers before their element. Lines
never go through boxes and never cross edges; two dashed lines may cross, and a dot says where they meet.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, NamedTuple

from inception_dsl.emit.figures.block import Block, Item, Path

LANE: Final = 14
"""Between dashed lines."""


class Crossing(NamedTuple):
    """A line across the chain at `main`, to the places (main, cross) where a value is read."""

    main: float
    targets: tuple[tuple[float, float], ...]


@dataclass
class Bus:
    """The dashed lines of one chain. `sources` says where each labelled step is, and how wide."""

    sources: dict[int, tuple[float, float]] = field(default_factory=dict)
    crossings: dict[tuple[int, int], list[Crossing]] = field(default_factory=dict)
    """By the side of the lane (-1 before the chain, 1 after it), and the step."""

    @property
    def known(self) -> frozenset[int]:
        """The steps that can be read from here on."""
        return frozenset(self.sources)

    def leave(self, step: int, main: float, breadth: float) -> None:
        """Note a labelled step, with its middle."""
        self.sources[step] = main, breadth

    def arrive(self, main: float, block: Block) -> float:
        """Cross to the entries of a block, from `main` on; gives the room that the lines need before it."""
        found: dict[tuple[int, int], list[tuple[float, float]]] = {}
        for step, entry, cross in block.entries:
            side = 1 if block.begins and cross > 0 else -1  # not across the edge to the block
            found.setdefault((side, step), []).append((entry, cross))
        latest_first = sorted(found, key=lambda key: -self.sources[key[1]][0])
        room = LANE * len(found)
        for number, key in enumerate(latest_first):
            targets = tuple((main + room + entry, cross) for entry, cross in found[key])
            self.crossings.setdefault(key, []).append(Crossing(main + LANE * number, targets))
        return room

    def drawn(self, before: float, after: float) -> tuple[list[Item], float, float]:
        """The lines of a chain that reaches `before` and `after` its axis, and how far it reaches with them."""
        items: list[Item] = []
        reach = {-1: before, 1: after}
        for side in (-1, 1):
            lanes = Lanes()
            steps = sorted((step for at, step in self.crossings if at == side), key=lambda step: -self.sources[step][0])
            for step in steps:  # the latest inside
                crossings = self.crossings[side, step]
                start, breadth = self.sources[step]
                lane = side * (reach[side] + LANE * (1 + lanes.take(start, crossings[-1].main)))
                items += _lines(start, side * breadth, lane, crossings)
            reach[side] += LANE * len(lanes.taken)
        return items, reach[-1], reach[1]


def _lines(start: float, side: float, lane: float, crossings: list[Crossing]) -> list[Item]:
    """The lines from a step: one along its lane to the last crossing, and what leaves it."""
    items: list[Item] = []
    for number, (main, targets) in enumerate(reversed(crossings)):
        *others, (entry, cross) = sorted(targets, key=lambda target: abs(target[1] - lane))
        begin = [(main, lane)] if number else [(start, side), (start, lane), (main, lane)]
        items.append(Path((*begin, (main, cross), (entry, cross)), dashed=True, dot=number > 0))
        items += [Path(((main, across), (end, across)), dashed=True, dot=True) for end, across in others]
    return items


@dataclass
class Lanes:
    """Lanes beside a chain, and the stretches of them that are taken."""

    taken: list[list[tuple[float, float]]] = field(default_factory=list)

    def take(self, start: float, end: float) -> int:
        """The innermost lane that is free from `start` to `end`, which it then is not."""
        for lane, stretches in enumerate(self.taken):
            if all(end < low or start > high for low, high in stretches):
                stretches.append((start, end))
                return lane
        self.taken.append([(start, end)])
        return len(self.taken) - 1
