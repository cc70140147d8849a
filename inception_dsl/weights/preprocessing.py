"""Image preprocessing of weights, and its form in a file.

A weight file has it as JSON in its metadata, under the key `preprocessing`:

    {"tag": "torchvision googlenet IMAGENET1K_V1", "channels": "RGB", "resize": 256, "interpolation": "bilinear",
     "antialias": true, "coordinates": "half_pixel", "crop": [224, 224], "range": [0, 1], "mean": [0.5, 0.5, 0.5],
     "std": [0.5, 0.5, 0.5]}

`resize` is the length of the shorter side in pixels (the other side keeps the proportions), or the height and width.
Then a crop of `crop` (height and width) is taken from the center, bytes are scaled to `range`, and each channel is
normalized: (x - mean) / std. `interpolation` is Pillow's filter of that name, in bytes; Pillow antialiases when it
shrinks an image, except with `nearest`. Without `antialias`, `bilinear` is torch's, in floats. `coordinates` says where
a new pixel lies in the image, in the words of ONNX: `half_pixel`, or `asymmetric` as in TensorFlow 1.
"""

from __future__ import annotations

import json
import math
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from typing import Any, Final

from inception_dsl.spec.input_size import MAX_DIMENSION

KEY: Final = "preprocessing"
"""The key in a file's metadata."""

RESIZES: Final = (
    ("nearest", False, "half_pixel"),
    ("bilinear", True, "half_pixel"),
    ("bicubic", True, "half_pixel"),
    ("bilinear", False, "half_pixel"),
    ("bilinear", False, "asymmetric"),
)
"""The interpolation, antialias and coordinates of every resize that is known."""

FIXED: Final = {"channels": "RGB", "range": [0, 1]}
"""Entries for other readers; each has only this value here."""


@dataclass(frozen=True)
class Preprocessing:
    """How an image becomes the input of a network; `tag` names the weights that it belongs to."""

    tag: str
    resize: int | tuple[int, int]
    crop: tuple[int, int]
    interpolation: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    antialias: bool = True
    coordinates: str = "half_pixel"

    def at(self, height: int, width: int) -> Preprocessing:
        """The same for another input size: the ratio of resize to crop stays."""
        if (height, width) == self.crop:
            return self
        if isinstance(self.resize, tuple):
            return replace(self, resize=(height, width), crop=(height, width))
        return replace(self, resize=max(height, width) * self.resize // max(self.crop), crop=(height, width))

    @property
    def view(self) -> str:
        """The resize and the crop, in words."""
        height, width = self.crop
        how = self.interpolation
        if how == "bilinear" and not self.antialias:
            how += f" without antialiasing, {self.coordinates} coordinates"
        if isinstance(self.resize, tuple):
            return f"whole image resized to {height}x{width} ({how})"
        return f"shorter side resized to {self.resize} ({how}), center crop {height}x{width}"

    @property
    def sentence(self) -> str:
        """The view and the values, in words."""
        return f"{self.view}, mean {spell_channels(self.mean)}, std {spell_channels(self.std)}"

    @property
    def json(self) -> str:
        """The JSON for a file's metadata."""
        return json.dumps({**asdict(self), **FIXED})


def spell_channels(values: Collection[float]) -> str:
    """One number for each channel, or a single number if all are equal."""
    return ", ".join(f"{value:g}" for value in ([*values][:1] if len(set(values)) == 1 else values))


def parse_preprocessing(text: str) -> Preprocessing:
    """Read the JSON in a file's metadata. Raises `ValueError` with what is wrong."""
    try:
        data = dict(json.loads(text))
    except (ValueError, TypeError, RecursionError):
        raise ValueError("is not a JSON object") from None
    resize: Any = data.get("resize")
    crop: Any = data.get("crop")
    filter_: Any = data.get("interpolation")
    how = filter_, data.get("antialias", filter_ != "nearest"), data.get("coordinates", "half_pixel")
    checks = {
        "crop": _sizes(crop),
        "resize": resize == crop or (_sizes([resize, resize]) and _sizes(crop) and resize >= max(crop)),
        "interpolation": any(filter_ == known[0] for known in RESIZES),
        "antialias": any(how[:2] == known[:2] for known in RESIZES),
        "coordinates": how in RESIZES,
        "mean": _numbers(data.get("mean")),
        "std": _numbers(data.get("std")) and all(data["std"]),
        **{name: data.get(name, value) == value for name, value in FIXED.items()},
    }
    if wrong := [name for name, right in checks.items() if not right]:
        raise ValueError(f"has an unsupported `{wrong[0]}`: {str(data.get(wrong[0]))[:60]}")
    height, width = crop
    return Preprocessing(
        tag=str(data.get("tag", "")),
        resize=(height, width) if isinstance(resize, list) else resize,
        crop=(height, width),
        interpolation=filter_,
        mean=tuple(map(float, data["mean"])),
        std=tuple(map(float, data["std"])),
        antialias=bool(how[1]),
        coordinates=how[2],
    )


def _sizes(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(type(x) is int and 0 < x <= MAX_DIMENSION for x in value)


def _numbers(value: Any) -> bool:
    known = isinstance(value, list) and 0 < len(value) <= MAX_DIMENSION
    return known and all(type(x) in (int, float) and math.isfinite(x) for x in value)
