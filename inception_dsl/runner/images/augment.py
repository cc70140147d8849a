"""From an image to the network's input: workers cut and resize in uint8; the device does the rest.

All randomness is drawn by the worker, from the generator of the sample; the device's numbers travel with it.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial

import torch
from torch import Generator, Tensor

from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.fit import check_fit, find_misfits
from inception_dsl.runner.base.settings import RunError, lookup, one_line
from inception_dsl.runner.images.colours import COLOURS, FLIP, DeviceStep, draw_nothing, to_grey
from inception_dsl.runner.images.erasing import draw_rectangle, erase
from inception_dsl.runner.images.geometry import CROPS, VIEWS, Cut, cut_image, cut_reduction, reduced_cut
from inception_dsl.runner.images.randaugment import rand_augment
from inception_dsl.runner.readers.reader import Reduction

Read = Callable[[Reduction | None], Tensor]
"""Reads an image; see `Reader.read`."""

Transform = Callable[[Read, Generator], tuple[Tensor, Tensor]]
"""From an image that it reads, and its sample's generator: the input, C x H x W in uint8, and the device's numbers."""


def device_steps(config: Config) -> list[DeviceStep]:
    """What the device does to training images, in order."""
    augment, size = config.augment, (config.data.height, config.data.width)
    colours = lookup(COLOURS, augment.colour, "augment.colour")
    erasing = DeviceStep(4, partial(draw_rectangle, *size, augment.erasing), erase)
    return [*[FLIP] * augment.flip, colours, normalisation(config), *[erasing] * (augment.erasing > 0)]


def normalisation(config: Config) -> DeviceStep:
    """All that the device does to evaluation images."""
    return DeviceStep(0, draw_nothing, lambda images, _: normalise(images, config))


CHUNK = 2**18  # values that a thread of a CPU finishes at once, so that they stay in its cache
DEVICE_CHUNK = 2**24  # values that another device finishes at once, which bounds its memory: 64 images of 299 pixels


def finish_images(images: Tensor, draws: Tensor, config: Config) -> Tensor:
    """The part of the transform that runs on the device: uint8, N x C x H x W -> the network's input, float32.

    `draws` are the numbers of the transform, N x K; evaluation draws none, and its images are only normalised.
    """
    layout = torch.channels_last if config.run.channels_last else torch.contiguous_format
    finished = torch.empty(images.shape, dtype=torch.float32, device=images.device, memory_format=layout)
    most = CHUNK * torch.get_num_threads() if images.device.type == "cpu" else DEVICE_CHUNK
    size = max(1, most // images[:1].numel())
    for start in range(0, len(images), size):
        part = slice(start, start + size)
        finished[part] = finish_part(images[part], draws[part], config)
    return finished


def finish_part(images: Tensor, draws: Tensor, config: Config) -> Tensor:
    """Change the images, as the numbers say, and normalise them."""
    images, first = scale_to_unit(images), 0
    for step in device_steps(config) if draws.shape[1] else [normalisation(config)]:
        images = step.apply(images, draws[:, first : first + step.numbers])
        first += step.numbers
    return images


def scale_to_unit(images: Tensor) -> Tensor:
    """Convert values of 0 to 255 to floats in [0, 1]."""
    return images.to(torch.float32, copy=True).div_(255)


def normalise(images: Tensor, config: Config) -> Tensor:
    """Subtract the mean and divide by the deviation, of ... x C x H x W in [0, 1]; in place."""
    mean, std = channel_values(config.data.mean, images.device), channel_values(config.data.std, images.device)
    return images.sub_(mean).div_(std)


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


def evaluation_cut(height: int, width: int, config: Config) -> Cut:
    """The cut of an evaluation image."""
    return lookup(VIEWS, config.augment.evaluation, "augment.evaluation")(height, width, config)


def transform_training(config: Config, read: Read, generator: Generator) -> tuple[Tensor, Tensor]:
    """Read and cut a training image. The cut is drawn for its whole size, even if a JPEG is then decoded smaller."""
    drawn: list[tuple[int, int, Cut]] = []

    def reduction(height: int, width: int) -> int:
        cut = lookup(CROPS, config.augment.crop, "augment.crop")(height, width, config, generator)
        drawn.append((height, width, cut))
        return cut_reduction(cut)

    image = read(reduction)
    if not drawn:
        reduction(image.shape[1], image.shape[2])
    height, width, cut = drawn[0]
    if image.shape[1:] != (height, width):
        cut = reduced_cut(cut, (height, width), (image.shape[1], image.shape[2]))
    image = to_channels(cut_image(image, cut), config.data.channels)
    image = rand_augment(image, config.augment.randaugment, config.augment.magnitude, generator)
    draws = [number for step in device_steps(config) for number in step.draw(generator)]
    return image, torch.tensor(draws, dtype=torch.float32)


def transform_evaluation(config: Config, read: Read, generator: Generator) -> tuple[Tensor, Tensor]:
    """Read and cut an evaluation image, from its whole size; deterministic."""
    image = read(None)
    cut = evaluation_cut(image.shape[1], image.shape[2], config)
    return to_channels(cut_image(image, cut), config.data.channels), torch.empty(0)


def training_transform(config: Config) -> Transform:
    """The transform of training images. Raises `RunError` for inconsistent settings."""
    return checked_transform(transform_training, config)


def evaluation_transform(config: Config) -> Transform:
    """The transform of evaluation images. Raises `RunError` for inconsistent settings."""
    return checked_transform(transform_evaluation, config)


def checked_transform(
    transform: Callable[[Config, Read, Generator], tuple[Tensor, Tensor]], config: Config
) -> Transform:
    """The transform, tried on one image, so that wrong settings are reported here and not by a worker process."""
    try:
        check_fit(find_misfits(config))
        image, draws = transform(config, lambda _: torch.zeros(3, 2, 2, dtype=torch.uint8), Generator())
        finish_images(image[None], draws[None], config)
    except (RuntimeError, ValueError, TypeError, ArithmeticError) as error:
        problem = f"these settings cannot transform an image: {one_line(error)}"
        raise RunError(f"data and augment: {problem}; change them") from error
    return partial(transform, config)
