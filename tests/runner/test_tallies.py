"""Scores of several labels and of numbers, against their definitions in plain Python, over any batches and ranks."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from thread_ranks import on_ranks
from torch import Tensor

from inception_dsl.runner.base.metrics import METRICS
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.record.scores import COLUMNS, TALLIES, Score

HERE = RankContext(torch.device("cpu"))


def average_precision(scores: list[float], labels: list[int]) -> float:
    """scikit-learn's definition: the sum over all thresholds of precision times the recall that each adds."""
    total, recall = 0.0, 0.0
    for threshold in sorted(set(scores), reverse=True):
        chosen = [label for score, label in zip(scores, labels, strict=True) if score >= threshold]
        total += (sum(chosen) / sum(labels) - recall) * sum(chosen) / len(chosen)
        recall = sum(chosen) / sum(labels)
    return total


def f1(named: list[int], labels: list[int]) -> float:
    """The harmonic mean of precision and recall."""
    hits = sum(a and b for a, b in zip(named, labels, strict=True))
    return 2 * hits / (sum(named) + sum(labels)) if sum(named) + sum(labels) else 0.0


def of_labels(scores: Tensor, labels: Tensor) -> dict[str, float]:
    """The score of several labels per image."""
    columns = [(s.tolist(), y.int().tolist()) for s, y in zip(scores.double().T, labels.T, strict=True)]
    precisions = [average_precision(s, y) for s, y in columns if sum(y)]
    named = [[int(x > 0) for x in s] for s, _ in columns]
    f1s = [f1(p, y) for p, (_, y) in zip(named, columns, strict=True) if sum(p) + sum(y)]
    flat = [label for _, y in columns for label in y]
    losses = [math.log1p(math.exp(-abs(x))) + max(x, 0) - x * t for s, y in columns for x, t in zip(s, y, strict=True)]
    rows = list(zip(*named, strict=True)), list(zip(*(y for _, y in columns), strict=True))
    return {
        "map": sum(precisions) / max(len(precisions), 1),
        "f1_micro": f1([x for p in named for x in p], flat),
        "f1_macro": sum(f1s) / max(len(f1s), 1),
        "exact": sum(a == b for a, b in zip(*rows, strict=True)) / len(scores),
        "loss": sum(losses) / len(losses),
    }


def of_numbers(scores: Tensor, numbers: Tensor) -> dict[str, float]:
    """The score of numbers."""
    errors = (scores.double() - numbers.double()).T.tolist()
    squared = sum(e * e for column in errors for e in column) / scores.numel()
    r2 = []
    for column, ys in zip(errors, numbers.double().T.tolist(), strict=True):
        mean = math.fsum(ys) / len(ys)
        spread, rest = sum((y - mean) ** 2 for y in ys), sum(e * e for e in column)
        r2.append(1 - rest / spread if spread else float(rest == 0))
    absolute = sum(abs(e) for column in errors for e in column) / scores.numel()
    return {"rmse": squared**0.5, "mae": absolute, "r2": sum(r2) / len(r2), "loss": squared}


def found(loss: str, scores: Tensor, targets: Tensor, batch: int, place: RankContext = HERE) -> dict[str, float]:
    """The score of a rank's share, in batches."""
    tally = TALLIES[loss](scores.shape[1])
    mine = range(place.rank, len(scores), place.world_size)
    for at in range(0, len(mine), batch):
        tally.add(scores[list(mine)[at : at + batch]], targets[list(mine)[at : at + batch]])
    numbers: dict[str, float] = tally.numbers(place)
    return numbers


@st.composite
def labelled(draw: st.DrawFn) -> tuple[Tensor, Tensor]:
    """Scores, many of them equal, and labels; some classes have no image, and some images no label."""
    n, classes = draw(st.integers(1, 12)), draw(st.integers(1, 4))
    numbers = st.sampled_from([-30.0, -1.5, -0.0, 0.0, 0.25, 2.0, 30.0])
    scores = draw(st.lists(numbers, min_size=n * classes, max_size=n * classes))
    labels = draw(st.lists(st.booleans(), min_size=n * classes, max_size=n * classes))
    return torch.tensor(scores).view(n, classes), torch.tensor(labels).view(n, classes).float()


@given(labelled(), st.integers(1, 5))
def test_scores_of_labels_follow_their_definitions(images: tuple[Tensor, Tensor], batch: int) -> None:
    assert found("bce", *images, batch) == pytest.approx(of_labels(*images), abs=1e-12)


@given(st.integers(1, 9), st.integers(1, 3), st.integers(1, 5), st.sampled_from([0.0, 1.0, 1e4]), st.booleans())
def test_scores_of_numbers_follow_their_definitions(n: int, k: int, batch: int, middle: float, equal: bool) -> None:
    random = torch.Generator().manual_seed(n * 31 + k)
    numbers = torch.randn(n, k, generator=random) * (not equal) + middle
    scores = numbers + torch.randn(n, k, generator=random) * (not equal or n > 1)
    assert found("mse", scores, numbers, batch) == pytest.approx(of_numbers(scores, numbers), rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(("count", "world"), [(50, 2), (3, 4)])
@pytest.mark.parametrize("loss", ["bce", "mse"])
def test_ranks_have_the_score_of_all(loss: str, count: int, world: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """More outputs than are gathered at a time, and ranks without an image."""
    random = torch.Generator().manual_seed(0)
    scores = torch.randn(count, COLUMNS + 8, generator=random)
    targets = torch.randn(count, COLUMNS + 8, generator=random)
    targets = targets.gt(0).float() if loss == "bce" else targets
    alone = found(loss, scores, targets, 7)
    ranks = on_ranks(world, monkeypatch, lambda place: Score(count, 0, found(loss, scores, targets, 7, place)))
    assert [rank.numbers for rank in ranks] == [pytest.approx(alone, rel=1e-12)] * world


def test_class_indices_are_rows_with_a_one() -> None:
    scores, classes = torch.randn(6, 3, generator=torch.Generator().manual_seed(0)), torch.tensor([0, 1, 2, 2, 1, 0])
    assert found("bce", scores, classes, 4) == found("bce", scores, torch.eye(3)[classes], 4)


def test_nan_is_wrong_whatever_the_label() -> None:
    nan = torch.full((2, 1), math.nan)
    both = found("bce", torch.cat([nan, torch.tensor([[1.0], [-1.0]])]), torch.tensor([[1.0], [0.0], [1.0], [0.0]]), 4)
    # of the positives, one comes after all; of the negatives, one comes first
    assert both["map"] == pytest.approx((1 / 2 + 2 / 4) / 2) and both["f1_micro"] == 0.5 and both["exact"] == 0.5
    assert math.isnan(both["loss"])


@pytest.mark.parametrize("loss", sorted(TALLIES))
def test_a_score_of_nothing_is_finite(loss: str) -> None:
    """A signal may end an evaluation before its first batch."""
    assert all(map(math.isfinite, found(loss, torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64), 4).values()))


@pytest.mark.parametrize(
    ("better", "worse"),
    [
        ({"top1": 0.5, "loss": 3.0}, {"top1": 0.4, "loss": 1.0}),
        ({"top1": 0.5, "loss": 1.0}, {"top1": 0.5, "loss": 3.0}),
        ({"map": 0.5, "loss": 3.0}, {"map": math.nan, "loss": 1.0}),
        ({"rmse": 1.0, "loss": 1.0}, {"rmse": 2.0, "loss": 4.0}),
    ],
)
def test_the_first_number_decides_which_score_is_better(better: dict[str, float], worse: dict[str, float]) -> None:
    one, other = Score(9, 0, better), Score(9, 0, worse)
    assert one.better_than(other) and not other.better_than(one) and not one.better_than(one)


@pytest.mark.parametrize("loss", sorted(TALLIES))
def test_every_number_of_a_score_is_shown(loss: str) -> None:
    score = Score(0, 2, found(loss, torch.zeros(0, 3), torch.zeros(0, dtype=torch.int64), 4))
    assert all(METRICS[name].title in str(score) for name in score.numbers)
    assert {*score.row} == {"n", "unreadable", *score.numbers}
