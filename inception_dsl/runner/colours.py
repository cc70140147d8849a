"""Changes of colour, and mirroring: of whole batches, on the device, by numbers that workers drew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from inception_dsl.runner.geometry import random_below, random_uniform


class DeviceStep(NamedTuple):
    """A random change that is made on the device.

    A worker draws `numbers` numbers for an image; `apply` takes the images, N x C x H x W, and N x `numbers`.
    """

    numbers: int
    draw: Callable[[Generator], Sequence[float]]
    apply: Callable[[Tensor, Tensor], Tensor]


def draw_flip(generator: Generator) -> list[float]:
    """Whether to mirror an image: 0 or 1."""
    return [random_below(2, generator)]


def flip(images: Tensor, draws: Tensor) -> Tensor:
    """Mirror the images whose number is 1."""
    return torch.where(draws[:, :, None, None] > 0, images.flip(-1), images)


FLIP = DeviceStep(1, draw_flip, flip)


def to_grey(image: Tensor) -> Tensor:
    """The luminance, ... x 1 x H x W, of floats in any range."""
    red, green, blue = image.unbind(-3)
    return (0.2989 * red + 0.587 * green + 0.114 * blue).unsqueeze(-3)


def blend(image: Tensor, other: Tensor, factor: Tensor) -> Tensor:
    """Interpolate from the other image (factor 0) to this one (1), or extrapolate beyond it."""
    return other + factor * (image - other)


def draw_photometric(generator: Generator) -> list[float]:
    """The order of brightness (0), contrast (1) and saturation (2), and the factor of each in this order."""
    order = torch.randperm(3, generator=generator).tolist()
    return [*order, *(random_uniform(0.5, 1.5, generator) for _ in order)]


def photometric(images: Tensor, draws: Tensor) -> Tensor:
    """Scale brightness, contrast and saturation by 0.5 to 1.5, in random order (Howard, 1312.5402)."""
    numbers = draws[:, :, None, None, None]
    for which, factor in zip(numbers.unbind(1)[:3], numbers.unbind(1)[3:], strict=True):
        grey = to_grey(images) if images.shape[1] == 3 else images
        other = torch.where(which == 2, grey, (which == 1) * grey.mean((1, 2, 3), keepdim=True))
        images = blend(images, other, factor).clamp_(0, 1)
    return images


def to_hsv(images: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Convert RGB, ... x 3 x H x W in [0, 1], to hue, saturation and value, ... x H x W in [0, 1]."""
    (red, green, blue), high, low = images.unbind(-3), images.amax(-3), images.amin(-3)
    range_ = high - low
    span = range_.where(high > low, 1)
    sixth = torch.where(high == green, 2 + (blue - red) / span, 4 + (red - green) / span)
    sixth = torch.where(high == red, (green - blue) / span, sixth)
    return sixth / 6 % 1, range_ / high.where(high > 0, torch.inf), high


def from_hsv(hue: Tensor, saturation: Tensor, value: Tensor) -> Tensor:
    """Convert hue, saturation and value to RGB."""
    sixths = torch.stack([5 + 6 * hue, 3 + 6 * hue, 1 + 6 * hue], -3) % 6
    part = torch.minimum(sixths, 4 - sixths).clamp(0, 1)
    return value.unsqueeze(-3) * (1 - part * saturation.unsqueeze(-3))


def draw_tensorflow(generator: Generator) -> list[float]:
    """The shift of brightness, whether contrast comes first, and the amounts of saturation, hue and contrast."""
    brightness, first = random_uniform(-32 / 255, 32 / 255, generator), random_below(2, generator)
    amounts = {}
    for what in (("saturation", "hue", "contrast"), ("contrast", "saturation", "hue"))[first]:
        amounts[what] = random_uniform(-0.2, 0.2, generator) if what == "hue" else random_uniform(0.5, 1.5, generator)
    return [brightness, first, amounts["saturation"], amounts["hue"], amounts["contrast"]]


def tensorflow_colours(images: Tensor, draws: Tensor) -> Tensor:
    """Brightness, then saturation, hue, contrast or contrast, saturation, hue (TensorFlow, image_processing.py)."""
    brightness, first, saturation, hue, contrast = draws[:, :, None, None, None].unbind(1)
    images = images + brightness
    images = blend(images, images.mean((2, 3), keepdim=True), torch.where(first > 0, contrast, 1))
    if images.shape[1] == 3:  # in both orders, saturation and hue come one after the other
        h, s, v = to_hsv(images)
        images = from_hsv((h + hue[:, 0]) % 1, (s * saturation[:, 0]).clamp(0, 1), v)
    images = blend(images, images.mean((2, 3), keepdim=True), torch.where(first > 0, 1, contrast))
    return images.clamp_(0, 1)


def draw_nothing(generator: Generator) -> list[float]:
    """No number."""
    return []


def no_change(images: Tensor, draws: Tensor) -> Tensor:
    """Leave the images unchanged."""
    return images


COLOURS: dict[str, DeviceStep] = {
    "none": DeviceStep(0, draw_nothing, no_change),
    "photometric": DeviceStep(6, draw_photometric, photometric),
    "tensorflow": DeviceStep(5, draw_tensorflow, tensorflow_colours),
}
