"""Which step of one network is which of another, whatever their names: the cheapest edits of the one into the other.

Two series are aligned as sequences are (Needleman and Wunsch, 1970), at the prices of `prices`. Two joins stand for
each other at the price of their branches, which are paired at the least cost together, and whose pairs are series
again. Equal contents cost nothing and are not looked into, and content that recurs is aligned once: the work lies where
the networks differ, and is polynomial in their size. Of several ways at one price, one that keeps the order is taken.
Where networks of thousands of layers, or joins of hundreds of branches, have little in common, that would take too
long: what differs is then paired in order.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, zip_longest
from typing import Final, NamedTuple

from inception_dsl.audit.assignment import assign
from inception_dsl.audit.prices import change, price
from inception_dsl.audit.series import Element, Series
from inception_dsl.interchange.canonical import COMMUTATIVE
from inception_dsl.interchange.graph import INPUT

OUT_OF_ORDER: Final = 1e-3
"""What it costs, for every place, that a branch stands elsewhere: it decides between branches that are alike."""

MOST_PAIRS: Final = 2_000_000
"""The most pairs of elements of two series of which the cheapest are looked for; others are paired in order."""

MOST_BRANCHES: Final = 128
"""The most branches of two joins, together, of which the cheapest pairs are looked for."""

DEEPEST: Final = 64
"""The most joins inside one another that are aligned: a deeper one is as the other's, or it has no partner."""

Choice = tuple[int | None, int | None]
"""The places of two elements of two series that stand for each other; None for one that has no partner."""


class Gap(NamedTuple):
    """Neighbouring steps of one network without a partner; `near` is the step of the spec that they belong to.

    That is the one before them in their branch or, at the start of it, the one that follows.
    """

    steps: tuple[int, ...]
    near: int


@dataclass
class Alignment:
    """The pairs of steps of a spec and of a target, and what has no partner.

    `orders` has the joins of channels, by their step in the spec, whose branches come in another order: the numbers of
    the spec's branches in the order of the target.
    """

    pairs: dict[int, int] = field(default_factory=dict)
    missing: list[Gap] = field(default_factory=list)
    extra: list[Gap] = field(default_factory=list)
    orders: dict[int, tuple[int, ...]] = field(default_factory=dict)


class Aligner:
    """Aligns series whose contents are numbered together, and remembers what it has aligned."""

    def __init__(self) -> None:
        self._series: dict[tuple[int, int], tuple[float, list[Choice]]] = {}
        self._joins: dict[tuple[int, int], tuple[float, list[int | None]]] = {}

    def align(self, spec: Series, target: Series) -> Alignment:
        """Align two networks."""
        found = Alignment()
        self._walk((spec, target), found)
        return found

    def cost(self, spec: Series, target: Series) -> float:
        """What it costs to make a series of another."""
        return self._aligned(spec, target)[0]

    def _aligned(self, spec: Series, target: Series) -> tuple[float, list[Choice]]:
        """The cost of a pair of series, and their elements in order."""
        if spec.key == target.key:
            return 0.0, [(i, i) for i in range(len(spec.elements))]
        key = spec.key, target.key
        if key not in self._series:
            self._series[key] = self._edits(spec.elements, target.elements)
        return self._series[key]

    def _edits(self, spec: Sequence[Element], target: Sequence[Element]) -> tuple[float, list[Choice]]:
        """The cheapest edits of two sequences; equal ends stand for each other."""
        start = _equal_at_start(spec, target)
        rest = min(len(spec), len(target)) - start
        end = min(_equal_at_start(spec[::-1], target[::-1]), rest)
        one, other = spec[start : len(spec) - end], target[start : len(target) - end]
        cost, inner = self._cheapest(one, other) if len(one) * len(other) <= MOST_PAIRS else self._in_order(one, other)
        choices: list[Choice] = [(i, i) for i in range(start)]
        choices += [(None if i is None else i + start, None if j is None else j + start) for i, j in inner]
        choices += [(len(spec) - left, len(target) - left) for left in range(end, 0, -1)]
        return cost, choices

    def _cheapest(self, one: Sequence[Element], other: Sequence[Element]) -> tuple[float, list[Choice]]:
        rows, columns = len(one), len(other)
        best = [[0.0] * (columns + 1) for _ in range(rows + 1)]  # of the elements from i and j on
        pair = [[self._pair(left, right) for right in other] for left in one]
        for i in range(rows - 1, -1, -1):
            best[i][columns] = best[i + 1][columns] + one[i].price
        for j in range(columns - 1, -1, -1):
            best[rows][j] = best[rows][j + 1] + other[j].price
        for i in range(rows - 1, -1, -1):
            for j in range(columns - 1, -1, -1):
                without = min(best[i + 1][j] + one[i].price, best[i][j + 1] + other[j].price)
                best[i][j] = min(pair[i][j] + best[i + 1][j + 1], without)
        choices: list[Choice] = []
        i = j = 0
        while i < rows or j < columns:
            if i < rows and j < columns and best[i][j] == pair[i][j] + best[i + 1][j + 1]:
                choices.append((i, j))
                i, j = i + 1, j + 1
            elif i < rows and best[i][j] == best[i + 1][j] + one[i].price:
                choices.append((i, None))
                i += 1
            else:
                choices.append((None, j))
                j += 1
        return best[0][0], choices

    def _in_order(self, one: Sequence[Element], other: Sequence[Element]) -> tuple[float, list[Choice]]:
        """Elements at the same place stand for each other where they can."""
        cost, choices = 0.0, list[Choice]()
        for place, (left, right) in enumerate(zip_longest(one, other)):
            pair = self._pair(left, right) if left and right else math.inf
            choices += [(place, place)] if pair < math.inf else []
            if pair == math.inf:
                choices += [(place, None)] if left else []
                choices += [(None, place)] if right else []
                pair = sum(each.price for each in (left, right) if each)
            cost += pair
        return cost, choices

    def _pair(self, one: Element, other: Element) -> float:
        """What it costs that an element stands for another."""
        if one.key == other.key:
            return 0.0
        if bool(one.branches) != bool(other.branches) or max(one.depth, other.depth) > DEEPEST:
            return math.inf
        cost = change(one.kind, one.parameters, other.kind, other.parameters)
        return cost + self._branches(one, other)[0] if one.branches and cost < math.inf else cost

    def _branches(self, one: Element, other: Element) -> tuple[float, list[int | None]]:
        """The cost of the branches of two joins, and the branch of the other for every branch of the one."""
        key = one.key, other.key
        if key not in self._joins and len(one.branches) + len(other.branches) > MOST_BRANCHES:
            found: list[int | None] = [i if i < len(other.branches) else None for i in range(len(one.branches))]
            pairs = zip_longest(one.branches, other.branches)
            cost = sum(self.cost(*pair) if all(pair) else sum(each.price for each in pair if each) for pair in pairs)
            self._joins[key] = cost, found
        if key not in self._joins:
            costs = [
                [self.cost(left, right) + OUT_OF_ORDER * abs(i - j) for j, right in enumerate(other.branches)]
                for i, left in enumerate(one.branches)
            ]
            # an empty branch passes the input on: it is something to leave out, too
            gone, new = ([branch.price + price("pass") for branch in each.branches] for each in (one, other))
            chosen = assign(costs, gone, new)
            kept = {j for j in chosen if j is not None}
            cost = sum(gone[i] if j is None else costs[i][j] for i, j in enumerate(chosen))
            self._joins[key] = cost + sum(new[j] for j in range(len(new)) if j not in kept), chosen
        return self._joins[key]

    def _walk(self, whole: tuple[Series, Series], found: Alignment) -> None:
        """Collect the pairs of two networks, and of all their branches, in order and not by calls within calls."""
        waiting = [(*whole, INPUT)]
        while waiting:
            spec, target, join = waiting.pop()
            _, choices = self._aligned(spec, target)
            partners = [spec.elements[i].step if i is not None and j is not None else None for i, j in choices]
            branches: list[tuple[Series, Series, int]] = []
            for start, run in _runs(choices):
                if None not in run[0]:
                    for i, j in run:
                        branches += self._visit(spec.elements[i or 0], target.elements[j or 0], found)
                    continue
                nearest = (*reversed(partners[:start]), *partners[start:], join)
                near = next(step for step in nearest if step is not None)
                gone = [step for i, _ in run if i is not None for step in spec.elements[i].steps]
                new = [step for _, j in run if j is not None for step in target.elements[j].steps]
                found.missing += [Gap(tuple(gone), near)] if gone else []
                found.extra += [Gap(tuple(new), near)] if new else []
            waiting += reversed(branches)

    def _visit(self, one: Element, other: Element, found: Alignment) -> Iterator[tuple[Series, Series, int]]:
        """Collect a pair of elements, and give the pairs of their branches."""
        if one.step in found.pairs:  # a step that several branches share
            return
        found.pairs[one.step] = other.step
        same = one.key == other.key
        chosen: list[int | None] = [*range(len(one.branches))] if same else self._branches(one, other)[1]
        for i, j in enumerate(chosen):
            if j is None:
                found.missing.append(Gap((*one.branches[i].steps,), one.step))
            else:
                yield one.branches[i], other.branches[j], one.step
        new = [branch for j, branch in enumerate(other.branches) if j not in chosen]
        found.extra += [Gap((*branch.steps,), one.step) for branch in new]
        order = [i for _, i in sorted((j, i) for i, j in enumerate(chosen) if j is not None)]
        if order != sorted(order) and one.kind not in COMMUTATIVE:
            found.orders[one.step] = tuple(order)


def _equal_at_start(one: Sequence[Element], other: Sequence[Element]) -> int:
    """How many elements at the start have the same content."""
    count = 0
    while count < min(len(one), len(other)) and one[count].key == other[count].key:
        count += 1
    return count


def _runs(choices: Sequence[Choice]) -> Iterator[tuple[int, list[Choice]]]:
    """Neighbouring choices that are pairs, or that are none, with the place where they start."""
    start = 0
    for _, run in groupby(choices, lambda choice: None not in choice):
        found = [*run]
        yield start, found
        start += len(found)
