"""Tables for a terminal: the paper's, with a verdict for every printed number, and the network's as inferred."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from inception_dsl.cost import cost
from inception_dsl.ir import Typed
from inception_dsl.published import TOTALS, Verdict

if TYPE_CHECKING:
    from inception_dsl.claims import Verdict as ClaimVerdict

Paint = Callable[[str, str], str]
"""Colours a text by a verdict's name."""

ORDER: Final = ("exact", "rounds", "erratum", "MISMATCH")
CLAIMS_ORDER: Final = ("exact", "rounds", "false", "not reproduced", "MISMATCH")


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


def summary(verdicts: Sequence[Verdict], paint: Paint = plain, dropped: int = 0) -> str:
    """How many cells have which verdict: `45 printed numbers: 30 exact, 4 rounds, 11 errata, 0 mismatches`.

    `dropped` are those that a variant has not from its base.
    """
    counted = _counted([each.verdict for each in verdicts], ORDER, paint)
    return f"{len(verdicts)} printed numbers: {counted}" + (f"; {dropped} of the base dropped" if dropped else "")


def _counted(verdicts: Sequence[str], order: Sequence[str], paint: Paint) -> str:
    counts = Counter(verdicts)
    words = {"erratum": ("erratum", "errata"), "MISMATCH": ("mismatch", "mismatches")}
    parts = []
    for verdict in order:
        one, many = words.get(verdict, (verdict, verdict))
        text = f"{counts[verdict]} {one if counts[verdict] == 1 else many}"
        parts.append(paint(text, verdict) if counts[verdict] else text)
    return ", ".join(parts)


def claims_table(verdicts: Sequence[ClaimVerdict], paint: Paint = plain) -> str:
    """Every claim: its formula, the print, what the formula gives, and the verdict; then how many have which."""
    rows = [("claim", "formula", "printed", "computed", "verdict")]
    rows += [(v.sentence.id, _short(v.sentence.written, 62), v.sentence.printed, v.shown, v.word) for v in verdicts]
    name, formula, printed, computed = (max(map(len, column)) for column in list(zip(*rows, strict=True))[:4])
    lines = [
        f"{row[0]:{name}}  {row[1]:{formula}}  {row[2]:>{printed}}  {row[3]:>{computed}}  "
        + (paint(row[4], row[4]) if row is not rows[0] else row[4])
        for row in rows
    ]
    counted = _counted([each.word for each in verdicts], CLAIMS_ORDER, paint)
    return "\n".join([*lines, "", f"{len(verdicts)} {'claim' if len(verdicts) == 1 else 'claims'}: {counted}"])


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
