"""Changes of colour, and mirroring: of whole batches, on the device, by numbers that workers drew."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import Generator, Tensor

from inception_dsl.runner.images.geometry import random_below, random_uniform


class DeviceStep(NamedTuple):
    """A random change that is made on the device.

    A worker draws `numbers` numbers for an image. `apply` takes the images, N x C x H x W, and N x `numbers`; it may
    overwrite the images. It selects by arithmetic: to ask the device for a number would make the host wait.
    """

    numbers: int
    draw: Callable[[Generator], Sequence[float]]
    apply: Callable[[Tensor, Tensor], Tensor]


def draw_flip(generator: Generator) -> list[float]:
    """Whether to mirror an image: 0 or 1."""
    return [random_below(2, generator)]


def flip(images: Tensor, draws: Tensor) -> Tensor:
    """Mirror the images whose number is 1."""
    count = len(images)
    return torch.cat([images, images.flip(-1)])[torch.arange(count, device=images.device) + count * draws[:, 0].long()]


FLIP = DeviceStep(1, draw_flip, flip)


def to_grey(image: Tensor) -> Tensor:
    """The luminance of RGB images, ... x 1 x H x W, in floats."""
    red, green, blue = image.unbind(-3)
    return (0.2989 * red + 0.587 * green + 0.114 * blue).unsqueeze(-3)


def draw_photometric(generator: Generator) -> list[float]:
    """The order of brightness (0), contrast (1) and saturation (2), and the factor of each in this order."""
    order = torch.randperm(3, generator=generator).tolist()
    return [*order, *(random_uniform(0.5, 1.5, generator) for _ in order)]


def photometric(images: Tensor, draws: Tensor) -> Tensor:
    """Scale brightness, contrast and saturation by 0.5 to 1.5, in random order (Howard, 1312.5402).

    Each blends the image with another: with black, with its mean grey, or with itself in grey.
    """
    numbers = draws[:, :, None, None, None].unbind(1)
    for which, factor in zip(numbers[:3], numbers[3:], strict=True):
        grey = to_grey(images) if images.shape[1] == 3 else images.clone()
        mean = grey.mean((1, 2, 3), keepdim=True)
        other = grey.mul_((1 - factor) * (which == 2)).add_((1 - factor) * (which == 1) * mean)
        images = images.mul_(factor).add_(other).clamp_(0, 1)
    return images


def scale_contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Scale the distance from the mean of each channel, in place."""
    mean = images.mean((2, 3), keepdim=True)
    return images.mul_(factor).add_(mean.mul_(1 - factor))


def change_hue(images: Tensor, turn: Tensor, saturation: Tensor) -> Tensor:
    """Turn the hue by a fraction of the colour circle, and scale the saturation of HSV, which is at most 1.

    Of RGB images, N x 3 x H x W in any range; the numbers are N x 1 x 1.
    """
    red, green, blue = images.unbind(1)
    high, low = torch.maximum(torch.maximum(red, green), blue), torch.minimum(torch.minimum(red, green), blue)
    span = high - low
    sixths = torch.where(high == green, 2 * span + blue - red, 4 * span + red - green)
    sixths = torch.where(high == red, green - blue, sixths)
    sixths = sixths.div_(span.clamp(min=1e-20)).add_(6 * turn)  # the hue in sixths of the circle; 0 of a grey
    sixths.sub_((sixths / 6).floor_().mul_(6))
    chroma = torch.minimum(span.mul_(saturation), high).clamp_(min=0)
    parts = 2 - (sixths - 3).abs_(), (sixths - 2).abs_().sub_(1), (sixths - 4).abs_().sub_(1)
    return torch.stack([high - part.clamp_(0, 1).mul_(chroma) for part in parts], 1)


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
    images = scale_contrast(images.add_(brightness), torch.where(first > 0, contrast, 1))
    if images.shape[1] == 3:  # in both orders, saturation and hue come one after the other
        images = change_hue(images, hue[:, 0], saturation[:, 0])
    return scale_contrast(images, torch.where(first > 0, 1, contrast)).clamp_(0, 1)


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
