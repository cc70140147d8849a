"""Batches: the same samples in the same order, whatever the number of workers, ranks and restarts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils.data import Dataset, Sampler, default_collate

from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.randomness import make_generator, permutation
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.images.augment import Transform
from inception_dsl.runner.readers.reader import Reader, Unreadable

SampleKey = tuple[int, int]  # the number of the view, which is the epoch unless views repeat, and of the image


class Sample(NamedTuple):
    """What a worker makes of an image."""

    image: Tensor  # uint8, of the input's size
    draws: Tensor  # the random numbers for `finish_images`
    label: Tensor
    position: int  # of the image, or of its replacement, in the reader; -1 for a placeholder
    unreadable: list[str]


class Batch(NamedTuple):
    """Collated samples; `finish_images` makes the network's input of `images` and `draws`, on the device."""

    images: Tensor  # uint8, N x C x H x W
    draws: Tensor  # float32, N x K
    labels: Tensor
    indices: Tensor
    unreadable: list[str]


class ImageDataset(Dataset[Sample]):
    """A reader's images, transformed. An unreadable one follows the policy "replace", "stop" or "count"."""

    def __init__(self, reader: Reader, transform: Transform, seed: int, policy: str) -> None:
        self.reader, self.transform, self.seed, self.policy = reader, transform, seed, policy

    def __len__(self) -> int:
        return len(self.reader)

    def __getitem__(self, key: SampleKey) -> Sample:
        """The sample of a view and an image. Raises `RunError` if it is unreadable and may not be replaced."""
        view, index = key
        unreadable: list[str] = []
        for number in range(index, index + min(len(self), 100)):
            found = number % len(self)
            random = make_generator(self.seed, "augment", view, index)  # independent of the worker and the order
            try:
                made = self.transform(partial(self.reader.read, found), random)
                return Sample(*made, self.reader.label(found), found, unreadable)
            except Unreadable as error:
                unreadable.append(str(error))
            if self.policy == "count":  # evaluation counts it, but does not replace it
                made = self.transform(lambda _: torch.zeros(3, 8, 8, dtype=torch.uint8), random)
                return Sample(*made, self.reader.label(index), -1, unreadable)
            if self.policy == "stop":
                raise RunError(f'{unreadable[0]}; repair the file, or set data.unreadable to "replace"')
        raise RunError(f"{unreadable[0]}; nor can the next {len(unreadable) - 1} images be read: is the disk mounted?")


def steps_per_epoch(count: int, batch: int) -> int:
    """Full batches per epoch; the remaining images fall into other epochs' batches."""
    if not 0 < batch <= count:
        raise RunError(f"data.batch is {batch}, but there are {count} training images; set 1 to {count}")
    return count // batch


class MicroBatches(Sampler[list[SampleKey]]):
    """The keys of one rank's micro-batches from step `start` up to `stop`; a resumed run starts later.

    `order` gives the order of an epoch, by the seed and the epoch.
    """

    def __init__(
        self,
        count: int,
        config: Config,
        start: int,
        stop: int,
        rank: int = 0,
        world_size: int = 1,
        order: Callable[[int, int], Tensor] | None = None,
    ) -> None:
        self.order, self.repeats = order or partial(permutation, n=count), config.augment.repeats
        self.seed, self.start, self.stop, self.rank = config.run.seed, start, stop, rank
        self.batch, self.steps = config.data.batch, steps_per_epoch(count, config.data.batch)
        self.share, rest = divmod(self.batch, world_size)
        self.micro, left = divmod(self.share, config.run.accumulate)
        if rest or left or not self.micro:
            parts = f"{world_size} ranks with run.accumulate {config.run.accumulate}"
            raise RunError(f"data.batch {self.batch} cannot be divided evenly among {parts}; set a multiple")

    def __iter__(self) -> Iterator[list[SampleKey]]:
        drawn, order = -1, torch.empty(0)
        for step in range(self.start, self.stop):
            epoch, offset = divmod(step, self.steps)
            if epoch != drawn:
                drawn, order = epoch, self.order(self.seed, epoch)
            first = offset * self.batch
            own = range(first + self.rank * self.share, first + (self.rank + 1) * self.share)
            if self.repeats > 1:  # the views of an image go to different ranks
                own = range(first + self.rank, first + self.batch, self.batch // self.share)
            views = (epoch * self.repeats + place % self.repeats for place in own)
            keys = [*zip(views, order[own.start : own.stop : own.step].tolist(), strict=True)]
            yield from (keys[at : at + self.micro] for at in range(0, self.share, self.micro))


def collate(samples: list[Sample]) -> Batch:
    """Stack samples."""
    stack: Callable[[Any], Tensor] = default_collate  # which puts a worker's tensors into shared memory at once
    images, draws, labels, positions, unreadable = zip(*samples, strict=True)
    return Batch(stack(images), stack(draws), stack(labels), stack(positions), list(chain(*unreadable)))
