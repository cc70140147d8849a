"""What is found out before the first step: settings that do not fit, and how many images fit into the memory."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, distributed, nn

from inception_dsl.runner.augment import evaluation_transform, training_transform
from inception_dsl.runner.config import Config
from inception_dsl.runner.data import Batches
from inception_dsl.runner.devices import Place, any_rank
from inception_dsl.runner.settings import RunError, check_settings, setting


def check(config: Config, images: int, place: Place) -> None:
    """Raises `RunError` for settings that no run of so many images can have here."""
    check_settings(config)
    if config.run.sync_bn and place.world > 1 and place.device.index is None:
        raise RunError(f"run.sync_bn is True; set false: {place.device} has no such norm")
    Batches(images, config, 0, 0, place.rank, place.world)
    training_transform(config)
    evaluation_transform(config)


def dry_run(model: nn.Module, config: Config, place: Place, forward_backward: Callable[..., object]) -> None:
    """Learn from blank images, and forget it. Raises `RunError` where the network cannot."""
    data, before = config.data, [each.clone() for each in model.buffers()]
    size = data.batch // (place.world * config.run.accumulate), data.channels, data.height, data.width
    try:
        images = torch.zeros(size, device=place.device)
        forward_backward(model, images, torch.zeros(size[0], dtype=torch.long, device=place.device), config, place)
    except (torch.OutOfMemoryError, distributed.DistError):
        raise
    except (RuntimeError, ValueError) as error:
        why = " ".join(str(error).split())[:300]
        raise RunError(f"the network cannot learn from images of {size}: {why}") from error
    finally:
        model.zero_grad()
        for each, old in zip(model.buffers(), before, strict=True):
            each.copy_(old)


def fit_to_memory(network: nn.Module, config: Config, place: Place, forward_backward: Callable[..., object]) -> Config:
    """The config with micro-batches that fit into the memory, by trying one. Raises `RunError` if none does."""
    share = config.data.batch // place.world
    any_rank(place, False)  # collectives take their memory before it is tried how much is left
    while True:
        micro, short, room = share // config.run.accumulate, False, list[Tensor]()
        try:
            for weight in network.parameters():  # the optimiser's state, the average and the buckets of DDP
                room.extend(torch.empty_like(weight) for _ in range(4))
            dry_run(network, config, place, forward_backward)
        except torch.OutOfMemoryError:
            short = True
        del room
        if torch.accelerator.is_available():
            torch.accelerator.empty_cache()
        if not any_rank(place, short):
            return config
        if micro == 1:
            raise RunError(f"{place.device}: has no memory for one image's step; set a smaller data.height and width")
        less = next(size for size in range(micro // 2, 0, -1) if share % size == 0)
        config = setting(config, "run.accumulate", str(share // less))
