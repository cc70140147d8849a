"""Random erasing (Zhong et al., 1708.04896): a rectangle of an image becomes the mean colour."""

from __future__ import annotations

import math

import torch
from torch import Generator, Tensor

from inception_dsl.runner.images.geometry import random_below, random_uniform

NOTHING = (0, 0, 0, 0)
ERASED_AREA = (0.02, 0.33)  # the fraction of the image that a rectangle covers
ERASED_ASPECT = (math.log(0.3), math.log(3.3))  # the logarithm of its height over its width


def draw_rectangle(height: int, width: int, probability: float, generator: Generator) -> tuple[int, int, int, int]:
    """Top, bottom, left and right of what to erase, or `NOTHING`; the numbers are drawn as torchvision draws them."""
    if not probability or torch.rand(1, generator=generator).item() >= probability:
        return NOTHING
    for _ in range(10):
        area = height * width * random_uniform(*ERASED_AREA, generator)
        aspect = math.exp(random_uniform(*ERASED_ASPECT, generator))
        tall, wide = round(math.sqrt(area * aspect)), round(math.sqrt(area / aspect))
        if tall < height and wide < width:
            top, left = random_below(height - tall + 1, generator), random_below(width - wide + 1, generator)
            return top, top + tall, left, left + wide
    return NOTHING


def erase(images: Tensor, rectangles: Tensor) -> Tensor:
    """Set a rectangle of every image, N x channels x height x width, to 0; `rectangles` are N x 4."""
    top, bottom, left, right = rectangles[:, :, None].unbind(1)
    y, x = (torch.arange(side, device=images.device) for side in images.shape[2:])
    rows, columns = (y >= top) & (y < bottom), (x >= left) & (x < right)
    return images.masked_fill((rows[:, :, None] & columns[:, None, :])[:, None], 0)
