"""Measure `sweep` on variants of GoogLeNet, beside torch, which builds each on the meta device and counts its work.

    python benchmarks/sweeping.py [--rounds N]

All cases run in one process, one after the other in every round, and are measured in CPU time; the tables have medians.
Exits with 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import sys
import time
import tracemalloc
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import inception_dsl as idsl
from inception_dsl.sweeps.sweep import Values

SPEC = str(Path(__file__).with_name("googlenet_scaled.yaml"))
WIDTHS, DEPTHS = "0.25:2:0.05", [1, 2, 3]
TORCH = ((0.5, 1), (1.0, 2), (2.0, 3))
"""The variants that torch builds in a round: a small, a middle and a large one."""


# --- GoogLeNet as one would write it in torch, with the two settings ----------------------------------------------------


class Conv(nn.Sequential):
    """A convolution and its activation."""

    def __init__(self, channels: int, width: int, kernel: int, stride: int = 1) -> None:
        super().__init__(nn.Conv2d(channels, width, kernel, stride, padding=kernel // 2), nn.ReLU(inplace=True))


class Inception(nn.Module):
    """Figure 2(b) of 1409.4842."""

    def __init__(self, channels: int, n1: int, r3: int, n3: int, r5: int, n5: int, pool: int) -> None:
        super().__init__()
        self.b1 = Conv(channels, n1, 1)
        self.b3 = nn.Sequential(Conv(channels, r3, 1), Conv(r3, n3, 3))
        self.b5 = nn.Sequential(Conv(channels, r5, 1), Conv(r5, n5, 5))
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), Conv(channels, pool, 1))

    def forward(self, x: Tensor) -> Tensor:
        """Join the branches."""
        return torch.cat([self.b1(x), self.b3(x), self.b5(x), self.pool(x)], 1)


ROWS: Mapping[str, tuple[int, ...]] = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


class GoogLeNet(nn.Module):
    """The trunk, with a width multiplier and a number of modules in place of 3b, 4e and 5b."""

    def __init__(self, width: float, depth: int) -> None:
        super().__init__()

        def scaled(channels: int) -> int:
            return int(width * channels / 8 + 0.5) * 8

        def pool() -> nn.Module:
            return nn.MaxPool2d(3, 2, ceil_mode=True)

        layers = [Conv(3, scaled(64), 7, 2), pool(), nn.LocalResponseNorm(5)]
        layers += [Conv(scaled(64), scaled(64), 1), Conv(scaled(64), scaled(192), 3), nn.LocalResponseNorm(5), pool()]
        channels = scaled(192)
        for name, row in ROWS.items():
            widths = [scaled(number) for number in row]
            for _ in range(depth if name in ("3b", "4e", "5b") else 1):
                layers.append(Inception(channels, *widths))
                channels = widths[0] + widths[2] + widths[4] + widths[5]
            layers += [pool()] if name in ("3b", "4e") else []
        self.layers = nn.Sequential(*layers, nn.AvgPool2d(7), nn.Flatten(), nn.Dropout(0.4), nn.Linear(channels, 1000))

    def forward(self, x: Tensor) -> Tensor:
        """Give the scores of the classes."""
        logits: Tensor = self.layers(x)
        return logits


def by_torch(width: float, depth: int) -> tuple[int, int]:
    """The parameters and multiply-adds that torch counts, on the meta device."""
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        network = GoogLeNet(width, depth).eval()
        network(torch.empty(1, 3, 224, 224))
    return sum(parameter.numel() for parameter in network.parameters()), counter.get_total_flops() // 2


# --- what is measured ---------------------------------------------------------------------------------------------------


def swept(settings: Mapping[str, Values], **options: Any) -> tuple[int, float]:
    """Sweep once, from reading the spec to the front: combinations, and CPU seconds."""
    start = time.process_time()
    found = idsl.sweep(SPEC, settings, **options)
    found.front()
    return len(found), time.process_time() - start
