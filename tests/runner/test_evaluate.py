"""Scores are exact: every image once, ties and NaN by one rule, and the network as it was."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from thread_ranks import on_ranks
from torch import Tensor, nn

from inception_dsl.runner.base.config import Augment, Config, Data, Run
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.images.loaders import evaluation_loader
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.readers.reader import Reader, Unreadable
from inception_dsl.runner.record.evaluate import evaluate
from inception_dsl.runner.record.scores import ClassTally, Score, label_ranks

HERE = RankContext(torch.device("cpu"))
NAN = float("nan")


class Pixels:
    """Grey images of one pixel, all with a value of their own."""

    classes = [str(each) for each in range(12)]  # noqa: RUF012  as the protocol has it
    fingerprint = "pixels"

    def __init__(self, count: int = 23, unreadable: tuple[int, ...] = ()) -> None:
        self.count, self.unreadable = count, unreadable

    def __len__(self) -> int:
        return self.count

    def label(self, index: int) -> Tensor:
        return torch.tensor(index % 12)

    def name(self, index: int) -> str:
        return f"pixel {index}"

    def read(self, index: int, reduction: object = None) -> Tensor:
        if index in self.unreadable:
            raise Unreadable(self.name(index))
        return torch.full((1, 1, 1), index, dtype=torch.uint8)


class Known(nn.Module):
    """Names fixed scores for the image whose pixel it sees."""

    def __init__(self, count: int) -> None:
        super().__init__()
        self.scores = torch.randn(count, 12, generator=torch.Generator().manual_seed(0))
        self.drop = nn.Dropout(0.5)
        self.seen: list[int] = []

    def forward(self, image: Tensor) -> Tensor:
        assert torch.is_inference_mode_enabled()
        index = (image.flatten() * 255).round().long()
        self.seen += index.tolist()
        scores: Tensor = self.drop(self.scores[index])
        return scores


def config(batch: int = 5) -> Config:
    data = Data(channels=1, height=1, width=1, mean=(0.0,), std=(1.0,), batch=batch, workers=0)
    return Config(data=data, augment=Augment(evaluation="whole"))


def scored(
    network: nn.Module,
    reader: Reader,
    config: Config,
    place: RankContext = HERE,
    stop: Callable[[], bool] = lambda: False,
) -> Score:
    """The score of a network on the images of a reader."""
    return evaluate(network, evaluation_loader(reader, config, place), config, place, stop)[0]


def naive(scores: Tensor, indices: list[int]) -> Score:
    """The same by sorting, one image after another."""
    ranks = [sorted(range(12), key=lambda each: (-scores[i, each], each)).index(i % 12) for i in indices]
    loss = -sum(float(scores[i].double().log_softmax(0)[i % 12]) for i in indices)
    n = len(indices)
    top1, top5 = (sum(rank < most for rank in ranks) / n for most in (1, 5))
    near: Any = pytest.approx(loss / n, rel=1e-6)
    return Score(n, 0, {"top1": top1, "top5": top5, "loss": near})


@pytest.mark.parametrize("batch", [1, 5, 23, 100])
def test_every_image_counts_once_whatever_the_batch(batch: int) -> None:
    network = Known(23)
    score = scored(network, Pixels(), config(batch))
    expected = naive(network.scores, list(range(23)))
    assert network.seen == list(range(23))
    assert score == expected


@pytest.mark.parametrize(("count", "world"), [(23, 2), (23, 4), (3, 4), (8, 8)])
def test_ranks_share_images_without_filling_up(count: int, world: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """The score of several ranks is that of one process; each image is seen once over all."""
    networks = [Known(count) for _ in range(world)]

    def evaluated(place: RankContext) -> Score:
        return scored(networks[place.rank], Pixels(count), config(8), place)

    scores = on_ranks(world, monkeypatch, evaluated)
    assert sorted(index for network in networks for index in network.seen) == list(range(count))
    assert scores == [naive(networks[0].scores, list(range(count)))] * world


def test_images_that_cannot_be_read_are_reported_and_not_scored() -> None:
    network, readable = Known(23), [i for i in range(23) if i not in {0, 7}]
    score = scored(network, Pixels(unreadable=(0, 7)), config())
    expected = naive(network.scores, readable)
    assert score == replace(expected, unreadable=2) and score.n == 21


def test_a_score_is_of_some_image() -> None:
    with pytest.raises(RunError, match="none of the 3 images to evaluate can be read"):
        scored(Known(3), Pixels(3, (0, 1, 2)), config())


def test_a_stop_ends_it_before_the_next_batch() -> None:
    asked = iter([False, False, True])
    network = Known(23)
    assert scored(network, Pixels(), config(), stop=lambda: next(asked)).n == 10
    assert len(network.seen) == 10


@pytest.mark.parametrize("training", [True, False])
def test_the_network_is_left_as_it_was(training: bool) -> None:
    network = Known(23).train(training)
    scored(network, Pixels(), config())
    assert network.training is training and network.drop.training is training
    with pytest.raises(IndexError):
        scored(network, Pixels(30), config())  # it has 23
    assert network.training is training


def test_bf16_is_used_where_it_is_wanted_and_sums_are_not_in_it() -> None:
    kinds = []

    class Linear(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(1, 12)

        def forward(self, image: Tensor) -> Tensor:
            scores: Tensor = self.fc(image.flatten(1))
            kinds.append(scores.dtype)
            return scores

    network = Linear()
    low, high = (scored(network, Pixels(), replace(config(23), run=Run(precision=each))) for each in ("bf16", "fp32"))
    assert kinds == [torch.bfloat16, torch.float32]
    assert low.numbers["loss"] == pytest.approx(high.numbers["loss"], rel=0.01)


@pytest.mark.parametrize(
    ("scores", "label", "place"),
    [
        ([3.0, 2.0, 1.0], 0, 0),
        ([3.0, 2.0, 1.0], 2, 2),
        ([1.0, 1.0, 1.0], 0, 0),
        ([1.0, 1.0, 1.0], 2, 2),
        ([float("inf"), float("inf"), 0.0], 1, 1),
        ([float("-inf"), 0.0, 0.0], 0, 2),
    ],
)
def test_of_equal_scores_the_lower_class_stands_first(scores: list[float], label: int, place: int) -> None:
    assert label_ranks(torch.tensor([scores]), torch.tensor([label])).tolist() == [place]


@pytest.mark.parametrize("classes", [5, 6])
def test_more_than_five_classes_have_a_top_5(classes: int) -> None:
    tally = ClassTally(classes)
    tally.add(torch.eye(classes), torch.arange(classes))
    assert [*tally.numbers(HERE)] == (["top1", "top5", "loss"] if classes > 5 else ["top1", "loss"])


def test_one_image_is_no_images() -> None:
    assert str(Score(1, 0, {"top1": 1.0})) == "top-1 100.00%  of 1 image"


@pytest.mark.parametrize("scores", [[NAN, 1.0, 0.0], [0.0, NAN, 1.0], [NAN, NAN, NAN]])
def test_nan_is_wrong_even_among_five_of_three(scores: list[float]) -> None:
    assert (label_ranks(torch.tensor([scores] * 3), torch.arange(3)) >= 5).all()
