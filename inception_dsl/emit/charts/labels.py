"""Where the names of points stand: where they cover nothing, and near."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, NamedTuple

OFFSETS: Final = [
    (dx * far, dy * far)
    for far in (9, 16, 25, 36, 50, 66, 85, 110)
    for dx, dy in ((1, 0), (1, 1), (1, -1), (0, 1), (0, -1))
]
"""Where a name may stand from its point, nearest first; then the same to the left."""


class Box(NamedTuple):
    """A part of the picture."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The x of its right side."""
        return self.x + self.width

    @property
    def bottom(self) -> float:
        """The y of its bottom."""
        return self.y + self.height

    def grown(self, by: float) -> Box:
        """The box with a margin."""
        return Box(self.x - by, self.y - by, self.width + 2 * by, self.height + 2 * by)

    def holds(self, other: Box) -> bool:
        """Whether another box is inside."""
        inside = self.x <= other.x and other.right <= self.right
        return inside and self.y <= other.y and other.bottom <= self.bottom

    def meets(self, other: Box) -> bool:
        """Whether another box covers a part of this one."""
        beside = self.right <= other.x or other.right <= self.x
        return not (beside or self.bottom <= other.y or other.bottom <= self.y)


def place(
    points: Sequence[tuple[float, float]], sizes: Sequence[tuple[float, float]], inside: Box, taken: Iterable[Box]
) -> Iterator[Box]:
    """The boxes of names of some sizes, beside their points, clear of what is taken and of those before it."""
    covered = [*taken]
    for (x, y), (width, height) in zip(points, sizes, strict=True):
        for dx, dy in [*OFFSETS, *((-dx, dy) for dx, dy in OFFSETS)]:
            left = x + dx - (0 if dx > 0 else width if dx < 0 else width / 2)
            box = Box(left, y + dy - height / 2, width, height)
            if inside.holds(box) and not any(map(box.meets, covered)):
                break
        covered.append(box)
        yield box
