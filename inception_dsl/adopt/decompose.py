"""Series-parallel decomposition: the layers of a graph as chains and branches, with references where it is neither.

The chain from one value to another are the dominators of the second after the first: what every path passes. Between
two of them lies one layer, or a join whose branches are decomposed likewise. A value that a second branch reads is
given a label where it is made, and referred to; where that would be too much for one formula, it gets a row.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from inception_dsl.adopt.formulas import Building, nested
from inception_dsl.adopt.tree import Chain, Given, made_in, steps_of, without_idle_start
from inception_dsl.adopt.units import Units
from inception_dsl.diagnostics.codes.interchange import NOT_EXPRESSED
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.interchange.dominators import Dominators
from inception_dsl.interchange.graph import INPUT, needed
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


def in_one(pieces: Sequence[Piece], read: Iterable[int]) -> Piece:
    """Pieces that follow each other as one, with the values that have labels in it."""
    chain = Chain(tuple(step for piece in pieces for step in piece.chain.steps))
    return Piece(chain, pieces[-1].end, pieces[0].arrives, frozenset(read))


@dataclass(frozen=True)
class Decomposed:
    """The pieces of the trunk in order, and heads by the name of their output.

    `left_out` are the outputs that cannot be heads: they read what lies inside a step of the trunk, or share its
    weights, or those of another head.
    """

    trunk: tuple[Piece, ...]
    heads: dict[str, Piece]
    left_out: tuple[str, ...] = ()


def decompose(network: Units) -> Decomposed:
    """Decompose a network. What several outputs need is the trunk, which ends in the main one."""
    decomposing = _Decomposing(network)
    main, *others = network.outputs.items()
    trunk = decomposing.extended(decomposing.forks(), main[1])
    if trunk and trunk[-1].end != main[1]:  # other outputs are computed of it
        trunk = (*trunk, Piece(Chain((Given(main[1]),)), len(network.units), trunk[-1].end))
    heads, left_out = {}, []
    made, weights = decomposing.contents(trunk)
    for name, output in others:
        head = decomposing.head(output)
        own, shared = decomposing.contents([head])
        if made & own or weights & shared:
            left_out.append(name)
        else:
            heads[name] = head
            made, weights = made | own, weights | shared
    return Decomposed(trunk, heads, tuple(left_out))


class _Decomposing:
    """Cuts chains of dominators into pieces. `ends` are the values in which its rows end already."""

    def __init__(self, network: Units) -> None:
        self.network = network
        self.inputs = [unit.inputs for unit in network.units]
        self.dominators = Dominators(unit.arriving for unit in network.units)
        self.referring = [
            (value, index) for index, unit in enumerate(network.units) for value in unit.operands.values()
        ]
        self.readers: defaultdict[int, list[int]] = defaultdict(list)
        for index, unit in enumerate(network.units):
            for each in dict.fromkeys(unit.inputs):
                self.readers[each].append(index)
        self.shares = Counter(unit.key for unit in network.units)
        self.trunk: list[Piece] = []
        self.ends = {INPUT}

    def forks(self) -> set[int]:
        """The values of the trunk that heads read."""
        main, *others = self.network.outputs.values()
        uses = Counter(index for end in others for index in needed(self.inputs, [end]))
        trunk = {*needed(self.inputs, [main])} | {index for index, count in uses.items() if count > 1}
        return {index for index in trunk if index in others or not trunk.issuperset(self.readers[index])}

    def extended(self, forks: set[int], main: int) -> tuple[Piece, ...]:
        """The trunk whose rows end in some values and the main output, and in what these have in common."""
        forks = {*filter(self._may_end, forks)}
        self.trunk, self.ends = [], {INPUT}
        made: set[int] = set()
        more: set[int] = set()
        for end in [*sorted(forks), main]:
            source = self.dominators.last_among(end, self.ends)
            new = self.pieces(source, end, self.trunk[-1].end if self.trunk else INPUT)
            self.trunk += new
            self.ends |= {piece.end for piece in new}
            own, _ = self.contents(new)
            twice = made & own
            more |= {index for index in twice if {*self.readers[index]} & ((made | own) - twice)}
            made |= own
        more = {*filter(self._may_end, more)} - forks
        return self.extended(forks | more, main) if more else tuple(self.trunk)

    def _may_end(self, index: int) -> bool:
        """Whether no weights are shared between what leads to a value and the rest: a row may end in it."""
        units = self.network.units
        before = Counter(units[each].key for each in needed(self.inputs, [index]))
        return all(self.shares[key] == count for key, count in before.items() if key)

    def head(self, end: int) -> Piece:
        """What leads from the trunk to a value, as one formula. It leaves the last row that it reads."""
        source = self.dominators.last_among(end, self.ends)
        pieces = self.pieces(source, end, source) or (Piece(Chain(()), end, end),)
        order = [INPUT, *(piece.end for piece in self.trunk)]
        read = {value for piece in pieces for value in self.network.given(piece.chain)} & self.ends
        last = max((source, *read), key=order.index)
        return self._as_one(pieces if last == source else self.pieces(source, end, last))

    def contents(self, pieces: Sequence[Piece]) -> tuple[set[int], set[tuple[str, ...]]]:
        """The units that pieces make, and their weights."""
        made = {unit for piece in pieces for unit in made_in(piece.chain)}
        return made, {self.network.units[unit].key for unit in made} - {()}

    def pieces(self, base: int, end: int, arrives: int) -> tuple[Piece, ...]:
        """The pieces from a row to a value that it dominates; those that share weights are one.

        `arrives` is the value of the row before them.
        """
        spine = self.dominators.chain(base, end)
        first_use: dict[tuple[str, ...], int] = {}
        last_use: dict[int, int] = {}  # the last place with weights that a place is the first to use
        for place, unit in enumerate(spine):
            chain = self._building(base).between(spine[place - 1] if place else base, unit)
            for step in steps_of(chain):
                if not isinstance(step, Given) and (key := self.network.units[step.unit].key):
                    last_use[first_use.setdefault(key, place)] = place
        found: list[Piece] = []
        start = last = 0
        for place in range(len(spine)):
            last = max(last, last_use.get(place, place))
            if place == last:
                found += self._piece(spine[start - 1] if start else base, spine[place], arrives)
                start, arrives = place + 1, spine[place]
        return tuple(found)

    def _building(self, arrives: int, rows: Collection[int] = ()) -> Building:
        return Building(self.network, self.dominators, {*self.ends, *rows}, arrives)

    def _piece(self, base: int, end: int, arrives: int) -> list[Piece]:
        """One piece, or several where it has too many labels or layers; one of many steps where these share weights."""
        building = self._building(arrives, [base])
        chain = without_idle_start(building.between(base, end, whole=True))
        whole = bool(building.repeated)  # only the formula of a layer can apply it again
        if rows := self._referred(building, base, end):
            if whole and (rows - building.ahead):
                message = "a layer refers to a value inside layers that share weights, which stand in one formula"
                raise SpecError([Diagnostic(NOT_EXPRESSED, message, file=self.network.graph.source)])
            pieces = self._split({base, *rows}, base, end, arrives, whole)
            return [self._as_one(pieces)] if whole else pieces
        few = len(building.read) <= MOST_LABELS and len(building.made) <= MOST_UNITS and not building.is_cut
        if few and not (whole and building.deepest > MOST_DEEP):
            return [Piece(chain, end, arrives, frozenset(building.read))]
        for most in range(2, MOST_LIVE + 1):
            pieces = self._split(self._waists(base, end, most), base, end, arrives, whole)
            if all(len(piece.read) <= MOST_LABELS and _size(piece) <= MOST_UNITS for piece in pieces):
                break
        else:
            rows = {base, *building.read}
            if building.is_cut:
                rows |= nested(self.network, self.dominators) & self._region(base, end)
            pieces = self._split(rows, base, end, arrives, whole)
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
            read = self.network.units[ahead.pop()].arriving
            new = {each for each in read if each not in found and each not in self.ends}
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

    def _split(self, rows: set[int], base: int, end: int, arrives: int, whole: bool) -> list[Piece]:
        """Pieces for values that become rows, and for those that have to be rows too because others read them.

        Those of a `whole` formula may read what is inside others, and apply it again.
        """
        while True:
            building = self._building(arrives, rows)
            pieces: list[Piece] = []
            more: set[int] = set()
            before = arrives
            for unit in [*sorted(rows - {base}), end]:
                building.arrives = before
                building.read.clear()
                chain = without_idle_start(building.between(base, unit, whole=True))
                own = {*made_in(chain)}
                pieces.append(Piece(chain, unit, before, frozenset(building.read & own)))
                read = building.read - (building.made if whole else own)
                more |= (read | building.ahead & self._region(base, end)) - rows
                before = unit
            if building.is_cut:
                more |= nested(self.network, self.dominators) & self._region(base, end) - rows
            if not more:
                return pieces
            rows = rows | more

    def _as_one(self, pieces: Sequence[Piece]) -> Piece:
        """Pieces as one formula, in which what they read of others has a label."""
        return in_one(pieces, {unit for piece in pieces for unit in self.network.referred(piece.chain)})


def _size(piece: Piece) -> int:
    return sum(1 for _ in steps_of(piece.chain))
