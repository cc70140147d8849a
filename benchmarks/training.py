# ruff: noqa: TID251 - this script measures torch
"""Measure a training step: the generated networks in our runner, and torchvision's in plain torch.

    python benchmarks/training.py [--rounds N] [--quick]

All in one process. Every round takes one step of each variant and reads images once with each loader, so other load on
the machine affects all of them alike; the tables have medians. The goals apply to wall time; CPU time is that of all
threads. Exits with 1 if a goal is missed. `--quick` only shows that the script runs: one round, small batches, no
goals.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
import torchvision
from bench import ROOT, Goal
from photographs import photographs
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from inception_dsl.network import Network, load
from inception_dsl.runner.base.config import Config, Data, Loss, Optim, Run
from inception_dsl.runner.images.augment import finish_images
from inception_dsl.runner.images.loaders import make_loader, training_loader
from inception_dsl.runner.learning.batch_statistics import BatchStatistics
from inception_dsl.runner.learning.fused import step_unless
from inception_dsl.runner.learning.loss_scale import LossScale, clip_gradients
from inception_dsl.runner.learning.optim import make_optimiser, set_learning_rate
from inception_dsl.runner.loop.state import forward_backward
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.readers.readers import open_images

HERE = RankContext(torch.device("cpu"))
BATCH, LR = 16, 0.01
THEIRS, AGAIN, LAST, FAST = "torchvision", "torchvision, again", "ours, channels last", "ours, channels last, bf16"
WORKERS = (0, 2)
KEEPS_UP = 3  # times the rate of the step


class Case(NamedTuple):
    """A network: its name in torchvision, the loss weights of its heads there, and the required speed-up."""

    name: str
    heads: float
    goal: float

    @property
    def spec(self) -> Network:
        """The same network, compiled from its spec."""
        return load(ROOT / "specs" / f"{self.name}_torchvision.yaml")


CASES = (Case("googlenet", 0.3, 2.3), Case("inception_v3", 0.4, 2.0))


class Cost(NamedTuple):
    """The time of a step in seconds: wall time, and CPU time of all cores."""

    wall: float
    cpu: float


Step = Callable[[], object]
Rates = Mapping[int, float]  # images a second, by the number of workers


def seconds(step: Step) -> Cost:
    """Run a step and measure it."""
    wall, cpu = time.perf_counter(), time.process_time()
    step()
    return Cost(time.perf_counter() - wall, time.process_time() - cpu)


def plain(case: Case, images: Tensor, labels: Tensor) -> Step:
    """A step as in torchvision's own script: eager, float32, channels first, SGD with momentum."""
    options: dict[str, Any] = {"aux_logits": True, "init_weights": False, "transform_input": False}
    network: nn.Module = getattr(torchvision.models, case.name)(weights=None, **options).train()
    optimiser = torch.optim.SGD(network.parameters(), LR, momentum=0.9, weight_decay=5e-5)

    def step() -> None:
        logits, *heads = network(images)
        loss = cross_entropy(logits, labels)
        for head in heads:
            loss = loss + case.heads * cross_entropy(head, labels)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        loss.item()

    return step


def settings(case: Case, **run: Any) -> Config:
    """The recipe of that step in our runner."""
    _, height, width = case.spec.program.input.shape
    heads = {head.name: case.heads for head in case.spec.program.heads}
    data = Data(height=height, width=width, batch=BATCH)
    return Config(data=data, optim=Optim(lr=LR, decay_all=True), loss=Loss(heads=heads), run=Run(**run))


def ours(case: Case, images: Tensor, labels: Tensor, precision: str) -> Step:
    """A step of the runner's loop: what it does to the network, and the numbers that it reads back."""
    config = settings(case, precision=precision)
    config = replace(config, data=replace(config.data, batch=len(images)))
    network = case.spec.build().to(memory_format=torch.channels_last).train()
    optimiser, statistics = make_optimiser(config, network), BatchStatistics(network, config, HERE)
    scale, draws = LossScale(config, HERE), torch.arange(len(images))[:, None] % 2.0  # every second one is mirrored

    def step() -> None:
        before = statistics.read()
        optimiser.zero_grad()
        losses = forward_backward(network, finish_images(images, draws, config), labels, config, HERE, scale.factor)
        numbers = torch.stack([*losses.values(), clip_gradients(network, scale, 0.0)])
        skipped = (~numbers.isfinite().all()).float()
        statistics.settle(before, skipped)
        set_learning_rate(optimiser, LR)
        step_unless(optimiser, skipped)
        numbers.tolist()

    return step


def steps_of(case: Case, batch: int) -> dict[str, Step]:
    """The variants by their names in the table."""
    random = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (batch, *case.spec.program.input.shape), dtype=torch.uint8, generator=random)
    labels = torch.arange(batch)
    theirs = plain(case, finish_images(images, torch.empty(batch, 0), settings(case)).contiguous(), labels)
    return {
        THEIRS: theirs,
        LAST: ours(case, images, labels, "fp32"),
        FAST: ours(case, images, labels, "bf16"),
        AGAIN: theirs,  # A/A: how far the same thing lies from itself
    }


def loading(case: Case, folder: Path, workers: int, batches: int) -> float:
    """Images per second from the folder into batches of uint8, cropped, after the workers have started."""
    config = settings(case)
    config = replace(config, data=replace(config.data, source=f"folder:{folder}", workers=workers))
    reader, warm = open_images(config.data.source, "train"), 2 * workers  # as many batches as are made ahead
    arriving = make_loader(training_loader(reader, config, HERE), config, HERE, 0, warm + batches)
    for _ in islice(arriving, warm):
        pass
    start = time.perf_counter()
    read = sum(len(batch.images) for batch in arriving)
    return read / (time.perf_counter() - start)


def steps_table(costs: Mapping[Case, Mapping[str, Cost]], batch: int) -> Iterator[str]:
    """The medians of the steps, compared with torchvision's."""
    yield f"| {'step':<41} | {'wall ms':>8} | {'CPU ms':>8} | {'images/s':>8} | x torchvision |"
    yield f"|{'-' * 43}|{'-' * 9}:|{'-' * 9}:|{'-' * 9}:|{'-' * 14}:|"
    for case, measured in costs.items():
        for name, cost in measured.items():
            numbers = f"{cost.wall * 1000:8,.0f} | {cost.cpu * 1000:8,.0f} | {batch / cost.wall:8,.1f}"
            yield f"| {f'{case.name}: {name}':<41} | {numbers} | {measured[THEIRS].wall / cost.wall:13.2f} |"


def loaders_table(rates: Mapping[Case, Rates], steps: Mapping[Case, float]) -> Iterator[str]:
    """The medians of the loaders, compared with our fastest step."""
    yield f"| {'images of a folder':<41} | {'images/s':>8} | x step |\n|{'-' * 43}|{'-' * 9}:|{'-' * 7}:|"
    for case, measured in rates.items():
        for workers, rate in measured.items():
            name = f"{case.name}: {f'{workers} workers' if workers else 'in the process'}"
            yield f"| {name:<41} | {rate:8,.1f} | {rate / steps[case]:6.1f} |"


def goals(costs: Mapping[Case, Mapping[str, Cost]], rates: Mapping[Case, Rates]) -> Iterator[Goal]:
    """The goals of the project and the measured values."""
    for case, measured in costs.items():
        yield Goal(
            f"{case.name}: torchvision's step over ours, bf16", measured[THEIRS].wall / measured[FAST].wall, case.goal
        )
    for case, by_workers in rates.items():
        step = BATCH / costs[case][FAST].wall
        for workers, rate in by_workers.items():
            how = f"{workers} workers" if workers else "in the process"
            yield Goal(f"{case.name}: images read over learnt from, {how}", rate / step, KEEPS_UP)


def measure(case: Case, folder: Path, rounds: int, batch: int, batches: int) -> tuple[dict[str, Cost], Rates]:
    """The medians of a network's steps and loaders."""
    steps = steps_of(case, batch)
    for step in steps.values():
        step()  # the first allocates
    taken: list[dict[str, Cost]] = []
    read: list[dict[int, float]] = []
    for number in range(rounds):
        names = [*steps][:: -1 if number % 2 else 1]  # there and back: none is always the one after another
        taken.append({name: seconds(steps[name]) for name in names})
        read.append({workers: loading(case, folder, workers, batches) for workers in WORKERS})
        shown = ", ".join(f"{name} {cost.wall:.2f} s" for name, cost in sorted(taken[-1].items()))
        sys.stderr.write(f"{case.name}, round {number + 1} of {rounds}: {shown}\n")
    costs = {name: Cost(*map(median, zip(*(costs[name] for costs in taken), strict=True))) for name in steps}
    return costs, {workers: median(speeds[workers] for speeds in read) for workers in WORKERS}


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7, help="how often each step is taken (default: 7)")
    parser.add_argument("--quick", action="store_true", help="one round with small batches, to see that it runs")
    given = parser.parse_args()
    rounds, batch, batches = (1, 2, 2) if given.quick else (given.rounds, BATCH, 8)
    costs: dict[Case, dict[str, Cost]] = {}
    rates: dict[Case, Rates] = {}
    with tempfile.TemporaryDirectory() as folder:
        photographs(Path(folder), 16 if given.quick else 96)
        for case in CASES:  # one after another: the weights of both would not stay in the caches
            costs[case], rates[case] = measure(case, Path(folder), rounds, batch, batches)
    print(*steps_table(costs, batch), "", sep="\n")
    print(*loaders_table(rates, {case: batch / by_name[FAST].wall for case, by_name in costs.items()}), "", sep="\n")
    if given.quick:
        return
    judged = [*goals(costs, rates)]
    print(f"| {'goal':<57} | {'measured':>8} | {'bound':>8} |      |\n|{'-' * 59}|{'-' * 9}:|{'-' * 9}:|------|")
    for goal in judged:
        bound = f">= {goal.bound:g}"
        print(f"| {goal.what:<57} | {goal.measured:8.2f} | {bound:>8} | {'met' if goal.met else 'MISS'} |")
    sys.exit(not all(goal.met for goal in judged))


if __name__ == "__main__":
    main()
