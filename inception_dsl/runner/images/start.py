"""The start of a run: images are listed and workers are forked before the device and the connections exist."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Timer

from inception_dsl.runner.base.config import Config
from inception_dsl.runner.images.data import steps_per_epoch
from inception_dsl.runner.images.loaders import Loaders, available_cores, evaluation_loader, training_loader
from inception_dsl.runner.machine.devices import RankContext, connect_ranks
from inception_dsl.runner.readers.sharing import shared_images


@contextmanager
def start_run(config: Config, context: RankContext) -> Iterator[Loaders]:
    """Open the images, start the workers of their loaders, and connect the processes; at the end, end the workers.

    Raises `RunError` for images that are missing or do not suit.
    """
    with announced(f"opening {config.data.source}", context):
        images = shared_images(config, context)
    steps_per_epoch(len(images.training), config.data.batch)
    if context.rank == 0 and config.data.workers > (cores := available_cores()):
        cost = "more workers than cores only take memory and turns"
        sys.stderr.write(f"note: data.workers is {config.data.workers}, and each process has {cores}: {cost}\n")
    training = training_loader(images.training, config, context)
    with Loaders(training, evaluation_loader(images.held_out, config, context)) as loaders:
        loaders.start()
        connect_ranks(context)
        yield loaders


@contextmanager
def announced(text: str, context: RankContext, after: float = 3) -> Iterator[None]:
    """Say on rank 0 what a run does, once it has taken some seconds."""
    timer = Timer(after, lambda: sys.stderr.write(f"{text} ...\n"))
    timer.daemon = True
    if context.rank == 0:
        timer.start()
    try:
        yield
    finally:
        timer.cancel()
        if context.rank == 0:
            timer.join()  # workers are forked next, and would inherit what it holds
