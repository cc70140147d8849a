"""Tables for a terminal: the paper's, with a verdict for every printed number, and the network's as inferred."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from inception_dsl.cost import cost
from inception_dsl.ir import Typed
from inception_dsl.published import TOTALS, Verdict

Paint = Callable[[str, str], str]
"""Colours a text by a verdict's name."""

ORDER: Final = ("exact", "rounds", "erratum", "MISMATCH")


def plain(text: str, verdict: str) -> str:
    """No colour."""
    return text


def verdict_table(typed: Typed, verdicts: Sequence[Verdict], paint: Paint = plain) -> str:
    """The paper's table: of every printed cell the print, what the spec gives, and the verdict."""
    columns = list(dict.fromkeys(each.claim.column for each in verdicts))
    cells = {(each.claim.row, each.claim.column): each for each in verdicts}
    rows = [*typed.trunk, *([TOTALS] if any(each.claim.row == TOTALS for each in verdicts) else [])]
    if not columns:
        return "The spec prints no number of its paper."
    # an exact cell needs no second number; a column of exact cells needs no room for one
    widths = {
        column: (
            max(len(each.claim.text) for each in verdicts if each.claim.column == column),
            max((len(_computed(each)) for each in verdicts if each.claim.column == column), default=0),
            max(len(each.verdict) for each in verdicts if each.claim.column == column),
        )
        for column in columns
    }
    first = max(len(name) for name in ("row", *rows))
    header = ["row".ljust(first), *(column.ljust(_width(widths[column])) for column in columns)]
    lines = ["   ".join(header).rstrip()]
    for row in rows:
        shown = [_cell(cells.get((row, column)), widths[column], paint) for column in columns]
        lines.append("   ".join([row.ljust(first), *shown]).rstrip())
    return "\n".join(lines)


def _cell(verdict: Verdict | None, widths: tuple[int, int, int], paint: Paint) -> str:
    if verdict is None:
        return " " * _width(widths)
    printed, computed, word = widths
    parts = [verdict.claim.text.rjust(printed)]
    if computed:
        parts.append(_computed(verdict).rjust(computed))
    parts.append(paint(verdict.verdict, verdict.verdict) + " " * (word - len(verdict.verdict)))
    return "  ".join(parts)


def _computed(verdict: Verdict) -> str:
    return "" if verdict.verdict == "exact" else verdict.shown


def _width(widths: tuple[int, int, int]) -> int:
    printed, computed, word = widths
    return printed + word + 2 + (computed + 2 if computed else 0)


def summary(verdicts: Sequence[Verdict], paint: Paint = plain) -> str:
    """How many cells have which verdict: `45 printed numbers: 30 exact, 4 rounds, 11 errata, 0 mismatches`."""
    counts = Counter(each.verdict for each in verdicts)
    words = {"erratum": ("erratum", "errata"), "MISMATCH": ("mismatch", "mismatches")}
    parts = []
    for verdict in ORDER:
        one, many = words.get(verdict, (verdict, verdict))
        text = f"{counts[verdict]} {one if counts[verdict] == 1 else many}"
        parts.append(paint(text, verdict) if counts[verdict] else text)
    return f"{len(verdicts)} printed numbers: {', '.join(parts)}"


def inferred_table(typed: Typed) -> str:
    """Every row and head: its layer, output, parameters, multiply-adds, depth, receptive field and stride."""
    counted = cost(typed)
    layers = {row.name: row.layer for row in typed.program.rows}
    rows = [("name", "layer", "output", "params", "ops", "depth", "field", "stride")]
    for name in (*typed.trunk, *typed.heads):
        each = counted.rows[name]
        field, stride = (f"{h}" if h == w else f"{h}x{w}" for h, w in (each.field, each.stride))
        numbers = (f"{each.params:,}" if each.params else "", f"{each.macs:,}" if each.macs else "")
        rows.append((name, _short(layers.get(name, "head")), str(each.out), *numbers, str(each.depth), field, stride))
    totals = (("total", counted.trunk), *([("with heads", counted.total)] if typed.heads else []))
    rows += [(name, "", "", f"{each.params:,}", f"{each.macs:,}", str(each.depth), "", "") for name, each in totals]
    return "\n".join(aligned(rows, left=2))


def aligned(rows: Sequence[Sequence[str]], left: int) -> list[str]:
    """Rows of cells as lines: the first `left` columns start, the others end, at one column."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    sides = [str.ljust if i < left else str.rjust for i in range(len(widths))]
    cells = ([side(cell, w) for side, cell, w in zip(sides, row, widths, strict=True)] for row in rows)
    return ["  ".join(line).rstrip() for line in cells]


def _short(layer: str, most: int = 48) -> str:
    return layer if len(layer) <= most else f"{layer[: most - 1]}…"


def as_data(typed: Typed) -> dict[str, Any]:
    """The table as inferred, for machines."""
    counted = cost(typed)
    rows = [
        {
            "name": name,
            "output": list(each.out.shape),
            "params": each.params,
            "macs": each.macs,
            "depth": each.depth,
            "receptive_field": list(each.field),
            "stride": list(each.stride),
            "activations": each.activations,
        }
        for name, each in counted.rows.items()
    ]
    totals = {"trunk": counted.trunk, "with_heads": counted.total}
    return {
        "network": typed.program.name,
        "rows": rows,
        "totals": {
            name: {"params": each.params, "macs": each.macs, "depth": each.depth} for name, each in totals.items()
        },
        "peak_activations": counted.peak,
    }
