"""Images by number: every set is read in any order, so that a run can stop and go on anywhere."""

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

# The names of the splits. Where there are both, "val" is what a run watches: a "test" may come without labels.
SPLITS = {"train": ("train",), "test": ("val", "valid", "validation", "test")}


class Unreadable(Exception):
    """One image that cannot be read: its name, and why."""


class Reader(Protocol):
    """A set of images. `classes` names the labels, in order; `fingerprint` tells one set from another."""

    classes: list[str]
    fingerprint: str

    def __len__(self) -> int: ...

    def label(self, index: int, /) -> int:
        """The number of an image's class."""

    def name(self, index: int, /) -> str:
        """What to call it in messages."""

    def read(self, index: int, /) -> Tensor:
        """The image as uint8, channels x height x width, grey or RGB as it is stored. Raises `Unreadable`."""


class PackedIndex:
    """What readers share: labels and names, packed, for every worker would copy a list of a million strings.

    Classes that have no names are numbers. The fingerprint is of names, labels and whatever else tells the `content`.
    """

    def __init__(
        self, classes: Sequence[str], names: Iterable[str], labels: Sequence[Any], content: bytes = b""
    ) -> None:
        encoded = [os.fsencode(name) for name in names]
        self._names, self._ends = b"".join(encoded), array("q", accumulate(map(len, encoded), initial=0))
        if odd := [each for each in classes if str(each).splitlines() != [str(each)]]:
            raise RunError(f"the class {odd[0]!r} is not one line, so no classes.txt can list it; rename it")
        most = len(classes) or math.inf
        wrong = next((i for i, label in enumerate(labels) if type(label) is not int or not 0 <= label < most), None)
        if wrong is not None:  # 1.7 and True too are no numbers of a class
            known = f"there are {len(classes)} classes, which" if classes else "classes are whole numbers that"
            raise RunError(f"{self.name(wrong)}: its label is {labels[wrong]!r}, but {known} count from 0; correct it")
        self.classes = list(classes) or numbered_classes(labels, self.name)
        self._labels: array[int] = array("q", labels)
        digest = hashlib.blake2b(repr(self.classes).encode(), digest_size=16)
        for part in (self._names, self._ends.tobytes(), self._labels.tobytes(), content):
            digest.update(part)
        self.fingerprint = f"{len(encoded)}-{digest.hexdigest()}"

    def __len__(self) -> int:
        return len(self._labels)

    def label(self, index: int) -> int:
        """The number of the image's class."""
        return self._labels[index]

    def name(self, index: int) -> str:
        """What to call the image in messages."""
        return os.fsdecode(self._names[self._ends[index] : self._ends[index + 1]])


def numbered_classes(labels: Sequence[int], name: Callable[[int], str]) -> list[str]:
    """Classes that have no names. `name` is of an image: a label may be a date, and would make millions of classes."""
    most = max(labels, default=-1)
    if most >= 10 * len(labels) + 1000:
        made = f"label {most} at {name(labels.index(most))} would make {most + 1} classes"
        raise RunError(f"{made}; are these numbers of classes? Count them from 0, or name all classes")
    return [str(number) for number in range(most + 1)]


def error_text(error: Exception) -> str:
    """What an error says, in one line."""
    return " ".join(str(getattr(error, "strerror", None) or error).split()) or type(error).__name__


def decode_image(data: bytes, name: str) -> Tensor:
    """An image file, upright as EXIF says, as `pixels_of` gives it. Raises `Unreadable` where it is broken."""
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(BytesIO(data)) as image:
            ImageOps.exif_transpose(image, in_place=True)
            return pillow_to_tensor(image)
    except UnidentifiedImageError:  # its own words have an address, another each time
        raise Unreadable(f"{name}: not an image file that Pillow knows") from None
    except Exception as error:  # noqa: BLE001 - what a broken file raises is up to each format
        raise Unreadable(f"{name}: {error_text(error)}") from None


def pillow_to_tensor(image: Any) -> Tensor:
    """An image of Pillow's as uint8, 1 (grey) or 3 x height x width: CMYK becomes RGB, alpha is dropped."""
    if image.mode.startswith("I"):  # 16 bits of grey
        image = image.convert("I").point(lambda value: value * (1 / 257))
    image = image.convert("L" if image.mode in {"1", "I", "L", "LA"} else "RGB")
    values = torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8)
    return values.view(image.height, image.width, -1).permute(2, 0, 1)


def preload_decoder() -> None:
    """Import the decoder before workers fork, lest each imports it again."""
    import PIL.Image

    PIL.Image.preinit()


def select_split(names: Iterable[str], split: str) -> list[str]:
    """The files or folders of a split, by a word of their names, as in `imagenet-train-0001.tar`; sorted.

    Where no name has the word of any split, all are read as they are, but only to evaluate.
    """
    words = {name: set(re.split(r"[^a-z]+", name.lower())) for name in sorted(names)}
    for word in SPLITS[split]:
        if found := [name for name in words if word in words[name]]:
            return found
    known = {word for each in SPLITS.values() for word in each}
    return [] if split == "train" or any(known & each for each in words.values()) else list(words)


def read_class_names(folder: str) -> list[str]:
    """The lines of the folder's `classes.txt`; none where there is no such file."""
    with suppress(FileNotFoundError), open(os.path.join(folder, "classes.txt"), encoding="utf-8-sig") as lines:
        return [line.strip() for line in lines if line.strip()]
    return []
