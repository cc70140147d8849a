# ruff: noqa: TID251 - this script tests torch
"""Shared code of the checks of `gpu.py`: the plan, the notes, and the runner's loop under observation."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

import torch
from torch import Tensor, nn

from inception_dsl.build import build
from inception_dsl.network import Network, load
from inception_dsl.recipes.recipe import named, recipe
from inception_dsl.runner.base.config import Average, Config, NetworkInfo
from inception_dsl.runner.images.data import Batch
from inception_dsl.runner.images.loaders import ImageLoader, Loaders, evaluation_loader, make_loader, training_loader
from inception_dsl.runner.loop import engine
from inception_dsl.runner.loop.state import TrainingState
from inception_dsl.runner.machine.devices import RankContext, move_to_device
from inception_dsl.runner.readers.readers import open_images
from inception_dsl.runner.record.checkpoint_writer import CheckpointWriter
from inception_dsl.runner.record.progress import Log, read_metrics

ROOT = Path(__file__).parent.parent
SMALL, LARGE = "googlenet_bn_small", "inception_v3"
NEEDS_CUDA = "needs CUDA"


@dataclass(frozen=True)
class Plan:
    """What to test: the device, whether small versions of the checks, and a folder that all checks share."""

    device: torch.device
    quick: bool
    folder: Path

    @property
    def cuda(self) -> bool:
        """Whether the device is an NVIDIA GPU."""
        return self.device.type == "cuda"

    @property
    def patience(self) -> int:
        """The factor on the time limits for a GPU."""
        return 1 if self.cuda else 5

    @property
    def place(self) -> RankContext:
        """One process on the device."""
        return RankContext(self.device)

    def wait(self) -> None:
        """Wait until the device has finished all its work."""
        if self.cuda:
            torch.cuda.synchronize(self.device)


@dataclass
class Notes:
    """What a check measured, what failed, and what could not be tested, with the reason."""

    numbers: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    absent: dict[str, str] = field(default_factory=dict)

    def holds(self, claim: bool, otherwise: str) -> None:
        """Record a failure unless a claim holds."""
        if not claim:
            self.wrong.append(otherwise)


@cache
def spec(name: str) -> Network:
    """One of the repository's networks."""
    return load(ROOT / "specs" / f"{name}.yaml")


def about(name: str) -> NetworkInfo:
    """The network's identity, as a run records it."""
    return NetworkInfo(name, name, "0" * 64)


def build_network(name: str, classes: int) -> nn.Module:
    """The generated network, for this many classes."""
    return build(spec(name).pytorch_source(), name, classes)


def heads(name: str) -> dict[str, float]:
    """The loss weights of its auxiliary classifiers."""
    return {head.name: float(head.loss_weight) for head in spec(name).program.heads}


def small(**run: Any) -> Config:
    """The small network's own recipe, on the images that come with the tool."""
    from inception_dsl.datasets.builtin import builtin

    stated = recipe(spec(SMALL).program)
    assert stated
    config = stated.config()
    config.data.source = f"idx:{builtin('fashion-mini')}"
    config.run = replace(config.run, **{"precision": "fp32", **run})
    return config


def large(batch: int, source: str, **run: Any) -> Config:
    """Inception v3 with the recipe `modern`."""
    config = named("modern").config()
    config = replace(config, run=replace(config.run, **run), average=Average())
    config.data.source, config.data.batch, config.data.workers = source, batch, 0
    config.data.height, config.data.width = spec(LARGE).program.input.shape[1:]
    config.loss.heads = heads(LARGE)
    return config


def without_dropout(network: nn.Module) -> nn.Module:
    """The network without dropout."""
    for module in network.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
    return network


class Enough(Exception):
    """Ends a loop before it evaluates and saves."""


class Observed(NamedTuple):
    """What a loop trained, the logged loss of each step, and the seconds that it waited for each batch."""

    training: TrainingState
    losses: list[float]
    waits: list[float]


Feed = Callable[[Config, int], Batch]


def fixed(plan: Plan, name: str, classes: int) -> Feed:
    """The same random micro-batch for every step, on the device from the start; no image is changed."""
    batches: dict[int, Batch] = {}

    def feed(config: Config, step: int) -> Batch:
        size = config.data.batch // config.run.accumulate
        if size not in batches:
            random = torch.Generator().manual_seed(0)
            shape = (size, *spec(name).program.input.shape)
            images = torch.randint(0, 256, shape, dtype=torch.uint8, generator=random)
            labels, draws = torch.arange(size) % classes, torch.zeros(size, 0)
            images, draws, labels = move_to_device(plan.place, images, draws, labels)
            batches[size] = Batch(images, draws, labels, torch.arange(size), [])
        return batches[size]

    return feed


def observed(
    plan: Plan,
    name: str,
    config: Config,
    steps: int,
    at: Callable[[int], None],
    feed: Feed | None = None,
    save_every: int = 10**6,
) -> Observed:
    """Run the runner's own loop for some steps; `at` is called before each of them, and after the last.

    Batches come from `feed`, or else from the loader. The loop is left before it evaluates.
    """
    config = replace(config, run=replace(config.run, evaluate_every=1e6, save_every=save_every))
    images = open_images(config.data.source, "train")
    training = TrainingState(lambda classes: build_network(name, classes), config, about(name), images, plan.place)
    waits = list[float]()

    def loader(images: ImageLoader, config: Config, place: RankContext, start: int, stop: int) -> Iterator[Batch]:
        arriving = iter(()) if feed else make_loader(images, config, place, start, stop)
        for step in range(steps):
            at(step)
            for _ in range(config.run.accumulate):
                begun = time.perf_counter()
                batch = feed(config, step) if feed else next(arriving)
                waits.append(time.perf_counter() - begun)
                yield batch

    def evaluate(*arguments: Any) -> None:
        at(steps)
        raise Enough

    out = plan.folder / f"loop-{time.monotonic_ns()}"
    out.mkdir()
    log = Log(out, plan.place, training.config, 0, steps)
    loaders = Loaders(training_loader(images, config, plan.place), evaluation_loader(images, config, plan.place))
    stand_ins = patch.object(engine, "make_loader", loader), patch.object(engine, "evaluate", evaluate)
    with loaders, stand_ins[0], stand_ins[1], patch.object(log, "say"), suppress(Enough):
        writer = CheckpointWriter(out / "checkpoints", 1, plan.device, log.say)
        engine.train_loop(training, loaders, out, log, writer, lambda: False, steps)
    return Observed(training, [row["loss"] for row in read_metrics(out / "metrics.jsonl")], waits)


def timed(plan: Plan, first: int, last: int) -> tuple[Callable[[int], None], list[float]]:
    """For `observed`: measures from before step `first` to before step `last`, with the device idle at both."""
    moments: list[float] = []

    def at(step: int) -> None:
        if step in {first, last}:
            plan.wait()
            moments.append(time.perf_counter())

    return at, moments


def rate(plan: Plan, step: Callable[[], object], warm: int, count: int, batch: int) -> float:
    """Images per second of a step that runs this often, after a warm-up."""
    for _ in range(warm):
        step()
    plan.wait()
    start = time.perf_counter()
    for _ in range(count):
        step()
    plan.wait()
    return batch * count / (time.perf_counter() - start)


def relative_error(actual: Tensor | float, expected: Tensor | float) -> float:
    """The relative difference of a number from another."""
    return abs(float(actual) - float(expected)) / abs(float(expected))
