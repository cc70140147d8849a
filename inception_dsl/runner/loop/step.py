"""A step of training, which the device does while the host prepares the next one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext

import torch
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from inception_dsl.runner.base.randomness import derive_seed
from inception_dsl.runner.images.data import Batch
from inception_dsl.runner.images.mixing import mix_batch
from inception_dsl.runner.learning.fused import step_unless
from inception_dsl.runner.learning.loss_scale import clip_gradients
from inception_dsl.runner.learning.optim import set_learning_rate
from inception_dsl.runner.loop.state import TrainingState, forward_backward
from inception_dsl.runner.machine.devices import sum_over_ranks
from inception_dsl.runner.record.step_numbers import StepNumbers


def train_step(
    training: TrainingState, batches: Iterator[Batch], lr: float, stop_requested: Callable[[], bool]
) -> StepNumbers:
    """Queue a step of batches that are on the device; nothing in it waits for the device, or for a number of it.

    A loss or a gradient that is not finite, on any rank, makes it a step that is skipped: it changes neither weights
    nor batch statistics, optimiser or average. The device finds that out, and only tells the host.
    """
    config, context, model = training.config, training.context, training.model
    losses, unreadable, statistics = dict[str, Tensor](), list[str](), training.statistics.read()
    training.optimiser.zero_grad()
    for micro in range(1, config.run.accumulate + 1):
        batch = next(batches)
        unreadable += batch.unreadable
        images, labels = mix_batch(batch, len(training.images.classes), config, training.step, context.rank, micro)
        torch.manual_seed(derive_seed(config.run.seed, "step", training.step, context.rank, micro))  # for dropout
        more = micro < config.run.accumulate
        with model.no_sync() if more and isinstance(model, DistributedDataParallel) else nullcontext():
            found = forward_backward(model, images, labels, config, context, training.scale.factor)
        for name, loss in found.items():
            losses[name] = losses[name] + loss if name in losses else loss
    norm = clip_gradients(training.network, training.scale, config.optim.clip)

    counts = [norm.new_full((), number) for number in (len(unreadable), stop_requested())]
    values = sum_over_ranks(context, torch.stack([*losses.values(), norm / context.world_size, *counts]))
    skipped = (~values.isfinite().all()).to(values.dtype)
    values = torch.cat([values, torch.stack([skipped, training.scale.factor])])

    training.statistics.settle(statistics, skipped)
    set_learning_rate(training.optimiser, lr)
    step_unless(training.optimiser, skipped)
    training.average.update(training.step, skipped)
    training.scale.update(skipped)
    training.step += 1
    return StepNumbers((*losses, "gradient", "unreadable", "stop", "skipped", "loss_scale"), values, unreadable)
