"""The weights that are evaluated and exported."""

from __future__ import annotations

import copy
from itertools import compress

import torch
from torch import nn

from inception_dsl.runner.config import Average, Config
from inception_dsl.runner.settings import lookup


def no_average(average: Average, step: int) -> float:
    """No average: what there was counts nothing."""
    return 1.0


def ema(average: Average, step: int) -> float:
    """TensorFlow's moving average, which moves faster in the first steps."""
    return 1 - min(average.decay, (1 + step) / (10 + step))


def polyak(average: Average, step: int) -> float:
    """The mean of all steps; of many, that of every 2nd, 4th ...: a weight in float32 takes in no smaller part."""
    every = 2 ** max(0, step.bit_length() - 16)
    return every / (1 + step) if (1 + step) % every == 0 else 0.0


AVERAGES = {  # how much the newest weights count
    "none": no_average,
    "ema": ema,
    "polyak": polyak,
}


class WeightAverage:
    """A network's weights and batch statistics, averaged over the steps; `network` has them."""

    def __init__(self, network: nn.Module, config: Config) -> None:
        self.average, self.trained = config.average, network
        self.share = lookup(AVERAGES, self.average.name, "average.name")
        self.network = network if self.average.name == "none" else copy.deepcopy(network).requires_grad_(False)
        # Listed once: to walk two deep networks takes longer than to average them.
        held, new = ([*each.parameters(), *each.buffers()] for each in (self.network, self.trained))
        real = [each.is_floating_point() for each in held]
        counts = [not each for each in real]
        self.real = (list(compress(held, real)), list(compress(new, real)))
        self.counts = (list(compress(held, counts)), list(compress(new, counts)))

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step, from 0; counters are not averaged but copied."""
        share = self.share(self.average, step)
        if self.network is self.trained or not share:
            return
        torch._foreach_lerp_(self.real[0], self.real[1], share)
        if self.counts[0]:
            torch._foreach_copy_(self.counts[0], self.counts[1])
