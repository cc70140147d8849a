"""Series-parallel decomposition: the layers of a graph as chains and branches, with references where it is neither.

The chain from one value to another are the dominators of the second after the first: what every path passes. Between
two of them lies one layer, or a join whose branches are decomposed likewise. A value that a second branch reads is
given a label where it is made, and referred to; where that would be too much for one formula, it gets a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from inception_dsl.adopt.tree import Again, Chain, Given, Join, Layer, Step, steps_of
from inception_dsl.adopt.units import Units
from inception_dsl.interchange.dominators import Dominators
from inception_dsl.interchange.graph import INPUT
from inception_dsl.ir.ops.joins import Concat

MOST_LABELS: Final = 8
MOST_UNITS: Final = 150
"""The most labels and layers of one formula; a step with more is split into rows."""


@dataclass(frozen=True)
class Piece:
    """A step of the trunk or a head, which ends in the value `end`; `read` are the values that have labels in it.

    `arrives` is the value before it.
    """

    chain: Chain
    end: int
    arrives: int
    read: frozenset[int] = frozenset()


@dataclass(frozen=True)
class Decomposed:
    """The pieces of the trunk in order, and those of heads by the name of their output.

    `left_out` are the outputs that cannot be heads: they read what lies inside a step of the trunk.
    """

    trunk: tuple[Piece, ...]
    heads: dict[str, tuple[Piece, ...]]
    left_out: tuple[str, ...] = ()


def decompose(network: Units) -> Decomposed:
    """Decompose a network."""
    dominators = Dominators(unit.inputs for unit in network.units)
    main, *others = network.outputs.items()
    spine = dominators.chain(INPUT, main[1])
    heads, left_out = {}, []
    trunk = _pieces(network, dominators, INPUT, spine)
    ends = {INPUT, *(piece.end for piece in trunk)}
    made = {step.unit for piece in trunk for step in steps_of(piece.chain)}
    for name, output in others:
        if output in ends:  # a value of the trunk itself
            left_out.append(name)
            continue
        source = dominators.last_among(output, ends)
        found = _pieces(network, dominators, source, dominators.chain(source, output))
        if made & {step.unit for piece in found for step in steps_of(piece.chain) if isinstance(step, Layer | Join)}:
            left_out.append(name)
        else:
            heads[name] = found
    return Decomposed(trunk, heads, tuple(left_out))


def _pieces(network: Units, dominators: Dominators, base: int, spine: Sequence[int]) -> tuple[Piece, ...]:
    """The pieces of a chain of dominators; those that share weights are one."""
    first_use: dict[tuple[str, ...], int] = {}
    bounds: list[tuple[int, int]] = []  # of steps that must stay together
    found: list[tuple[Chain, int]] = []
    for place, end in enumerate(spine):
        chain = _Building(network, dominators).between(spine[place - 1] if place else base, end)
        found.append((chain, end))
        for step in steps_of(chain):
            if not isinstance(step, Given) and (key := network.units[step.unit].key):
                start = first_use.setdefault(key, place)
                bounds.append((start, place))
    pieces: list[Piece] = []
    place = 0
    while place < len(found):
        last = place
        grown = True
        while grown:
            grown = False
            for start, stop in bounds:
                if place <= start <= last < stop:
                    last, grown = stop, True
        before = spine[place - 1] if place else base
        pieces += _piece(network, dominators, before, spine[last])
        place = last + 1
    return tuple(pieces)


def _piece(network: Units, dominators: Dominators, base: int, end: int) -> list[Piece]:
    """One piece, or several where it has too many labels or layers."""
    building = _Building(network, dominators)
    chain = building.between(base, end)
    few = len(building.read) <= MOST_LABELS and len(building.made) <= MOST_UNITS
    if few or building.repeated:  # only the formula of a layer can apply it again
        return [Piece(chain, end, base, frozenset(building.read))]
    rows = {base, *building.read}
    while True:
        pieces, more = _rows(network, dominators, rows, base, end)
        if not more:
            return pieces
        rows |= more


def _rows(network: Units, dominators: Dominators, rows: set[int], base: int, end: int) -> tuple[list[Piece], set[int]]:
    """Pieces for values that become rows; and the values that would have to be rows too."""
    building = _Building(network, dominators, rows)
    pieces: list[Piece] = []
    arrives = base
    for unit in [*sorted(rows - {base}), end]:
        building.arrives = arrives
        chain = building.between(base, unit, whole=True)
        pieces.append(Piece(_without_idle_start(chain), unit, arrives))
        arrives = unit
    return pieces, building.read - rows


def _without_idle_start(chain: Chain) -> Chain:
    """Without a first value that nothing reads: where a join follows whose branches all begin with values of theirs."""
    steps = tuple(
        Join(step.unit, tuple(map(_without_idle_start, step.branches))) if isinstance(step, Join) else step
        for step in chain.steps
    )
    match steps:
        case (Given(), Join() as join, *_) if _reads_given(Chain((join,))):
            return Chain(steps[1:])
        case _:
            return Chain(steps)


def _reads_given(chain: Chain) -> bool:
    """Whether a chain reads nothing of what arrives."""
    match chain.steps:
        case (Given(), *_):
            return True
        case (Join(_, branches), *_):
            return all(map(_reads_given, branches))
        case _:
            return False


@dataclass
class _Building:
    """A formula under construction, from left to right."""

    network: Units
    dominators: Dominators
    rows: set[int] = field(default_factory=set)
    arrives: int | None = None
    made: set[int] = field(default_factory=set)
    read: set[int] = field(default_factory=set)
    """Values that are read by a reference, or layers that are applied again."""
    firsts: dict[tuple[str, ...], int] = field(default_factory=dict)
    repeated: set[int] = field(default_factory=set)

    def between(self, base: int, end: int, whole: bool = False) -> Chain:
        """The steps from a value to another that it dominates; `whole` begins with a row, and ends in the value."""
        path: list[int] = []
        at = end
        while at != base and at not in self.made and (at not in self.rows or (whole and at == end)):
            path.append(at)
            at = self.dominators.above[at]
        steps: list[Step] = []
        if at != base or (whole and at != self.arrives):
            steps.append(Given(at))
            if at not in self.rows:
                self.read.add(at)
        for index in reversed(path):
            steps.append(self._step(index))
            self.made.add(index)
        return Chain(tuple(steps))

    def _step(self, index: int) -> Step:
        unit = self.network.units[index]
        if unit.joins:
            return Join(index, self._branches(self.dominators.above[index], index, unit.inputs))
        if not unit.key:
            return Layer(index)
        first = self.firsts.setdefault(unit.key, index)
        if first == index or self.network.units[first].ops != unit.ops:
            return Layer(index)
        self.read.add(first)
        self.repeated.add(first)
        return Again(index, first)

    def _branches(self, base: int, join: int, ends: Sequence[int]) -> tuple[Chain, ...]:
        """The branches of a join; those that part later than the others do are joined there."""
        groups: list[tuple[int, list[int]]] = []
        ordered = isinstance(self.network.units[join].ops[0], Concat)
        for end in ends if ordered else sorted(ends, key=lambda end: end != base):  # `pass` comes first
            top = self.dominators.below(base, end) if end != base else base
            group = next((group for group in (groups[-1:] if ordered else groups) if group[0] == top != base), None)
            if group and end not in group[1]:
                group[1].append(end)
            else:
                groups.append((top, [end]))
        return tuple(self._branch(base, join, group) for _, group in groups)

    def _branch(self, base: int, join: int, ends: Sequence[int]) -> Chain:
        if len(ends) == 1:
            return self.between(base, ends[0])
        fork = ends[0]
        for end in ends[1:]:
            fork = self.dominators.common(fork, end)
        chain = self.between(base, fork)
        return Chain((*chain.steps, Join(join, self._branches(fork, join, ends))))
