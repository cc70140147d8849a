"""Data sets of `torchvision.datasets`."""

from __future__ import annotations

import inspect
import os
from contextlib import suppress
from typing import Any

import torch
from torch import Tensor

from inception_dsl.runner.base.settings import RunError, error_text
from inception_dsl.runner.readers.decode import pillow_to_tensor, preload_decoder
from inception_dsl.runner.readers.reader import SPLITS, PackedIndex, Reader, Reduction, Unreadable


class TorchvisionReader(PackedIndex):
    """A data set of torchvision."""

    def __init__(self, images: Any, name: str) -> None:
        preload_decoder(jpeg=False)  # torchvision opens its files with Pillow
        self.images = images
        pixels = getattr(images, "data", None)
        content = torch.as_tensor(pixels).numpy().tobytes() if hasattr(pixels, "dtype") else b""
        labels = _labels(images)
        super().__init__(_classes(images), [f"{name}[{i}]" for i in range(len(labels))], labels, content)

    def read(self, index: int, reduction: Reduction | None = None) -> Tensor:
        """An image. Raises `Unreadable` if it is missing or broken."""
        try:
            return pillow_to_tensor(self.images[index][0])
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


def torchvision_images(path: str, split: str) -> Reader:
    """`NAME,FOLDER`: a class of `torchvision.datasets` and the folder of its files, which are never downloaded."""
    import torchvision.datasets

    name, _, root = path.partition(",")
    kind: Any = getattr(torchvision.datasets, name, None)
    settings = set(inspect.signature(kind).parameters) if inspect.isclass(kind) else set()
    if not root or not settings:
        raise RunError(
            f"torchvision:{path}: write torchvision:NAME,FOLDER with a data set that has splits, such as FashionMNIST"
        )
    layout = "as train/CLASS/IMAGE and val/CLASS/IMAGE, which folder: reads"
    if not {"train", "split"} & settings:
        raise RunError(f"torchvision:{path}: {name} has no training and held-out split; lay its images out {layout}")
    words = ("train", "trainval", "train-standard") if split == "train" else SPLITS["test"]
    choices = [{"split": word} for word in words] if "split" in settings else [{"train": split == "train"}]
    for chosen in choices:
        try:
            images = kind(root, **chosen, **({"download": False} if "download" in settings else {}))
            break
        except ValueError:
            continue  # no such split
        except (RuntimeError, OSError, ImportError) as error:
            plain = f"; or read the images without it: folder:{root}" * os.path.isdir(os.path.join(root, "train"))
            if isinstance(error, ImportError) and not plain:
                raise
            cause = error_text(error).rstrip(".")
            if isinstance(error, ImportError):
                cause = f"torchvision needs {str(error.name).partition('.')[0]} to read {name}"
            raise RunError(f"torchvision:{path}: {cause}. Put the files of {name} in that folder{plain}") from None
    else:
        raise RunError(f"torchvision:{path}: it has no split named {' or '.join(words)}; lay images out {layout}")
    return TorchvisionReader(images, f"{name}:{split}")
