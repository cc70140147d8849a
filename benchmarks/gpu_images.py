# ruff: noqa: TID251 - this script tests torch
"""A check of `gpu.py`: what the device does to images is what a CPU does to them, and how many it does a second."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch
from gpu_common import Notes, Plan, rate, spec
from torch import Tensor

from inception_dsl.recipes.recipe import named
from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.randomness import make_generator
from inception_dsl.runner.images.augment import finish_images, training_transform
from inception_dsl.runner.images.data import Batch
from inception_dsl.runner.images.mixing import mix_batch
from inception_dsl.runner.machine.devices import move_to_device

RECIPES = {"inception-v3-paper": "inception_v3", "googlenet-paper": "googlenet", "modern": "inception_v3"}
"""Recipes, each with a network that is trained by it: TensorFlow's colours, photometric ones, and mixed batches."""
LEVEL = 1 / 255


def images(plan: Plan, notes: Notes) -> None:
    """Images that are mirrored, changed in colour, erased, normalised and mixed are within a grey level of a CPU's.

    On a CPU it is the layout that differs: channels first is compared with channels last.
    """
    size, count = (4, 1) if plan.quick else (256, 30)
    for name, network in RECIPES.items():
        config = named(name).config()
        _, height, width = spec(network).program.input.shape
        config.data = replace(config.data, height=height, width=width)
        batch = drawn(config, size)
        expected = finished(batch, replace(config, run=replace(config.run, channels_last=False)))
        pixels, draws, labels = move_to_device(plan.place, batch.images, batch.draws, batch.labels)
        there = batch._replace(images=pixels, draws=draws, labels=labels)
        actual = finished(there, config)
        apart = float((actual.cpu() - expected).abs().max()) * min(config.data.std) / LEVEL
        found = rate(plan, partial(finished, there, config), 2, count, size)
        notes.numbers[name] = {"grey levels apart": apart, "images a second": found}
        notes.holds(apart <= 1, f"{name}: {apart:.2f} grey levels apart, more than 1")


def drawn(config: Config, size: int) -> Batch:
    """A batch as workers make it: noise, and the numbers that they draw."""
    transform, made = training_transform(config), list[tuple[Tensor, Tensor]]()
    for index in range(size):
        random = make_generator(0, "image", index)
        image = torch.randint(0, 256, (3, 400, 320), dtype=torch.uint8, generator=random)
        made.append(transform(partial(read, image), random))
    pixels, draws = (torch.stack(part) for part in zip(*made, strict=True))
    return Batch(pixels, draws, torch.arange(size), torch.arange(size), [])


def read(image: Tensor, reduction: object) -> Tensor:
    """An image in memory, read at its whole size."""
    return image


def finished(batch: Batch, config: Config) -> Tensor:
    """What the network gets of a batch."""
    ready = batch._replace(images=finish_images(batch.images, batch.draws, config))
    return mix_batch(ready, 1000, config, 0)[0]
