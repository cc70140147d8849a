"""The Pareto front of a stream of items: those that no other item beats.

An item beats another if none of its objectives is worse and one is better. The front is exact: items with equal
objectives are all in it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from fractions import Fraction
from typing import Final, Generic, TypeVar

T = TypeVar("T")
Point = tuple[int | float | Fraction, ...]
"""The objectives of an item, each the smaller the better."""

LEAST_PENDING: Final = 1024
"""The fewest items that are compared at a time."""


class Front(Generic[T]):
    """Collects the front of the items that are added; `objectives` gives those of an item.

    Memory is linear in the front, and time in n log n for up to three objectives.
    """

    def __init__(self, objectives: Callable[[T], Point]) -> None:
        self._objectives = objectives
        self._found: dict[Point, list[T]] = {}
        self._pending: list[T] = []

    def add(self, item: T) -> None:
        """Add an item."""
        self._pending.append(item)
        if len(self._pending) > max(LEAST_PENDING, len(self._found)):
            self._compare()

    def items(self) -> list[T]:
        """The front so far, in the order of its objectives; equal items in the order in which they were added."""
        self._compare()
        return [item for point in sorted(self._found) for item in self._found[point]]

    def _compare(self) -> None:
        for item in self._pending:
            self._found.setdefault(self._objectives(item), []).append(item)
        self._pending.clear()
        self._found = {point: self._found[point] for point in unbeaten(self._found)}


def unbeaten(points: Iterable[Point]) -> Iterator[Point]:
    """The points, all different, that no other beats, sorted.

    After sorting, a point can only be beaten by one before it, and is if no further coordinate of that one is larger.
    """
    ordered = sorted(points)
    match len(ordered[0]) if ordered else 0:
        case 0:
            return
        case 1:
            yield ordered[0]
        case 2:
            yield from _lower_second(ordered)
        case 3:
            yield from _below_stairs(ordered)
        case _:
            found: list[Point] = []
            for point in ordered:
                if not any(all(map(_at_most, other[1:], point[1:])) for other in found):
                    found.append(point)
                    yield point


def _at_most(a: float | Fraction, b: float | Fraction) -> bool:
    return a <= b


def _lower_second(ordered: Sequence[Point]) -> Iterator[Point]:
    least = None
    for point in ordered:
        if least is None or point[1] < least:
            least = point[1]
            yield point


def _below_stairs(ordered: Sequence[Point]) -> Iterator[Point]:
    """The stairs are the second and third coordinates of the points so far that are unbeaten in these two."""
    seconds: list[int | float | Fraction] = []  # rising
    thirds: list[int | float | Fraction] = []  # falling
    for point in ordered:
        _, second, third = point
        before = bisect_right(seconds, second)
        if before and thirds[before - 1] <= third:
            continue
        start = end = bisect_left(seconds, second)
        while end < len(thirds) and thirds[end] >= third:
            end += 1
        seconds[start:end], thirds[start:end] = [second], [third]
        yield point
