"""Scores of predictions: top-1 and top-5 with confidence intervals, calibration, and confused classes."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, NamedTuple, Protocol

import torch
from torch import Tensor

from inception_dsl.runner.record.scores import label_ranks

BINS: Final = 15
"""Bins of the expected calibration error, as in Guo et al. (1706.04599)."""

MANY_CLASSES: Final = 50
"""The most confused pairs that are reported of a data set with more classes."""


@dataclass(frozen=True)
class Measures:
    """The scores of n predictions; intervals are 95% Wilson intervals, for images drawn at random."""

    n: int
    top1: float
    top1_interval: tuple[float, float]
    top5: float
    top5_interval: tuple[float, float]
    nll: float
    ece: float
    classes: int

    def __str__(self) -> str:
        return "  ".join(self.cells)

    @property
    def cells(self) -> tuple[str, ...]:
        """The scores as text."""
        intervals = [f"({low:.2%} to {high:.2%})" for low, high in (self.top1_interval, self.top5_interval)]
        accuracies = map(" ".join, zip(self._accuracies, intervals, strict=False))
        return *accuracies, f"nll {self.nll:.4f}", f"ece {self.ece:.4f}"

    @property
    def brief(self) -> str:
        """The accuracies alone as text."""
        return "  ".join(self._accuracies)

    @property
    def _accuracies(self) -> list[str]:
        """Top-1 and, unless five guesses are always right, top-5."""
        return [f"top-1 {self.top1:.2%}", *[f"top-5 {self.top5:.2%}"] * (self.classes > 5)]

    @property
    def data(self) -> dict[str, Any]:
        """The scores for machines."""
        return {name: value for name, value in asdict(self).items() if name != "classes"}


class ClassRow(NamedTuple):
    """One class: its images, the top-1 and top-5 hits among them, and the images predicted as it."""

    name: str
    n: int
    top1: int
    top5: int
    named: int

    @property
    def cells(self) -> dict[str, str]:
        """Its line of a table; accuracies are left empty for a class without images."""
        parts = {"top1": (self.top1, self.n), "top5": (self.top5, self.n), "precision": (self.top1, self.named)}
        fractions = {title: f"{hits / of:.4f}" if of else "" for title, (hits, of) in parts.items()}
        return {"class": self.name, "images": str(self.n), **fractions}


class ConfusedPair(NamedTuple):
    """The number of images of one class, a `part` of all of it, that took the name of another."""

    label: str
    predicted: str
    images: int
    part: float


def measure(probabilities: Tensor, labels: Tensor) -> Measures:
    """Score predictions (N x C) for labels (N). A row with a NaN is wrong, and its loss is NaN."""
    n, before = len(labels), label_ranks(probabilities, labels)
    top1, top5 = int((before < 1).sum()), int((before < 5).sum())
    return Measures(
        n=n,
        top1=top1 / max(n, 1),
        top1_interval=wilson(top1, n),
        top5=top5 / max(n, 1),
        top5_interval=wilson(top5, n),
        nll=nll(probabilities, labels),
        ece=ece(probabilities, labels),
        classes=probabilities.shape[1],
    )


def measure_classes(probabilities: Tensor, labels: Tensor, names: list[str]) -> tuple[Measures, list[ClassRow]]:
    """The scores of all predictions, and of each class."""
    return measure(probabilities, labels), by_class(probabilities, labels, names)


def wilson(hits: int, n: int) -> tuple[float, float]:
    """The 95% Wilson interval of a proportion, valid near 0 and 1 and for few images too."""
    if not n:
        return 0.0, 1.0
    z = 1.959963984540054
    middle, spread = hits + z * z / 2, z * math.sqrt(hits * (n - hits) / n + z * z / 4)
    return max(0.0, (middle - spread) / (n + z * z)), min(1.0, (middle + spread) / (n + z * z))


def nll(probabilities: Tensor, labels: Tensor) -> float:
    """The mean negative log-likelihood; probabilities are clamped to at least 1e-38."""
    right = probabilities.double().gather(1, labels[:, None])[:, 0].clamp_min(torch.finfo(torch.float32).tiny)
    right = right.where(~probabilities.isnan().any(1), torch.nan)
    return -right.log().sum().item() / max(len(labels), 1)


def ece(probabilities: Tensor, labels: Tensor) -> float:
    """The expected calibration error over 15 equal bins of confidence, weighted by their images."""
    confidence = probabilities.double().amax(1).nan_to_num(0.0)
    bins = (confidence * BINS).ceil().long().clamp(1, BINS) - 1
    gap = confidence - (label_ranks(probabilities, labels) < 1).double()
    sums = torch.zeros(BINS, dtype=torch.float64).index_add_(0, bins, gap)
    return sums.abs().sum().item() / max(len(labels), 1)


def confusion(probabilities: Tensor, labels: Tensor) -> Tensor:
    """The confusion matrix, C x C: images of a class (row) predicted as another (column). Skips NaN rows."""
    classes, sound = probabilities.shape[1], ~probabilities.isnan().any(1)
    named = torch.from_numpy(probabilities[sound].numpy().argmax(1))  # numpy's argmax takes the first of equal values
    return torch.bincount(labels[sound] * classes + named, minlength=classes**2).view(classes, classes)


def by_class(probabilities: Tensor, labels: Tensor, classes: list[str]) -> list[ClassRow]:
    """The scores of each class."""
    before, named = label_ranks(probabilities, labels), confusion(probabilities, labels).sum(0)
    counts = [torch.bincount(labels[before < most], minlength=len(classes)) for most in (1, 5)]
    n = torch.bincount(labels, minlength=len(classes))
    columns = (column.tolist() for column in (n, *counts, named))
    return [ClassRow(*row) for row in zip(classes, *columns, strict=True)]


def to_csv(rows: Sequence[Row]) -> str:
    """The table of all classes, labels or numbers as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, [*rows[0].cells], lineterminator="\n")
    writer.writeheader()
    writer.writerows(row.cells for row in rows)
    return text.getvalue()


class Row(Protocol):
    """The scores of one class, label or number."""

    @property
    def cells(self) -> dict[str, str]:
        """Its line of a table, by the titles of the columns."""

    def _asdict(self) -> dict[str, Any]: ...


def confused_pairs(counts: Tensor, classes: list[str], most: int = MANY_CLASSES) -> list[ConfusedPair]:
    """The most confused pairs of classes by their fraction of the row, then by count, then by index."""
    wrong = counts - counts.diag().diag()
    rows = counts.sum(1).tolist()
    found = [(label, named, int(wrong[label, named])) for label, named in wrong.nonzero().tolist()]
    found.sort(key=lambda pair: (-pair[2] / rows[pair[0]], -pair[2], pair))
    return [
        ConfusedPair(classes[label], classes[named], count, count / rows[label]) for label, named, count in found[:most]
    ]


def cells(counts: Tensor) -> dict[tuple[int, int], int]:
    """The cells of a confusion matrix that have images, by row and column."""
    places = counts.nonzero()
    return dict(zip(map(tuple, places.tolist()), counts[tuple(places.T)].tolist(), strict=True))
