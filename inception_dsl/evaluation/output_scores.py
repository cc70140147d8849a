"""Scores of predictions that are not one class per image: of several labels, and of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import Tensor

from inception_dsl.runner.base.metrics import METRICS
from inception_dsl.runner.record.scores import mean_label_score, mean_number_score, score_label, score_number


@dataclass(frozen=True)
class OutputMeasures:
    """The scores of n predictions, by the names in `METRICS`."""

    n: int
    numbers: dict[str, float]

    def __str__(self) -> str:
        return "  ".join(self.cells)

    @property
    def cells(self) -> tuple[str, ...]:
        """The scores as text."""
        return tuple(f"{METRICS[name].title} {number:{METRICS[name].form}}" for name, number in self.numbers.items())

    @property
    def brief(self) -> str:
        """The same on one line."""
        return str(self)

    @property
    def data(self) -> dict[str, Any]:
        """The scores for machines."""
        return {"n": self.n, **self.numbers}


class LabelRow(NamedTuple):
    """One label: the images that have it, those predicted to, those that are both, and its average precision.

    Without an image that has the label, there is no average precision.
    """

    name: str
    n: int
    named: int
    hits: int
    average_precision: float | None

    @property
    def cells(self) -> dict[str, str]:
        """Its line of a table; a fraction of nothing is left empty."""
        parts = {"precision": (self.hits, self.named), "recall": (self.hits, self.n)}
        fractions = {title: f"{hits / of:.4f}" if of else "" for title, (hits, of) in parts.items()}
        precision = "" if self.average_precision is None else f"{self.average_precision:.4f}"
        return {"label": self.name, "images": str(self.n), **fractions, "average_precision": precision}


class NumberRow(NamedTuple):
    """One number that is predicted: the errors, and R2."""

    name: str
    rmse: float
    mae: float
    r2: float

    @property
    def cells(self) -> dict[str, str]:
        """Its line of a table."""
        return {"number": self.name, "rmse": f"{self.rmse:.6g}", "mae": f"{self.mae:.6g}", "r2": f"{self.r2:.4f}"}


def measure_labels(probabilities: Tensor, labels: Tensor, names: list[str]) -> tuple[OutputMeasures, list[LabelRow]]:
    """Score probabilities (N x C) for labels (N x C, 0 or 1). A NaN is wrong, and its loss is NaN.

    A label is predicted where its probability is above 1/2. Logarithms are at least -100, as in PyTorch's loss.
    """
    values, right = probabilities.double(), labels > 0.5
    found = [score_label(*column, threshold=0.5) for column in zip(values.T, labels.T, strict=True)]
    exact = (((values > 0.5) == right) & ~values.isnan()).all(1).double().mean().item()
    loss = -torch.where(right, values.log(), (-values).log1p()).clamp_min(-100).mean().item()
    rows = [
        LabelRow(name, label.hits + label.missed, label.hits + label.extra, label.hits, label.precision)
        for name, label in zip(names, found, strict=True)
    ]
    return OutputMeasures(len(labels), {**mean_label_score(found), "exact": exact, "loss": loss}), rows


def measure_numbers(values: Tensor, numbers: Tensor, names: list[str]) -> tuple[OutputMeasures, list[NumberRow]]:
    """Score predicted numbers (N x K) for true ones (N x K)."""
    found = [score_number(*column) for column in zip(values.double().T, numbers.double().T, strict=True)]
    rows = [
        NumberRow(name, number.squared**0.5, number.absolute, number.r2)
        for name, number in zip(names, found, strict=True)
    ]
    return OutputMeasures(len(numbers), mean_number_score(found)), rows
