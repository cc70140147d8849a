"""Names the weights of a row that are not kept in few words: whole branches in place of their tensors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from inception_dsl.diagnostics.spelling import counted
from inception_dsl.diff.changes import EntryChange, Fate, Tensor

MOST_GROUPS: Final = 20
"""The most tensors, or groups of them, that are listed of one fate in a row; the JSON and the migration have all."""


def tensor_groups(entry: EntryChange) -> Iterator[tuple[Fate, str]]:
    """What becomes of a row's weights, and of which: the names stand below that of the row, as in a state_dict."""
    for fate, tensors in entry.tensors_by_change().items():
        words = [*(_renamed(entry, tensors) if fate == "renamed" else _grouped(entry, fate, tensors))]
        more = [f"and {len(words) - MOST_GROUPS:,} more"] if len(words) > MOST_GROUPS else []
        yield fate, ", ".join([*words[:MOST_GROUPS], *more])


def _renamed(entry: EntryChange, tensors: Sequence[Tensor]) -> Iterator[str]:
    """New names: a prefix where only that of the row differs."""
    inner = [(_inner(tensor.before, entry.before), _inner(tensor.after, entry.after)) for tensor in tensors]
    if all(one == other for one, other in inner):
        yield f"{entry.before}.* to {entry.after}.* ({counted(len(tensors), 'tensor')})"
        return
    layers = Counter((one.rpartition(".")[0], other.rpartition(".")[0]) for one, other in inner)
    for (one, other), number in layers.items():
        yield f"{one or entry.before} to {other or entry.after} ({counted(number, 'tensor')})"


def _grouped(entry: EntryChange, fate: Fate, tensors: Sequence[Tensor]) -> Iterator[str]:
    """The tensors, or in their place the layers and branches all of whose tensors have this fate."""
    if fate == "reshaped":
        yield from (f"{_inner(tensor.after, entry.after)} {_shapes(tensor)}" for tensor in tensors)
        return

    def inner(tensor: Tensor) -> str:
        return _inner(tensor.after, entry.after) if fate == "gained" else _inner(tensor.before, entry.before)

    every = Counter(above for tensor in entry.tensors for above in _above(inner(tensor)))
    own = Counter(above for tensor in tensors for above in _above(inner(tensor)))
    groups = {inner(tensor): next(a for a in _above(inner(tensor)) if own[a] == every[a]) for tensor in tensors}
    shapes = {inner(tensor): _shapes(tensor) for tensor in tensors}
    for name, group in {group: (name, group) for name, group in groups.items()}.values():
        yield f"{group or 'all'} ({counted(own[group], 'tensor')})" if own[group] > 1 else f"{name} {shapes[name]}"


def _above(name: str) -> list[str]:
    """The parts of a network that a tensor is in, from its row, "", down to itself; none for no tensor."""
    parts = name.split(".") if name else []
    return [".".join(parts[:end]) for end in range(len(parts) + 1)] if parts else []


def _inner(tensor: str | None, row: str | None) -> str:
    return (tensor or "").removeprefix(f"{row}.")


def _shapes(tensor: Tensor) -> str:
    shapes = ["x".join(map(str, shape)) or "a number" for shape in dict.fromkeys(tensor.shapes) if shape is not None]
    return " => ".join(shapes)
