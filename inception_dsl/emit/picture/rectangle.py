"""Regions of a picture, in pixels from its top left corner."""

from __future__ import annotations

from typing import NamedTuple


class Rectangle(NamedTuple):
    """A region of the picture."""

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

    def grown(self, by: float) -> Rectangle:
        """The region with a margin."""
        return Rectangle(self.x - by, self.y - by, self.width + 2 * by, self.height + 2 * by)

    def holds(self, other: Rectangle) -> bool:
        """Whether another region is inside."""
        inside = self.x <= other.x and other.right <= self.right
        return inside and self.y <= other.y and other.bottom <= self.bottom

    def meets(self, other: Rectangle) -> bool:
        """Whether another region covers a part of this one."""
        beside = self.right <= other.x or other.right <= self.x
        return not (beside or self.bottom <= other.y or other.bottom <= self.y)
