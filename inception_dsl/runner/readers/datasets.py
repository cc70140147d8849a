"""Map-style data sets, as torch calls them: `len(images)` items, of which each is an image and its label."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from inception_dsl.runner.base.settings import error_text
from inception_dsl.runner.readers.decode import pillow_to_tensor
from inception_dsl.runner.readers.reader import PackedIndex, Reduction, Unreadable


class DatasetReader(PackedIndex):
    """A data set whose images are of Pillow, or uint8 tensors of channels x height x width.

    An attribute `targets` with all labels saves reading every image for its own, `classes` are the names of the labels,
    and `data` are the pixels of all images, if they are in memory.
    """

    def __init__(self, images: Any, name: str) -> None:
        self.images = images
        pixels = getattr(images, "data", None)
        content = torch.as_tensor(pixels).numpy().tobytes() if hasattr(pixels, "dtype") else b""
        labels = _labels(images)
        super().__init__(_classes(images), [f"{name}[{i}]" for i in range(len(labels))], labels, content)

    def read(self, index: int, reduction: Reduction | None = None) -> Tensor:
        """An image. Raises `Unreadable` if it is missing or broken."""
        try:
            image = self.images[index][0]
            return image if isinstance(image, Tensor) else pillow_to_tensor(image)
        except Exception as error:  # noqa: BLE001 - each set raises its own exceptions
            raise Unreadable(f"{self.name(index)}: {error_text(error)}") from None


def _labels(images: Any) -> list[Any]:
    """The labels, from the attribute in which the sets of torchvision keep them; else every image is decoded."""
    first = None
    with suppress(Exception):  # the image may be broken
        first = images[0][1]
    for attribute in ("targets", "labels", "_labels", "_samples", "samples", "imgs"):
        found = getattr(images, attribute, None)
        if found is None or len(found) != len(images):
            continue
        values = found.tolist() if hasattr(found, "tolist") else list(found)
        labels = [value[1] if isinstance(value, tuple) else value for value in values]
        if not isinstance(first, int) or labels[0] == first:
            return labels
    return [label for _, label in images]


def _classes(images: Any) -> list[str]:
    """WordNet's ids where a set has them, as folders of ImageNet are named, and else the names."""
    names = getattr(images, "wnids", None) or getattr(images, "classes", None) or []
    return [", ".join(name) if isinstance(name, tuple) else str(name) for name in names]
