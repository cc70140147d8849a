"""The words for what differs, which the text and the Markdown share."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any, Final

from inception_dsl.diff.changes import Change, EntryChange, Fate, Tensor
from inception_dsl.diff.diff import Diff
from inception_dsl.ir.shapes import TensorType

NAMES: Final = {
    "output": "output",
    "params": "parameters",
    "macs": "multiply-adds",
    "depth": "depth",
    "activations": "activations",
    "receptive_field": "receptive field",
    "stride": "stride",
    "params_with_heads": "parameters with heads",
    "macs_with_heads": "multiply-adds with heads",
    "peak_activations": "peak of activations in inference",
}
"""What numbers are called."""

CHANGES: Final[tuple[Fate, ...]] = ("renamed", "reshaped", "lost", "gained")
"""What can become of a tensor that is not kept."""

ARCHITECTURE: Final = ("input", "classes", "settings", "defaults", "modules")
"""The sections of a spec that say what the network computes."""

DESCRIPTIVE: Final = ("paper", "reported", "errata", "notes", "source", "doc")
"""The sections of a spec, and keys in its sections, that describe it."""

COUNTED: Final = ("params", "macs", "activations", "params_with_heads", "macs_with_heads", "peak_activations")
"""The numbers whose change is worth a percentage."""


def loading(diff: Diff) -> str:
    """Whether a checkpoint still loads, in a sentence."""
    counts = Counter(tensor.change for tensor in diff.tensors)
    if diff.loads and counts["renamed"]:
        number = f"{counts['renamed']:,} tensors belong" if counts["renamed"] > 1 else "1 tensor belongs"
        return f"A checkpoint loads, but {number} to other layers: write a migration with `--map`"
    if diff.loads:
        same = "and gives the same values" if diff.same_network else "but the network computes something else"
        return f"A checkpoint loads, {same}"
    of = "1 tensor is" if counts["kept"] == 1 else f"{counts['kept']:,} tensors are"
    return f"A checkpoint no longer loads: {tensor_counts(diff)}; {of} as before"


def tensor_counts(diff: Diff) -> str:
    """How many tensors are not kept: `2 reshaped, 14 lost`."""
    counts = Counter(tensor.change for tensor in diff.tensors)
    return ", ".join(f"{counts[word]:,} {word}" for word in CHANGES if counts[word])


def counted(diff: Diff) -> str:
    """How many rows and heads differ, in a phrase."""
    parts = []
    for kind, entries in (("row", diff.all_rows), ("head", diff.all_heads)):
        counts = Counter(word for entry in entries for word in entry.words or ("equal",))
        words = ("changed", "renamed", "moved", "added", "removed", "affected", "equal")
        found = [f"{counts[word]} {word}" for word in words if counts[word]]
        if [*counts] != ["equal"] and found:
            parts.append(f"{kind}s: {', '.join(found)}")
    return "; ".join(parts)


def shown(value: Any) -> str:
    """A value of a cell, key or number; "none" where one side has none."""
    match value:
        case None:
            return "none"
        case TensorType():
            return str(value)
        case (height, width):
            return shown(height) if height == width else f"{shown(height)}x{shown(width)}"
        case list() | tuple():
            return ", ".join(map(shown, value))
        case bool():
            return str(value).lower()
        case int():
            return f"{value:,}"
    return str(value)


def of_network(key: Change) -> bool:
    """Whether a key says what the network computes."""
    return key.name.split(".")[0] in ARCHITECTURE and not describes(key)


def describes(key: Change) -> bool:
    """Whether a key describes its spec."""
    return any(part in DESCRIPTIVE for part in key.name.split("."))


def is_long(key: Change) -> bool:
    """Whether a value of it has several lines."""
    return any("\n" in str(value).strip() for value in (key.before, key.after))


def line_changes(key: Change) -> list[str]:
    """The lines of a value that differ, after `-` and `+`, without what aligns them."""
    before, after = (
        [" ".join(line.split()) for line in shown(value).splitlines()] if value is not None else []
        for value in (key.before, key.after)
    )
    lines = SequenceMatcher(None, before, after, autojunk=False)
    return [
        f"{sign} {line}"
        for _, *(a, b, c, d) in (found for found in lines.get_opcodes() if found[0] != "equal")
        for sign, some in (("-", before[a:b]), ("+", after[c:d]))
        for line in some
    ]


def percent(change: Change) -> str:
    """How far a number moved: `+1.5%`; empty where that says little."""
    before, after = change.before, change.after
    if change.name not in COUNTED or not before or before == after:
        return ""
    moved = 100 * (after / before - 1)
    return f"{moved:+,.1f}%" if abs(moved) >= 0.05 else f"{moved:+.1g}%"


def title(entry: EntryChange) -> str:
    """The name of a row or head, with what happened to it as a whole: `pool (was pool5, moved)`."""
    notes = [f"was {entry.before}"] if "renamed" in entry.words else []
    notes += ["moved"] * entry.moved + ["head"] * (entry.kind == "head")
    return f"{entry.name} ({', '.join(notes)})" if notes else entry.name


def tensor_groups(entry: EntryChange) -> Iterator[tuple[str, str]]:
    """What becomes of a row's weights, and of which; several of one layer are counted."""
    for change, tensors in entry.tensors_by_change().items():
        yield change, ", ".join(_renamed(entry, tensors) if change == "renamed" else _grouped(entry, tensors))


def _renamed(entry: EntryChange, tensors: Sequence[Tensor]) -> Iterator[str]:
    """New names: a prefix where only that of the row differs."""
    inner = [(_inner(tensor.before, entry.before), _inner(tensor.after, entry.after)) for tensor in tensors]
    if all(one == other for one, other in inner):
        yield f"{entry.before}.* to {entry.after}.* ({_count(len(tensors))})"
        return
    layers = Counter((one.rpartition(".")[0], other.rpartition(".")[0]) for one, other in inner)
    for (one, other), number in layers.items():
        yield f"{one or entry.before} to {other or entry.after} ({_count(number)})"


def _grouped(entry: EntryChange, tensors: Iterable[Tensor]) -> Iterator[str]:
    groups: dict[str, list[tuple[str, Tensor]]] = {}
    for tensor in tensors:
        name = _inner(tensor.after, entry.after) if tensor.before is None else _inner(tensor.before, entry.before)
        groups.setdefault(name.rpartition(".")[0] if tensor.change != "reshaped" else name, []).append((name, tensor))
    for group, found in groups.items():
        if len(found) > 1:
            yield f"{group or entry.name} ({_count(len(found))})"
        else:
            yield from (f"{name} {_shapes(tensor)}" for name, tensor in found)


def _inner(tensor: str | None, row: str | None) -> str:
    return (tensor or "").removeprefix(f"{row}.")


def _count(number: int) -> str:
    return "1 tensor" if number == 1 else f"{number} tensors"


def _shapes(tensor: Tensor) -> str:
    shapes = ["x".join(map(str, shape)) or "a number" for shape in dict.fromkeys(tensor.shapes) if shape is not None]
    return " => ".join(shapes)
