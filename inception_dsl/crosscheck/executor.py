"""What the cross-check asks of a backend: to read what it emitted for a network, and to run it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Protocol

from inception_dsl.build import missing
from inception_dsl.ir.typed import Typed

if TYPE_CHECKING:
    from inception_dsl.crosscheck.probe import Array

Shape = tuple[int, ...]
Forward = Callable[["Array"], Iterable[tuple[str, "Array"]]]
"""From images to the values of every row and head, by name, batch first. If given twice, the last value counts."""


class Executor(ABC):
    """The emitted form of a network, ready to run. Constructed from the network at its own image size.

    `weights` are the tensors found in the emitted form, by name and in its order. `parameters` is the number of trained
    numbers found there; None if the form does not distinguish them.
    """

    weights: Mapping[str, Shape]
    parameters: int | None = None

    def scale(self, weights: Mapping[str, Array]) -> Mapping[str, Array]:
        """Weights rescaled so that activations keep their size over all layers, if the backend can observe them."""
        return weights

    @abstractmethod
    def load(self, weights: Mapping[str, Array]) -> None:
        """Use these weights from now on."""

    @abstractmethod
    def at(self, part: Typed) -> Forward:
        """Prepare to run a part of the network (its first rows, some heads) at the part's image size."""


class Executable(Protocol):
    """What the cross-check reads of a backend. `needs` are the libraries that its executor imports."""

    @property
    def name(self) -> str:
        """The backend's name, as `--against` takes it."""

    @property
    def needs(self) -> tuple[str, ...]:
        """The libraries that its executor imports."""

    @property
    def executor(self) -> Callable[[Typed], Executor] | None:
        """Emits a network and reads what was emitted; None where that cannot be run."""


def require(*backends: Executable) -> None:
    """Raise `SpecError` E005 if a library that one of the backends needs is not installed."""
    for library in dict.fromkeys(library for backend in backends for library in backend.needs):
        if find_spec(library) is None:
            raise missing(library)
