"""All numbers of every row, with what the paper prints of them and why that may be wrong."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from inception_dsl.analysis.cost import RowCost
from inception_dsl.elaborate.printer import as_term
from inception_dsl.emit.page.subject import Subject
from inception_dsl.ir.program import Head, Row
from inception_dsl.paper.verdicts import WORDING, Verdict, comparison
from inception_dsl.syntax.printer import spell_term


class Judged(NamedTuple):
    """A printed number, compared with the computed one: its verdict with the mark and the words for it, and why."""

    column: str
    text: str
    verdict: str
    mark: str
    words: str
    reason: str


class Numbers(NamedTuple):
    """A row or head: its quantities by their names, and its printed numbers."""

    name: str
    quantities: tuple[tuple[str, str], ...]
    printed: tuple[Judged, ...]


def context(subject: Subject) -> Mapping[str, Any]:
    """The numbers of the rows and heads."""
    return {"rows": [_row(subject, entry) for entry in subject.typed.program.entries]}


def _row(subject: Subject, entry: Row | Head) -> Numbers:
    verdicts = (verdict for verdict in subject.verdicts if verdict.claim.row == entry.name)
    quantities = (*_words(entry), *_quantities(subject.cost.rows[entry.name]))
    return Numbers(entry.name, quantities, tuple(map(_judged, verdicts)))


def _words(entry: Row | Head) -> Iterator[tuple[str, str]]:
    yield "layer", spell_term(as_term(entry.body))
    if isinstance(entry, Head):
        yield "reads", entry.source
        yield "weight of its loss", f"{entry.loss_weight:g}"


def _quantities(cost: RowCost) -> Iterator[tuple[str, str]]:
    yield "output", str(cost.out)
    yield "depth", str(cost.depth)
    yield "parameters", f"{cost.params:,}"
    yield "without biases", f"{cost.params - cost.biases:,}"
    yield "multiply-adds", f"{cost.macs:,}"
    yield "activations", f"{cost.activations:,}"
    yield "receptive field", "x".join(map(str, cost.receptive_field))
    yield "stride", "x".join(map(str, cost.stride))


def _judged(verdict: Verdict) -> Judged:
    text, reason = comparison(verdict), verdict.reason
    if verdict.verdict in ("exact", "rounds"):
        text = verdict.claim.text + (f", computed {verdict.shown}" if verdict.verdict == "rounds" else "")
        reason = ""
    mark, words, _ = WORDING[verdict.verdict]
    return Judged(verdict.claim.column, text, verdict.verdict, mark, words, reason)
