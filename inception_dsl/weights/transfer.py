"""Weights of a network from another library's file, and back."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from inception_dsl.ir import Typed
from inception_dsl.weights import keras
from inception_dsl.weights.files import read
from inception_dsl.weights.matching import match, own, taken

if TYPE_CHECKING:
    from inception_dsl.witness.probe import Array


class Transfer(NamedTuple):
    """Weights under the names of their new owner, and how they came there: `network` is whose, `left` what stayed."""

    weights: Mapping[str, Array]
    network: str
    left: tuple[str, ...] = ()

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was matched, and what was left where it was."""
        matched = f"{len(self.weights)} tensors matched with {self.network}, by order, name and shape; none is missing"
        heads = sorted({name.partition(".")[0] for name in self.left})
        left = f"{len(self.left)} left over, of heads that are not taken: {', '.join(heads)}"
        return (matched, left) if self.left else (matched,)


def imported(typed: Typed, file: Path, library: str, heads: bool = True) -> Transfer:
    """Read a library's weights for a network; `heads` False leaves those of its heads out.

    Raises `SpecError` E130 to E135 for a file that is not the weights of this very network, whole.
    """
    if library == "keras":
        found = match(typed, library, heads=heads)
        held = keras.read(file, found.names.name, int(typed.program.env["classes"]))
        held |= keras.scales(typed, held, found.theirs)
    else:
        held = read(file)
        found = match(typed, library, held, heads)
    beside = set() if typed.heads and heads else set(found.names.heads)
    spare = [name for name in held if name.rpartition(".")[0] in beside]
    weights = taken(typed, str(file), held, found.theirs, spare)
    return Transfer(weights, found.title, tuple(spare))


def exported(typed: Typed, file: Path, library: str) -> Transfer:
    """Give a network's weights the names that a library has for them; what the file has of the heads goes with them.

    Raises `SpecError` E130 to E135 for a file that is not the weights of this very network.
    """
    held = read(file)
    heads = any(name in held for head in typed.heads for node in typed.of(head) for name in node.weights)
    found = match(typed, library, heads=heads)
    weights = taken(typed, str(file), held, own(typed, heads), ())
    return Transfer({found.theirs[name]: each for name, each in weights.items()}, found.title)


def weights_of(typed: Typed, file: Path, heads: bool) -> Mapping[str, Array]:
    """Read a network's own weights; those of its heads may be missing unless `heads` asks for them.

    Raises `SpecError` E130 to E135 for a file that is not the weights of this very network.
    """
    held = read(file)
    return taken(typed, str(file), held, own(typed, heads), own(typed, heads=True))
