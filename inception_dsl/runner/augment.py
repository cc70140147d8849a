"""From an image to the network's input: workers cut and resize in uint8; the device does the rest.

All randomness is drawn by the worker, from the generator of the sample; the device's numbers travel with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache, partial

import torch
from torch import Generator, Tensor

from inception_dsl.runner.colours import COLOURS, FLIP, DeviceStep, to_grey
from inception_dsl.runner.config import Config
from inception_dsl.runner.geometry import CROPS, VIEWS, Cut, cut_image
from inception_dsl.runner.settings import RunError, lookup

# An image, uint8, and the generator of its sample -> C x H x W of the input's size, uint8, and the device's numbers.
Transform = Callable[[Tensor, Generator], tuple[Tensor, Tensor]]


def device_steps(config: Config) -> list[DeviceStep]:
    """The random changes that the device makes to training images, in order."""
    return [*[FLIP] * config.augment.flip, lookup(COLOURS, config.augment.colour, "augment.colour")]


def finish_images(images: Tensor, draws: Tensor, config: Config) -> Tensor:
    """The part of the transform that runs on the device: uint8, N x C x H x W -> the network's input, float32.

    `draws` are the numbers of the transform, N x K; evaluation draws none, and its images are only normalised.
    """
    layout = torch.channels_last if config.run.channels_last else torch.contiguous_format
    images, first = scale_to_unit(images.contiguous(memory_format=layout)), 0
    for step in device_steps(config) if draws.shape[1] else []:
        images = step.apply(images, draws[:, first : first + step.numbers])
        first += step.numbers
    return normalise(images, config).contiguous(memory_format=layout)


def scale_to_unit(images: Tensor) -> Tensor:
    """Convert values of 0 to 255 to floats in [0, 1]."""
    return images.float() / 255


def normalise(images: Tensor, config: Config) -> Tensor:
    """Subtract the mean and divide by the deviation, of ... x C x H x W in [0, 1].

    Raises `RunError` if their lengths do not match the channels.
    """
    channels = images.shape[-3]
    for name, values in (("mean", config.data.mean), ("std", config.data.std)):
        if len(values) not in {1, channels}:
            raise RunError(f"data.{name} has {len(values)} numbers for {channels} channels; give one per channel")
    mean, std = channel_values(config.data.mean, images.device), channel_values(config.data.std, images.device)
    return (images - mean) / std


@lru_cache(maxsize=32)
def channel_values(values: tuple[float, ...], device: torch.device) -> Tensor:
    """A number per channel, C x 1 x 1, on a device; kept, since a copy to a GPU would make each step wait."""
    with torch.inference_mode(False):
        return torch.tensor(values, device=device).view(-1, 1, 1)


def to_channels(image: Tensor, channels: int) -> Tensor:
    """Convert an image to the network's channels: one to grey, and grey to several equal ones. Keeps the dtype."""
    if len(image) == channels:
        return image
    if len(image) not in {1, 3}:
        raise RunError(
            f"an image has {len(image)} channels, but data.channels is {channels}; set that, or save the images as RGB"
        )
    grey = image
    if len(image) == 3:
        grey = to_grey(image.float())
        grey = grey if image.is_floating_point() else grey.round().to(image.dtype)
    return grey.expand(channels, -1, -1)


def training_cut(height: int, width: int, config: Config, generator: Generator) -> Cut:
    """The cut of a training image."""
    return lookup(CROPS, config.augment.crop, "augment.crop")(height, width, config, generator)


def evaluation_cut(height: int, width: int, config: Config, generator: Generator | None = None) -> Cut:
    """The cut of an evaluation image; nothing is drawn."""
    return lookup(VIEWS, config.augment.evaluation, "augment.evaluation")(height, width, config)


def transform_image(
    image: Tensor,
    generator: Generator,
    config: Config,
    choose_cut: Callable[[int, int, Config, Generator], Cut],
    steps: Sequence[DeviceStep],
) -> tuple[Tensor, Tensor]:
    """What a worker does to an image: the input in uint8, and the numbers for `finish_images`."""
    cut = choose_cut(image.shape[1], image.shape[2], config, generator)
    image = to_channels(cut_image(image, cut), config.data.channels)
    return image, torch.tensor([number for step in steps for number in step.draw(generator)], dtype=torch.float32)


def training_transform(config: Config) -> Transform:
    """The transform of training images. Raises `RunError` for inconsistent settings."""
    return checked_transform(config, training_cut, device_steps(config))


def evaluation_transform(config: Config) -> Transform:
    """The transform of evaluation images. Raises `RunError` for inconsistent settings."""
    return checked_transform(config, evaluation_cut, [])


def checked_transform(
    config: Config, choose_cut: Callable[[int, int, Config, Generator], Cut], steps: Sequence[DeviceStep]
) -> Transform:
    """A transform, tried on one image, so that wrong settings are reported here and not by a worker process."""
    transform = partial(transform_image, config=config, choose_cut=choose_cut, steps=steps)
    try:
        image, draws = transform(torch.zeros(3, 2, 2, dtype=torch.uint8), Generator())
        finish_images(image[None], draws[None], config)
    except (RuntimeError, ValueError, TypeError, ArithmeticError) as error:
        cause = " ".join(str(error).split())[:300]
        raise RunError(f"data and augment: these settings cannot transform an image: {cause}; change them") from error
    return transform
