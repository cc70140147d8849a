"""Readers give images by index, in any order, so that a run can resume at any step."""

from __future__ import annotations

import hashlib
import math
import os
import re
from array import array
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from io import BytesIO
from itertools import accumulate
from typing import Any, Protocol

import torch
from torch import Tensor

from inception_dsl.runner.settings import RunError

# The names of each split, by preference: "val" comes before "test", which may lack labels.
SPLITS = {"train": ("train",), "test": ("val", "valid", "validation", "test")}


class Unreadable(Exception):
    """An image cannot be read; the message gives its name and the cause."""


class Reader(Protocol):
    """A data set. `classes` names the labels in order; `fingerprint` identifies the set."""

    classes: list[str]
    fingerprint: str

    def __len__(self) -> int: ...

    def label(self, index: int, /) -> Tensor:
        """The class index of an image (int64)."""

    def name(self, index: int, /) -> str:
        """The name of an image in messages."""

    def read(self, index: int, /) -> Tensor:
        """An image as uint8, channels x height x width, grey or RGB as stored. Raises `Unreadable`."""


class PackedIndex:
    """The labels and names of a data set, packed into arrays: each worker would copy a list of a million strings.

    Classes without names are numbered. The fingerprint covers names, labels and `content`.
    """

    def __init__(
        self, classes: Sequence[str], names: Iterable[str], labels: Sequence[Any], content: bytes = b""
    ) -> None:
        encoded = [os.fsencode(name) for name in names]
        self._names, self._ends = b"".join(encoded), array("q", accumulate(map(len, encoded), initial=0))
        if odd := [name for name in classes if str(name).splitlines() != [str(name)]]:
            raise RunError(f"the class {odd[0]!r} is not one line of text, so classes.txt cannot list it; rename it")
        most = len(classes) or math.inf
        wrong = next((i for i, label in enumerate(labels) if type(label) is not int or not 0 <= label < most), None)
        if wrong is not None:  # 1.7 and True are not class indices either
            known = f"there are {len(classes)} classes, which" if classes else "class indices are integers that"
            raise RunError(f"{self.name(wrong)}: its label is {labels[wrong]!r}, but {known} count from 0; correct it")
        self.classes = list(classes) or numbered_classes(labels, self.name)
        self._labels: array[int] = array("q", labels)
        digest = hashlib.blake2b(repr(self.classes).encode(), digest_size=16)
        for part in (self._names, self._ends.tobytes(), self._labels.tobytes(), content):
            digest.update(part)
        self.fingerprint = f"{len(encoded)}-{digest.hexdigest()}"

    def __len__(self) -> int:
        return len(self._labels)

    def label(self, index: int) -> Tensor:
        """The class index of an image."""
        return torch.tensor(self._labels[index])

    def name(self, index: int) -> str:
        """The name of an image in messages."""
        return os.fsdecode(self._names[self._ends[index] : self._ends[index + 1]])


def numbered_classes(labels: Sequence[int], name: Callable[[int], str]) -> list[str]:
    """The names "0", "1", ... of unnamed classes; rejects labels, such as dates, that would make millions of them."""
    most = max(labels, default=-1)
    if most >= 10 * len(labels) + 1000:
        problem = f"label {most} at {name(labels.index(most))} would make {most + 1} classes"
        raise RunError(f"{problem}; are these class indices? Number the classes from 0, or name them")
    return [str(number) for number in range(most + 1)]


def error_text(error: Exception) -> str:
    """The message of an error on one line."""
    return " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__


def decode_image(data: bytes, name: str) -> Tensor:
    """Decode an image file, rotated as its EXIF tag says. Raises `Unreadable` if it is broken."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(BytesIO(data)) as image:
            ImageOps.exif_transpose(image, in_place=True)
            return pillow_to_tensor(image)
    except UnidentifiedImageError:  # its message holds a memory address
        raise Unreadable(f"{name}: not an image file that Pillow knows") from None
    except Exception as error:  # noqa: BLE001 - each format raises its own exceptions
        raise Unreadable(f"{name}: {error_text(error)}") from None


def pillow_to_tensor(image: Any) -> Tensor:
    """Convert a Pillow image to uint8, 1 (grey) or 3 x height x width: CMYK becomes RGB, alpha is dropped."""
    if image.mode.startswith("I"):  # 16-bit grey
        image = image.convert("I").point(lambda value: value * (1 / 257))
    image = image.convert("L" if image.mode in {"1", "I", "L", "LA"} else "RGB")
    values = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    return values.view(image.height, image.width, -1).permute(2, 0, 1)


def preload_decoder() -> None:
    """Import Pillow before workers fork, so that each need not import it again."""
    import PIL.Image

    PIL.Image.preinit()


def select_split(names: Iterable[str], split: str) -> list[str]:
    """The files or folders whose names contain a split, as in `imagenet-train-0001.tar`, sorted.

    If no name contains any split, all of them are the test split.
    """
    words = {name: set(re.split(r"[^a-z]+", name.lower())) for name in sorted(names)}
    for word in SPLITS[split]:
        if found := [name for name in words if word in words[name]]:
            return found
    known = {word for aliases in SPLITS.values() for word in aliases}
    return [] if split == "train" or any(known & found for found in words.values()) else list(words)


def read_class_names(folder: str) -> list[str]:
    """The lines of the folder's `classes.txt`; empty if there is no such file."""
    with suppress(FileNotFoundError), open(os.path.join(folder, "classes.txt"), encoding="utf-8-sig") as lines:
        return [line.strip() for line in lines if line.strip()]
    return []
