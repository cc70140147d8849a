"""Weight averaging."""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import compress

import torch
from torch import Tensor, nn

from inception_dsl.runner.base.config import Average, Config
from inception_dsl.runner.base.scaling import average_decay
from inception_dsl.runner.base.settings import lookup
from inception_dsl.runner.learning.fused import move_towards


def no_average(average: Average, step: int) -> float:
    """No average: the newest weights replace the old."""
    return 1.0


def ema(average: Average, step: int) -> float:
    """TensorFlow's moving average, whose decay is smaller in the first steps."""
    return 1 - min(average.decay, (1 + step) / (10 + step))


def polyak(average: Average, step: int) -> float:
    """The mean over all steps; late in a run over every 2nd, 4th ...: float32 cannot add a smaller fraction."""
    every = 2 ** max(0, step.bit_length() - 16)
    return every / (1 + step) if (1 + step) % every == 0 else 0.0


AVERAGES = {  # the fraction by which the average moves to the newest weights
    "none": no_average,
    "ema": ema,
    "polyak": polyak,
}


class WeightAverage:
    """The average of a network's weights and batch statistics over the steps, held by `network`."""

    def __init__(self, network: nn.Module, config: Config) -> None:
        self.average, self.trained = replace(config.average, decay=average_decay(config)), network
        self.fraction = lookup(AVERAGES, self.average.name, "average.name")
        self.network = network if self.average.name == "none" else copy.deepcopy(network).requires_grad_(False)
        # Listed once: walking two deep networks takes longer than averaging them.
        averaged, current = ([*module.parameters(), *module.buffers()] for module in (self.network, self.trained))
        floating = [tensor.is_floating_point() for tensor in averaged]
        counters = [not flag for flag in floating]
        self.floats = (list(compress(averaged, floating)), list(compress(current, floating)))
        self.counters = (list(compress(averaged, counters)), list(compress(current, counters)))

    @torch.no_grad()
    def update(self, step: int, skipped: Tensor | None = None) -> None:
        """Update the average after a step, counted from 0, unless `skipped` is 1; counters are copied."""
        fraction = self.fraction(self.average, step)
        if self.network is self.trained or not fraction:
            return
        averaged, current = self.floats
        move_towards(averaged, current, fraction, skipped)
        if self.counters[0]:
            torch._foreach_copy_(self.counters[0], self.counters[1])
