"""Dominators: what all ways from the input of a graph to a value pass."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from functools import reduce

from inception_dsl.interchange.graph import INPUT


class Dominators:
    """The immediate dominator of every index: the last one that all paths from the input to it pass.

    `inputs` are the earlier indices that every index reads, or `INPUT`, which also stands for none.
    """

    def __init__(self, inputs: Iterable[Sequence[int]]) -> None:
        self.above: dict[int, int] = {}
        self.depth = {INPUT: 0}
        for index, read in enumerate(inputs):
            closest_first = sorted(read, reverse=True) or [INPUT]  # few lie between those that are close
            first = reduce(self.common, closest_first)
            self.above[index] = first
            self.depth[index] = self.depth[first] + 1

    def common(self, one: int, other: int) -> int:
        """The last index that dominates two."""
        while one != other:
            if self.depth[one] < self.depth[other]:
                one, other = other, one
            one = self.above[one]
        return one

    def chain(self, base: int, end: int) -> list[int]:
        """The dominators of an index after `base`, in order, itself included."""
        found = []
        while end != base:
            found.append(end)
            end = self.above[end]
        return found[::-1]

    def last_among(self, index: int, ends: Collection[int]) -> int:
        """The last dominator of an index among some."""
        while index not in ends:
            index = self.above[index]
        return index

    def below(self, base: int, index: int) -> int:
        """The first dominator of an index after `base`."""
        while self.above[index] != base:
            index = self.above[index]
        return index
