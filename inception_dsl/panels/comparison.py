"""Another spec on a page: what `diff` says from that one to the network of the page."""

from __future__ import annotations

from inception_dsl.diff.changes import EntryChange
from inception_dsl.diff.diff import diff
from inception_dsl.diff.sides import Side
from inception_dsl.diff.text import entry_lines, keys, summary
from inception_dsl.diff.wording import NAMES, only_sees, shown, title, totals
from inception_dsl.emit.page.panel import Drawn, filled


def comparison_panel(other: Side, own: Side) -> Drawn:
    """The panel of a comparison."""
    found = diff(other, own)
    rows = {*own.typed.trunk, *own.typed.heads}
    return filled(
        "comparison",
        "Comparison",
        before=other.label,
        after=own.label,
        summary=[*summary(found)],
        totals=totals(found),
        entries=[
            {
                "row": entry.after if entry.after in rows else "",
                "title": title(entry),
                "words": _words(entry),
                "lines": [*entry_lines(entry)],
            }
            for entry in found.entries
            if not only_sees(entry)
        ],
        others=[entry.name for entry in found.entries if only_sees(entry)],
        keys="\n\n".join(filter(None, keys(found))),
    )


def _words(entry: EntryChange) -> str:
    """What happened to a row, and the totals of it that differ."""
    numbers = {change.name: change for change in entry.numbers}
    parts = [
        f"{NAMES[name]} {shown(change.before)} → {shown(change.after)}"
        for name in ("output", "params", "macs")
        if (change := numbers.get(name)) and None not in change
    ]
    return ": ".join(filter(None, (", ".join(entry.words), ", ".join(parts))))
