"""An image as a preprocessing wants it, with Pillow and numpy alone."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from inception_dsl.runner.base.settings import error_text
from inception_dsl.runner.readers.pillow import upright
from inception_dsl.weights.preprocessing import Preprocessing

if TYPE_CHECKING:
    from inception_dsl.crosscheck.probe import Array

MAX_ASPECT: Final = 16
"""The largest ratio of sides that a resize keeps: of a longer strip the middle is taken, which fits in the memory."""


def read_image(file: Path) -> Array:
    """Decode an image file: uint8, 3 x height x width. Raises `ValueError` with the reason if it cannot be decoded."""
    import numpy as np
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file) as image:
            return np.asarray(upright(image).convert("RGB")).transpose(2, 0, 1)
    except UnidentifiedImageError:  # its message holds a memory address
        raise ValueError("not an image file that Pillow knows") from None
    except Exception as error:  # noqa: BLE001 - each format raises its own exceptions
        raise ValueError(error_text(error)) from None


def prepared(image: Array, wanted: Preprocessing) -> Array:
    """What a network takes for an image (uint8, 3 x height x width): float32, resized, cropped and normalised."""
    import numpy as np

    mean, std = (np.array(values, np.float32).reshape(-1, 1, 1) for values in (wanted.mean, wanted.std))
    values: Array = (resized(image, wanted) / np.float32(255) - mean) / std
    return values


def resized(image: Array, wanted: Preprocessing) -> Array:
    """Resize an image (uint8, channels x height x width), and crop its centre.

    Gives bytes as Pillow does, or floats from 0 to 255 where the resize is not antialiased.
    """
    if isinstance(wanted.resize, tuple):
        return _resize(image, *wanted.resize, wanted)
    height, width = (min(side, MAX_ASPECT * min(image.shape[1:])) for side in image.shape[1:])
    image, shorter = _centre(image, height, width), min(height, width)
    larger = _resize(image, wanted.resize * height // shorter, wanted.resize * width // shorter, wanted)
    return _centre(larger, *wanted.crop)


def _resize(image: Array, height: int, width: int, wanted: Preprocessing) -> Array:
    import numpy as np

    if wanted.interpolation == "bilinear" and not wanted.antialias:
        rows = _interpolate(image.astype(np.float32), height, 1, wanted.coordinates)
        return _interpolate(rows, width, 2, wanted.coordinates)
    from PIL import Image

    how = Image.Resampling[wanted.interpolation.upper()]
    return np.stack([np.asarray(Image.fromarray(band).resize((width, height), how)) for band in image])


def _interpolate(values: Array, count: int, axis: int, coordinates: str) -> Array:
    """Interpolate linearly along an axis, at `count` places, which are rounded to float32 as torch rounds them."""
    import numpy as np

    length, half = values.shape[axis], 0.5 if coordinates == "half_pixel" else 0.0
    places = ((np.arange(count) + half) * float(np.float32(length / count)) - half).astype(np.float32).clip(0)
    below = np.floor(places).astype(np.int64)
    part = (places - below.astype(np.float32)).reshape([-1 if at == axis else 1 for at in range(values.ndim)])
    low, high = (values.take(index, axis) for index in (below, (below + 1).clip(max=length - 1)))
    between: Array = low + (high - low) * part
    return between


def _centre(image: Array, height: int, width: int) -> Array:
    """Crop the centre."""
    top, left = (round((outer - inner) / 2) for outer, inner in zip(image.shape[1:], (height, width), strict=True))
    return image[:, top : top + height, left : left + width]
