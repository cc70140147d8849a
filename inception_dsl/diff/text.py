"""A comparison as text for a terminal: what is true of the whole, then row by row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from textwrap import fill
from typing import Final

from inception_dsl.diff.changes import Change, EntryChange, LayerChange
from inception_dsl.diff.diff import Diff
from inception_dsl.diff.tensor_groups import tensor_groups
from inception_dsl.diff.wording import (
    NAMES,
    counted,
    described,
    is_long,
    layer_names,
    line_changes,
    loading,
    moved,
    of_network,
    only_sees,
    shown,
    title,
    totals,
)
from inception_dsl.text.aligned import pad
from inception_dsl.text.terminal import shortened

MARKS: Final = {"added": "+", "removed": "-", "affected": "."}
"""What stands before a row; other rows have `~`."""

MOST_LAYERS: Final = 12
"""The most layers of a row that are listed; the JSON has all."""

MOST_LINES: Final = 20
"""The most lines of a key that are listed."""

OF_ONE: Final = ("output", "params", "macs", "depth")
"""The numbers that are listed of a row which only one side has."""

NARROWEST: Final = 40
"""The fewest columns in which text is wrapped."""

VALUE: Final = 60
"""The most columns of a value."""

Paint = Callable[[str, str], str]


def text(diff: Diff, room: int | None = None, paint: Paint = lambda text, _: text) -> str:
    """Print a comparison in lines of at most `room` columns; `paint` colours a row's name by what happened to it."""
    blocks = [f"{diff.before.label} => {diff.after.label}", "\n".join(summary(diff))]
    if not diff.equal:
        blocks += [_totals(diff), *keys(diff), *_entries(diff, paint)]
    lines = "\n\n".join(filter(None, blocks)).split("\n")
    return "\n".join(lines if room is None else (_wrapped(line, max(room, NARROWEST)) for line in lines))


def _wrapped(line: str, room: int) -> str:
    """A line, continued below itself where it is longer."""
    if len(line) <= room:
        return line
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    return fill(line, room, subsequent_indent=indent, break_on_hyphens=False)


def summary(diff: Diff) -> Iterator[str]:
    """Sentences about the whole: whether a checkpoint still loads, and how many rows differ."""
    if diff.equal:
        yield "The specs say the same, and give the same network."
        return
    yield f"{''.join(loading(diff))}."
    if words := counted(diff):
        yield f"{words[0].upper()}{words[1:]}."


def _totals(diff: Diff) -> str:
    rows = totals(diff)
    return "\n".join("  ".join(row).rstrip() for row in pad([["", "before", "after", ""], *rows], 1)) if rows else ""


def keys(diff: Diff) -> Iterator[str]:
    """The keys of the specs: those that say what is computed, other settings, and the names of those that describe."""
    for chosen in (of_network, lambda key: not (of_network(key) or described(key))):
        yield "\n".join(line for key in diff.keys if chosen(key) for line in _key(key))
    names = Counter(filter(None, map(described, diff.keys)))
    listed = ", ".join(f"{name} ({count} keys)" if count > 1 else name for name, count in names.items())
    yield f"described differently: {listed}" if listed else ""


def _key(key: Change) -> Iterator[str]:
    lines = [*line_changes(key)]
    if len(lines) > 2 or is_long(key):
        yield f"{key.name}:"
        yield from (f"  {line}" for line in _some(lines, MOST_LINES))
    else:
        before, after = (shortened(shown(value).strip(), VALUE) for value in (key.before, key.after))
        yield f"{key.name}: {before} => {after}"


def _entries(diff: Diff, paint: Paint) -> Iterator[str]:
    for entry in diff.entries:
        if not only_sees(entry):
            name = f"{MARKS.get(entry.words[0], '~')} {paint(title(entry), entry.words[0])}"
            yield "\n    ".join([name, *entry_lines(entry)])
    if others := [entry.name for entry in diff.entries if only_sees(entry)]:
        yield f"other receptive fields: {', '.join(others)}"


def entry_lines(entry: EntryChange) -> Iterator[str]:
    """What is listed below the name of a row."""
    alone = entry.before is None or entry.after is None
    say = _stated if alone else _change
    if entry.moved:
        yield moved(entry)
    if entry.cells:
        yield "; ".join(map(say, entry.cells))
    if not alone:
        yield from _some([*map(layer_line, entry.layers)], MOST_LAYERS)
    reads = [Change("reads", *entry.arrives)] if not alone and entry.arrives[0] != entry.arrives[1] else []
    numbers = [change for change in entry.numbers if not alone or (change.name in OF_ONE and any(change[1:]))]
    if reads or numbers:
        yield "; ".join(map(say, (*reads, *numbers)))
    if printed := [say(change) for change in entry.printed if change.after is not None]:
        yield f"printed: {'; '.join(printed)}"
    if dropped := [f"{change.name} {change.before}" for change in entry.printed if change.after is None]:
        yield f"printed numbers dropped: {'; '.join(dropped)}"
    yield from (f"weights {change}: {names}" for change, names in tensor_groups(entry))


def _change(change: Change) -> str:
    return f"{NAMES.get(change.name, change.name)} {shown(change.before)} => {shown(change.after)}"


def _stated(change: Change) -> str:
    """A value that only one side has."""
    value = change.before if change.after is None else change.after
    return f"{NAMES.get(change.name, change.name)} {shown(value)}"


def layer_line(layer: LayerChange) -> str:
    """A layer that differs, in a line."""
    names = " => ".join(layer_names(layer))
    one, other = layer.layer
    if layer.before is None or layer.after is None:
        return f"{'+' if layer.before is None else '-'} {': '.join(filter(None, (names, other or one)))}"
    parts = [f"{one} => {other}"] if one != other else []
    if layer.reads:
        parts.append("reads {}, not {}".format(*(" and ".join(names) for names in layer.reads[::-1])))
    return ": ".join(filter(None, (names, "; ".join(parts))))


def _some(lines: list[str], most: int) -> Iterable[str]:
    """The first of some lines, and how many more there are."""
    return lines if len(lines) <= most else [*lines[: most - 1], f"... and {len(lines) - most + 1} more"]
