"""What is found out before the first step: settings that do not fit, and how many images fit into the memory."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, distributed, nn

from inception_dsl.runner.augment import evaluation_transform, training_transform
from inception_dsl.runner.config import Config
from inception_dsl.runner.data import MicroBatches
from inception_dsl.runner.devices import RankContext, any_rank
from inception_dsl.runner.settings import RunError, check_settings, with_setting


def check_run(config: Config, images: int, context: RankContext) -> None:
    """Raises `RunError` for settings that no run of so many images can have here."""
    check_settings(config)
    if config.run.sync_bn and context.world_size > 1 and context.device.index is None:
        raise RunError(f"run.sync_bn is True; set false: {context.device} has no such norm")
    MicroBatches(images, config, 0, 0, context.rank, context.world_size)
    training_transform(config)
    evaluation_transform(config)


def dry_run(model: nn.Module, config: Config, context: RankContext, forward_backward: Callable[..., object]) -> None:
    """Learn from blank images, and forget it. Raises `RunError` where the network cannot."""
    data, before = config.data, [each.clone() for each in model.buffers()]
    size = data.batch // (context.world_size * config.run.accumulate), data.channels, data.height, data.width
    try:
        images = torch.zeros(size, device=context.device)
        forward_backward(model, images, torch.zeros(size[0], dtype=torch.long, device=context.device), config, context)
    except (torch.OutOfMemoryError, distributed.DistError):
        raise
    except (RuntimeError, ValueError) as error:
        why = " ".join(str(error).split())[:300]
        raise RunError(f"the network cannot learn from images of {size}: {why}") from error
    finally:
        model.zero_grad()
        for each, old in zip(model.buffers(), before, strict=True):
            each.copy_(old)


def fit_to_memory(
    network: nn.Module, config: Config, context: RankContext, forward_backward: Callable[..., object]
) -> Config:
    """The config with micro-batches that fit into the memory, by trying one. Raises `RunError` if none does."""
    share = config.data.batch // context.world_size
    any_rank(context, False)  # collectives take their memory before it is tried how much is left
    while True:
        micro, short, room = share // config.run.accumulate, False, list[Tensor]()
        try:
            for weight in network.parameters():  # the optimiser's state, the average and the buckets of DDP
                room.extend(torch.empty_like(weight) for _ in range(4))
            dry_run(network, config, context, forward_backward)
        except torch.OutOfMemoryError:
            short = True
        del room
        if torch.accelerator.is_available():
            torch.accelerator.empty_cache()
        if not any_rank(context, short):
            return config
        if micro == 1:
            raise RunError(f"{context.device}: has no memory for one image's step; set a smaller data.height and width")
        less = next(size for size in range(micro // 2, 0, -1) if share % size == 0)
        config = with_setting(config, "run.accumulate", str(share // less))
