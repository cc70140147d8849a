"""GoogLeNet's crops of an image (1409.4842, section 7): 1, 10 and 144 of them from one decoding.

The paper states the scales, the squares, the windows and the mirrors. It does not state how images are resized (here
bilinear with antialiasing), how odd margins are halved (here as in torchvision), nor the scales for another input size
than 224 (here in proportion, rounded down: 341, 384, 427 and 469 for 299).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache
from typing import Final, NamedTuple

import torch
from torch import Tensor

from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.images.augment import evaluation_cut, normalise, scale_to_unit, to_channels
from inception_dsl.runner.images.geometry import cut_image, resize, shorter_side_cut, view_central

SCALES_AT_224: Final = (256, 288, 320, 352)
"""The scales for an input of 224."""


class Crop(NamedTuple):
    """A square of the image whose shorter side is resized to `scale`; the square is resized to the input's size."""

    scale: int
    top: int = 0
    left: int = 0
    side: int = 0
    mirrored: bool = False


ImageSize = Callable[[int], tuple[int, int]]
"""The height and width of the image at a scale."""

View = Callable[[Tensor, Config], Tensor]
"""Turns an image (uint8, C x H x W) into one of the input's size, not yet normalised."""


def crop_scales(size: int) -> list[int]:
    """The four scales for an input of `size`."""
    return [scale * size // 224 for scale in SCALES_AT_224]


def squares(shape: ImageSize, scale: int) -> list[Crop]:
    """The left, centre and right squares, or top, centre and bottom; of a square image the same one three times."""
    height, width = shape(scale)
    down, right = height - scale, width - scale
    return [Crop(scale, at(down), at(right), scale) for at in (lambda _: 0, lambda rest: round(rest / 2), int)]


def corners_and_centre(square: Crop, size: int) -> list[Crop]:
    """Five windows of the input's size."""
    rest = square.side - size
    spots = [(0, 0), (0, rest), (rest, 0), (rest, rest), (round(rest / 2), round(rest / 2))]
    return [Crop(square.scale, square.top + top, square.left + left, size) for top, left in spots]


def with_mirrors(crops: list[Crop]) -> list[Crop]:
    """The crops, and their mirror images."""
    return crops + [crop._replace(mirrored=True) for crop in crops]


def single_crop(shape: ImageSize, size: int) -> list[Crop]:
    """The centre of the centre square."""
    return corners_and_centre(squares(shape, crop_scales(size)[0])[1], size)[-1:]


def ten_crop(shape: ImageSize, size: int) -> list[Crop]:
    """The corners and the centre of the centre square, and their mirror images."""
    return with_mirrors(corners_and_centre(squares(shape, crop_scales(size)[0])[1], size))


def multi_crop_144(shape: ImageSize, size: int) -> list[Crop]:
    """4 scales x 3 squares x (5 windows and the whole square) x 2 mirrors."""
    found = [square for scale in crop_scales(size) for square in squares(shape, scale)]
    return with_mirrors([crop for square in found for crop in (*corners_and_centre(square, size), square)])


def central_crop(shape: ImageSize, size: int) -> list[Crop]:
    """The middle 87.5% of each side, resized: TensorFlow's crop for the later Inceptions."""
    return [Crop(0)]  # no scale: a crop of the image itself


def recipe_view(shape: ImageSize, size: int) -> list[Crop]:
    """The recipe's evaluation view, which a training run uses."""
    return [Crop(-1)]


PROTOCOLS: Final[dict[str, Callable[[ImageSize, int], list[Crop]]]] = {
    "recipe": recipe_view,
    "1": single_crop,
    "10": ten_crop,
    "144": multi_crop_144,
    "central": central_crop,
}


class Crops(NamedTuple):
    """The distinct crops of an image (K x channels x size x size, normalised), and their weights in each protocol.

    `weights` is K x 2 x protocols: of the crop and of its mirror image. The weights of a protocol sum to 1.
    """

    images: Tensor
    weights: Tensor


def make_crops(image: Tensor, config: Config, protocols: tuple[str, ...], view: View | None = None) -> Crops:
    """The distinct crops of an image (uint8, C x H x W) that the protocols need; `view` replaces the recipe's.

    Raises `RunError` for an input that is not square or for an unknown protocol.
    """
    size = config.data.height
    if config.data.width != size:
        raise RunError(f"the input is {size} x {config.data.width}; crops need a square input")
    if unknown := [name for name in protocols if name not in PROTOCOLS]:
        raise RunError(f"unknown protocol {unknown[0]!r}; the protocols are {', '.join(PROTOCOLS)}")
    height, width, values = image.shape[1], image.shape[2], image.float()
    scaled = cache(lambda scale: cut_image(values, shorter_side_cut(height, width, scale)))
    counts = [
        Counter(PROTOCOLS[name](lambda scale: shorter_side_cut(height, width, scale).size, size)) for name in protocols
    ]
    plain = list(dict.fromkeys(crop._replace(mirrored=False) for count in counts for crop in count))
    weights = [
        [[count[crop._replace(mirrored=side)] / count.total() for count in counts] for side in (False, True)]
        for crop in plain
    ]
    views: dict[int, Callable[[], Tensor]] = {
        0: lambda: cut_image(values, view_central(height, width, config)),
        # in uint8, as the run evaluates
        -1: lambda: view(image, config).float() if view else cut_image(image, evaluation_cut(height, width, config)),
    }
    images = [views[crop.scale]() if crop.scale in views else _crop_pixels(crop, scaled, size) for crop in plain]
    ready = [normalise(scale_to_unit(to_channels(crop, config.data.channels)), config) for crop in images]
    return Crops(torch.stack(ready), torch.tensor(weights, dtype=torch.float64))


def _crop_pixels(crop: Crop, at: Callable[[int], Tensor], size: int) -> Tensor:
    part = at(crop.scale)[:, crop.top : crop.top + crop.side, crop.left : crop.left + crop.side]
    return part if crop.side == size else resize(part, size, size)
