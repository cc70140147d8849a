"""What test_resume.py has torchrun do on several ranks, in one go since it takes seconds to start: prints JSON."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from tiny import ABOUT, CONFIG, Tiny, fingerprint, run, starting_from, with_run
from torch import Tensor, distributed

from inception_dsl.runner.images.loaders import make_loader, training_loader
from inception_dsl.runner.images.prefetch import on_device
from inception_dsl.runner.learning.batch_statistics import BatchStatistics
from inception_dsl.runner.loop.state import TrainingState
from inception_dsl.runner.loop.step import train_step
from inception_dsl.runner.machine.devices import (
    RankContext,
    all_gather_rows,
    all_reduce_numbers,
    any_rank,
    broadcast_object,
    broadcast_state,
    broadcast_tensors,
    connect_ranks,
    destroy_distributed,
    rank_context,
)
from inception_dsl.runner.readers.readers import open_images

RANK = int(os.environ.get("RANK", "0"))


@contextmanager
def at(step: int, rank: int = 1) -> Iterator[None]:
    """One rank is sent SIGTERM in its forward pass of a step."""

    def send(passes: int, images: Tensor) -> None:
        if passes == 2 * step and rank == RANK:
            os.kill(os.getpid(), signal.SIGTERM)

    Tiny.at = staticmethod(send)
    yield
    Tiny.at = None


def collectives() -> dict[str, Any]:
    """What devices.py gives on this rank."""
    here = rank_context()
    connect_ranks(here)
    tensors = torch.full((3,), float(here.rank)), torch.tensor(here.rank)
    broadcast_tensors(here, tensors)
    return {
        "total": all_reduce_numbers(here, 2.0**53 / here.world_size, 1, here.rank),
        "any": [any_rank(here, here.rank == 1), any_rank(here, False)],
        "synchronise": [tensor.tolist() for tensor in tensors],
        "gathered": all_gather_rows(here, torch.full((2 * here.rank, 1), here.rank)).tolist(),
        "shared": broadcast_object(here, f"rank {here.rank}"),
        "state": shared_state(here),
    }


def shared_state(here: RankContext) -> list[Any]:
    """What the last rank has of a state of the first one, and what it should have."""
    weight = torch.arange(24.0).view(1, 2, 3, 4).to(memory_format=torch.channels_last)
    state = {
        "step": 7,
        "groups": [{"lr": 0.1, "betas": (0.9, 0.99)}],
        "of": {"weight": weight, "count": torch.tensor(3)},
    }
    found: Any = broadcast_state(here, state if here.rank == 0 else None)
    everyone: list[Any] = [None] * here.world_size
    strides = [tensor.stride() for tensor in found["of"].values()]
    distributed.all_gather_object(everyone, repr((found, strides)))
    return [everyone[-1] == everyone[0], "7" in everyone[0], everyone[0].count("tensor")]


def statistics(which: str) -> list[list[float]]:
    """The running means and variances of each rank after a step."""
    here, config = rank_context(), with_run(batch_statistics=which)
    training = TrainingState(Tiny, config, ABOUT, open_images(config.data.source, "train"), here)
    loader = training_loader(training.images, config, here)
    train_step(training, on_device(make_loader(loader, config, here, 0, 1), config, here), 0.01, lambda: False)
    everyone: list[Any] = [None] * here.world_size
    distributed.all_gather_object(everyone, BatchStatistics(training.network, config, here).read()[0].tolist())
    return everyone


def seen(out: Path) -> dict[int, list[float]]:
    """The sum over all images, after augmentation, that each step saw over all ranks."""
    sums: dict[int, list[float]] = defaultdict(list)

    def note(passes: int, images: Tensor) -> None:
        everyone: list[Any] = [None] * int(os.environ["WORLD_SIZE"])
        distributed.all_gather_object(everyone, images.double().sum((1, 2, 3)).tolist())
        sums[(passes - 1) // 2].extend(each for rank in everyone for each in rank)

    Tiny.at = staticmethod(note)
    run(out, steps=10)
    Tiny.at = None
    return {step: sorted(each) for step, each in sums.items()}


def main(folder: Path) -> None:
    """All of it."""
    found: dict[str, Any] = {"collectives": collectives()}
    found["statistics"] = {which: statistics(which) for which in ("average", "first")}
    words = {"whole": [run(folder / "whole")]}
    with at(9):
        words["stopped"] = [run(folder / "stopped")]
    words["stopped"].append(run(folder / "stopped"))
    workers = replace(CONFIG, data=replace(CONFIG.data, workers=2))
    with at(14, rank=0):
        words["workers"] = [run(folder / "workers", workers)]
    words["workers"].append(run(folder / "workers", workers))
    frozen = starting_from(folder / "init.safetensors")
    words["frozen"] = [run(folder / "frozen", frozen, steps=9)]
    with at(4):
        words["thawed"] = [run(folder / "thawed", frozen, steps=9)]
    words["thawed"].append(run(folder / "thawed", frozen, steps=9))
    words["others"] = [run(folder / "others", with_run(accumulate=1, channels_last=False))]
    images = seen(folder / "seen")
    if RANK == 0:
        found["hashes"] = {name: fingerprint(folder / name) for name in words}
        found |= {"words": words, "images": images}
        sys.stdout.write(json.dumps(found) + "\n")


def resume(folder: Path) -> None:
    """A run, and the same in parts."""
    run(folder / "whole")
    for steps in (7, 8, 24):
        run(folder / "parts", steps=steps)


if __name__ == "__main__":
    torch.set_num_threads(1)
    (resume if "resume" in sys.argv else main)(Path(sys.argv[1]))
    destroy_distributed()
