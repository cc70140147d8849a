"""What the rules of all readers share: the table that has them, and the axes of an example."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from inception_dsl.interchange.graph import Unsupported
from inception_dsl.ir.shapes import TensorType

Rule = TypeVar("Rule")


class Table(dict[str, Rule]):
    """Rules by the op of a source; as a decorator, it takes those of a rule."""

    def __call__(self, *kinds: str) -> Callable[[Rule], Rule]:
        def register(rule: Rule) -> Rule:
            self.update(dict.fromkeys(kinds, rule))
            return rule

        return register


MOST_CHANNELS_LAST: Final = 4
"""An image whose last axis is this short, and whose first is longer or of no fixed size, has its channels last."""


def channels_last(image: Sequence[int | None]) -> bool:
    """Whether an image of this shape has its channels last."""
    first, last = image[0], image[-1]
    if len(image) != 3 or last is None or last > MOST_CHANNELS_LAST:
        return False
    return first is None or first > MOST_CHANNELS_LAST


def axis_of(axis: int, x: TensorType) -> int:
    """An axis of an example, which has no axis of the batch. Raises `Unsupported` for the batch's."""
    place = axis - 1 if axis >= 0 else axis + len(x.shape)
    if not 0 <= place < len(x.shape):
        raise Unsupported("it works along the batch")
    return place
