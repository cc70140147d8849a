"""Loaders: worker processes that start before the device does, and live as long as the run."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from multiprocessing import active_children, get_all_start_methods
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import torch
from torch import Generator
from torch.utils.data import DataLoader, Sampler

from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.images.augment import evaluation_transform, training_transform
from inception_dsl.runner.images.data import Batch, ImageDataset, MicroBatches, SampleKey, collate
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.readers.reader import Reader, epoch_order

MOST_WORKERS = 32


def available_cores() -> int:
    """The cores that this process may use: those of its affinity and of its container, shared with its local ranks."""
    cores = float(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1)
    with suppress(OSError, ValueError):  # no control group, or no limit
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text(encoding="ascii").split()
        cores = min(cores, int(quota) / int(period))
    return max(1, int(cores) // int(os.environ.get("LOCAL_WORLD_SIZE", "1")))


def loader_workers(config: Config, context: RankContext) -> int:
    """The worker processes of a loader: `data.workers`, or by default as many as the cores suggest.

    Beside an accelerator, one core is for the process itself. On a CPU, training needs the cores, so workers are few.
    """
    if config.data.workers >= 0:
        return config.data.workers
    cores = available_cores()
    return min(2, cores - 1) if context.device.type == "cpu" else max(1, min(MOST_WORKERS, cores - 1))


class _Keys(Sampler[list[SampleKey]]):
    """The keys of the batches to load next."""

    def __init__(self) -> None:
        self.batches: Iterable[list[SampleKey]] = ()

    def __iter__(self) -> Iterator[list[SampleKey]]:
        return iter(self.batches)


class QuietLoader(DataLoader[Any]):
    """A loader that does not warn of more workers than cores, as torch does twice; `start_run` notes it."""

    def check_worker_number_rationality(self) -> None:
        """Leave it to `start_run`."""


class ImageLoader:
    """Batches of a data set, whose keys are given when its workers may have long started."""

    def __init__(self, images: ImageDataset, config: Config, context: RankContext) -> None:
        self.reader, self.timeout, self._keys = images.reader, config.data.timeout, _Keys()
        self.workers = loader_workers(config, context)
        # Forking shares the list of images without a copy. Workers never touch the device.
        method = "fork" if sys.platform == "linux" and "fork" in get_all_start_methods() else None
        self._loader = QuietLoader(
            images,
            batch_sampler=self._keys,
            num_workers=self.workers,
            prefetch_factor=config.data.prefetch if self.workers else None,
            persistent_workers=self.workers > 0,
            multiprocessing_context=method if self.workers else None,
            timeout=self.timeout if self.workers else 0,
            collate_fn=collate,
            worker_init_fn=init_worker,
            generator=Generator(),  # seeds the workers, which do not use it, without touching torch's global generator
        )

    def start(self) -> None:
        """Start the workers."""
        for _ in self.load(()) if self.workers else ():
            pass

    def load(self, batches: Iterable[list[SampleKey]]) -> Iterator[Batch]:
        """The batches of some keys; what was left of earlier ones is dropped. Raises `RunError` as `iterate_loader`."""
        self._keys.batches = batches
        yield from iterate_loader(self._loader)

    def close(self) -> None:
        """End the workers."""
        running: Any = self._loader._iterator
        if running is not None and self.workers:
            running._shutdown_workers()
        self._loader._iterator = None


class Loaders(NamedTuple):
    """The loaders of a run, which are closed at its end."""

    training: ImageLoader
    evaluation: ImageLoader

    def start(self) -> None:
        """Start all workers."""
        self.training.start()
        self.evaluation.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.training.close()
        self.evaluation.close()


def training_loader(reader: Reader, config: Config, context: RankContext) -> ImageLoader:
    """A loader of images for training."""
    return ImageLoader(
        ImageDataset(reader, training_transform(config), config.run.seed, config.data.unreadable), config, context
    )


def evaluation_loader(reader: Reader, config: Config, context: RankContext) -> ImageLoader:
    """A loader of images for evaluation."""
    return ImageLoader(ImageDataset(reader, evaluation_transform(config), config.run.seed, "count"), config, context)


def make_loader(loader: ImageLoader, config: Config, context: RankContext, start: int, stop: int) -> Iterator[Batch]:
    """The micro-batches of this rank from step `start` up to `stop`. Replace this function to use another loader."""
    order = partial(epoch_order, loader.reader, repeats=config.augment.repeats)
    return loader.load(MicroBatches(len(loader.reader), config, start, stop, context.rank, context.world_size, order))


def make_evaluation_loader(loader: ImageLoader, config: Config, context: RankContext) -> Iterator[Batch]:
    """All images, divided among the ranks, in batches of the size of training; an unreadable one has index -1."""
    size = max(1, config.data.batch // (context.world_size * config.run.accumulate))
    share = range(context.rank, len(loader.reader), context.world_size)
    return loader.load([[(0, i) for i in share[at : at + size]] for at in range(0, len(share), size)])


def iterate_loader(loader: DataLoader[Any]) -> Iterator[Any]:
    """Iterate over a loader. Raises `RunError`, a worker's with its own message, and if a batch takes too long."""
    arriving = iter(loader)
    atexit.unregister(_kill_workers)
    atexit.register(_kill_workers)  # atexit calls the last registered first
    try:
        yield from arriving
    except RunError as error:  # torch prepends the worker's traceback to the message
        message = str(error.with_traceback(None))
        del arriving  # else the frames of the error keep it alive, and its workers with it
        raise RunError(message.rpartition("RunError: ")[2].strip()) from None
    except RuntimeError as error:
        if "timed out after" not in str(error):
            raise
        ways = "is the disk there? Or set a longer data.timeout, or 0 for none"
        raise RunError(f"no batch of images came within data.timeout, {loader.timeout:g} s: {ways}") from None


def _kill_workers() -> None:
    """Kill workers at exit: multiprocessing would wait forever, since they ignore SIGTERM."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)  # DataLoader's handler would report an error
    for worker in active_children():
        worker.kill()


def init_worker(worker: int) -> None:
    """Leave signals to the rank, which saves before it ends, and use one core."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1):
        signal.signal(number, signal.SIG_IGN)
    torch.set_num_threads(1)
