"""A comparison as Markdown for the comment of a pull request: what is true of the whole, and details to unfold.

It has fewer characters than a comment may have, whatever is compared.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

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
    only_sees,
    shown,
    tensor_counts,
    title,
    totals,
)
from inception_dsl.text.markdown import bounded_table, code, escaped, prose
from inception_dsl.text.terminal import shortened

ROOM: Final = 9_000
"""The most characters of a table, and of the lines of graphs."""

MOST_OF_CELL: Final = 160
"""The most characters of a cell of a table."""

COLUMNS: Final = ("output", "params", "macs", "depth")
"""The numbers of a row that have a column where some row's differ."""


def markdown(diff: Diff) -> str:
    """Print a comparison as Markdown, in fewer than 60,000 characters."""
    return "\n\n".join(filter(None, _blocks(diff)))


def _blocks(diff: Diff) -> Iterator[str]:
    yield f"### {code(diff.before.label)} → {code(diff.after.label)}"
    if diff.equal:
        yield "The specs say the same, and give the same network."
        return
    verdict, details = loading(diff)
    yield f"**{verdict}**{prose(details)}."
    if words := counted(diff):
        yield f"{words[0].upper()}{words[1:]}."
    yield bounded_table(["", "before", "after", ""], totals(diff), 1)
    entries = [entry for entry in diff.entries if not only_sees(entry)]
    columns = [name for name in COLUMNS if any(change.name == name for entry in entries for change in entry.numbers)]
    header = ["row", "what changed", *(NAMES[name] for name in columns)]
    yield _table(header, (_row(entry, columns) for entry in entries), 2)
    names = [code(entry.name) for entry in diff.entries if only_sees(entry)]
    yield f"Other receptive fields: {_some(names, ', ')}." if names else ""
    yield from _details(diff)


def _details(diff: Diff) -> Iterator[str]:
    """What a reader may unfold."""
    layers = [[code(title(entry)), *_layer(layer)] for entry in diff.entries for layer in entry.layers]
    yield _folded(f"Layers ({len(layers):,})", _table(["row", "layer", "before", "after"], layers, 4))
    groups = [(entry, *group) for entry in diff.entries for group in tensor_groups(entry)]
    weights = [[code(title(entry)), change, code(names)] for entry, change, names in groups]
    yield _folded(f"Weights: {tensor_counts(diff)}", _table(["row", "change", "tensors"], weights, 3))
    printed = [[code(title(entry)), *_cells(change)] for entry in diff.entries for change in entry.printed]
    yield _folded(f"Printed numbers ({len(printed):,})", _table(["row", "column", "before", "after"], printed, 4))
    yield _folded(f"Other keys of the spec ({len(diff.keys):,})", "\n\n".join(filter(None, _keys(diff))))


def _keys(diff: Diff) -> Iterator[str]:
    """The keys that differ: a table, the lines of graphs, and the names of those that only describe."""
    keys = [key for key in diff.keys if not described(key)]
    yield _table(["key", "before", "after"], (_cells(key) for key in keys if not is_long(key)), 3)
    yield _block([line for key in keys if is_long(key) for line in (f"@@ {key.name} @@", *line_changes(key))])
    if others := [code(key.name) for key in diff.keys if described(key)]:
        yield f"Described differently: {_some(others, ', ')}"


def _row(entry: EntryChange, columns: Sequence[str]) -> list[str]:
    """A row of the table of rows."""
    numbers = {change.name: change for change in entry.numbers}
    what = [", ".join(_happened(entry)), "; ".join(_fitting(_details_of(entry)))]
    return [code(entry.name), ": ".join(filter(None, what)), *(_number(entry, numbers.get(name)) for name in columns)]


def _happened(entry: EntryChange) -> Iterator[str]:
    for word in entry.words:
        match word:
            case "renamed":
                yield f"was {code(entry.before or '')}"
            case "moved":
                yield f"moved {escaped(moved(entry))}"
            case "changed" if any(_details_of(entry)):
                pass
            case _:
                yield word


def _details_of(entry: EntryChange) -> Iterator[str]:
    """The cells that differ; else the layers, what arrives, or that printed numbers do."""
    if entry.cells:
        yield from (_cell(entry, change) for change in entry.cells)
    elif layers := [" → ".join(filter(None, _layer(layer)[1:])) for layer in entry.layers]:
        yield from layers
    elif None not in entry.arrives and entry.arrives[0] != entry.arrives[1]:
        yield "reads {} → {}".format(*entry.arrives)
    elif entry.printed:
        yield "printed numbers"


def _fitting(texts: Iterable[str]) -> Iterator[str]:
    """The first of some texts, which fit into a cell."""
    room = MOST_OF_CELL
    for text in dict.fromkeys(texts):
        if room < len(text) and room < MOST_OF_CELL:
            yield "…"
            return
        room -= len(text)
        yield text


def _cell(entry: EntryChange, change: Change) -> str:
    if entry.before is not None and entry.after is not None:
        return f"{code(change.name)} {_cut(change.before)} → {_cut(change.after)}"
    value = _cut(change.before if entry.after is None else change.after)
    return value if change.name == "layer" else f"{code(change.name)} {value}"


def _number(entry: EntryChange, change: Change | None) -> str:
    if change is None:
        return ""
    if entry.before is not None and entry.after is not None:
        return f"{shown(change.before)} → {shown(change.after)}"
    value = change.before if entry.after is None else change.after
    return shown(value) if value else ""


def _layer(layer: LayerChange) -> list[str]:
    reads = [f" reads {' and '.join(some)}" for some in layer.reads or ((), ()) if some] or ["", ""]
    texts = [_cut(f"{text}{read}") if text else "" for text, read in zip(layer.layer, reads, strict=True)]
    return [" → ".join(map(code, layer_names(layer))), *texts]


def _cells(change: Change) -> list[str]:
    return [code(change.name), *(_cut(value) if value is not None else "" for value in change[1:])]


def _cut(value: Any) -> str:
    return code(shortened(shown(value).strip(), MOST_OF_CELL)) if value is not None else "none"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]], left: int) -> str:
    return bounded_table(header, rows, left, ROOM)


def _folded(summary: str, body: str) -> str:
    return f"<details><summary>{summary}</summary>\n\n{body}\n\n</details>" if body else ""


def _block(lines: Sequence[str]) -> str:
    """Lines of a difference, as many as fit."""
    shown_lines = _some([line.replace("```", "` ` `") for line in lines], "\n")
    return f"```diff\n{shown_lines}\n```" if lines else ""


def _some(items: Sequence[str], between: str) -> str:
    """The first of some items, which fit, and how many more there are."""
    room = ROOM
    for number, item in enumerate(items):
        room -= len(item) + len(between)
        if room < 0:
            return between.join([*items[:number], f"... and {len(items) - number:,} more"])
    return between.join(items)
