"""Series-parallel decomposition: the layers of a graph as chains and branches, with references where it is neither.

The chain from one value to another are the dominators of the second after the first: what every path passes. Between
two of them lies one layer, or a join whose branches are decomposed likewise. A value that a second branch reads is
given a label where it is made, and referred to; where that would be too much for one formula, it gets a row.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from inception_dsl.adopt.formulas import Building, nested
from inception_dsl.adopt.tree import Again, Chain, Given, Join, Layer, steps_of
from inception_dsl.adopt.units import Units
from inception_dsl.diagnostics.codes.interchange import NOT_EXPRESSED
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.interchange.dominators import Dominators
from inception_dsl.interchange.graph import INPUT
from inception_dsl.ir.ops.norms import Norm
from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.spec.vocabulary.words import ACTIVATIONS

MOST_LABELS: Final = 8
MOST_UNITS: Final = 150
"""The most labels and layers of one formula; a step with more is split into rows."""

MOST_DEEP: Final = 4
"""The most joins inside one another in a formula of layers that share weights; one with more is a chain of steps."""

MOST_LIVE: Final = 5
"""The most values that one row may hand on, beside its own, to those after it where a step is split."""


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
    decomposing = _Decomposing(network)
    dominators = decomposing.dominators
    main, *others = network.outputs.items()
    trunk = decomposing.pieces(INPUT, dominators.chain(INPUT, main[1]))
    heads, left_out = {}, []
    ends = {INPUT, *(piece.end for piece in trunk)}
    made = {step.unit for piece in trunk for step in steps_of(piece.chain)}
    for name, output in others:
        if output in ends:  # a value of the trunk itself
            left_out.append(name)
            continue
        source = dominators.last_among(output, ends)
        found = decomposing.pieces(source, dominators.chain(source, output))
        if made & {step.unit for piece in found for step in steps_of(piece.chain) if isinstance(step, Layer | Join)}:
            left_out.append(name)
        else:
            heads[name] = found
    return Decomposed(trunk, heads, tuple(left_out))


class _Decomposing:
    """Cuts chains of dominators into pieces."""

    def __init__(self, network: Units) -> None:
        self.network = network
        self.dominators = Dominators(unit.arriving for unit in network.units)
        self.referring = [
            (value, index) for index, unit in enumerate(network.units) for value in unit.operands.values()
        ]
        self.readers: defaultdict[int, list[int]] = defaultdict(list)
        for index, unit in enumerate(network.units):
            for each in dict.fromkeys(unit.inputs):
                self.readers[each].append(index)

    def pieces(self, base: int, spine: Sequence[int]) -> tuple[Piece, ...]:
        """The pieces of a chain of dominators after `base`; those that share weights are one."""
        first_use: dict[tuple[str, ...], int] = {}
        last_use: dict[int, int] = {}  # the last place with weights that a place is the first to use
        for place, end in enumerate(spine):
            chain = Building(self.network, self.dominators).between(spine[place - 1] if place else base, end)
            for step in steps_of(chain):
                if not isinstance(step, Given) and (key := self.network.units[step.unit].key):
                    last_use[first_use.setdefault(key, place)] = place
        found: list[Piece] = []
        start = last = 0
        for place in range(len(spine)):
            last = max(last, last_use.get(place, place))
            if place == last:
                found += self._piece(spine[start - 1] if start else base, spine[place])
                start = place + 1
        return tuple(found)

    def _piece(self, base: int, end: int) -> list[Piece]:
        """One piece, or several where it has too many labels or layers; one of many steps where these share weights."""
        building = Building(self.network, self.dominators)
        chain = building.between(base, end)
        whole = bool(building.repeated)  # only the formula of a layer can apply it again
        if rows := self._referred(building, base, end):
            if whole and (rows - building.ahead):
                message = "a layer refers to a value inside layers that share weights, which stand in one formula"
                raise SpecError([Diagnostic(NOT_EXPRESSED, message, file=self.network.graph.source)])
            pieces = self._split({base, *rows}, base, end, whole)
            return [self._as_one(pieces)] if whole else pieces
        few = len(building.read) <= MOST_LABELS and len(building.made) <= MOST_UNITS and not building.is_cut
        if few and not (whole and building.deepest > MOST_DEEP):
            return [Piece(chain, end, base, frozenset(building.read))]
        for most in range(2, MOST_LIVE + 1):
            pieces = self._split(self._waists(base, end, most), base, end, whole)
            if all(len(piece.read) <= MOST_LABELS and _size(piece) <= MOST_UNITS for piece in pieces):
                break
        else:
            rows = {base, *building.read}
            if building.is_cut:
                rows |= nested(self.network, self.dominators) & self._region(base, end)
            pieces = self._split(rows, base, end, whole)
        return [self._as_one(pieces)] if whole else pieces

    def _referred(self, building: Building, base: int, end: int) -> set[int]:
        """The values between two others that need a row: a layer after these, or to the left of it, refers to it."""
        if not self.referring:
            return set()
        region = self._region(base, end)
        return region & {
            value for value, reader in self.referring if value in building.ahead or reader not in {*region, end}
        }

    def _region(self, base: int, end: int) -> set[int]:
        """What lies between a value and another, without either."""
        found = {base, end}
        ahead = [end]
        while ahead:
            new = {each for each in self.network.units[ahead.pop()].arriving if each not in found}
            found |= new
            ahead += new
        return found - {base, end}

    def _waists(self, base: int, end: int, most: int) -> set[int]:
        """The values that are still to be read where these are few, as after a cell that reads the two before it."""
        order = [*sorted(self._region(base, end)), end]
        last_read = {each: index for index in order for each in self.network.units[index].inputs}
        live, found = {base}, {base}
        for index in order:
            live = {each for each in (*live, index) if last_read.get(each, -1) > index}
            if len(live) <= most and self._ends(index):
                found |= live
        return found

    def _ends(self, index: int) -> bool:
        """Whether a row may end in a value: in a join, or in the norm and activation of one that several read."""
        join = last = index
        while self._finishes(join):
            join = self.network.units[join].inputs[0]
        while (readers := self.readers[last]) and len(readers) == 1 and self._finishes(readers[0]):
            last = readers[0]
        joins = join != INPUT and self.network.units[join].joins
        return joins and index == (last if len(self.readers[last]) > 1 else join)

    def _finishes(self, index: int) -> bool:
        """Whether a layer is a norm or an activation of what it alone reads."""
        unit = self.network.units[index] if index != INPUT else None
        return (
            unit is not None
            and isinstance(unit.ops[0], (*ACTIVATIONS, Norm, Scale))
            and len(self.readers[unit.inputs[0]]) == 1
        )

    def _split(self, rows: set[int], base: int, end: int, whole: bool) -> list[Piece]:
        """Pieces for values that become rows, and for those that have to be rows too because others read them.

        Those of a `whole` formula may read what is inside others, and apply it again.
        """
        while True:
            building = Building(self.network, self.dominators, rows)
            pieces: list[Piece] = []
            more: set[int] = set()
            arrives = base
            for unit in [*sorted(rows - {base}), end]:
                building.arrives = arrives
                building.read.clear()
                chain = _without_idle_start(building.between(base, unit, whole=True))
                own = {step.unit for step in steps_of(chain) if isinstance(step, Layer | Join)}
                pieces.append(Piece(chain, unit, arrives, frozenset(building.read & own)))
                read = building.read - (building.made if whole else own)
                more |= (read | building.ahead & self._region(base, end)) - rows
                arrives = unit
            if building.is_cut:
                more |= nested(self.network, self.dominators) & self._region(base, end) - rows
            if not more:
                return pieces
            rows = rows | more

    def _as_one(self, pieces: Sequence[Piece]) -> Piece:
        """Pieces as one formula, in which what they read of others has a label."""
        whole = Chain(tuple(step for piece in pieces for step in piece.chain.steps))
        read = {*self.network.given(whole)} | {step.first for step in steps_of(whole) if isinstance(step, Again)}
        return Piece(whole, pieces[-1].end, pieces[0].arrives, frozenset(read))


def _size(piece: Piece) -> int:
    return sum(1 for _ in steps_of(piece.chain))


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
