# ruff: noqa: TID251 - this script compares with torch
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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

import inception_dsl as idsl
from inception_dsl.sweeps.sweep import Values

# --- GoogLeNet as one would write it in torch -------------------------------------------------------------------------


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
    """The trunk, with width multipliers for the stem and the stages, and `depth` modules in place of 3b, 4e and 5b."""

    def __init__(self, stem: float, widths: Sequence[float], depth: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [Conv(3, scaled(stem, 64), 7, 2), pool(), nn.LocalResponseNorm(5)]
        layers += [Conv(scaled(stem, 64), scaled(stem, 64), 1), Conv(scaled(stem, 64), scaled(stem, 192), 3)]
        layers += [nn.LocalResponseNorm(5), pool()]
        channels = scaled(stem, 192)
        for name, row in ROWS.items():
            own = [scaled(widths[int(name[0]) - 3], number) for number in row]
            for _ in range(depth if name in ("3b", "4e", "5b") else 1):
                layers.append(Inception(channels, *own))
                channels = own[0] + own[2] + own[4] + own[5]
            layers += [pool()] if name in ("3b", "4e") else []
        self.layers = nn.Sequential(*layers, nn.AvgPool2d(7), nn.Flatten(), nn.Dropout(0.4), nn.Linear(channels, 1000))

    def forward(self, x: Tensor) -> Tensor:
        """Give the scores of the classes."""
        logits: Tensor = self.layers(x)
        return logits


def scaled(width: float, channels: int) -> int:
    """A width, as the specs round it."""
    return int(width * channels / 8 + 0.5) * 8


def pool() -> nn.Module:
    """The pool between two stages."""
    return nn.MaxPool2d(3, 2, ceil_mode=True)


def by_torch(stem: float, widths: Sequence[float], depth: int) -> tuple[int, int]:
    """The parameters and multiply-adds that torch counts, on the meta device."""
    with torch.device("meta"), torch.no_grad(), FlopCounterMode(display=False) as counter:
        network = GoogLeNet(stem, widths, depth).eval()
        network(torch.empty(1, 3, 224, 224))
    return sum(parameter.numel() for parameter in network.parameters()), counter.get_total_flops() // 2


# --- what is measured -------------------------------------------------------------------------------------------------


class Case(NamedTuple):
    """A sweep: its spec, and the values of its settings."""

    spec: str
    settings: Mapping[str, Values]


STAGES = ("w3", "w4", "w5")
CASES = {
    "width x depth, 108": Case("googlenet_scaled", {"width": "0.25:2:0.05", "depth": "1:3"}),
    "width alone, 1,751": Case("googlenet_scaled", {"width": "0.25:2:0.001"}),
    "4 settings, 11,664": Case("googlenet_stages", {**dict.fromkeys(STAGES, "25:200:10"), "depth": "1:2"}),
    "4 settings, 104,544": Case(
        "googlenet_stages", {**dict.fromkeys(STAGES, "25:200:4"), "w5": "25:200:10", "depth": "1:3"}
    ),
}
TORCH = ((0.5, 1), (1.0, 2), (2.0, 3))
"""The variants of `googlenet_scaled` that torch builds in a round: width and depth."""


def path(name: str) -> str:
    """The spec of a case."""
    return str(Path(__file__).with_name(f"{name}.yaml"))


def seconds(action: Callable[[], object]) -> float:
    """The CPU seconds of an action."""
    start = time.process_time()
    action()
    return time.process_time() - start


def sweep_once(case: Case) -> None:
    """Sweep, from reading the spec to the front."""
    idsl.sweep(path(case.spec), case.settings).front()


def compare() -> None:
    """Raise `AssertionError` if torch counts other numbers than a sweep."""
    for width, depth in TORCH:
        (variant,) = idsl.sweep(path("googlenet_scaled"), {"width": [width], "depth": [depth]})
        assert by_torch(width, (width, width, width), depth) == (variant.params, variant.macs)
    (variant,) = idsl.sweep(path("googlenet_stages"), {"w3": [50], "w4": [125], "w5": [200], "depth": [2]})
    assert by_torch(1, (0.5, 1.25, 2.0), 2) == (variant.params, variant.macs)


def peak(case: Case) -> float:
    """The most memory, in MiB, that Python's objects take while the variants of a sweep stream."""
    tracemalloc.start()
    for _ in idsl.sweep(path(case.spec), case.settings):
        pass
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most / 2**20


def main() -> None:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5, help="how often each case is run (default: 5)")
    rounds: int = parser.parse_args().rounds
    torch.set_num_threads(1)
    compare()
    counts = {name: len(idsl.sweep(path(case.spec), case.settings)) for name, case in CASES.items()}
    times: dict[str, list[float]] = {name: [] for name in ("torch", *CASES)}
    for _ in range(rounds):
        for width, depth in TORCH:
            times["torch"].append(seconds(lambda w=width, d=depth: by_torch(w, (w, w, w), d)))  # type: ignore[misc]
        for name, case in CASES.items():
            times[name].append(seconds(lambda case=case: sweep_once(case)) / counts[name])  # type: ignore[misc]
    each = {name: median(found) for name, found in times.items()}
    print(f"| {'a variant of':<22} | {'CPU us':>8} | {'a second':>8} | {'x torch':>8} |")
    print(f"|{'-' * 24}|{'-' * 9}:|{'-' * 9}:|{'-' * 9}:|")
    for name, one in each.items():
        print(f"| {name:<22} | {one * 1e6:8,.0f} | {1 / one:8,.0f} | {each['torch'] / one:8,.0f} |")
    one_axis, small, large = (each[name] for name in [*CASES][1:])
    memory = peak(CASES["4 settings, 11,664"])
    goals = [
        ("width alone: variants a second", 1 / one_axis, 1000),
        ("4 settings: variants a second", 1 / small, 1000),
        ("4 settings: CPU of torch over a variant", each["torch"] / large, 500),
        ("4 settings: CPU of a variant, of few over of many", small / large, 1),
    ]
    print(f"\n| {'goal':<52} | {'measured':>8} | {'bound':>8} |      |\n|{'-' * 54}|{'-' * 9}:|{'-' * 9}:|------|")
    for what, measured, bound in goals:
        print(f"| {what:<52} | {measured:8,.0f} | {f'>= {bound:,}':>8} | {'met' if measured >= bound else 'MISS'} |")
    print(f"\n{memory:.0f} MiB of objects at most, while 11,664 variants stream")
    sys.exit(not all(measured >= bound for _, measured, bound in goals))


if __name__ == "__main__":
    main()
