"""How fast a device trains in each precision, and whether `run.precision=auto` takes the fastest."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import redirect_stderr, suppress
from io import StringIO
from typing import Final

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.settings import CHOICES, with_setting
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.machine.precision import autocast, resolve_precision

PRECISIONS: Final = tuple(name for name in CHOICES["run.precision"] if name != "auto")
BATCH: Final = {"cpu": 4}
ACCELERATOR_BATCH: Final = 128
SECONDS: Final = 0.5
"""The time for the steps of one precision, after the first, which also chooses kernels."""
LEAST: Final = 2
"""Steps that are timed, unless the first takes `PATIENCE` seconds."""
PATIENCE: Final = 5.0
NOTABLE: Final = 1.1
"""A ratio of speeds that is more than noise."""


class Sample(nn.Module):
    """Convolutions of the widths and image sizes that an Inception network has: images of 3x112x112 -> 10 scores."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for inputs, outputs, kernel, stride in ((3, 32, 3, 2), (32, 64, 3, 1), (64, 192, 3, 2), (192, 128, 1, 1)):
            layers += [nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)]
            layers += [nn.BatchNorm2d(outputs), nn.ReLU()]
        for _ in range(2):
            layers += [nn.Conv2d(128, 128, 3, padding=1, bias=False), nn.BatchNorm2d(128), nn.ReLU()]
        self.layers, self.fc = nn.Sequential(*layers), nn.Linear(128, 10)

    def forward(self, images: Tensor) -> Tensor:
        """The scores."""
        scores: Tensor = self.fc(self.layers(images).mean((2, 3)))
        return scores


def images_per_second(device: torch.device, precision: str) -> float:
    """Time steps of the sample network, forward and backward; the fastest counts, since other processes only slow it.

    A CPU uses one thread. Raises `RuntimeError` where the device cannot compute in that precision.
    """
    batch, context = BATCH.get(device.type, ACCELERATOR_BATCH), RankContext(device)
    network = Sample().to(device).to(memory_format=torch.channels_last)
    images = torch.rand(batch, 3, 112, 112, device=device).contiguous(memory_format=torch.channels_last)
    labels, threads, times = torch.arange(batch, device=device) % 10, torch.get_num_threads(), list[float]()
    torch.set_num_threads(1)  # threads that wait for each other are slow on a busy machine
    try:
        while len(times) <= LEAST or sum(times[1:]) < SECONDS:
            begun = time.perf_counter()
            with autocast(context, precision):
                loss = cross_entropy(network(images), labels)
            loss.backward()  # type: ignore[no-untyped-call]
            loss.item()  # waits for the forward pass
            if device.type != "cpu":
                torch.accelerator.synchronize(device)
            times.append(time.perf_counter() - begun)
            if times[0] > PATIENCE:
                break
    finally:
        torch.set_num_threads(threads)
    return batch / min(times)


def measure_speeds(device: torch.device) -> dict[str, float]:
    """The images per second of every precision that the device has."""
    speeds = {}
    for precision in PRECISIONS:
        with suppress(RuntimeError):
            speeds[precision] = round(images_per_second(device, precision), 1)
    return speeds


def auto_precision(device: torch.device) -> str:
    """The precision that a new run takes with `run.precision=auto`."""
    with redirect_stderr(StringIO()):
        config, _ = resolve_precision(with_setting(Config(), "run.precision", "auto"), RankContext(device))
    return config.run.precision


def describe_speeds(speeds: Mapping[str, float], chosen: str) -> str:
    """The speeds in a sentence, and whether "auto" takes the fastest."""
    shown = ", ".join(f"{name} {speed:,.0f}" for name, speed in speeds.items())
    fastest = max(speeds, key=lambda name: speeds[name])
    ratio = speeds[fastest] / speeds[chosen]
    verdict = "the fastest" if fastest == chosen else "about as fast as any" if ratio < NOTABLE else ""
    verdict = verdict or f"but {fastest} is {ratio:.1f} times as fast: --set run.precision={fastest}"
    return f"images/s: {shown}; run.precision=auto takes {chosen}, {verdict}"
