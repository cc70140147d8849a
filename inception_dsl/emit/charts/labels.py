"""Where the names of points stand: where they cover nothing, and near."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from inception_dsl.emit.picture.rectangle import Rectangle

OFFSETS: Final = [
    (dx * far, dy * far)
    for far in (9, 16, 25, 36, 50, 66, 85, 110)
    for dx, dy in ((1, 0), (1, 1), (1, -1), (0, 1), (0, -1))
]
"""Where a name may stand from its point, nearest first; then the same to the left."""


def place(
    points: Sequence[tuple[float, float]],
    sizes: Sequence[tuple[float, float]],
    inside: Rectangle,
    taken: Iterable[Rectangle],
) -> Iterator[Rectangle]:
    """The boxes of names of some sizes, beside their points, clear of what is taken and of those before it."""
    covered = [*taken]
    for (x, y), (width, height) in zip(points, sizes, strict=True):
        for dx, dy in [*OFFSETS, *((-dx, dy) for dx, dy in OFFSETS)]:
            left = x + dx - (0 if dx > 0 else width if dx < 0 else width / 2)
            box = Rectangle(left, y + dy - height / 2, width, height)
            if inside.holds(box) and not any(map(box.meets, covered)):
                break
        covered.append(box)
        yield box
