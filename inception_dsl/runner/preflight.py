"""What is found out before the first step: settings that cannot be, and how many images fit into the memory."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from inception_dsl.runner.augment import evaluation_transform, training_transform
from inception_dsl.runner.config import Config
from inception_dsl.runner.data import Batches
from inception_dsl.runner.devices import Place, any_rank
from inception_dsl.runner.settings import RunError, setting


def check(config: Config, images: int, place: Place) -> None:
    """Raises `RunError` for settings that no run of so many images can have here."""
    data, run = config.data, config.run
    accelerated = place.device.index is not None
    wanted = {
        "data.workers": (data.workers >= 0, "0 or more"),
        "data.unreadable": (data.unreadable in {"replace", "stop"}, '"replace" or "stop"'),
        "optim.clip": (config.optim.clip >= 0, "0 or more"),
        "run.precision": (run.precision in {"fp32", "bf16"}, '"fp32" or "bf16"'),
        "run.accumulate": (run.accumulate >= 1, "1 or more"),
        "run.sync_bn": (accelerated or place.world == 1 or not run.sync_bn, f"false: {place.device} has no such norm"),
        "run.save_every": (run.save_every >= 1, "1 or more"),
        "run.log_every": (run.log_every >= 1, "1 or more"),
    }
    for key, (right, words) in wanted.items():
        if not right:
            group, _, name = key.partition(".")
            raise RunError(f"{key} is {getattr(getattr(config, group), name)}; set {words}")
    Batches(images, config, 0, 0, place.rank, place.world)
    training_transform(config)
    evaluation_transform(config)


def that_fits(network: nn.Module, config: Config, place: Place, rehearse: Callable[..., None]) -> Config:
    """The config with micro-batches that fit into the memory, by trying one. Raises `RunError` if none does."""
    share = config.data.batch // place.world
    while True:
        micro, short, room = share // config.run.accumulate, False, list[Tensor]()
        try:
            for weight in network.parameters():  # the optimiser's state, the average and the buckets of DDP
                room.extend(torch.empty_like(weight) for _ in range(4))
            rehearse(network, config, place)
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
