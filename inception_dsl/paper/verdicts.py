"""Compares what the paper prints with what the rows compute: units, rounding, errata, and a verdict for every cell."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from inception_dsl.analysis.cost import RowCost, cost
from inception_dsl.diagnostics.codes.paper import ERRATUM_WITHOUT_CELL, PRINTED_NUMBER_DIFFERS, STALE_ERRATUM
from inception_dsl.diagnostics.codes.syntax import UNREADABLE_CELL
from inception_dsl.diagnostics.diagnostic import Diagnostic, Findings, Note
from inception_dsl.diagnostics.spelling import did_you_mean, listing
from inception_dsl.ir.program import TOTALS, Claim, Column, Erratum, Published
from inception_dsl.ir.shapes import TensorType
from inception_dsl.ir.typed import Typed, once

if TYPE_CHECKING:
    from fractions import Fraction

Computed = int | TensorType
"""The value of a measure: a whole number, or a shape for `output`."""


class Measure(NamedTuple):
    """A quantity that a column can print: its name, what it is, in a sentence, and how it is computed."""

    title: str
    meaning: str
    of: Callable[[RowCost, Column], Computed]


MEASURES: Final[Mapping[str, Measure]] = {
    "output": Measure("output", "The shape the row gives, as height x width x channels.", lambda row, _: row.out),
    "depth": Measure("depth", "Layers with weights on the longest path through the row.", lambda row, _: row.depth),
    "params": Measure(
        "parameters",
        "Numbers that training changes.",
        lambda row, column: row.params - (0 if column.bias else row.biases),
    ),
    "ops": Measure("multiply-adds", "Multiply-adds of convolutions and `fc` for one example.", lambda row, _: row.macs),
    "receptive_field": Measure(
        "receptive field",
        "Pixels of the input that one output pixel depends on, along the longer side.",
        lambda row, _: max(row.receptive_field),
    ),
    "activations": Measure(
        "activations", "Numbers the row's ops write in training for one example.", lambda row, _: row.activations
    ),
}


# --- reading a printed cell -------------------------------------------------------------------------------------------

_SHAPE: Final = re.compile(r"([0-9]{1,9})\s*[x\u00d7]\s*([0-9]{1,9})\s*[x\u00d7]\s*([0-9]{1,9})")
_NUMBER: Final = re.compile(r"([0-9]{1,3}(?:,[0-9]{3}){1,5}|[0-9]{1,18})(?:\.([0-9]{1,9}))?\s*([KMBGTkmbgt]?)")
_SUFFIXES: Final = {"": 0, "K": 1, "M": 2, "B": 3, "G": 3, "T": 4}
_BINARY: Final = (1024, 1024**2, 1024**3, 1024**4)


class Printed(NamedTuple):
    """A number at its printed precision: `2.7K` is 27 tenths of a thousand, or of 1024.

    `digits` are its digits without the point, and the last `decimals` of them follow the point; `unit` is the value of
    `suffix`.
    """

    digits: int
    decimals: int
    suffix: str
    unit: int | Fraction

    def show(self, number: int | Fraction) -> str:
        """Another number in the same unit, with one more decimal."""
        if self.unit == 1 and not self.decimals and isinstance(number, int):
            return f"{number:,}{self.suffix}"
        decimals = self.decimals + 1
        tenths = (2 * number * 10**decimals + self.unit) // (2 * self.unit)
        units, rest = divmod(abs(tenths), 10**decimals)
        return f"{'-' if tenths < 0 else ''}{units}.{rest:0{decimals}}{self.suffix}"


def parse_cell(text: str, column: Column) -> Printed | TensorType:
    """Read a printed cell, such as `112x112x64` (also with multiplication signs), `2.7K` or `1,024`.

    `column.unit` sets the value of suffixes: if it is a power of 1024, K is 1024, M 1024^2 and B 1024^3; otherwise
    they are decimal. Raises `ValueError` with the expected form.
    """
    text = text.strip()
    if column.measure == "output":
        if not (shape := _SHAPE.fullmatch(text)):
            raise ValueError("a shape is height x width x channels, such as `28x28x256` or `1x1x1000`")
        height, width, channels = map(int, shape.groups())
        return TensorType((channels, height, width))
    if not (number := _NUMBER.fullmatch(text)):
        raise ValueError("a number has digits, then optionally K, M, B, G or T, such as `112K`, `2.7M` or `1,024`")
    units, fraction, suffix = number.groups(default="")
    base = 1024 if column.unit in _BINARY else 1000
    return Printed(int(units.replace(",", "") + fraction), len(fraction), suffix, base ** _SUFFIXES[suffix.upper()])


def why_unreadable(measure: str, text: str) -> str | None:
    """Why a printed cell cannot be read (E116); None where it can."""
    try:
        parse_cell(text, Column(measure))
    except ValueError as error:
        return str(error)
    return None


# --- verdicts ---------------------------------------------------------------------------------------------------------

Agreement = Literal["exact", "nearest", "down"]
"""How a printed number follows from a computed one: it is equal, or rounded half up, or rounded down."""


Judgement = Literal["exact", "rounds", "erratum", "MISMATCH"]
"""The verdict on a printed number."""


class Wording(NamedTuple):
    """How a verdict is written: its mark, and the words for it on one number and on several."""

    mark: str
    one: str
    several: str


WORDING: Final[Mapping[Judgement, Wording]] = {
    "exact": Wording("\u2713", "exact", "exact"),
    "rounds": Wording("\u2248", "right when rounded", "right when rounded"),
    "erratum": Wording("\u2020", "known erratum", "known errata"),
    "MISMATCH": Wording("\u2717", "mismatch", "mismatches"),
}


class Verdict(NamedTuple):
    """A printed cell, compared with the value that its row computes.

    `shown` is the computed value in the cell's own unit; `reason` is the erratum's text, or for `rounds` how it rounds;
    `deviation` is printed / computed - 1, None for shapes and where the computed number is 0.
    """

    claim: Claim
    verdict: Judgement
    computed: Computed
    shown: str
    reason: str = ""
    deviation: float | None = None


def agreement(printed: Printed | TensorType, computed: Computed | Fraction, rounding: str) -> Agreement | None:
    """How a printed number follows from a computed one under a column's rounding; None where it does not."""
    if isinstance(printed, TensorType) or isinstance(computed, TensorType):
        return "exact" if str(printed) == str(computed) else None  # a vector prints as 1x1xN
    steps = computed * 10**printed.decimals  # in units of the last printed place, times `unit`
    if steps == printed.digits * printed.unit:
        return "exact"
    if rounding != "down" and (2 * steps + printed.unit) // (2 * printed.unit) == printed.digits:
        return "nearest"
    if rounding != "nearest" and steps // printed.unit == printed.digits:
        return "down"
    return None


def column_of(published: Published, name: str) -> Column:
    """How a printed column counts; totals may use a measure without a column in the table."""
    return published.columns.get(name) or Column(name)


@once
def compare_cells(typed: Typed) -> tuple[Verdict, ...]:
    """Compare every printed cell with its row, in the order printed. Raises `SpecError` E116 for unreadable cells."""
    published, faults = typed.program.published, Findings()
    if not published.claims:
        return ()
    counted = cost(typed)
    reasons = {(erratum.row, erratum.column): erratum.reason for erratum in published.errata}
    verdicts = []
    for claim in published.claims:
        column = column_of(published, claim.column)
        try:
            printed = parse_cell(claim.text, column)
        except ValueError as error:
            faults.error(
                UNREADABLE_CELL, f"`{claim.text}` cannot be read as {column.measure}", claim.origin, help=str(error)
            )
            continue
        row = counted.trunk if claim.row == TOTALS else counted.rows[claim.row]
        computed = MEASURES[column.measure].of(row, column)
        reason = reasons.get((claim.row, claim.column))
        verdicts.append(_verdict(claim, column, printed, computed, reason))
    faults.stop()
    return tuple(verdicts)


def _verdict(
    claim: Claim, column: Column, printed: Printed | TensorType, computed: Computed, reason: str | None
) -> Verdict:
    shown, deviation = str(computed), None
    if isinstance(printed, Printed) and isinstance(computed, int):
        shown = printed.show(computed)
        if computed:
            deviation = float(printed.digits * printed.unit / (computed * 10**printed.decimals) - 1)
    agreed = agreement(printed, computed, column.rounding)
    if agreed == "exact":
        return Verdict(claim, "exact", computed, shown, "", 0.0 if deviation is not None else None)
    if agreed:
        return Verdict(claim, "rounds", computed, shown, agreed, deviation)
    if reason is not None:
        return Verdict(claim, "erratum", computed, shown, reason, deviation)
    return Verdict(claim, "MISMATCH", computed, shown, "", deviation)


# --- findings ---------------------------------------------------------------------------------------------------------


def findings(typed: Typed, verdicts: tuple[Verdict, ...]) -> tuple[Diagnostic, ...]:
    """Mismatches (E301), errata for cells that are right (E302), errata for cells that do not exist (E303)."""
    cells = {(verdict.claim.row, verdict.claim.column): verdict for verdict in verdicts}
    wrong = [_mismatch(verdict) for verdict in verdicts if verdict.verdict == "MISMATCH"]
    printed: dict[str, list[str]] = {}
    for claim in typed.program.published.claims:
        printed.setdefault(claim.row, []).append(claim.column)
    rows, columns = (*typed.ends, TOTALS), dict.fromkeys(column for row in printed.values() for column in row)
    for erratum in typed.program.published.errata:
        cell = cells.get((erratum.row, erratum.column))
        if cell is None:
            wrong.append(_unknown(erratum, rows, tuple(columns), printed.get(erratum.row, [])))
        elif cell.verdict in ("exact", "rounds"):
            wrong.append(_stale(erratum, cell))
    return tuple(wrong)


def comparison(verdict: Verdict) -> str:
    """The printed and the computed value as a phrase: `463K, 7.1% lower than the computed 498.1K`."""
    if verdict.deviation is None:
        return f"{verdict.claim.text}, computed {verdict.shown}"
    percent = abs(verdict.deviation) * 100
    text = f"{percent:,.1f}" if percent >= 0.05 else f"{percent:.1g}"
    side = "lower" if verdict.deviation < 0 else "higher"
    return f"{verdict.claim.text}, {text}% {side} than the computed {verdict.shown}"


def dropped_sentence(dropped: Sequence[Claim]) -> str:
    """The printed numbers of the base that do not describe a variant; columns of the same rows stand together."""
    rows: dict[str, list[str]] = {}
    columns: dict[tuple[str, ...], list[str]] = {}
    for claim in dropped:
        rows.setdefault(claim.column, []).append(claim.row)
    for column, names in rows.items():
        for group in (tuple(name for name in names if name != TOTALS), ("the total",) if TOTALS in names else ()):
            if group:
                columns.setdefault(group, []).append(column)
    cells = "; ".join(f"{', '.join(names)} of {', '.join(group)}" for group, names in columns.items())
    return f"Printed for the base, not for this variant: {cells}."


def _mismatch(verdict: Verdict) -> Diagnostic:
    row, column = verdict.claim.row, verdict.claim.column
    exact = f"{verdict.computed:,}" if isinstance(verdict.computed, int) and verdict.computed >= 1000 else ""
    digits = f" ({exact})" if exact not in ("", verdict.shown) else ""
    return Diagnostic(
        PRINTED_NUMBER_DIFFERS,
        f"`{row}` prints {column} {comparison(verdict)}{digits}",
        verdict.claim.origin,
        f"computed {verdict.shown}",
        help=f"fix the row, or explain under `published: errata:` why the paper is wrong about `{row}.{column}`",
    )


def _stale(erratum: Erratum, verdict: Verdict) -> Diagnostic:
    printed = verdict.claim.origin
    return Diagnostic(
        STALE_ERRATUM,
        f"this erratum is not needed: `{erratum.row}` prints {erratum.column} {verdict.claim.text}, "
        f"and {verdict.shown} is computed",
        erratum.origin,
        f"the printed number is {'exact' if verdict.verdict == 'exact' else 'right when rounded'}",
        (Note(printed, "printed here"),) if printed else (),
        "remove the erratum",
    )


def _unknown(erratum: Erratum, rows: Sequence[str], columns: Sequence[str], there: Sequence[str]) -> Diagnostic:
    """An erratum for a cell that does not exist; `there` are the columns printed for its row, `columns` all of them."""
    if erratum.row not in rows:
        message, hint = f"no row is called `{erratum.row}`", did_you_mean(erratum.row, rows)
    elif erratum.column not in columns:
        message, hint = f"no column `{erratum.column}` is printed", did_you_mean(erratum.column, columns)
    else:
        message = f"nothing is printed for {erratum.column} of `{erratum.row}`"
        hint = f"printed there: {listing(there)}" if there else ""
    return Diagnostic(ERRATUM_WITHOUT_CELL, message, erratum.origin, "there is no such cell", help=hint)
