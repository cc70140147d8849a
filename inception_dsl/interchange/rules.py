"""What the rules of all readers share: the table that has them, and the axes of an example."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

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


def axis_of(axis: int, x: TensorType) -> int:
    """An axis of an example, which has no axis of the batch. Raises `Unsupported` for the batch's."""
    place = axis - 1 if axis >= 0 else axis + len(x.shape)
    if not 0 <= place < len(x.shape):
        raise Unsupported("it works along the batch")
    return place
