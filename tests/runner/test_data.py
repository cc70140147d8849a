"""The samples of a step are the same for any number of workers and ranks, and after a resume."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from multiprocessing import active_children

import pytest
import torch
from torch import Tensor

from inception_dsl.runner.base.config import Augment, Config, Data, Run
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.images.augment import training_transform
from inception_dsl.runner.images.data import (
    Batch,
    ImageDataset,
    MicroBatches,
    steps_per_epoch,
)
from inception_dsl.runner.images.loaders import evaluation_loader, make_evaluation_loader, make_loader, training_loader
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.readers.reader import Reader, Unreadable
from inception_dsl.runner.readers.readers import open_images

SMALL = Config(
    data=Data(channels=1, height=8, width=8, mean=(0.5,), std=(0.5,), batch=8, workers=0),
    augment=Augment(resize=9),
    run=Run(seed=3),
)


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    yield
    assert active_children() == []


def with_data(config: Config = SMALL, **values: object) -> Config:
    return replace(config, data=replace(config.data, **values))  # type: ignore[arg-type]


def at(rank: int = 0, world: int = 1) -> RankContext:
    return RankContext(torch.device("cpu"), rank, world)


class Holes:
    """A reader some of whose images cannot be read."""

    def __init__(self, *holes: int, count: int = 20) -> None:
        self.reader, self.holes = open_images(f"fake:{count}x10x12", "train"), holes
        self.classes, self.fingerprint = self.reader.classes, self.reader.fingerprint

    def __len__(self) -> int:
        return len(self.reader)

    def label(self, index: int) -> Tensor:
        return self.reader.label(index)

    def name(self, index: int) -> str:
        return self.reader.name(index)

    def read(self, index: int, reduction: object = None) -> Tensor:
        if index in self.holes:
            raise Unreadable(f"/data/{index}.jpg: truncated")
        return self.reader.read(index)


def steps(config: Config, world: int, start: int = 0, stop: int = 5, reader: Reader | None = None) -> list[Batch]:
    """The whole batch of every step, put together from all ranks and micro-batches."""
    images = reader or Holes()
    with closing(training_loader(images, config, at())) as loader:
        ranks = [list(make_loader(loader, config, at(rank, world), start, stop)) for rank in range(world)]
    every = config.run.accumulate
    parts = [
        [batch for batches in ranks for batch in batches[s * every : (s + 1) * every]] for s in range(stop - start)
    ]
    return [
        Batch(
            torch.cat([batch.images for batch in part]),
            torch.cat([batch.draws for batch in part]),
            torch.cat([batch.labels for batch in part]),
            torch.cat([batch.indices for batch in part]),
            [each for batch in part for each in batch.unreadable],
        )
        for part in parts
    ]


def same(ours: list[Batch], theirs: list[Batch]) -> bool:
    return len(ours) == len(theirs) and all(
        all(torch.equal(x, y) for x, y in zip(a[:4], b[:4], strict=True)) for a, b in zip(ours, theirs, strict=True)
    )


def test_a_step_has_the_same_samples_for_any_number_of_ranks_workers_and_micro_batches() -> None:
    alone = steps(SMALL, 1)
    assert same(alone, steps(SMALL, 2))
    assert same(alone, steps(SMALL, 4))
    assert same(alone, steps(replace(SMALL, run=replace(SMALL.run, accumulate=2)), 2))
    assert same(alone, steps(with_data(workers=2), 1))
    assert not same(alone, steps(replace(SMALL, run=Run(seed=4)), 1))


def test_to_resume_is_to_start_later() -> None:
    assert same(steps(SMALL, 1)[3:], steps(SMALL, 1, start=3))


def test_an_epoch_takes_no_image_twice_and_each_has_its_own_order() -> None:
    batches = steps(SMALL, 1, 0, 4)  # 20 images: 2 steps of 8 an epoch
    epochs = [torch.cat([batch.indices for batch in batches[i : i + 2]]).tolist() for i in (0, 2)]
    assert [len(set(epoch)) for epoch in epochs] == [16, 16]
    assert epochs[0] != epochs[1]
    assert all(
        label == index % 10 for batch in batches for label, index in zip(batch.labels, batch.indices, strict=True)
    )


def test_an_image_is_augmented_by_its_epoch_and_number() -> None:
    images = ImageDataset(Holes(), training_transform(SMALL), 3, "stop")
    assert torch.equal(images[0, 5].image, images[0, 5].image)
    assert not torch.equal(images[0, 5].image, images[1, 5].image)
    assert images[0, 5].image.shape == (1, 8, 8) and images[0, 5].image.dtype == torch.uint8
    assert {*images[0, 5].draws.tolist()} <= {0.0, 1.0}  # whether it is mirrored


@pytest.mark.parametrize("workers", [0, 2])
def test_an_unreadable_image_is_replaced_by_the_next_and_reported(workers: int) -> None:
    config = with_data(workers=workers, batch=20)
    (whole,), (batch,) = steps(config, 1, 0, 1), steps(config, 1, 0, 1, Holes(4, 5, 19))
    expected = [{4: 6, 5: 6, 19: 0}.get(index, index) for index in whole.indices.tolist()]
    assert batch.indices.tolist() == expected
    assert batch.labels.tolist() == [index % 10 for index in expected]
    expected = [f"/data/{index}.jpg: truncated" for index in (4, 5, 5, 19)]
    assert sorted(batch.unreadable) == sorted(expected)  # 5 was asked for, and was the next of 4
    assert whole.unreadable == []


@pytest.mark.parametrize("workers", [0, 2])
def test_an_unreadable_image_stops_a_run_that_wants_it(workers: int) -> None:
    config = with_data(workers=workers, batch=20, unreadable="stop")
    with pytest.raises(RunError) as caught:
        steps(config, 1, 0, 1, Holes(4))
    assert str(caught.value) == '/data/4.jpg: truncated; repair the file, or set data.unreadable to "replace"'


def test_a_disk_that_is_gone_ends_the_search() -> None:
    images = ImageDataset(Holes(*range(200), count=200), training_transform(SMALL), 3, "replace")
    with pytest.raises(RunError, match=r"/data/150.jpg: truncated; nor can the next 99 images be read"):
        images[0, 150]


@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("world", [1, 3])
def test_an_evaluation_takes_every_image_once_and_replaces_none(world: int, workers: int) -> None:
    config, reader = with_data(workers=workers), Holes(4)
    with closing(evaluation_loader(reader, config, at())) as loader:
        batches = [each for rank in range(world) for each in make_evaluation_loader(loader, config, at(rank, world))]
    found = {int(i): int(y) for batch in batches for i, y in zip(batch.indices, batch.labels, strict=True)}
    assert sorted(torch.cat([batch.indices for batch in batches]).tolist()) == [i for i in range(-1, 20) if i != 4]
    assert found == {-1: 4} | {index: index % 10 for index in range(20) if index != 4}
    assert [each for batch in batches for each in batch.unreadable] == ["/data/4.jpg: truncated"]
    assert all(len(batch.images) <= 8 // world for batch in batches)


def test_more_ranks_than_images_have_nothing_to_do() -> None:
    loader = evaluation_loader(Holes(count=2), SMALL, at())
    batches = [list(make_evaluation_loader(loader, SMALL, at(rank, 3))) for rank in range(3)]
    assert [[each.indices.tolist() for each in share] for share in batches] == [[[0]], [[1]], []]


@pytest.mark.parametrize(("batch", "world", "accumulate"), [(8, 3, 1), (8, 2, 3), (2, 4, 1), (2, 1, 4)])
def test_a_batch_that_cannot_be_shared(batch: int, world: int, accumulate: int) -> None:
    config = replace(with_data(batch=batch), run=Run(accumulate=accumulate))
    with pytest.raises(RunError, match=f"data.batch {batch} cannot be divided evenly among {world} ranks"):
        MicroBatches(20, config, 0, 1, 0, world)


def test_the_rest_of_an_epoch_is_dropped() -> None:
    assert steps_per_epoch(5000, 64) == 78
    for batch in (0, 65):
        with pytest.raises(RunError, match=f"data.batch is {batch}, but there are 64 training images"):
            steps_per_epoch(64, batch)


class Signalled(Holes):
    """A reader that gets the signals of a scheduler while it reads."""

    def read(self, index: int, reduction: object = None) -> Tensor:
        for each in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
            os.kill(os.getpid(), each)
        assert torch.get_num_threads() == 1
        return super().read(index)


def test_workers_leave_signals_to_their_rank() -> None:
    assert same(steps(SMALL, 1, 0, 1), steps(with_data(workers=1), 1, 0, 1, Signalled()))


LEAVING = """
from torch import device
from inception_dsl.runner.base.config import Augment, Config, Data
from inception_dsl.runner.images.loaders import make_loader, training_loader
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.readers.readers import open_images
config = Config(data=Data(height=8, width=8, batch=4, workers=1), augment=Augment(resize=9))
here = RankContext(device("cpu"), 0, 1)
loader = training_loader(open_images("fake:40x2x9", "train"), config, here)
batches = make_loader(loader, config, here, 0, 1000)
next(batches)
raise SystemError("in the middle")
"""


def test_a_run_that_fails_does_not_wait_for_its_workers() -> None:
    ended = subprocess.run([sys.executable, "-c", LEAVING], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert ended.stderr.splitlines()[-1] == "SystemError: in the middle"
