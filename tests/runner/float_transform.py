"""The whole transform in floats, on one image, with its draws in between: what the split one must agree with."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn.functional import interpolate, pad

from inception_dsl.runner.base.config import Config

MODES = {"bilinear": ("bilinear",), "random": ("bilinear", "nearest-exact", "bicubic", "area")}


def uniform(low: float, high: float, random: Generator) -> float:
    return torch.empty(1).uniform_(low, high, generator=random).item()


def below(end: int, random: Generator) -> int:
    return int(torch.randint(0, end, (1,), generator=random).item())


def resize(image: Tensor, height: int, width: int, mode: str = "bilinear") -> Tensor:
    if width == 1 < height:  # torch's antialiasing in floats is wrong here: it repeats the first row
        return resize(image.transpose(1, 2), width, height, mode).transpose(1, 2)
    smooth = mode in {"bilinear", "bicubic"}
    return interpolate(image[None].float(), (height, width), mode=mode, antialias=smooth)[0].clamp(0, 255)


def resize_shorter_side(image: Tensor, side: int, mode: str = "bilinear") -> Tensor:
    height, width = (min(length, 16 * min(image.shape[1:])) for length in image.shape[1:])
    image, shorter = centre_crop(image, height, width), min(height, width)
    return resize(image, side * height // shorter, side * width // shorter, mode)


def centre_crop(image: Tensor, height: int, width: int) -> Tensor:
    top, left = round((image.shape[1] - height) / 2), round((image.shape[2] - width) / 2)
    return pad(image, (-left, width - image.shape[2] + left, -top, height - image.shape[1] + top))


def random_crop(image: Tensor, height: int, width: int, random: Generator) -> Tensor:
    top, left = below(image.shape[1] - height + 1, random), below(image.shape[2] - width + 1, random)
    return image[:, top : top + height, left : left + width]


def area_box(height: int, width: int, config: Config, random: Generator) -> tuple[int, int, int, int]:
    low, high = config.augment.aspect
    for _ in range(10):
        covered = height * width * uniform(*config.augment.area, random)
        aspect = math.exp(uniform(math.log(low), math.log(high), random))
        w, h = round(math.sqrt(covered * aspect)), round(math.sqrt(covered / aspect))
        if 0 < w <= width and 0 < h <= height:
            return below(height - h + 1, random), below(width - w + 1, random), h, w
    w, h = max(1, min(width, round(height * high))), max(1, min(height, round(width / low)))
    return (height - h) // 2, (width - w) // 2, h, w


def mode_of(config: Config, random: Generator) -> str:
    modes = MODES[config.augment.interpolation]
    return modes[below(len(modes), random)]


def crop(image: Tensor, config: Config, random: Generator) -> Tensor:
    size, padding = (config.data.height, config.data.width), config.augment.padding
    if config.augment.crop == "area":
        top, left, height, width = area_box(image.shape[1], image.shape[2], config, random)
        return resize(image[:, top : top + height, left : left + width], *size, mode_of(config, random))
    if config.augment.crop == "window":
        return random_crop(resize_shorter_side(image, config.augment.resize, mode_of(config, random)), *size, random)
    if config.augment.crop == "shift":
        return random_crop(pad(whole_view(image, size), (padding,) * 4), *size, random)
    return resize(image, *size, mode_of(config, random))


def view(image: Tensor, config: Config) -> Tensor:
    size, central = (config.data.height, config.data.width), config.augment.central
    if config.augment.evaluation == "centre":
        return centre_crop(resize_shorter_side(image, config.augment.resize), *size)
    if config.augment.evaluation == "central":
        inner = (side - 2 * int((side - side * central) / 2) for side in image.shape[1:])
        return resize(centre_crop(image, *inner), *size)
    return whole_view(image, size)


def whole_view(image: Tensor, size: tuple[int, int]) -> Tensor:
    small = image.shape[1] <= size[0] and image.shape[2] <= size[1]
    return centre_crop(image, *size) if small else resize(image, *size)


def to_grey(image: Tensor) -> Tensor:
    return 0.2989 * image[:1] + 0.587 * image[1:2] + 0.114 * image[2:] if len(image) == 3 else image


def blend(image: Tensor, other: Tensor, factor: float) -> Tensor:
    return other + factor * (image - other)


def photometric(image: Tensor, random: Generator) -> Tensor:
    for which in torch.randperm(3, generator=random).tolist():
        others = torch.zeros_like(image), to_grey(image).mean(), to_grey(image)
        image = blend(image, others[which], uniform(0.5, 1.5, random)).clamp(0, 1)
    return image


def to_hsv(image: Tensor) -> Tensor:
    (red, green, blue), high, low = image, image.amax(0), image.amin(0)
    span = (high - low).where(high > low, 1)
    sixth = torch.where(high == green, 2 + (blue - red) / span, 4 + (red - green) / span)
    sixth = torch.where(high == red, (green - blue) / span, sixth)
    return torch.stack([sixth / 6 % 1, (high - low) / high.where(high > 0, torch.inf), high])


def from_hsv(image: Tensor) -> Tensor:
    hue, saturation, value = image
    sixths = torch.stack([5 + 6 * hue, 3 + 6 * hue, 1 + 6 * hue]) % 6
    rgb: Tensor = value * (1 - torch.minimum(sixths, 4 - sixths).clamp(0, 1) * saturation)
    return rgb


def tensorflow(image: Tensor, random: Generator) -> Tensor:
    image = image + uniform(-32 / 255, 32 / 255, random)
    for what in (("saturation", "hue", "contrast"), ("contrast", "saturation", "hue"))[below(2, random)]:
        amount = uniform(-0.2, 0.2, random) if what == "hue" else uniform(0.5, 1.5, random)
        if what == "contrast":
            image = blend(image, image.mean((1, 2), keepdim=True), amount)
        elif len(image) == 3:
            hue, saturation, value = to_hsv(image)
            turned = (hue + amount) % 1 if what == "hue" else hue
            scaled = saturation if what == "hue" else (saturation * amount).clamp(0, 1)
            image = from_hsv(torch.stack([turned, scaled, value]))
    return image.clamp(0, 1)


COLOURS: dict[str, Callable[[Tensor, Generator], Tensor]] = {
    "none": lambda image, random: image,
    "photometric": photometric,
    "tensorflow": tensorflow,
}


def finish(image: Tensor, config: Config) -> Tensor:
    mean, std = torch.tensor(config.data.mean), torch.tensor(config.data.std)
    return (image - mean.view(-1, 1, 1)) / std.view(-1, 1, 1)


def to_channels(image: Tensor, channels: int) -> Tensor:
    return (image if len(image) == channels else to_grey(image).expand(channels, -1, -1)).float() / 255


def training(image: Tensor, random: Generator, config: Config, cut: Tensor | None = None) -> Tensor:
    """The input for training; `cut` replaces what is cut from the image, but not the draws for it."""
    image = crop(image, config, random) if cut is None else (crop(image, config, random), cut)[1]
    image = to_channels(image, config.data.channels)
    image = image.flip(-1) if config.augment.flip and below(2, random) else image
    return finish(COLOURS[config.augment.colour](image, random), config)


def evaluation(image: Tensor, config: Config) -> Tensor:
    """The input for evaluation."""
    return finish(to_channels(view(image, config), config.data.channels), config)
