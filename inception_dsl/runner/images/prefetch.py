"""Batches on their way to the device: copied and finished on a stream of their own, beside the step before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

import torch
from torch import Tensor

from inception_dsl.runner.base.config import Config
from inception_dsl.runner.images.augment import finish_images
from inception_dsl.runner.images.data import Batch
from inception_dsl.runner.machine.devices import RankContext, move_to_device


def on_device(batches: Iterable[Batch], config: Config, context: RankContext) -> Iterator[Batch]:
    """Batches on the rank's device, their images as the network's input.

    The host asks for a batch while the device still computes the step before. So the copy and the device's share of
    the augmentation are queued on another stream, for which only the next step waits.
    """
    stream: torch.Stream | None = None
    if context.device.index is not None:
        with suppress(RuntimeError):  # not every accelerator has streams
            stream = torch.Stream(context.device)
    for batch in batches:
        if stream is None:
            yield _finished(batch, config, context)
            continue
        with stream:
            ready = _finished(_pinned(batch), config, context)
        step = torch.accelerator.current_stream(context.device)
        step.wait_stream(stream)
        for tensor in (ready.images, ready.labels):
            tensor.record_stream(step)  # or its memory might be used again before the step has read it
        yield ready


def _finished(batch: Batch, config: Config, context: RankContext) -> Batch:
    images, draws, labels = move_to_device(context, batch.images, batch.draws, batch.labels)
    return batch._replace(images=finish_images(images, draws, config), draws=draws, labels=labels)


def _pinned(batch: Batch) -> Batch:
    """The batch in pinned memory, from which the device copies without the host. Workers cannot pin it."""

    def pin(tensor: Tensor) -> Tensor:
        return tensor.pin_memory() if tensor.is_cpu else tensor

    return batch._replace(images=pin(batch.images), draws=pin(batch.draws), labels=pin(batch.labels))
