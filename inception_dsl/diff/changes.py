"""What differs between two networks, as values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from inception_dsl.ir.shapes import TensorType


class Change(NamedTuple):
    """A value that differs, by name; None where one side has none."""

    name: str
    before: Any
    after: Any


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[Change, ...]:
    """The values that differ, by name; a text that is empty counts as none."""
    found = (Change(name, before.get(name), after.get(name)) for name in {**before, **after})
    stated = (Change(name, None if a == "" else a, None if b == "" else b) for name, a, b in found)
    return tuple(change for change in stated if change.before != change.after)


class LayerChange(NamedTuple):
    """A layer of a row that differs: its names in the row, and it as a formula; None where one side has none.

    `reads` are the layers that it reads, where the two sides have the same layers and it reads others of them.
    """

    before: str | None
    after: str | None
    layer: tuple[str | None, str | None]
    reads: tuple[tuple[str, ...], tuple[str, ...]] | None = None


Fate = Literal["kept", "renamed", "reshaped", "lost", "gained"]
"""What becomes of a tensor of a checkpoint."""


class Tensor(NamedTuple):
    """A tensor of a row's weights: its names in the two state_dicts, and its shapes; None where one side has none."""

    before: str | None
    after: str | None
    shapes: tuple[tuple[int, ...] | None, tuple[int, ...] | None]

    @property
    def change(self) -> Fate:
        """What becomes of it: its values are `kept`, under another name if `renamed`, or not."""
        if self.before is None:
            return "gained"
        if self.after is None:
            return "lost"
        if self.shapes[0] != self.shapes[1]:
            return "reshaped"
        return "kept" if self.before == self.after else "renamed"


class EntryChange(NamedTuple):
    """A row or head that differs: its names; None where one side has none.

    `moved` says whether it stands at another place among the others, and `follows` names those that it follows, None
    for the first. `cells` differ as written, `printed` are the paper's numbers that differ, `layers` what is computed,
    and `numbers` what follows. `arrives` are the shapes that it reads. `tensors` are all of its weights. `edited` says
    whether it is written or defined differently: a layer whose width is that of what it reads differs without that, and
    so does a printed number that no longer fits.
    """

    kind: Literal["row", "head"]
    before: str | None
    after: str | None
    follows: tuple[str | None, str | None]
    moved: bool
    cells: tuple[Change, ...]
    printed: tuple[Change, ...]
    layers: tuple[LayerChange, ...]
    numbers: tuple[Change, ...]
    tensors: tuple[Tensor, ...]
    arrives: tuple[TensorType | None, TensorType | None]
    edited: bool

    @property
    def name(self) -> str:
        """Its name: the new one, where both sides have it."""
        return (self.before if self.after is None else self.after) or ""

    @property
    def words(self) -> tuple[str, ...]:
        """What happened to it; "affected" where only what follows from other rows differs, none where nothing does."""
        if self.before is None or self.after is None:
            return ("added",) if self.before is None else ("removed",)
        found = {"renamed": self.before != self.after, "moved": self.moved, "changed": self.edited}
        words = tuple(word for word, holds in found.items() if holds)
        affected = self.layers or self.numbers or any(tensor.change != "kept" for tensor in self.tensors)
        return words or (("affected",) if affected else ())

    def tensors_by_change(self) -> Mapping[Fate, list[Tensor]]:
        """Its weights that are not kept, by what becomes of them."""
        found: dict[Fate, list[Tensor]] = {}
        for tensor in self.tensors:
            if tensor.change != "kept":
                found.setdefault(tensor.change, []).append(tensor)
        return found
