"""Augmentation: an uint8 image in, a normalised one out; every chance is taken from the generator given."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Generator, Tensor
from torch.nn.functional import interpolate, pad

from inception_dsl.runner.config import Config
from inception_dsl.runner.settings import RunError, choice

Transform = Callable[[Tensor, Generator], Tensor]


def between(low: float, high: float, generator: Generator) -> float:
    """A number, each as likely as another."""
    return torch.empty(1).uniform_(low, high, generator=generator).item()


def below(end: int, generator: Generator) -> int:
    """One of 0, 1, ... `end` - 1."""
    return int(torch.randint(0, end, (1,), generator=generator).item())


def resized(image: Tensor, height: int, width: int, mode: str = "bilinear") -> Tensor:
    """The image at another size, as floats; bilinear and bicubic average what they make smaller."""
    smooth = mode in {"bilinear", "bicubic"}
    return interpolate(image[None].float(), (height, width), mode=mode, antialias=smooth)[0].clamp(0, 255)


def shorter_side(image: Tensor, side: int, mode: str = "bilinear") -> Tensor:
    """The image with its shorter side resized and the other in proportion; of a strip, the middle 16:1."""
    height, width = (min(each, 16 * min(image.shape[1:])) for each in image.shape[1:])  # more would fill the memory
    image, shorter = centred(image, height, width), min(height, width)
    return resized(image, side * height // shorter, side * width // shorter, mode)


def centred(image: Tensor, height: int, width: int) -> Tensor:
    """The middle of the image, or the image in the middle of zeros."""
    top, left = round((image.shape[1] - height) / 2), round((image.shape[2] - width) / 2)
    return pad(image, (-left, width - image.shape[2] + left, -top, height - image.shape[1] + top))


def window(image: Tensor, height: int, width: int, generator: Generator) -> Tensor:
    """A part of the image, anywhere in it."""
    top, left = below(image.shape[1] - height + 1, generator), below(image.shape[2] - width + 1, generator)
    return image[:, top : top + height, left : left + width]


def area_box(height: int, width: int, config: Config, generator: Generator) -> tuple[int, int, int, int]:
    """Top, left, height and width of a crop of the part and the shape wanted, as torchvision draws it."""
    low, high = config.augment.aspect
    for _ in range(10):
        covered = height * width * between(*config.augment.area, generator)
        aspect = math.exp(between(math.log(low), math.log(high), generator))
        w, h = round(math.sqrt(covered * aspect)), round(math.sqrt(covered / aspect))
        if 0 < w <= width and 0 < h <= height:
            return below(height - h + 1, generator), below(width - w + 1, generator), h, w
    w, h = max(1, min(width, round(height * high))), max(1, min(height, round(width / low)))  # most of its middle
    return (height - h) // 2, (width - w) // 2, h, w


def crop_area(image: Tensor, config: Config, generator: Generator) -> Tensor:
    """A part of any size between two, resized (GoogLeNet, 1409.4842 section 6)."""
    top, left, height, width = area_box(image.shape[1], image.shape[2], config, generator)
    image = image[:, top : top + height, left : left + width]
    return resized(image, config.data.height, config.data.width, drawn_mode(config, generator))


def crop_window(image: Tensor, config: Config, generator: Generator) -> Tensor:
    """A window of the input's size, of the image resized (Caffe's GoogLeNet)."""
    image = shorter_side(image, resize_of(config), drawn_mode(config, generator))
    return window(image, config.data.height, config.data.width, generator)


def crop_shift(image: Tensor, config: Config, generator: Generator) -> Tensor:
    """The image moved by some pixels; what is smaller than the input stands in zeros first."""
    (height, width), padding = (config.data.height, config.data.width), config.augment.padding
    image = centred(image, max(image.shape[1], height), max(image.shape[2], width))
    return window(pad(image, (padding,) * 4), height, width, generator)


def crop_whole(image: Tensor, config: Config, generator: Generator) -> Tensor:
    """The whole image, resized."""
    return resized(image, config.data.height, config.data.width, drawn_mode(config, generator))


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


def drawn_mode(config: Config, generator: Generator) -> str:
    """How this image is resized."""
    modes = choice(INTERPOLATIONS, config.augment.interpolation, "augment.interpolation")
    return modes[below(len(modes), generator)]


def resize_of(config: Config) -> int:
    """The shorter side of which a window is cut. Raises `RunError` where the input would not fit."""
    least = max(config.data.height, config.data.width)
    if config.augment.resize < least:
        raise RunError(f"augment.resize is {config.augment.resize}, but the input has {least} pixels; set it to more")
    return config.augment.resize


def grey(image: Tensor) -> Tensor:
    """The brightness of each pixel, 1 x H x W."""
    return 0.2989 * image[:1] + 0.587 * image[1:2] + 0.114 * image[2:] if len(image) == 3 else image


def blend(image: Tensor, other: Tensor, factor: float) -> Tensor:
    """From the other image (factor 0) to this one (1), and past it."""
    return other + factor * (image - other)


def photometric(image: Tensor, generator: Generator) -> Tensor:
    """Brightness, contrast and saturation, each by 0.5 to 1.5, in any order (Howard, 1312.5402)."""
    for which in torch.randperm(3, generator=generator).tolist():
        others = torch.zeros_like(image), grey(image).mean(), grey(image)
        image = blend(image, others[which], between(0.5, 1.5, generator)).clamp(0, 1)
    return image


def to_hsv(image: Tensor) -> Tensor:
    """Hue, saturation and value of red, green and blue; all 3 x H x W in [0, 1]."""
    (red, green, blue), high, low = image, image.amax(0), image.amin(0)
    span = (high - low).where(high > low, 1)
    sixth = torch.where(high == green, 2 + (blue - red) / span, 4 + (red - green) / span)
    sixth = torch.where(high == red, (green - blue) / span, sixth)
    return torch.stack([sixth / 6 % 1, (high - low) / high.where(high > 0, torch.inf), high])


def from_hsv(image: Tensor) -> Tensor:
    """Red, green and blue of hue, saturation and value."""
    hue, saturation, value = image
    sixths = torch.stack([5 + 6 * hue, 3 + 6 * hue, 1 + 6 * hue]) % 6
    rgb: Tensor = value * (1 - torch.minimum(sixths, 4 - sixths).clamp(0, 1) * saturation)
    return rgb


def saturated(image: Tensor, factor: float) -> Tensor:
    """The image in stronger or paler colours."""
    hue, saturation, value = to_hsv(image)
    return from_hsv(torch.stack([hue, (saturation * factor).clamp(0, 1), value]))


def turned(image: Tensor, part: float) -> Tensor:
    """The image with every hue moved by a part of the colour circle."""
    hue, saturation, value = to_hsv(image)
    return from_hsv(torch.stack([(hue + part) % 1, saturation, value]))


def tensorflow_colours(image: Tensor, generator: Generator) -> Tensor:
    """Brightness, then saturation, hue, contrast or contrast, saturation, hue (TensorFlow's image_processing.py)."""
    image = image + between(-32 / 255, 32 / 255, generator)
    for what in (("saturation", "hue", "contrast"), ("contrast", "saturation", "hue"))[below(2, generator)]:
        amount = between(-0.2, 0.2, generator) if what == "hue" else between(0.5, 1.5, generator)
        if what == "contrast":
            image = blend(image, image.mean((1, 2), keepdim=True), amount)
        elif len(image) == 3:
            image = turned(image, amount) if what == "hue" else saturated(image, amount)
    return image.clamp(0, 1)


def unchanged(image: Tensor, generator: Generator) -> Tensor:
    """The colours as they are."""
    return image


COLOURS: dict[str, Transform] = {
    "none": unchanged,
    "photometric": photometric,
    "tensorflow": tensorflow_colours,
}


def view_centre(image: Tensor, config: Config) -> Tensor:
    """The middle of the image resized."""
    return centred(shorter_side(image, resize_of(config)), config.data.height, config.data.width)


def view_central(image: Tensor, config: Config) -> Tensor:
    """The middle part of each side, resized (TensorFlow)."""
    height, width = (each - 2 * int((each - each * config.augment.central) / 2) for each in image.shape[1:])
    return resized(centred(image, height, width), config.data.height, config.data.width)


def view_whole(image: Tensor, config: Config) -> Tensor:
    """The whole image: in the middle of zeros where it is smaller than the input, else resized."""
    height, width = config.data.height, config.data.width
    small = image.shape[1] <= height and image.shape[2] <= width
    return centred(image, height, width) if small else resized(image, height, width)


VIEWS: dict[str, Callable[[Tensor, Config], Tensor]] = {
    "centre": view_centre,
    "central": view_central,
    "whole": view_whole,
}


def in_channels(image: Tensor, channels: int) -> Tensor:
    """The image in [0, 1]; in grey, once or three times, where the network wants that."""
    if len(image) != channels and len(image) not in {1, 3}:
        raise RunError(f"an image has {len(image)} channels, but data.channels is {channels}; set it, or save as RGB")
    return (image if len(image) == channels else grey(image).expand(channels, -1, -1)).float() / 255


def normalised(image: Tensor, config: Config) -> Tensor:
    """The image less the mean, by the deviation. Raises `RunError` where there is none for each channel."""
    for name, values in (("mean", config.data.mean), ("std", config.data.std)):
        if len(values) not in {1, len(image)}:
            raise RunError(f"data.{name} has {len(values)} numbers for {len(image)} channels; give one for each")
    mean, std = image.new_tensor(config.data.mean), image.new_tensor(config.data.std)
    return (image - mean.view(-1, 1, 1)) / std.view(-1, 1, 1)


def augmented(image: Tensor, generator: Generator, config: Config) -> Tensor:
    """The image as training sees it: cropped, every second time mirrored, distorted, normalised."""
    image = choice(CROPS, config.augment.crop, "augment.crop")(image, config, generator)
    image = in_channels(image, config.data.channels)
    image = image.flip(-1) if config.augment.flip and below(2, generator) else image
    return normalised(choice(COLOURS, config.augment.colour, "augment.colour")(image, generator), config)


def viewed(image: Tensor, generator: Generator, config: Config) -> Tensor:
    """The image as evaluation sees it: nothing is left to chance."""
    image = choice(VIEWS, config.augment.evaluation, "augment.evaluation")(image, config)
    return normalised(in_channels(image, config.data.channels), config)


def training_transform(config: Config) -> Transform:
    """What training does to an image. Raises `RunError` for settings that do not fit."""
    return tried(partial(augmented, config=config))


def evaluation_transform(config: Config) -> Transform:
    """What evaluation does to an image. Raises `RunError` for settings that do not fit."""
    return tried(partial(viewed, config=config))


def tried(transform: Transform) -> Transform:
    """The transform, once it has done one image: wrong settings are told here, and not by a worker process."""
    try:
        transform(torch.zeros(3, 2, 2, dtype=torch.uint8), Generator())
    except (RuntimeError, ValueError, TypeError, ArithmeticError) as error:
        why = " ".join(str(error).split())[:300]
        raise RunError(f"data and augment: no image can be made so: {why}; set others") from error
    return transform
