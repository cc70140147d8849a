"""Evaluation: every image counts once, whatever the number of processes."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.settings import RunError, lookup
from inception_dsl.runner.images.loaders import ImageLoader, make_evaluation_loader
from inception_dsl.runner.images.prefetch import on_device
from inception_dsl.runner.machine.devices import RankContext, all_reduce_numbers
from inception_dsl.runner.machine.precision import autocast
from inception_dsl.runner.record.scores import TALLIES, Score


def evaluate(
    network: nn.Module,
    loader: ImageLoader,
    config: Config,
    context: RankContext,
    stop: Callable[[], bool],
    show: Callable[[int], object] | None = None,
) -> tuple[Score, list[str]]:
    """Evaluate a network on all images of a loader, or on fewer if `stop`, polled before each batch, becomes true.

    Each rank takes its share, unpadded; all get the same score, and each a list of its unreadable images. `show` is
    called with the number of its images that are done. Raises `RunError` if no image is readable.
    """
    n = unreadable = 0.0
    reader = loader.reader
    tally = lookup(TALLIES, config.loss.name, "loss.name")(len(reader.classes))
    problems, stopped, training = list[str](), False, [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        with torch.inference_mode():
            for batch in on_device(make_evaluation_loader(loader, config, context), config, context):
                if stopped := stop():
                    break
                problems += batch.unreadable
                labels = batch.labels
                with autocast(context, config.run.precision):
                    scores = network(batch.images).float()
                if batch.unreadable:  # their placeholders do not count
                    readable = (batch.indices >= 0).to(context.device)
                    scores, labels = scores[readable], labels[readable]
                tally.add(scores, labels)
                n, unreadable = n + len(labels), unreadable + len(batch.indices) - len(labels)
                if show:
                    show(int(n + unreadable))
    finally:
        for module, mode in training:  # frozen batch norms were evaluating before
            module.training = mode
    n, unreadable, early = all_reduce_numbers(context, n, unreadable, stopped)
    assert early or n + unreadable == len(reader), f"{n} and {unreadable} of {len(reader)} images were counted"
    if unreadable and not n and not early:
        raise RunError(f"none of the {len(reader):,} images to evaluate can be read; is the disk there?")
    return Score(int(n), int(unreadable), tally.numbers(context)), problems
