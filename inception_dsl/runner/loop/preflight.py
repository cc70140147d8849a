"""Checks before the first step: consistent settings, and a micro-batch that fits into memory."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, distributed, nn

from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.settings import RunError, check_settings, one_line, with_setting
from inception_dsl.runner.images.augment import evaluation_transform, training_transform
from inception_dsl.runner.images.data import MicroBatches
from inception_dsl.runner.machine.devices import RankContext, any_rank
from inception_dsl.runner.record.trackers import check_trackers


def check_run(config: Config, context: RankContext) -> None:
    """Raise `RunError` for settings that do not suit each other, the device or the number of processes."""
    check_settings(config)
    check_trackers(config)
    if config.run.sync_bn and context.world_size > 1 and context.device.index is None:
        raise RunError(f"run.sync_bn is True, but {context.device} does not support it; set false")
    MicroBatches(config.data.batch, config, 0, 0, context.rank, context.world_size)
    training_transform(config)
    evaluation_transform(config)


def dry_run(
    model: nn.Module, config: Config, context: RankContext, forward_backward: Callable[..., object], label: Tensor
) -> None:
    """Run one step on blank images with one label and undo it. Raises `RunError` if the network cannot."""
    data, before = config.data, [buffer.clone() for buffer in model.buffers()]
    size = data.batch // (context.world_size * config.run.accumulate), data.channels, data.height, data.width
    try:
        images = torch.zeros(size, device=context.device)
        labels = label.to(context.device).expand(size[0], *label.shape)
        forward_backward(model, images, labels, config, context)
    except (torch.OutOfMemoryError, distributed.DistError):
        raise
    except (RuntimeError, ValueError) as error:
        raise RunError(f"the network cannot be trained on images of {size}: {one_line(error)}") from error
    finally:
        model.zero_grad()
        for buffer, old in zip(model.buffers(), before, strict=True):
            buffer.copy_(old)


def fit_to_memory(
    network: nn.Module, config: Config, context: RankContext, forward_backward: Callable[..., object], label: Tensor
) -> Config:
    """The config with micro-batches that fit into memory, by trial. Raises `RunError` if not even one image fits."""
    share = config.data.batch // context.world_size
    any_rank(context, False)  # lets collectives allocate their memory before the trial
    while True:
        micro, out_of_memory, reserved = share // config.run.accumulate, False, list[Tensor]()
        try:
            for weight in network.parameters():  # for the optimiser's state, the average and the buckets of DDP
                reserved.extend(torch.empty_like(weight) for _ in range(4))
            dry_run(network, config, context, forward_backward, label)
        except torch.OutOfMemoryError:
            out_of_memory = True
        del reserved
        if torch.accelerator.is_available():
            torch.accelerator.empty_cache()
        if not any_rank(context, out_of_memory):
            return config
        if micro == 1:
            raise RunError(f"{context.device}: out of memory for one image; set a smaller data.height and data.width")
        less = next(size for size in range(micro // 2, 0, -1) if share % size == 0)
        config = with_setting(config, "run.accumulate", str(share // less))
