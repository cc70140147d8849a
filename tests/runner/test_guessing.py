"""Heads that learn nothing are found, and heads that learn are not."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from inception_dsl.runner.base.config import Config, Data, Loss, Schedule
from inception_dsl.runner.learning.loss import compute_loss
from inception_dsl.runner.record.guessing import HeadWatch, falls, guessing_loss, single_class

LN10 = math.log(10)


class Labels:
    """A reader that has only labels."""

    def __init__(self, labels: Tensor, classes: int) -> None:
        self.labels, self.classes = labels, [str(number) for number in range(classes)]

    def __len__(self) -> int:
        return len(self.labels)

    def label(self, index: int) -> Tensor:
        return self.labels[index]


def found(losses: Iterable[float], guess: float = LN10, total: int = 39_000, every: int = 10, epoch: int = 156) -> int:
    """The step at which the main head is reported, or 0."""
    watch = HeadWatch(guess, Config(data=Data(batch=32)), total)
    steps = [
        step
        for step, loss in zip(range(every, 10**9, every), losses)  # noqa: B905 - the curve may be shorter
        if watch.look({"step": step, "epoch": step / epoch, "loss": loss})
    ]
    assert len(steps) <= 1  # once
    return steps[0] if steps else 0


def noisy(curve: Callable[[float], float], spread: float, seed: int, every: int = 10) -> Iterator[float]:
    """A loss at every tenth of 3,000 steps, with the noise of a batch."""
    draw = random.Random(seed)  # noqa: S311
    return (curve(step) + draw.gauss(0, spread) for step in range(every, 3001, every))


# docs/training.md, GoogLeNet without batch normalisation: the mean of the 100 steps before
GOOGLENET = [(0, 2.31), (50, 2.33), (100, 2.31), (150, 2.09), (250, 1.9), (350, 1.64), (550, 1.39), (750, 1.23)]
# googlenet_bn_small with label smoothing of 0.1, steps 10, 20 ... 160: the main head and aux1
SMOOTHED = {
    "loss": [2.328, 2.287, 2.048, 1.991, 1.631, 1.32, 1.386, 1.361, 0.998, 1.246, 1.239, 0.945, 1.138, 1.244, 1.052],
    "aux1": [2.872, 2.834, 2.251, 2.259, 2.238, 2.044, 1.968, 1.868, 1.644, 1.587, 1.592, 1.483, 1.344, 1.371, 1.31],
}
# googlenet_bn_small with a rate of 1e-7: aux1, in batches of 16
STUCK = [2.868, 3.077, 3.097, 3.528, 2.557, 3.214, 2.88, 3.381, 2.947, 3.099, 3.249, 3.924, 3.363, 3.137, 3.315, 2.498]


def between(points: list[tuple[int, float]], delay: float = 0) -> Callable[[float], float]:
    """The curve through some points, the first of which lasts longer by a number of steps."""

    def curve(step: float) -> float:
        step = max(step - delay, 0)
        for (left, low), (right, high) in pairwise(points):
            if step <= right:
                return low + (high - low) * (step - left) / (right - left)
        return points[-1][1]

    return curve


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("delay", [0, 200, 350])
def test_a_network_that_learns_after_a_plateau_is_not_reported(delay: int, seed: int) -> None:
    assert found(noisy(between(GOOGLENET, delay), 0.03, seed)) == 0


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("spread", [0.0, 0.02, 0.2])
@pytest.mark.parametrize("level", [LN10, 2.35, 3.0])
def test_a_head_that_stays_at_guessing_or_above_is_reported(level: float, spread: float, seed: int) -> None:
    assert 500 <= found(noisy(lambda step: level, spread, seed)) <= 1200


@pytest.mark.parametrize("head", SMOOTHED)
@pytest.mark.parametrize("seed", range(20))
def test_a_head_that_learns_with_smoothing_is_not_reported(head: str, seed: int) -> None:
    recorded = SMOOTHED[head]
    assert found(recorded, total=351, epoch=39) == found(recorded, total=1400, epoch=156) == 0
    slow = between([(10 * at * 6, loss) for at, loss in enumerate(recorded)])  # six times slower: 2.3 at step 1,200
    assert found(noisy(slow, 0.1, seed)) == 0


def test_a_head_that_is_stuck_is_reported() -> None:
    assert found(STUCK, total=160, epoch=40) == 150  # eight rows are the later half


def test_a_run_of_few_steps_is_judged_earlier_and_after_its_warm_up() -> None:
    flat = [LN10] * 200
    assert found(flat, total=351, epoch=39, every=1) == 88
    assert found(flat, total=120, epoch=39, every=1) == 39
    watch = HeadWatch(LN10, Config(schedule=Schedule(warmup=2.0)), 351)
    rows = [step for step in range(1, 300) if watch.look({"step": step, "epoch": step / 39, "loss": LN10})]
    assert rows == [2 * 39 + 88]


def test_a_head_that_once_learnt_is_not_looked_at_again() -> None:
    assert found([*[2.0] * 20, *[LN10] * 300]) == 0


def test_heads_without_a_weight_and_numbers_that_are_not_finite_do_not_count() -> None:
    watch = HeadWatch(LN10, Config(loss=Loss(heads={"aux1": 0.3, "aux2": 0.0})), 1000)
    row: dict[str, Any] = {"loss": None, "aux1": LN10, "aux2": LN10}
    heads = [watch.look({"step": step, "epoch": step / 10, **row}) for step in range(10, 900, 10)]
    assert [name for found in heads for name, _ in found] == ["aux1"]
    assert HeadWatch(0.0, Config(), 1000).look({"step": 900, "epoch": 9.0, "loss": LN10}) == []


def test_losses_fall_if_they_do_so_by_more_than_noise() -> None:
    draw = random.Random(0)  # noqa: S311
    flat = [draw.gauss(2.3, 0.1) for _ in range(40)]
    assert not falls(flat)
    assert falls([loss - 0.01 * at for at, loss in enumerate(flat)])
    assert not falls([2.3] * 8)
    assert not falls([loss + 0.01 * at for at, loss in enumerate(flat)])


def best_answer(config: Config, labels: Tensor, outputs: int) -> float:
    """The lowest loss of any answer that is the same for all images, as an optimiser finds it."""
    answer = torch.zeros(outputs, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([answer], max_iter=200, line_search_fn="strong_wolfe", tolerance_change=1e-14)

    def closure() -> Tensor:
        optimiser.zero_grad()
        loss, _ = compute_loss(answer.expand(len(labels), -1), labels, config)
        torch.autograd.backward(loss)
        return loss

    optimiser.step(closure)  # type: ignore[no-untyped-call]
    return closure().item()


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("name", ["cross_entropy", "bce", "mse"])
def test_the_loss_of_guessing_is_that_of_the_best_constant_answer(name: str, smoothing: float) -> None:
    random = torch.Generator().manual_seed(0)
    labels: Tensor = torch.tensor([0] * 70 + [1] * 20 + [2] * 10)
    if name == "mse":
        labels, smoothing = torch.randn(100, 2, generator=random) * torch.tensor([1.0, 3.0]), 0.0
    config = Config(loss=Loss(name=name, smoothing=smoothing))
    reader: Any = Labels(labels, 3)
    outputs = 2 if name == "mse" else 3
    assert guessing_loss(reader, config) == pytest.approx(best_answer(config, labels, outputs), rel=1e-5)
    if name == "bce":
        several = (torch.rand(100, 3, generator=random) < torch.tensor([0.1, 0.5, 0.7])).float()
        reader = Labels(several, 3)
        assert guessing_loss(reader, config) == pytest.approx(best_answer(config, several, 3), rel=1e-5)


def test_equal_classes_are_guessed_at_the_logarithm_of_their_number() -> None:
    reader: Any = Labels(torch.arange(30_000) // 3000, 10)  # more than are looked at, and sorted
    for smoothing in (0.0, 0.1):
        config = replace(Config(), loss=Loss(smoothing=smoothing))
        assert guessing_loss(reader, config) == pytest.approx(LN10, abs=1e-6)
    reader = Labels(torch.zeros(10, dtype=torch.long), 1)
    assert guessing_loss(reader, Config()) == 0  # one class: nothing to learn, and no head to report


def test_images_of_one_class_are_reported() -> None:
    """Of whatever classes there are; with other losses a single label teaches something."""
    reader: Any = Labels(torch.full((10,), 2), 3)
    assert "the images for training are all of the class '2', so" in single_class(reader, Config())
    assert not single_class(reader, Config(loss=Loss(name="bce")))
    several: Any = Labels(torch.tensor([2, 2, 1]), 3)
    assert not single_class(several, Config())
