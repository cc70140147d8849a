"""Crops, views and resizing: which part of an image becomes the network's input. Workers do this in uint8."""

from __future__ import annotations

import math
from collections.abc import Callable
from operator import ge
from typing import NamedTuple

import torch
from torch import Generator, Tensor
from torch.nn.functional import interpolate, pad

from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.settings import lookup

Box = tuple[int, int, int, int]  # top, left, height and width


class Cut(NamedTuple):
    """A box of the image, the height and width that it is resized to, and the window of that which is kept.

    A box or window that reaches beyond the image is padded with zeros.
    """

    box: Box
    size: tuple[int, int]
    window: Box
    mode: str = "bilinear"


def cut_image(image: Tensor, cut: Cut) -> Tensor:
    """Make the cut in an image (C x H x W); keeps the dtype."""
    return crop_box(resize(crop_box(image, cut.box), *cut.size, cut.mode), cut.window)


def cut_reduction(cut: Cut) -> int:
    """How many times smaller the image may be decoded: the box keeps at least the size that it is resized to."""
    fits = (smaller for smaller in (8, 4, 2) if all(map(ge, (side // smaller for side in cut.box[2:]), cut.size)))
    return next(fits, 1)


def reduced_cut(cut: Cut, whole: tuple[int, int], reduced: tuple[int, int]) -> Cut:
    """The cut of an image that was decoded smaller; its size was `whole`."""
    top, left, height, width = cut.box
    h, w = (max(1, round(side * b / a)) for side, a, b in zip((height, width), whole, reduced, strict=True))
    y, x = round(top * reduced[0] / whole[0]), round(left * reduced[1] / whole[1])
    return cut._replace(box=(min(y, reduced[0] - h), min(x, reduced[1] - w), h, w))


def crop_box(image: Tensor, box: Box) -> Tensor:
    """The part of an image in a box, zero where the box reaches beyond the image."""
    top, left, height, width = box
    inside = image[:, max(top, 0) : max(top + height, 0), max(left, 0) : max(left + width, 0)]
    if inside.shape[1:] == (height, width):
        return inside
    above, before = min(max(-top, 0), height), min(max(-left, 0), width)
    return pad(inside, (before, width - inside.shape[2] - before, above, height - inside.shape[1] - above))


def resize(image: Tensor, height: int, width: int, mode: str = "bilinear") -> Tensor:
    """Resize an image with values of 0 to 255 and keep its dtype; bilinear and bicubic are antialiased.

    In uint8, bicubic clips what it overshoots after each of its two passes.
    """
    if image.shape[1:] == (height, width):
        return image
    if mode == "area":
        resized = average_areas(image.float(), height, width)
    else:
        values = image.float() if (height, width) == (1, 1) else image  # torch's uint8 kernels fail for a single pixel
        resized = interpolate(values[None], (height, width), mode=mode, antialias=mode != "nearest-exact")[0]
    if resized.dtype == torch.uint8:
        return resized
    resized = resized.clamp(0, 255)  # bicubic overshoots
    return resized if image.is_floating_point() else resized.round().byte()


def average_areas(image: Tensor, height: int, width: int) -> Tensor:
    """The mean of the pixels that each new one covers, as torch's "area": first of rows, then of columns."""
    rows = average_rows(image.permute(1, 2, 0).flatten(1), height).view(height, image.shape[2], -1)
    columns = average_rows(rows.transpose(0, 1).flatten(1), width).view(width, height, -1)
    return columns.permute(2, 1, 0)


def average_rows(values: Tensor, count: int) -> Tensor:
    """Pool the rows of a matrix to `count` rows; torch pools many channels that lie together fastest."""
    pooled = torch.nn.functional.adaptive_avg_pool2d(values[None, :, None].permute(0, 3, 1, 2), (count, 1))
    return pooled[0, :, :, 0].T


def random_uniform(low: float, high: float, generator: Generator) -> float:
    """A uniform random number."""
    return torch.empty(1).uniform_(low, high, generator=generator).item()


def random_below(end: int, generator: Generator) -> int:
    """A uniform random integer in [0, end)."""
    return int(torch.randint(0, end, (1,), generator=generator).item())


def centred_box(outer: tuple[int, int], inner: tuple[int, int]) -> Box:
    """The box of the size `inner` in the centre of an image of the size `outer`, which may be smaller."""
    return round((outer[0] - inner[0]) / 2), round((outer[1] - inner[1]) / 2), *inner


def centre_crop(image: Tensor, height: int, width: int) -> Tensor:
    """Crop the centre; a smaller image is padded with zeros."""
    return crop_box(image, centred_box((image.shape[1], image.shape[2]), (height, width)))


def whole_cut(box: Box, size: tuple[int, int], mode: str = "bilinear") -> Cut:
    """The cut that resizes a box and keeps all of it."""
    return Cut(box, size, (0, 0, *size), mode)


def shorter_side_cut(height: int, width: int, side: int, mode: str = "bilinear") -> Cut:
    """Resize the shorter side, keeping the aspect ratio; a ratio above 16:1 is first cropped to its centre."""
    inner = min(height, 16 * width), min(width, 16 * height)  # a longer strip would fill the memory
    shorter = min(inner)
    size = side * inner[0] // shorter, side * inner[1] // shorter
    return whole_cut(centred_box((height, width), inner), size, mode)


def input_size(config: Config) -> tuple[int, int]:
    """The height and width of the network's input."""
    return config.data.height, config.data.width


def random_area_box(height: int, width: int, config: Config, generator: Generator) -> Box:
    """The box of a crop of random area and aspect ratio, sampled as torchvision does."""
    low, high = config.augment.aspect
    for _ in range(10):
        covered = height * width * random_uniform(*config.augment.area, generator)
        aspect = math.exp(random_uniform(math.log(low), math.log(high), generator))
        w, h = round(math.sqrt(covered * aspect)), round(math.sqrt(covered / aspect))
        if 0 < w <= width and 0 < h <= height:
            return random_below(height - h + 1, generator), random_below(width - w + 1, generator), h, w
    w, h = max(1, min(width, round(height * high))), max(1, min(height, round(width / low)))  # the largest, centred
    return (height - h) // 2, (width - w) // 2, h, w


INTERPOLATIONS: dict[str, tuple[str, ...]] = {
    "bilinear": ("bilinear",),
    "random": ("bilinear", "nearest-exact", "bicubic", "area"),
}


def random_interpolation(config: Config, generator: Generator) -> str:
    """Choose an interpolation mode for one image."""
    modes = lookup(INTERPOLATIONS, config.augment.interpolation, "augment.interpolation")
    return modes[random_below(len(modes), generator)]


def random_window(size: tuple[int, int], config: Config, generator: Generator) -> Box:
    """A window of the network's input size at a random position in an image of this size."""
    height, width = input_size(config)
    return random_below(size[0] - height + 1, generator), random_below(size[1] - width + 1, generator), height, width


def crop_area(height: int, width: int, config: Config, generator: Generator) -> Cut:
    """A crop of random area and aspect ratio, resized (GoogLeNet, 1409.4842 section 6)."""
    box = random_area_box(height, width, config, generator)
    return whole_cut(box, input_size(config), random_interpolation(config, generator))


def crop_window(height: int, width: int, config: Config, generator: Generator) -> Cut:
    """A random window of the resized image (Caffe's GoogLeNet)."""
    cut = shorter_side_cut(height, width, config.augment.resize, random_interpolation(config, generator))
    return cut._replace(window=random_window(cut.size, config, generator))


def crop_shift(height: int, width: int, config: Config, generator: Generator) -> Cut:
    """What the evaluation `whole` shows, shifted by up to `padding` pixels."""
    cut, padding = view_whole(height, width, config), config.augment.padding
    down, right = (random_below(2 * padding + 1, generator) - padding for _ in range(2))
    return cut._replace(window=(down, right, *cut.size))


def crop_whole(height: int, width: int, config: Config, generator: Generator) -> Cut:
    """The whole image, resized."""
    return whole_cut((0, 0, height, width), input_size(config), random_interpolation(config, generator))


CROPS: dict[str, Callable[[int, int, Config, Generator], Cut]] = {
    "area": crop_area,
    "window": crop_window,
    "shift": crop_shift,
    "whole": crop_whole,
}


def view_centre(height: int, width: int, config: Config) -> Cut:
    """The centre of the resized image."""
    cut = shorter_side_cut(height, width, config.augment.resize)
    return cut._replace(window=centred_box(cut.size, input_size(config)))


def view_central(height: int, width: int, config: Config) -> Cut:
    """The central fraction of each side, resized (TensorFlow)."""
    central = config.augment.central
    inner = height - 2 * int((height - height * central) / 2), width - 2 * int((width - width * central) / 2)
    return whole_cut(centred_box((height, width), inner), input_size(config))


def view_whole(height: int, width: int, config: Config) -> Cut:
    """The whole image: padded with zeros if it is smaller than the input, else resized."""
    size = input_size(config)
    small = height <= size[0] and width <= size[1]
    return whole_cut(centred_box((height, width), size) if small else (0, 0, height, width), size)


VIEWS: dict[str, Callable[[int, int, Config], Cut]] = {
    "centre": view_centre,
    "central": view_central,
    "whole": view_whole,
}
