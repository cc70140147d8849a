"""RandAugment: random changes of a uint8 image's geometry and colours (Cubuk et al., 1909.13719)."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn.functional import affine_grid, avg_pool2d, grid_sample, pad

from inception_dsl.runner.images.colours import to_grey

STRONGEST = 30  # the magnitude at which an operation is as strong as it gets


def rand_augment(image: Tensor, operations: int, magnitude: int, generator: Generator) -> Tensor:
    """Apply random operations one after the other: channels x height x width, uint8, with torchvision's strengths.

    Operations whose strength has a sign take either at random. A magnitude is 0 to 30.
    """
    if not operations:
        return image
    numbers = torch.randint(0, len(OPERATIONS), (operations,), generator=generator).tolist()
    signs = torch.randint(0, 2, (operations,), generator=generator).tolist()
    for number, sign in zip(numbers, signs, strict=True):
        image = OPERATIONS[number](image, magnitude / STRONGEST, 1 - 2 * sign)
    return image


def shear_x(image: Tensor, strength: float, sign: int) -> Tensor:
    """Shift a row sideways by up to 0.3 pixels more than the row above it."""
    shear = 0.3 * strength * sign
    return warp(image, (1, shear, shear * image.shape[1] / 2), (0, 1, 0))


def shear_y(image: Tensor, strength: float, sign: int) -> Tensor:
    """Shift a column by up to 0.3 pixels more than the column before it."""
    shear = 0.3 * strength * sign
    return warp(image, (1, 0, 0), (shear, 1, shear * image.shape[2] / 2))


def translate_x(image: Tensor, strength: float, sign: int) -> Tensor:
    """Shift the image sideways, by up to 150 of 331 pixels."""
    return warp(image, (1, 0, -int(150 / 331 * image.shape[2] * strength * sign)), (0, 1, 0))


def translate_y(image: Tensor, strength: float, sign: int) -> Tensor:
    """Shift the image up or down, by up to 150 of 331 pixels."""
    return warp(image, (1, 0, 0), (0, 1, -int(150 / 331 * image.shape[1] * strength * sign)))


def rotate(image: Tensor, strength: float, sign: int) -> Tensor:
    """Rotate about the centre, by up to 30 degrees, counterclockwise if the sign is positive."""
    angle = math.radians(30 * strength * sign)
    cosine, sine = math.cos(angle), math.sin(angle)
    return warp(image, (cosine, -sine, 0), (sine, cosine, 0))


def change_brightness(image: Tensor, strength: float, sign: int) -> Tensor:
    """Scale the brightness, by 0.1 to 1.9."""
    return extrapolate(image, torch.zeros(()), 1 + 0.9 * strength * sign)


def change_saturation(image: Tensor, strength: float, sign: int) -> Tensor:
    """Scale the saturation, by 0.1 to 1.9."""
    return extrapolate(image, luminance(image), 1 + 0.9 * strength * sign)


def change_contrast(image: Tensor, strength: float, sign: int) -> Tensor:
    """Scale the contrast, by 0.1 to 1.9."""
    return extrapolate(image, luminance(image).float().mean(), 1 + 0.9 * strength * sign)


def change_sharpness(image: Tensor, strength: float, sign: int) -> Tensor:
    """Blur or sharpen, by up to 0.9; the outermost pixels stay."""
    if min(image.shape[1:]) <= 2:
        return image
    blurred, values = image.clone(), image.float()
    around = avg_pool2d(values, 3, stride=1, divisor_override=1)  # of a weight 1 for every neighbour, and 5 for itself
    blurred[:, 1:-1, 1:-1] = ((around + 4 * values[:, 1:-1, 1:-1]) / 13).round().to(torch.uint8)
    return extrapolate(image, blurred, 1 + 0.9 * strength * sign)


def posterize(image: Tensor, strength: float, sign: int) -> Tensor:
    """Keep the highest 8 to 4 bits."""
    kept: Tensor = image & (256 - 2 ** round(4 * strength))
    return kept


def solarize(image: Tensor, strength: float, sign: int) -> Tensor:
    """Invert the values from a threshold on, 255 to 0."""
    return torch.where(image >= 255 * (1 - strength), 255 - image, image)


def autocontrast(image: Tensor, strength: float, sign: int) -> Tensor:
    """Stretch the values of every channel to 0 to 255."""
    low, high = (values.float() for values in torch.aminmax(image.flatten(1), dim=1))
    flat = high == low
    low, scale = low.where(~flat, 0), (255 / (high - low)).where(~flat, 1)
    return ((image - low[:, None, None]) * scale[:, None, None]).clamp(0, 255).to(torch.uint8)


def equalize(image: Tensor, strength: float, sign: int) -> Tensor:
    """Spread the values of every channel evenly over 0 to 255."""
    return torch.stack([_equalize_channel(channel) for channel in image])


def _equalize_channel(channel: Tensor) -> Tensor:
    counts = torch.bincount(channel.flatten(), minlength=256)
    step = (channel.numel() - int(counts[counts > 0][-1])) // 255  # without the highest value's
    if not step:
        return channel
    table = ((counts.cumsum(0) + step // 2) // step).clamp(0, 255)
    return pad(table, (1, -1)).to(torch.uint8)[channel.int()]


def leave_unchanged(image: Tensor, strength: float, sign: int) -> Tensor:
    """Change nothing."""
    return image


OPERATIONS: tuple[Callable[[Tensor, float, int], Tensor], ...] = (
    leave_unchanged,
    shear_x,
    shear_y,
    translate_x,
    translate_y,
    rotate,
    change_brightness,
    change_saturation,
    change_contrast,
    change_sharpness,
    posterize,
    solarize,
    autocontrast,
    equalize,
)


def warp(image: Tensor, across: tuple[float, float, float], down: tuple[float, float, float]) -> Tensor:
    """The image whose pixel at (x, y) from the centre is the one at (`across`, `down`) x (x, y, 1), or black."""
    height, width = image.shape[1:]
    (a, b, x), (c, d, y) = across, down
    matrix = torch.tensor([[[a, b * height / width, 2 * x / width], [c * width / height, d, 2 * y / height]]])
    places = affine_grid(matrix, [1, len(image), height, width], align_corners=False)
    return grid_sample(image[None].float(), places, mode="nearest", align_corners=False)[0].to(torch.uint8)


def luminance(image: Tensor) -> Tensor:
    """The grey image of a colour image, uint8; other images stay."""
    return to_grey(image).to(torch.uint8) if len(image) == 3 else image


def extrapolate(image: Tensor, other: Tensor, factor: float) -> Tensor:
    """Interpolate from the other image (factor 0) to this one (1), or beyond it; uint8."""
    return (factor * image + (1 - factor) * other).clamp(0, 255).to(torch.uint8)
