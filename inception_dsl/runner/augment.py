"""Augmentation: a uint8 image in, a normalised one out; all randomness comes from the generator passed in."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Generator, Tensor
from torch.nn.functional import interpolate, pad

from inception_dsl.runner.config import Config
from inception_dsl.runner.settings import RunError, lookup

Transform = Callable[[Tensor, Generator], Tensor]


def random_uniform(low: float, high: float, generator: Generator) -> float:
    """A uniform random number."""
    return torch.empty(1).uniform_(low, high, generator=generator).item()


def random_below(end: int, generator: Generator) -> int:
    """A uniform random integer in [0, end)."""
    return int(torch.randint(0, end, (1,), generator=generator).item())


def resize(image: Tensor, height: int, width: int, mode: str = "bilinear") -> Tensor:
    """Resize the image, in floats; bilinear and bicubic are antialiased."""
    smooth = mode in {"bilinear", "bicubic"}
    return interpolate(image[None].float(), (height, width), mode=mode, antialias=smooth)[0].clamp(0, 255)


def resize_shorter_side(image: Tensor, side: int, mode: str = "bilinear") -> Tensor:
    """Resize the shorter side, keeping the aspect ratio; a ratio above 16:1 is first cropped to its centre."""
    height, width = (
        min(length, 16 * min(image.shape[1:])) for length in image.shape[1:]
    )  # a longer strip would fill the memory
    image, shorter = centre_crop(image, height, width), min(height, width)
    return resize(image, side * height // shorter, side * width // shorter, mode)


def centre_crop(image: Tensor, height: int, width: int) -> Tensor:
    """Crop the centre; a smaller image is padded with zeros."""
    top, left = round((image.shape[1] - height) / 2), round((image.shape[2] - width) / 2)
    return pad(image, (-left, width - image.shape[2] + left, -top, height - image.shape[1] + top))


def random_crop(image: Tensor, height: int, width: int, generator: Generator) -> Tensor:
    """Crop a window at a random position."""
    top, left = (
        random_below(image.shape[1] - height + 1, generator),
        random_below(image.shape[2] - width + 1, generator),
    )
    return image[:, top : top + height, left : left + width]


def random_area_box(height: int, width: int, config: Config, generator: Generator) -> tuple[int, int, int, int]:
    """Top, left, height and width of a crop of random area and aspect ratio, sampled as torchvision does."""
    low, high = config.augment.aspect
    for _ in range(10):
        covered = height * width * random_uniform(*config.augment.area, generator)
        aspect = math.exp(random_uniform(math.log(low), math.log(high), generator))
        w, h = round(math.sqrt(covered * aspect)), round(math.sqrt(covered / aspect))
        if 0 < w <= width and 0 < h <= height:
            return random_below(height - h + 1, generator), random_below(width - w + 1, generator), h, w
    w, h = (
        max(1, min(width, round(height * high))),
        max(1, min(height, round(width / low))),
    )  # fallback: the largest centred crop
    return (height - h) // 2, (width - w) // 2, h, w


def crop_area(image: Tensor, config: Config, generator: Generator) -> Tensor:
    """A crop of random area and aspect ratio, resized (GoogLeNet, 1409.4842 section 6)."""
    top, left, height, width = random_area_box(image.shape[1], image.shape[2], config, generator)
    image = image[:, top : top + height, left : left + width]
    return resize(image, config.data.height, config.data.width, random_interpolation(config, generator))


def crop_window(image: Tensor, config: Config, generator: Generator) -> Tensor:
    """A random window of the resized image (Caffe's GoogLeNet)."""
    image = resize_shorter_side(image, resize_side(config), random_interpolation(config, generator))
    return random_crop(image, config.data.height, config.data.width, generator)


def crop_shift(image: Tensor, config: Config, generator: Generator) -> Tensor:
    """The image shifted by up to `padding` pixels; an image smaller than the input is padded with zeros first."""
    (height, width), padding = (config.data.height, config.data.width), config.augment.padding
    image = centre_crop(image, max(image.shape[1], height), max(image.shape[2], width))
    return random_crop(pad(image, (padding,) * 4), height, width, generator)


def crop_whole(image: Tensor, config: Config, generator: Generator) -> Tensor:
    """The whole image, resized."""
    return resize(image, config.data.height, config.data.width, random_interpolation(config, generator))


CROPS: dict[str, Callable[[Tensor, Config, Generator], Tensor]] = {
    "area": crop_area,
    "window": crop_window,
    "shift": crop_shift,
    "whole": crop_whole,
}

INTERPOLATIONS: dict[str, tuple[str, ...]] = {
    "bilinear": ("bilinear",),
    "random": ("bilinear", "nearest-exact", "bicubic", "area"),
}


def random_interpolation(config: Config, generator: Generator) -> str:
    """Choose an interpolation mode for one image."""
    modes = lookup(INTERPOLATIONS, config.augment.interpolation, "augment.interpolation")
    return modes[random_below(len(modes), generator)]


def resize_side(config: Config) -> int:
    """The shorter side to resize to. Raises `RunError` if it is smaller than the network's input."""
    least = max(config.data.height, config.data.width)
    if config.augment.resize < least:
        raise RunError(
            f"augment.resize is {config.augment.resize}, but the input has {least} pixels; set {least} or more"
        )
    return config.augment.resize


def to_grey(image: Tensor) -> Tensor:
    """The luminance, 1 x H x W."""
    return 0.2989 * image[:1] + 0.587 * image[1:2] + 0.114 * image[2:] if len(image) == 3 else image


def blend(image: Tensor, other: Tensor, factor: float) -> Tensor:
    """Interpolate from the other image (factor 0) to this one (1), or extrapolate beyond it."""
    return other + factor * (image - other)


def photometric(image: Tensor, generator: Generator) -> Tensor:
    """Scale brightness, contrast and saturation by 0.5 to 1.5, in random order (Howard, 1312.5402)."""
    for which in torch.randperm(3, generator=generator).tolist():
        others = torch.zeros_like(image), to_grey(image).mean(), to_grey(image)
        image = blend(image, others[which], random_uniform(0.5, 1.5, generator)).clamp(0, 1)
    return image


def to_hsv(image: Tensor) -> Tensor:
    """Convert RGB to HSV; both are 3 x H x W in [0, 1]."""
    (red, green, blue), high, low = image, image.amax(0), image.amin(0)
    span = (high - low).where(high > low, 1)
    sixth = torch.where(high == green, 2 + (blue - red) / span, 4 + (red - green) / span)
    sixth = torch.where(high == red, (green - blue) / span, sixth)
    return torch.stack([sixth / 6 % 1, (high - low) / high.where(high > 0, torch.inf), high])


def from_hsv(image: Tensor) -> Tensor:
    """Convert HSV to RGB."""
    hue, saturation, value = image
    sixths = torch.stack([5 + 6 * hue, 3 + 6 * hue, 1 + 6 * hue]) % 6
    rgb: Tensor = value * (1 - torch.minimum(sixths, 4 - sixths).clamp(0, 1) * saturation)
    return rgb


def scale_saturation(image: Tensor, factor: float) -> Tensor:
    """Scale the saturation."""
    hue, saturation, value = to_hsv(image)
    return from_hsv(torch.stack([hue, (saturation * factor).clamp(0, 1), value]))


def shift_hue(image: Tensor, fraction: float) -> Tensor:
    """Shift every hue by a fraction of the colour circle."""
    hue, saturation, value = to_hsv(image)
    return from_hsv(torch.stack([(hue + fraction) % 1, saturation, value]))


def tensorflow_colours(image: Tensor, generator: Generator) -> Tensor:
    """Brightness, then saturation, hue, contrast or contrast, saturation, hue (TensorFlow, image_processing.py)."""
    image = image + random_uniform(-32 / 255, 32 / 255, generator)
    for what in (("saturation", "hue", "contrast"), ("contrast", "saturation", "hue"))[random_below(2, generator)]:
        amount = random_uniform(-0.2, 0.2, generator) if what == "hue" else random_uniform(0.5, 1.5, generator)
        if what == "contrast":
            image = blend(image, image.mean((1, 2), keepdim=True), amount)
        elif len(image) == 3:
            image = shift_hue(image, amount) if what == "hue" else scale_saturation(image, amount)
    return image.clamp(0, 1)


def no_colour_change(image: Tensor, generator: Generator) -> Tensor:
    """Leave the colours unchanged."""
    return image


COLOURS: dict[str, Transform] = {
    "none": no_colour_change,
    "photometric": photometric,
    "tensorflow": tensorflow_colours,
}


def view_centre(image: Tensor, config: Config) -> Tensor:
    """The centre of the resized image."""
    return centre_crop(resize_shorter_side(image, resize_side(config)), config.data.height, config.data.width)


def view_central(image: Tensor, config: Config) -> Tensor:
    """The central fraction of each side, resized (TensorFlow)."""
    height, width = (side - 2 * int((side - side * config.augment.central) / 2) for side in image.shape[1:])
    return resize(centre_crop(image, height, width), config.data.height, config.data.width)


def view_whole(image: Tensor, config: Config) -> Tensor:
    """The whole image: padded with zeros if it is smaller than the input, else resized."""
    height, width = config.data.height, config.data.width
    small = image.shape[1] <= height and image.shape[2] <= width
    return centre_crop(image, height, width) if small else resize(image, height, width)


VIEWS: dict[str, Callable[[Tensor, Config], Tensor]] = {
    "centre": view_centre,
    "central": view_central,
    "whole": view_whole,
}


def to_channels(image: Tensor, channels: int) -> Tensor:
    """Scale the image to [0, 1], and convert it to grey if the network's channels require it."""
    if len(image) != channels and len(image) not in {1, 3}:
        raise RunError(
            f"an image has {len(image)} channels, but data.channels is {channels}; set that, or save the images as RGB"
        )
    return (image if len(image) == channels else to_grey(image).expand(channels, -1, -1)).float() / 255


def normalise(image: Tensor, config: Config) -> Tensor:
    """Subtract the mean and divide by the deviation. Raises `RunError` if their lengths do not match the channels."""
    for name, values in (("mean", config.data.mean), ("std", config.data.std)):
        if len(values) not in {1, len(image)}:
            raise RunError(f"data.{name} has {len(values)} numbers for {len(image)} channels; give one per channel")
    mean, std = image.new_tensor(config.data.mean), image.new_tensor(config.data.std)
    return (image - mean.view(-1, 1, 1)) / std.view(-1, 1, 1)


def training_view(image: Tensor, generator: Generator, config: Config) -> Tensor:
    """The image for training: cropped, mirrored with probability 1/2, distorted in colour, normalised."""
    image = lookup(CROPS, config.augment.crop, "augment.crop")(image, config, generator)
    image = to_channels(image, config.data.channels)
    image = image.flip(-1) if config.augment.flip and random_below(2, generator) else image
    return normalise(lookup(COLOURS, config.augment.colour, "augment.colour")(image, generator), config)


def evaluation_view(image: Tensor, generator: Generator, config: Config) -> Tensor:
    """The image for evaluation; deterministic."""
    image = lookup(VIEWS, config.augment.evaluation, "augment.evaluation")(image, config)
    return normalise(to_channels(image, config.data.channels), config)


def training_transform(config: Config) -> Transform:
    """The transform of training images. Raises `RunError` for inconsistent settings."""
    return checked_transform(partial(training_view, config=config))


def evaluation_transform(config: Config) -> Transform:
    """The transform of evaluation images. Raises `RunError` for inconsistent settings."""
    return checked_transform(partial(evaluation_view, config=config))


def checked_transform(transform: Transform) -> Transform:
    """Try the transform on one image, so that wrong settings are reported here and not by a worker process."""
    try:
        transform(torch.zeros(3, 2, 2, dtype=torch.uint8), Generator())
    except (RuntimeError, ValueError, TypeError, ArithmeticError) as error:
        cause = " ".join(str(error).split())[:300]
        raise RunError(f"data and augment: these settings cannot transform an image: {cause}; change them") from error
    return transform
