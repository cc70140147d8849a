"""Ranks that are threads of one process, for code that adds up and gathers over ranks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, local

import pytest
import torch
from torch import Tensor

from inception_dsl.runner.machine import devices
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.record.scores import Score


class Threads:
    """`torch.distributed` for ranks that are threads."""

    def __init__(self, world: int) -> None:
        self.barrier, self.given, self.rank = Barrier(world, timeout=60), [torch.empty(0)] * world, local()

    def exchange(self, tensor: Tensor) -> list[Tensor]:
        """What every rank gives."""
        self.given[self.rank.number] = tensor.clone()
        self.barrier.wait()
        found = list(self.given)
        self.barrier.wait()
        return found

    def all_reduce(self, tensor: Tensor) -> None:
        tensor.copy_(torch.stack(self.exchange(tensor)).sum(0))

    def all_gather(self, parts: list[Tensor], tensor: Tensor) -> None:
        for part, given in zip(parts, self.exchange(tensor), strict=True):
            part.copy_(given)


def on_ranks(world: int, patch: pytest.MonkeyPatch, evaluated: Callable[[RankContext], Score]) -> list[Score]:
    """The score that each of some ranks gets."""
    threads = Threads(world)
    patch.setattr(devices, "distributed", threads)

    def on_rank(rank: int) -> Score:
        threads.rank.number = rank
        return evaluated(RankContext(torch.device("cpu"), rank, world))

    with ThreadPoolExecutor(world) as pool:
        return list(pool.map(on_rank, range(world)))
