"""What every row costs, as bars: parameters, multiply-adds, activations and receptive field."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from inception_dsl.analysis.cost import RowCost
from inception_dsl.emit.charts.axes import rounded
from inception_dsl.emit.page.subject import Subject

MEASURES: Final[Mapping[str, Callable[[RowCost], int]]] = {
    "Parameters": lambda row: row.params,
    "Multiply-adds": lambda row: row.macs,
    "Activations in training": lambda row: row.activations,
    "Receptive field, pixels": lambda row: max(row.receptive_field),
}
"""What is drawn of a row; the receptive field is that along the longer side."""


class Bar(NamedTuple):
    """A row in a chart: its number, and its length in percent of the longest."""

    row: str
    kind: str
    number: str
    exact: str
    length: str


def context(subject: Subject) -> Mapping[str, Any]:
    """A chart for each measure, with a bar for each row and head, in the order of the table."""
    rows = {name: (subject.cost.rows[name], "row") for name in subject.typed.trunk}
    rows |= {name: (subject.cost.rows[name], "head") for name in subject.typed.heads}
    charts = []
    for title, measure in MEASURES.items():
        values = {name: measure(cost) for name, (cost, _) in rows.items()}
        most = max(values.values()) or 1
        bars = [
            Bar(name, rows[name][1], rounded(value), f"{value:,}", f"{100 * value / most:.3g}")
            for name, value in values.items()
        ]
        charts.append((title, bars))
    return {"charts": charts}
