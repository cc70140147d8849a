"""The words for what differs, which the text and the Markdown share."""

from __future__ import annotations

from collections import Counter
from difflib import SequenceMatcher
from typing import Any, Final

from inception_dsl.diff.changes import Change, EntryChange, Fate, LayerChange
from inception_dsl.diff.diff import Diff
from inception_dsl.ir.shapes import TensorType

NAMES: Final = {
    "output": "output",
    "params": "parameters",
    "macs": "multiply-adds",
    "depth": "depth",
    "activations": "activations in training",
    "receptive_field": "receptive field",
    "stride": "stride",
    "params_with_heads": "parameters with heads",
    "macs_with_heads": "multiply-adds with heads",
    "peak_activations": "activations at once in inference",
}
"""What numbers are called."""

CHANGES: Final[tuple[Fate, ...]] = ("renamed", "reshaped", "lost", "gained")
"""What can become of a tensor that is not kept."""

ARCHITECTURE: Final = ("input", "classes", "settings", "defaults", "modules")
"""The sections of a spec that say what the network computes."""

DESCRIPTIVE: Final = ("paper", "reported", "published.errata", "training.notes")
"""The sections of a spec that describe it."""

DESCRIPTIVE_KEYS: Final = (".doc", ".source", ".columns")
"""Keys that do so in any section; the columns of a module are those that its graph uses, in some order."""

COUNTED: Final = ("params", "macs", "activations", "params_with_heads", "macs_with_heads", "peak_activations")
"""The numbers whose change is worth a percentage."""


def loading(diff: Diff) -> tuple[str, str]:
    """Whether a checkpoint still loads, and the rest of the sentence."""
    counts = Counter(tensor.change for tensor in diff.tensors)
    if not diff.loads:
        kept = "1 tensor is" if counts["kept"] == 1 else f"{counts['kept']:,} tensors are"
        return "A checkpoint no longer loads", f": {tensor_counts(diff)}; {kept} as before"
    if renamed := counts["renamed"]:
        number = "1 tensor belongs" if renamed == 1 else f"{renamed:,} tensors belong"
        return "A checkpoint loads", f", but {number} to other layers: write a migration with `--map`"
    same = "and gives the same values" if diff.same_network else "but the network computes something else"
    return "A checkpoint loads", f", {same}"


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


def totals(diff: Diff) -> list[list[str]]:
    """The numbers of the network that differ, before and after, and how far; with heads only where there are some."""
    heads = bool(diff.all_heads)
    found = [c for c in diff.totals if c.before != c.after and (heads or not c.name.endswith("_with_heads"))]
    return [[NAMES[change.name], shown(change.before), shown(change.after), percent(change)] for change in found]


def only_sees(entry: EntryChange) -> bool:
    """Whether only the receptive field of a row or head differs: many follow one change, and say nothing new."""
    differ = {change.name for change in entry.numbers}
    others = entry.printed or entry.layers or entry.tensors_by_change()
    return entry.words == ("affected",) and differ == {"receptive_field"} and not others


def moved(entry: EntryChange) -> str:
    """From where a row or head was moved to where."""
    places = (f"after {name}" if name else "the start" for name in entry.follows)
    return "from {} to {}".format(*places)


def shown(value: Any) -> str:
    """A value of a cell, key or number; "none" where one side has none."""
    match value:
        case None:
            return "none"
        case TensorType():
            return str(value)
        case (int() | float() as height, int() | float() as width):
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
    return key.name.split(".")[0] in ARCHITECTURE and not described(key)


def described(key: Change) -> str:
    """The section that describes a spec and has this key, or the key alone; "" if it does not describe."""
    section = next((section for section in DESCRIPTIVE if f"{key.name}.".startswith(f"{section}.")), "")
    return section or (key.name if key.name.endswith(DESCRIPTIVE_KEYS) else "")


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


def layer_names(layer: LayerChange) -> list[str]:
    """The names of a layer in its row, one if they are equal; none for a row that is a single layer."""
    names = dict.fromkeys(name for name in (layer.before, layer.after) if name is not None)
    return [name or "itself" for name in names] if any(names) else []
