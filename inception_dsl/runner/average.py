"""The weights that are evaluated and exported."""

from __future__ import annotations

import copy
from itertools import compress

import torch
from torch import nn

from inception_dsl.runner.config import Average, Config
from inception_dsl.runner.settings import choice


def no_average(average: Average, step: int) -> float:
    """No average: what there was counts nothing."""
    return 1.0


def ema(average: Average, step: int) -> float:
    """TensorFlow's moving average, which moves faster in the first steps."""
    return 1 - min(average.decay, (1 + step) / (10 + step))


def polyak(average: Average, step: int) -> float:
    """The mean of all steps."""
    return 1 / (1 + step)


AVERAGES = {  # how much the newest weights count
    "none": no_average,
    "ema": ema,
    "polyak": polyak,
}


class Averaged:
    """A network's weights and batch statistics, averaged over the steps; `network` has them."""

    def __init__(self, network: nn.Module, config: Config) -> None:
        self.average, self.trained = config.average, network
        self.share = choice(AVERAGES, self.average.name, "average.name")
        self.network = network if self.average.name == "none" else copy.deepcopy(network).requires_grad_(False)

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step, from 0; counters are not averaged but copied."""
        if self.network is self.trained:
            return
        held, new = ([*each.parameters(), *each.buffers()] for each in (self.network, self.trained))
        real = [old.is_floating_point() for old in held]
        torch._foreach_lerp_(list(compress(held, real)), list(compress(new, real)), self.share(self.average, step))
        for old, value, averaged in zip(held, new, real, strict=True):
            if not averaged:
                old.copy_(value)
