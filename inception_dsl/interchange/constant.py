"""A tensor that a source holds, whose values are made when they are asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from inception_dsl.interchange.graph import Array


class Constant:
    """A tensor that a source holds: its name and shape, and its values, which are made when they are asked for.

    `order` are the orders of axes by which it was made of the tensor of that name; a reshape is none. `computed` tells
    that the source makes it of others when it runs, and has no tensor of that name.
    """

    def __init__(
        self,
        name: str,
        shape: Sequence[int],
        make: Callable[[], Array] | None = None,
        order: tuple[tuple[int, ...], ...] = (),
        computed: bool = False,
    ) -> None:
        self.name, self.shape, self.order, self.computed, self._make = name, tuple(shape), order, computed, make

    @property
    def key(self) -> object:
        """What two constants that are the same tensor have in common."""
        return self.name, self.shape, self.order

    @property
    def known(self) -> bool:
        """Whether the source has its values; a graph may take its weights as inputs."""
        return self._make is not None

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def values(self) -> Array:
        """The values. Raises `KeyError` for a tensor without values."""
        if self._make is None:
            raise KeyError(self.name)
        return self._make()

    @property
    def scalar(self) -> float | None:
        """The number that it is, if it is one whose value is known."""
        return float(self.values.reshape(())) if self.size == 1 and self.known else None

    def reshaped(self, *shape: int) -> Constant:
        """The same numbers in another shape."""
        make = (lambda: self.values.reshape(shape)) if self.known else None
        return Constant(self.name, shape, make, self.order, self.computed)

    def permuted(self, *order: int) -> Constant:
        """Its axes in another order."""
        shape = [self.shape[axis] for axis in order]
        make = (lambda: self.values.transpose(order)) if self.known else None
        return Constant(self.name, shape, make, (*self.order, order), self.computed)
