# ruff: noqa: TID251 - this script measures torch
"""Measure what an image costs from its JPEG to a batch: our loader, timm's and torchvision's on the same files.

    python benchmarks/loading.py [--rounds N] [--quick]

All in one process and one thread, without workers: the cost is CPU time. `worker` is what a loader's process does, and
`all` adds what is done to the batch afterwards, on a CPU here. Every round passes over the files once with each loader,
so other load on the machine affects all of them alike; the table has medians. Exits with 1 if a goal is missed.
`--quick` only shows that the script runs: one round, few files, no goals.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple
from unittest.mock import patch

import torch
from bench import Goal
from photographs import photographs
from timm.data.dataset_factory import create_dataset
from timm.data.loader import create_loader
from torch import Tensor
from torch.utils.data import DataLoader
from torchvision.datasets import ImageFolder
from torchvision.io import decode_jpeg
from torchvision.transforms import v2

from inception_dsl.recipes.recipe import named
from inception_dsl.runner.images.augment import finish_images
from inception_dsl.runner.images.loaders import make_loader, training_loader
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.readers import decode
from inception_dsl.runner.readers.readers import open_images

SIDE, BATCH = 299, 16
V3, PILLOW, MODERN = "ours: inception-v3-paper", "ours: inception-v3-paper, Pillow alone", "ours: modern"
JITTER, PLAIN = "timm: random interpolation, jitter", "timm: bilinear, no jitter"
REFERENCE, TENSORS = "torchvision: reference recipe, Pillow", "torchvision: decode_jpeg, v2 in uint8"
HUE = "torchvision: Pillow, ColorJitter with hue"
LONGEST = 5  # milliseconds, the goal for the worker of the v3 recipe

Finish = Callable[[Any], Tensor]


class Loader(NamedTuple):
    """A loader: the batches of one pass as a worker makes them, and what is then done to each of them."""

    batches: Callable[[], Iterator[Any]]
    finish: Finish


class Cost(NamedTuple):
    """CPU milliseconds of an image."""

    worker: float
    whole: float


def ours(recipe: str, folder: Path, torchvision: bool = True) -> Loader:
    """The runner's loader with a recipe."""
    config = named(recipe).config()
    images = open_images(f"folder:{folder}", "train")
    config = replace(config, data=replace(config.data, height=SIDE, width=SIDE, batch=BATCH, workers=0))
    place = RankContext(torch.device("cpu"))

    def batches() -> Iterator[Any]:
        arriving = make_loader(training_loader(images, config, place), config, place, 0, len(images) // BATCH)
        with patch.object(decode, "jpeg_decoder", decode.jpeg_decoder if torchvision else lambda: None):
            yield from arriving

    return Loader(batches, lambda batch: finish_images(batch.images, batch.draws, config))


def of_timm(folder: Path, **options: Any) -> Loader:
    """The loader of timm with its prefetcher: workers make uint8, and the prefetcher normalises."""
    loader = create_loader(
        create_dataset("", str(folder / "train")),
        (3, SIDE, SIDE),
        BATCH,
        is_training=True,
        num_workers=0,
        persistent_workers=False,
        device=torch.device("cpu"),
        **options,
    )
    return Loader(lambda: iter(loader.loader), lambda batch: batch[0].float().sub_(loader.mean).div_(loader.std))


def of_torchvision(folder: Path, transform: Any, read: Callable[[str], Any] | None = None) -> Loader:
    """PyTorch's loader of an `ImageFolder`, as in torchvision's references."""
    images = ImageFolder(folder / "train", transform, **({"loader": read} if read else {}))
    loader = DataLoader(images, BATCH, shuffle=True, drop_last=True)
    normalise = v2.Compose([v2.ToDtype(torch.float, scale=True), v2.Normalize((0.5,) * 3, (0.5,) * 3)])
    return Loader(lambda: iter(loader), lambda batch: batch[0] if batch[0].is_floating_point() else normalise(batch[0]))


def read_jpeg(path: str) -> Tensor:
    """A JPEG, by torchvision."""
    image: Tensor = decode_jpeg(torch.frombuffer(bytearray(Path(path).read_bytes()), dtype=torch.uint8))
    return image


def loaders_of(folder: Path) -> dict[str, Loader]:
    """All loaders, by their names in the table."""
    crop = [v2.RandomResizedCrop(SIDE, antialias=True), v2.RandomHorizontalFlip()]
    normalised = [v2.PILToTensor(), v2.ToDtype(torch.float, scale=True), v2.Normalize((0.5,) * 3, (0.5,) * 3)]
    jitter = v2.ColorJitter(0.125, 0.5, 0.5, 0.2)
    return {
        V3: ours("inception-v3-paper", folder),
        PILLOW: ours("inception-v3-paper", folder, torchvision=False),
        MODERN: ours("modern", folder),
        JITTER: of_timm(folder, interpolation="random", color_jitter=0.4),
        PLAIN: of_timm(folder, interpolation="bilinear", color_jitter=0.0),
        REFERENCE: of_torchvision(folder, v2.Compose([*crop, *normalised])),
        TENSORS: of_torchvision(folder, v2.Compose(crop), read_jpeg),
        HUE: of_torchvision(folder, v2.Compose([*crop, jitter, v2.PILToTensor()])),
    }


def measure(loader: Loader) -> Cost:
    """The cost of one pass over the files."""
    count, worker, whole, started = 0, 0.0, 0.0, time.process_time()
    for batch in loader.batches():
        worker += time.process_time() - started
        count += len(loader.finish(batch))
        whole += time.process_time() - started
        started = time.process_time()
    return Cost(worker / count * 1000, whole / count * 1000)


def table(costs: Mapping[str, Cost]) -> Iterator[str]:
    """The medians, and the rate of our v3 recipe over each."""
    yield f"| {'CPU ms of an image of 500x375':<41} | {'worker':>7} | {'all':>7} | worker / v3's | all / v3's |"
    yield f"|{'-' * 43}|{'-' * 8}:|{'-' * 8}:|{'-' * 14}:|{'-' * 11}:|"
    for name, cost in costs.items():
        ratios = f"{cost.worker / costs[V3].worker:13.2f} | {cost.whole / costs[V3].whole:10.2f}"
        yield f"| {name:<41} | {cost.worker:7.2f} | {cost.whole:7.2f} | {ratios} |"


def goals(costs: Mapping[str, Cost]) -> list[Goal]:
    """The goals of the project and the measured values."""
    v3 = costs[V3]
    return [
        Goal("v3's worker, ms", v3.worker, LONGEST, at_most=True),
        Goal("v3's worker with Pillow alone, ms", costs[PILLOW].worker, LONGEST, at_most=True),
        Goal("timm's worker with jitter over v3's", costs[JITTER].worker / v3.worker, 1.3),
        Goal("timm's worker without jitter over modern's", costs[PLAIN].worker / costs[MODERN].worker, 1.2),
        Goal("torchvision's worker in uint8 over modern's", costs[TENSORS].worker / costs[MODERN].worker, 0.9),
        Goal("torchvision's reference recipe over modern, all", costs[REFERENCE].whole / costs[MODERN].whole, 1.2),
        Goal("torchvision's jitter with hue over v3, all", costs[HUE].whole / v3.whole, 1.6),
    ]


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="how often each loader passes (default: 7)")
    parser.add_argument("--quick", action="store_true", help="one round over few files, to see that it runs")
    given = parser.parse_args()
    rounds, count = (1, 16) if given.quick else (given.rounds, 96)
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", "The image decoding", DeprecationWarning)
    with tempfile.TemporaryDirectory() as folder:
        photographs(Path(folder), count)
        loaders = loaders_of(Path(folder))
        taken: list[dict[str, Cost]] = []
        for number in range(rounds + 1):  # the first does not count
            names = [*loaders][:: -1 if number % 2 else 1]  # there and back: none is always the one after another
            taken.append({name: measure(loaders[name]) for name in names})
            sys.stderr.write(f"round {number} of {rounds}: v3 {taken[-1][V3].worker:.2f} ms\n")
    costs = {name: Cost(*map(median, zip(*(found[name] for found in taken[1:]), strict=True))) for name in loaders}
    print(*table(costs), "", sep="\n")
    if given.quick:
        return
    print(f"| {'goal':<57} | {'measured':>8} | {'bound':>8} |      |\n|{'-' * 59}|{'-' * 9}:|{'-' * 9}:|------|")
    for goal in (judged := goals(costs)):
        bound = f"{'<=' if goal.at_most else '>='} {goal.bound:g}"
        print(f"| {goal.what:<57} | {goal.measured:8.2f} | {bound:>8} | {'met' if goal.met else 'MISS'} |")
    sys.exit(not all(goal.met for goal in judged))


if __name__ == "__main__":
    main()
