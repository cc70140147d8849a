"""One formula under construction: between two values lies a layer, or a join whose branches are formulas too."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Final

from inception_dsl.adopt.tree import Again, Chain, Given, Join, Layer, Step
from inception_dsl.adopt.units import Units
from inception_dsl.interchange.dominators import Dominators
from inception_dsl.interchange.graph import INPUT
from inception_dsl.ir.ops.joins import Concat

MOST_NESTED: Final = 20
"""The most joins inside one another in a formula, half of the brackets that the language allows."""


def nested(network: Units, dominators: Dominators) -> set[int]:
    """Joins such that, with a row for each, few joins lie inside one another."""
    heights: dict[int, int] = {INPUT: 0}
    deep: set[int] = set()
    for index, unit in enumerate(network.units):
        heights[index] = 0
        if not unit.joins:
            continue
        seen = {dominators.above[index]}
        for end in unit.inputs:
            at = end
            while at not in seen:
                seen.add(at)
                heights[index] = max(heights[index], heights[at] + 1)
                at = dominators.above[at]
        if heights[index] > MOST_NESTED:
            deep.add(index)
            heights[index] = 0
    return deep


@dataclass
class Building:
    """A formula under construction, from left to right."""

    network: Units
    dominators: Dominators
    rows: Collection[int] = ()
    arrives: int | None = None
    made: set[int] = field(default_factory=set)
    read: set[int] = field(default_factory=set)
    """Values that are read by a reference, or layers that are applied again."""
    ahead: set[int] = field(default_factory=set)
    """Values that a layer refers to, and that do not stand to its left."""
    firsts: dict[tuple[str, ...], int] = field(default_factory=dict)
    repeated: set[int] = field(default_factory=set)
    is_cut: bool = False
    """Whether it is left incomplete, because too many joins lie inside one another."""
    depth: int = 0
    deepest: int = 0
    """The most joins inside one another so far."""

    def between(self, base: int, end: int, whole: bool = False) -> Chain:
        """The steps from a value to another that it dominates; `whole` begins with a row, and ends in the value."""
        if self.depth > MOST_NESTED and end != base:
            self.is_cut = True
            self.read.add(end)
            return Chain((Given(end),))
        path: list[int] = []
        at = end
        while at != base and at not in self.made and (at not in self.rows or (whole and at == end)):
            path.append(at)
            at = self.dominators.above[at]
        steps: list[Step] = []
        if at != (self.arrives if whole else base):
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
        for value in unit.operands.values():
            if value not in self.rows:
                (self.read if value in self.made else self.ahead).add(value)
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
        last: dict[int, list[int]] = {}  # the group that begins with a value
        ordered = isinstance(self.network.units[join].ops[0], Concat)
        for end in ends if ordered else sorted(ends, key=lambda end: end != base):  # `pass` comes first
            top = self.dominators.below(base, end) if end != base else base
            group = last.get(top)
            if group and top != base and end not in group and not (ordered and groups[-1][0] != top):
                group.append(end)
            else:
                last[top] = [end]
                groups.append((top, last[top]))
        self.depth += 1
        self.deepest = max(self.deepest, self.depth)
        branches = tuple(self._branch(base, join, group) for _, group in groups)
        self.depth -= 1
        return branches

    def _branch(self, base: int, join: int, ends: Sequence[int]) -> Chain:
        if len(ends) == 1:
            return self.between(base, ends[0])
        fork = ends[0]
        for end in ends[1:]:
            fork = self.dominators.common(fork, end)
        chain = self.between(base, fork)
        return Chain((*chain.steps, Join(join, self._branches(fork, join, ends))))
