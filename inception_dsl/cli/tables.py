"""Tables for a terminal: the paper's table with a verdict for every printed number, and the inferred one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from inception_dsl.analysis.cost import cost
from inception_dsl.ir.program import TOTALS
from inception_dsl.ir.results import Result, results_table
from inception_dsl.ir.typed import Typed
from inception_dsl.paper.verdicts import Verdict
from inception_dsl.text.aligned import Paint, TextColumn, format_table, plain
from inception_dsl.text.terminal import shortened, width

if TYPE_CHECKING:
    from inception_dsl.paper.claims import ClaimVerdict


ORDER: Final = ("exact", "rounds", "erratum", "MISMATCH")
CLAIMS_ORDER: Final = ("exact", "rounds", "false", "not reproduced", "MISMATCH")
MAX_LAYER_WIDTH: Final = 48
"""Most columns of a layer."""


def verdict_table(typed: Typed, verdicts: Sequence[Verdict], paint: Paint = plain, room: int | None = None) -> str:
    """Format the paper's table: for every cell the printed number, the computed one, and the verdict."""
    names = list(dict.fromkeys(verdict.claim.column for verdict in verdicts))
    cells = {(verdict.claim.row, verdict.claim.column): verdict for verdict in verdicts}
    rows = [*typed.trunk, *([TOTALS] if any(verdict.claim.row == TOTALS for verdict in verdicts) else [])]
    if not names:
        return "The spec states no number that its paper prints."
    columns = [TextColumn.of(["row", *rows])]
    for name in names:
        found = [cells.get((row, name)) for row in rows]
        words = [cell.verdict if cell else "" for cell in found]
        columns.append(TextColumn.of([name, *_printed(found)], ["", *words]))
    return "\n".join(format_table(columns, gap=3, room=room, paint=paint))


def _printed(verdicts: Sequence[Verdict | None]) -> list[str]:
    """Format a column: the printed number, the computed one if it differs, and the verdict."""
    parts = [
        (cell.claim.text, "" if cell.verdict == "exact" else cell.shown, cell.verdict) if cell else ("", "", "")
        for cell in verdicts
    ]
    # an exact cell needs no second number; a column of exact cells needs no room for number
    printed, computed = (max(width(part[i]) for part in parts) for i in (0, 1))
    return [
        "  ".join([_end(number, printed), *([_end(exact, computed)] if computed else []), word]) if word else ""
        for number, exact, word in parts
    ]


def summary(verdicts: Sequence[Verdict], paint: Paint = plain, dropped: int = 0) -> str:
    """Count the verdicts: `45 printed numbers: 30 exact, 4 rounds, 11 errata, 0 mismatches`.

    `dropped` counts the printed numbers of a base that its variant does not keep.
    """
    counted = _counted([verdict.verdict for verdict in verdicts], ORDER, paint)
    numbers = "1 printed number" if len(verdicts) == 1 else f"{len(verdicts)} printed numbers"
    return f"{numbers}: {counted}" + (f"; {dropped} of the base dropped" if dropped else "")


def _counted(verdicts: Sequence[str], order: Sequence[str], paint: Paint) -> str:
    counts = Counter(verdicts)
    words = {"erratum": ("erratum", "errata"), "MISMATCH": ("mismatch", "mismatches")}
    parts = []
    for verdict in order:
        singular, plural = words.get(verdict, (verdict, verdict))
        text = f"{counts[verdict]} {singular if counts[verdict] == 1 else plural}"
        parts.append(paint(text, verdict) if counts[verdict] else text)
    return ", ".join(parts)


def overall(asked: int, results: Sequence[tuple[Sequence[Verdict], bool]], paint: Paint = plain) -> str:
    """Sum up several specs; `results` are the verdicts of those that compile, and whether they hold."""
    holding = sum(holds for _, holds in results)
    wrong = asked - holding
    if asked == 1:
        judgement = "it does not hold" if wrong else "it holds"
    elif not wrong:
        judgement = "all hold"
    else:
        judgement = f"{holding} {'holds' if holding == 1 else 'hold'}, {wrong} {'does' if wrong == 1 else 'do'} not"
    numbers = summary([verdict for verdicts, _ in results for verdict in verdicts], paint)
    return f"{asked} {'spec' if asked == 1 else 'specs'}: {numbers}; {judgement}"


def claims_table(verdicts: Sequence[ClaimVerdict], paint: Paint = plain, room: int | None = None) -> str:
    """Format claims: the formula, the printed number, the computed one and the verdict; then the counts."""
    sentences, words = [verdict.sentence for verdict in verdicts], [verdict.word for verdict in verdicts]
    columns = [
        TextColumn.of(["claim", *(sentence.id for sentence in sentences)]),
        TextColumn.of(["formula", *(shortened(sentence.written, 62) for sentence in sentences)], least=20),
        TextColumn.of(["printed", *(sentence.printed for sentence in sentences)], right=True),
        TextColumn.of(["computed", *(verdict.shown for verdict in verdicts)], right=True),
        TextColumn.of(["verdict", *words], ["", *words]),
    ]
    return "\n".join([*format_table(columns, gap=2, room=room, paint=paint), "", claims_summary(verdicts, paint)])


def claims_summary(verdicts: Sequence[ClaimVerdict], paint: Paint = plain) -> str:
    """Count the verdicts of claims."""
    counted = _counted([verdict.word for verdict in verdicts], CLAIMS_ORDER, paint)
    return f"{len(verdicts)} {'claim' if len(verdicts) == 1 else 'claims'}: {counted}"


def inferred_table(typed: Typed, room: int | None = None) -> str:
    """Format every row and head: layer, output, parameters, multiply-adds, depth, receptive field and stride."""
    name, layer, *numbers = zip(*inferred_rows(typed), strict=True)
    right = [TextColumn.of(column, right=True) for column in numbers]
    return "\n".join(format_table([TextColumn.of(name), TextColumn.of(layer, least=12), *right], gap=2, room=room))


def inferred_rows(typed: Typed) -> list[tuple[str, ...]]:
    """Return the cells of that table, header first."""
    counted = cost(typed)
    layers = {row.name: row.layer for row in typed.program.rows}
    rows: list[tuple[str, ...]] = [("name", "layer", "output", "params", "ops", "depth", "field", "stride")]
    for name in (*typed.trunk, *typed.heads):
        row = counted.rows[name]
        field, stride = (f"{h}" if h == w else f"{h}x{w}" for h, w in (row.receptive_field, row.stride))
        numbers = (f"{row.params:,}" if row.params else "", f"{row.macs:,}" if row.macs else "")
        layer = shortened(layers.get(name, "head"), MAX_LAYER_WIDTH)
        rows.append((name, layer, str(row.out), *numbers, str(row.depth), field, stride))
    totals = (("total", counted.trunk), *([("with heads", counted.total)] if typed.heads else []))
    rows += [(name, "", "", f"{sums.params:,}", f"{sums.macs:,}", str(sums.depth), "", "") for name, sums in totals]
    return rows


def reported_table(results: Sequence[Result], room: int | None = None) -> str:
    """Format results that others measured, which have no verdict."""
    columns = [TextColumn.of(cells, least=12) for cells in zip(*results_table(results), strict=True)]
    return "\n".join(["Reported, not checked:", *format_table(columns, gap=2, room=room)])


def table_data(typed: Typed) -> dict[str, Any]:
    """Return the inferred table for machines."""
    counted = cost(typed)
    rows = [
        {
            "name": name,
            "output": list(row.out.shape),
            "params": row.params,
            "macs": row.macs,
            "depth": row.depth,
            "receptive_field": list(row.receptive_field),
            "stride": list(row.stride),
            "activations": row.activations,
        }
        for name, row in counted.rows.items()
    ]
    totals = {"trunk": counted.trunk, "with_heads": counted.total}
    return {
        "network": typed.program.name,
        "rows": rows,
        "totals": {
            name: {"params": sums.params, "macs": sums.macs, "depth": sums.depth} for name, sums in totals.items()
        },
        "peak_activations": counted.peak,
        "reported": [result.as_data() for result in typed.program.reported],
    }


def _end(text: str, to: int) -> str:
    return " " * (to - width(text)) + text
