"""A tensor that a source holds, whose values are made when they are asked for."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import DTypeLike

from inception_dsl.interchange.graph import Array

Formula = tuple[str, tuple["Constant | float", ...]]
"""A function, and the constants and numbers that it was computed of."""

ZEROS = "zeros where the source adds nothing"


class Constant:
    """A tensor that a source holds: its name and shape, and its values, which are made when they are asked for.

    `order` are the orders of axes by which it was made of the tensor of that name; a reshape is none. `computed`
    says what it is where the source makes it of others when it runs, and has no tensor of that name; `formula` is of
    which, where they are known, up to their form. `restore` gives values the form that the source's tensor has.
    `trained` tells that training changes it: its values say nothing of what the source computes.
    """

    def __init__(
        self,
        name: str,
        shape: Sequence[int],
        make: Callable[[], Array] | None = None,
        order: tuple[tuple[int, ...], ...] = (),
        computed: str = "",
        formula: Formula | None = None,
        restore: Callable[[Array], Array] | None = None,
        trained: bool = False,
    ) -> None:
        self.name, self.shape, self.order, self.computed, self._make = name, tuple(shape), order, computed, make
        self.formula, self._restore, self.trained = formula, restore, trained

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

    def stored(self, values: Array) -> Array:
        """Values of this form in the form that the source's tensor has."""
        shaped = values.reshape(self.shape)
        return self._restore(shaped) if self._restore else shaped

    def reshaped(self, *shape: int) -> Constant:
        """The same numbers in another shape."""
        return self._formed(shape, lambda values: values.reshape(shape), self.stored)

    def cast(self, kind: DTypeLike) -> Constant:
        """The same numbers as another type has them."""
        return self._formed(self.shape, lambda values: values.astype(kind, copy=False), self.stored)

    def permuted(self, *order: int) -> Constant:
        """Its axes in another order."""
        shape, back = [self.shape[axis] for axis in order], sorted(range(len(order)), key=order.__getitem__)
        found = self._formed(
            shape, lambda values: values.transpose(order), lambda values: self.stored(values.transpose(back))
        )
        found.order = (*self.order, order)
        return found

    def _formed(
        self, shape: Sequence[int], form: Callable[[Array], Array], restore: Callable[[Array], Array]
    ) -> Constant:
        make = (lambda: form(self.values)) if self.known else None
        return Constant(self.name, shape, make, self.order, self.computed, self.formula, restore, self.trained)


def zeros(name: str, width: int) -> Constant:
    """What a layer adds that adds nothing."""
    return Constant(name, (width,), lambda: np.zeros(width), computed=ZEROS, formula=("zeros", ()))


def decimal(number: float) -> float:
    """The shortest decimal that float32 rounds to a number: 0.001 for an attribute that was written as 0.001."""
    return float(str(np.float32(number)))
