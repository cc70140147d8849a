"""Scores on held-out images, which belong to the loss: exact, whatever the batches and the ranks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isnan
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, one_hot

from inception_dsl.runner.base.metrics import METRICS
from inception_dsl.runner.machine.devices import RankContext, all_gather_rows, all_reduce_numbers


@dataclass(frozen=True)
class Score:
    """The score of n images: its numbers by the names in `METRICS`, the one that decides first, and the mean loss."""

    n: int
    unreadable: int  # images not among the n
    numbers: dict[str, float]

    @property
    def row(self) -> dict[str, float]:
        """All of it in one mapping, as the log and `config.json` have it."""
        return {"n": self.n, **self.numbers, "unreadable": self.unreadable}

    def __str__(self) -> str:
        shown = [f"{METRICS[name].title} {number:{METRICS[name].form}}" for name, number in self.numbers.items()]
        return "  ".join([*shown, f"of {self.n:,} image{'s' * (self.n != 1)}"])

    def better_than(self, other: Score) -> bool:
        """Whether this is the better score of the two: by the number that decides, then by the loss; never if NaN."""
        for name in (next(iter(self.numbers)), "loss"):
            mine, others = self.numbers[name], other.numbers[name]
            if mine != others:
                return not isnan(mine) and (isnan(others) or (mine > others) == METRICS[name].higher)
        return False


def label_ranks(scores: Tensor, labels: Tensor) -> Tensor:
    """The 0-based rank of the right class. Ties go to the lower class index; a row with a NaN ranks last."""
    right = scores.gather(1, labels[:, None])
    first = torch.arange(scores.shape[1], device=scores.device) < labels[:, None]
    before = ((scores > right) | ((scores == right) & first)).sum(1)
    return before.where(~scores.isnan().any(1), torch.iinfo(torch.int64).max)


class ClassTally:
    """Top-1 and, of more than five classes, top-5 accuracy, and the mean cross-entropy, of one class per image."""

    def __init__(self, outputs: int) -> None:
        self.outputs, self.sums = outputs, [0.0] * 4

    def add(self, scores: Tensor, targets: Tensor) -> None:
        """Count a batch: logits, and class indices."""
        before, losses = label_ranks(scores, targets), cross_entropy(scores, targets, reduction="sum")
        found = torch.stack([(before < 1).sum(), (before < 5).sum(), losses]).tolist()
        self.sums = [total + number for total, number in zip(self.sums, (*found, len(targets)), strict=True)]

    def numbers(self, context: RankContext) -> dict[str, float]:
        """The score over all ranks."""
        *sums, n = all_reduce_numbers(context, *self.sums)
        found = dict(zip(("top1", "top5", "loss"), (number / max(n, 1) for number in sums), strict=True))
        return {name: number for name, number in found.items() if name != "top5" or self.outputs > 5}


COLUMNS = 32  # of the outputs, gathered from all ranks at a time


class _Outputs:
    """The scores and targets of a rank's images, kept on the host: 8 bytes per image and output."""

    def __init__(self, outputs: int) -> None:
        self.outputs, self.scores, self.targets = outputs, [torch.zeros(0, outputs)], [torch.zeros(0, outputs)]

    def add(self, scores: Tensor, targets: Tensor) -> None:
        """Keep a batch."""
        targets = targets if targets.is_floating_point() else one_hot(targets, self.outputs)
        self.scores.append(scores.cpu())
        self.targets.append(targets.float().cpu())

    def columns(self, context: RankContext) -> Iterator[tuple[Tensor, Tensor]]:
        """Scores and targets of all ranks in float64, one output after the other."""
        scores, targets = torch.cat(self.scores), torch.cat(self.targets)
        for at in range(0, self.outputs, COLUMNS):
            parts = (part[:, at : at + COLUMNS].contiguous() for part in (scores, targets))
            rows = (all_gather_rows(context, part).double().T.unbind() for part in parts)
            yield from zip(*rows, strict=True)


class LabelTally(_Outputs):
    """Mean average precision, F1, exact matches and the mean binary cross-entropy, of any number of labels per image.

    A label is predicted where its probability is above 1/2. A class without an image has no average precision, and one
    that is predicted nowhere either has no F1. A NaN is a wrong prediction.
    """

    def numbers(self, context: RankContext) -> dict[str, float]:
        """The score over all ranks."""
        exact, images = 0, 0
        for scores, targets in zip(self.scores, self.targets, strict=True):
            exact += int((((scores > 0) == (targets > 0.5)) & ~scores.isnan()).all(1).sum())
            images += len(scores)
        matches, n = all_reduce_numbers(context, exact, images)
        losses, found = 0.0, list[LabelScore]()
        for scores, targets in self.columns(context):
            losses += binary_cross_entropy_with_logits(scores, targets, reduction="sum").item()
            found.append(score_label(scores, targets, threshold=0))
        return {**mean_label_score(found), "exact": matches / max(n, 1), "loss": losses / max(n * self.outputs, 1)}


class LabelScore(NamedTuple):
    """One label: true positives, false positives and false negatives; the average precision, None if undefined."""

    hits: int
    extra: int
    missed: int
    precision: float | None

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall; 0 if undefined."""
        return 2 * self.hits / max(2 * self.hits + self.extra + self.missed, 1)


def wrong_if_nan(scores: Tensor, targets: Tensor) -> Tensor:
    """Scores in which a NaN is as wrong as can be."""
    worst = torch.where(targets > 0.5, -torch.inf, torch.inf).to(scores.dtype)
    return torch.where(scores.isnan(), worst, scores)


def average_precision(scores: Tensor, targets: Tensor) -> float:
    """The area under the steps of precision over recall of one class, N scores and N labels; ties are one step."""
    order = wrong_if_nan(scores, targets).sort(descending=True)
    hits = (targets[order.indices] > 0.5).cumsum(0)
    ends = torch.cat([order.values[1:] != order.values[:-1], torch.ones(1, dtype=torch.bool)]).nonzero()[:, 0]
    steps = hits[ends].diff(prepend=torch.zeros(1, dtype=torch.int64))
    return float((steps * hits[ends].double() / (ends + 1)).sum() / hits[-1])


def score_label(scores: Tensor, targets: Tensor, threshold: float) -> LabelScore:
    """Score one label, predicted where the score is above a threshold, over N images."""
    named, right = wrong_if_nan(scores, targets) > threshold, targets > 0.5
    hits, extra, missed = (int(found.sum()) for found in (named & right, named & ~right, ~named & right))
    return LabelScore(hits, extra, missed, average_precision(scores, targets) if right.any() else None)


def mean_label_score(labels: Sequence[LabelScore]) -> dict[str, float]:
    """Mean average precision; F1 of all labels together (micro) and its mean over them (macro). 0 if undefined."""
    precisions = [label.precision for label in labels if label.precision is not None]
    single = [label.f1 for label in labels if label.hits + label.extra + label.missed]
    hits, extra, missed = (sum(column) for column in zip(*(label[:3] for label in labels), strict=True))
    return {
        "map": sum(precisions) / max(len(precisions), 1),
        "f1_micro": LabelScore(hits, extra, missed, None).f1,
        "f1_macro": sum(single) / max(len(single), 1),
    }


class NumberTally(_Outputs):
    """Root-mean-square and mean absolute errors over all outputs, and the mean of their coefficients R2."""

    def numbers(self, context: RankContext) -> dict[str, float]:
        """The score over all ranks."""
        return mean_number_score([score_number(*column) for column in self.columns(context)])


class NumberScore(NamedTuple):
    """One number: the mean squared error, the mean absolute error and R2."""

    squared: float
    absolute: float
    r2: float


def mean_number_score(numbers: Sequence[NumberScore]) -> dict[str, float]:
    """The score of several numbers together."""
    squared, absolute, r2 = (sum(column) / len(numbers) for column in zip(*numbers, strict=True))
    return {"rmse": squared**0.5, "mae": absolute, "r2": r2, "loss": squared}


def score_number(scores: Tensor, targets: Tensor) -> NumberScore:
    """Score one number over N images.

    R2 of numbers that are all equal is 1 if they are predicted exactly and 0 otherwise, as in scikit-learn.
    """
    if not len(scores):
        return NumberScore(0.0, 0.0, 0.0)
    errors = scores - targets
    squared, spread = errors.square().mean().item(), (targets - targets.mean()).square().mean().item()
    r2 = 1 - squared / spread if spread else float(squared == 0)
    return NumberScore(squared, errors.abs().mean().item(), r2)


TALLIES: dict[str, Any] = {  # by the name of the loss
    "cross_entropy": ClassTally,
    "bce": LabelTally,
    "mse": NumberTally,
}
