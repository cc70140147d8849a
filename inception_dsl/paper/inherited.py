"""The printed numbers that a variant inherits: those that still describe it are kept, the others are dropped."""

from __future__ import annotations

from dataclasses import replace

from inception_dsl.analysis.cost import Cost, cost
from inception_dsl.ir.program import TOTALS, Claim, Erratum, Program, Published
from inception_dsl.ir.typed import Typed
from inception_dsl.paper.verdicts import MEASURES, Computed, column_of
from inception_dsl.spec.network import NetworkSpec


def inherit(typed: Typed, base: Typed) -> Program:
    """The program of a variant with those of its inherited numbers that still describe it.

    A number is kept if the base keeps it and the variant computes the same value for its cell, so its verdict is the
    same. An inherited erratum is dropped with its number. The variant also drops what the base has dropped, unless it
    prints that number itself.
    """
    published = typed.program.published
    now, before = cost(typed), cost(base)
    there = {(claim.row, claim.column) for claim in base.program.published.claims}

    def still_describes(claim: Claim) -> bool:
        if not claim.inherited:
            return True
        origin = replace(claim, row=claim.inherited)
        return (origin.row, origin.column) in there and _computed(published, now, claim) == _computed(
            base.program.published, before, origin
        )

    kept = tuple(claim for claim in published.claims if still_describes(claim))
    explained = {(claim.row, claim.column) for claim in kept if claim.inherited}
    errata = tuple(erratum for erratum in published.errata if _applies(erratum, explained))
    cells = {(claim.row, claim.column) for claim in kept}
    dropped = [claim for claim in published.claims if (claim.row, claim.column) not in cells]
    printed = {claim.column for claim in published.claims if claim.row == TOTALS}
    dropped += [
        claim for claim in base.program.published.dropped if claim.row == TOTALS and claim.column not in printed
    ]
    return replace(typed.program, published=Published(published.columns, kept, errata, tuple(dropped)))


def _applies(erratum: Erratum, explained: set[tuple[str, str]]) -> bool:
    return not erratum.inherited or (erratum.row, erratum.column) in explained


def _computed(published: Published, counted: Cost, claim: Claim) -> Computed:
    column = column_of(published, claim.column)
    row = counted.trunk if claim.row == TOTALS else counted.rows[claim.row]
    return MEASURES[column.measure].of(row, column)


def resolved(spec: NetworkSpec, published: Published) -> NetworkSpec:
    """A spec without the inherited numbers and errata that its program, whose `published` is given, has dropped."""
    claims = {(claim.row, claim.column) for claim in published.claims}
    errata = {f"{erratum.row}.{erratum.column}" for erratum in published.errata}
    kept = {
        TOTALS: {column: text for column, text in spec.published.get(TOTALS, {}).items() if (TOTALS, column) in claims},
        "errata": {cell: reason for cell, reason in spec.published.get("errata", {}).items() if cell in errata},
    }
    rows = tuple(
        replace(row, printed={column: text for column, text in row.printed.items() if (row.name, column) in claims})
        for row in spec.rows
    )
    printed = {key: kept.get(key, value) for key, value in spec.published.items() if kept.get(key, True)}
    return replace(spec, rows=rows, published=printed)
