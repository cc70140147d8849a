"""Tables for a terminal: the paper's, with a verdict for every printed number, and the network's as inferred."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from inception_dsl.analysis.cost import cost
from inception_dsl.ir.typed import Typed
from inception_dsl.paper.verdicts import TOTALS, Verdict
from inception_dsl.text.columns import Column, Paint, laid, plain
from inception_dsl.text.terminal import shortened, width

if TYPE_CHECKING:
    from inception_dsl.paper.claims import ClaimVerdict


ORDER: Final = ("exact", "rounds", "erratum", "MISMATCH")
CLAIMS_ORDER: Final = ("exact", "rounds", "false", "not reproduced", "MISMATCH")
LONGEST: Final = 48
"""The columns that a layer takes at most."""


def verdict_table(typed: Typed, verdicts: Sequence[Verdict], paint: Paint = plain, room: int | None = None) -> str:
    """The paper's table: of every printed cell the print, what the spec gives, and the verdict."""
    names = list(dict.fromkeys(each.claim.column for each in verdicts))
    cells = {(each.claim.row, each.claim.column): each for each in verdicts}
    rows = [*typed.trunk, *([TOTALS] if any(each.claim.row == TOTALS for each in verdicts) else [])]
    if not names:
        return "The spec prints no number of its paper."
    columns = [Column.of(["row", *rows])]
    for name in names:
        held = [cells.get((row, name)) for row in rows]
        words = [each.verdict if each else "" for each in held]
        columns.append(Column.of([name, *_printed(held)], ["", *words]))
    return "\n".join(laid(columns, gap=3, room=room, paint=paint))


def _printed(held: Sequence[Verdict | None]) -> list[str]:
    """The cells of a printed column: the print, what is computed where that differs, and the verdict."""
    parts = [
        (each.claim.text, "" if each.verdict == "exact" else each.shown, each.verdict) if each else ("", "", "")
        for each in held
    ]
    # an exact cell needs no second number; a column of exact cells needs no room for one
    printed, computed = (max(width(part[i]) for part in parts) for i in (0, 1))
    return [
        "  ".join([_end(one, printed), *([_end(two, computed)] if computed else []), word]) if word else ""
        for one, two, word in parts
    ]


def summary(verdicts: Sequence[Verdict], paint: Paint = plain, dropped: int = 0) -> str:
    """How many cells have which verdict: `45 printed numbers: 30 exact, 4 rounds, 11 errata, 0 mismatches`.

    `dropped` are those that a variant has not from its base.
    """
    counted = _counted([each.verdict for each in verdicts], ORDER, paint)
    numbers = "1 printed number" if len(verdicts) == 1 else f"{len(verdicts)} printed numbers"
    return f"{numbers}: {counted}" + (f"; {dropped} of the base dropped" if dropped else "")


def _counted(verdicts: Sequence[str], order: Sequence[str], paint: Paint) -> str:
    counts = Counter(verdicts)
    words = {"erratum": ("erratum", "errata"), "MISMATCH": ("mismatch", "mismatches")}
    parts = []
    for verdict in order:
        one, many = words.get(verdict, (verdict, verdict))
        text = f"{counts[verdict]} {one if counts[verdict] == 1 else many}"
        parts.append(paint(text, verdict) if counts[verdict] else text)
    return ", ".join(parts)


def overall(asked: int, held: Sequence[tuple[Sequence[Verdict], bool]], paint: Paint = plain) -> str:
    """The summary of several specs, `held` being the verdicts of those that compile, and whether they hold."""
    fine = sum(holds for _, holds in held)
    wrong = asked - fine
    said = "all hold" if not wrong else f"{fine} {'holds' if fine == 1 else 'hold'}, {wrong} "
    said += "" if not wrong else "does not" if wrong == 1 else "do not"
    if asked == 1:
        said = "it does not hold" if wrong else "it holds"
    numbers = summary([verdict for verdicts, _ in held for verdict in verdicts], paint)
    return f"{asked} {'spec' if asked == 1 else 'specs'}: {numbers}; {said}"


def claims_table(verdicts: Sequence[ClaimVerdict], paint: Paint = plain, room: int | None = None) -> str:
    """Every claim: its formula, the print, what the formula gives, and the verdict; then how many have which."""
    columns = [
        Column.of(["claim", *(each.sentence.id for each in verdicts)]),
        Column.of(["formula", *(shortened(each.sentence.written, 62) for each in verdicts)], least=20),
        Column.of(["printed", *(each.sentence.printed for each in verdicts)], right=True),
        Column.of(["computed", *(each.shown for each in verdicts)], right=True),
        Column.of(["verdict", *(each.word for each in verdicts)], ["", *(each.word for each in verdicts)]),
    ]
    return "\n".join([*laid(columns, gap=2, room=room, paint=paint), "", claims_summary(verdicts, paint)])


def claims_summary(verdicts: Sequence[ClaimVerdict], paint: Paint = plain) -> str:
    """How many claims have which verdict."""
    counted = _counted([each.word for each in verdicts], CLAIMS_ORDER, paint)
    return f"{len(verdicts)} {'claim' if len(verdicts) == 1 else 'claims'}: {counted}"


def inferred_table(typed: Typed, room: int | None = None) -> str:
    """Every row and head: its layer, output, parameters, multiply-adds, depth, receptive field and stride."""
    name, layer, *numbers = zip(*inferred_rows(typed), strict=True)
    columns = [Column.of(name), Column.of(layer, least=12), *(Column.of(each, right=True) for each in numbers)]
    return "\n".join(laid(columns, gap=2, room=room))


def inferred_rows(typed: Typed) -> list[tuple[str, ...]]:
    """The cells of that table, its header first."""
    counted = cost(typed)
    layers = {row.name: row.layer for row in typed.program.rows}
    rows: list[tuple[str, ...]] = [("name", "layer", "output", "params", "ops", "depth", "field", "stride")]
    for name in (*typed.trunk, *typed.heads):
        each = counted.rows[name]
        field, stride = (f"{h}" if h == w else f"{h}x{w}" for h, w in (each.receptive_field, each.stride))
        numbers = (f"{each.params:,}" if each.params else "", f"{each.macs:,}" if each.macs else "")
        layer = shortened(layers.get(name, "head"), LONGEST)
        rows.append((name, layer, str(each.out), *numbers, str(each.depth), field, stride))
    totals = (("total", counted.trunk), *([("with heads", counted.total)] if typed.heads else []))
    rows += [(name, "", "", f"{each.params:,}", f"{each.macs:,}", str(each.depth), "", "") for name, each in totals]
    return rows


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
            "receptive_field": list(each.receptive_field),
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


def _end(text: str, to: int) -> str:
    return " " * (to - width(text)) + text
