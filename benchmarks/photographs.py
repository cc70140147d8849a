# ruff: noqa: TID251 - torch makes the images
"""Synthetic JPEGs that cost as much to read as photographs."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image


def photographs(folder: Path, count: int) -> None:
    """Write JPEGs of 500x375, the usual size in ImageNet, with the spectrum of photographs: amplitude 1/f."""
    random = torch.Generator().manual_seed(0)
    down, across = torch.fft.fftfreq(375)[:, None], torch.fft.rfftfreq(500)
    falling = 1 / (down.square() + across.square()).sqrt().clamp(min=1 / 500)
    for number in range(count):
        noise = torch.randn(3, 375, 500, generator=random)
        grey = noise[:1] + 0.3 * noise  # the channels are strongly correlated
        pixels = torch.fft.irfft2(torch.fft.rfft2(grey) * falling, s=(375, 500))
        pixels = (128 + 48 * (pixels - pixels.mean()) / pixels.std()).clamp(0, 255).byte()
        for split in ("train", "test"):
            place = folder / split / f"class{number % 4}"
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(place / f"{number}.jpg", quality=90)
