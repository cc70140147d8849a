"""Data sets that are arrays in memory: MNIST's format and NumPy's; and noise."""

from __future__ import annotations

import gzip
import math
import os
import zlib
from collections.abc import Sequence

import torch
from torch import Tensor

from inception_dsl.runner.base.randomness import make_generator
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.readers.reader import (
    SPLITS,
    PackedIndex,
    Reader,
    Reduction,
    read_class_names,
)


class ArrayReader(PackedIndex):
    """Images in memory, uint8, N x channels x height x width, which forked workers share."""

    def __init__(
        self, name: str, classes: Sequence[str], images: Tensor, labels: Sequence[int] | Tensor, content: bytes
    ) -> None:
        super().__init__(classes, [f"{name}[{i}]" for i in range(len(images))], labels, content)
        self.images = images

    def read(self, index: int, reduction: Reduction | None = None) -> Tensor:
        """The image."""
        return self.images[index]


def idx_images(path: str, split: str) -> Reader:
    """The four files of MNIST and Fashion-MNIST, with or without gzip; `classes.txt` beside them names the classes."""
    prefix = os.path.join(path, {"train": "train", "test": "t10k"}[split])
    images, (count, height, width) = _read_idx(f"{prefix}-images-idx3-ubyte", 3)
    labels, (labelled,) = _read_idx(f"{prefix}-labels-idx1-ubyte", 1)
    if count != labelled:
        raise RunError(f"{prefix}-*: {count} images, but {labelled} labels; the files belong to different sets")
    values = torch.frombuffer(bytearray(images), dtype=torch.uint8).view(count, 1, height, width)
    return ArrayReader(os.path.basename(prefix), read_class_names(path), values, list(labels), images)


def _read_idx(path: str, rank: int) -> tuple[bytes, list[int]]:
    """The values and the shape in an IDX file: 0, 0, 8 (uint8), the rank, the shape as big-endian int32, the values."""
    packed = os.path.exists(f"{path}.gz")
    path = f"{path}.gz" if packed else path
    try:
        with gzip.open(path) if packed else open(path, "rb") as file:
            head, content = file.read(4 + 4 * rank), file.read()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise RunError(f"{path}: the file is broken ({error}); download it again") from None
    if head[:4] != bytes([0, 0, 8, rank]):
        raise RunError(
            f"{path}: it begins with {head[:4].hex(' ') or 'nothing'}, not 00 00 08 0{rank}: it has another format"
        )
    shape = [int.from_bytes(head[at : at + 4], "big") for at in range(4, 4 + 4 * rank, 4)]
    if not content or len(content) != math.prod(shape):
        raise RunError(f"{path}: it has {len(content)} bytes of data, but its header says {shape}; download it again")
    return content, shape


ARRAY_NAMES = ("{}_images", "{}_labels"), ("x_{}", "y_{}"), ("images", "labels"), ("x", "y")


def npz_images(path: str, split: str) -> Reader:
    """NumPy arrays: `train_images` and `train_labels`, or `x_train` and `y_train`; `classes` names the classes.

    The images are uint8, N x height x width, N x height x width x channels, or N x channels (1 or 3) x height x width.
    Labels are N numbers, or N rows: one-hot, of a 0 or 1 for each class, or of numbers. For evaluation also `images`,
    `labels`.
    """
    import numpy as np

    with open(path, "rb") as file, np.lib.npyio.NpzFile(file) as arrays:
        pairs = [tuple(name.format(word) for name in pair) for word in SPLITS[split] for pair in ARRAY_NAMES]
        pair = next((p for p in pairs if p[0] in arrays and (split == "test" or "train" in p[0])), None)
        if pair is None or pair[1] not in arrays:
            have = ", ".join(arrays) or "nothing"
            raise RunError(f"{path}: its arrays are {have}; it needs {split}_images and {split}_labels")
        images, labels = arrays[pair[0]], arrays[pair[1]]
        classes = [str(name) for name in arrays["classes"].reshape(-1)] if "classes" in arrays else []
    rows = labels.ndim == 2 and labels.shape[1] and labels.dtype.kind in "biuf"
    count = len(labels) if rows else labels.size
    if images.dtype != np.uint8 or images.ndim not in {3, 4} or 0 in images.shape or len(images) != count:
        found = f"{images.dtype} {list(images.shape)}, and {pair[1]} is {list(labels.shape)}"
        raise RunError(
            f"{path}: {pair[0]} is {found}; images are uint8, N x height x width (x channels), with N labels"
        )
    values = torch.from_numpy(images)
    if values.ndim == 3:
        values = values[:, None]
    elif values.shape[1] not in {1, 3} or values.shape[3] in {1, 3}:  # else the channels come first, as in torch
        values = values.permute(0, 3, 1, 2)
    given = torch.from_numpy(labels.astype(np.float64)) if rows else labels.reshape(-1).tolist()
    return ArrayReader(pair[0], classes, values, given, images.tobytes())


class NoiseReader(PackedIndex):
    """Images of noise; an image is the same whenever it is read."""

    def __init__(self, split: str, count: int, classes: int, side: int) -> None:
        self.split, self.side, self.outputs = split, side, classes
        labels = [index % classes for index in range(count)]
        super().__init__(
            [str(i) for i in range(classes)], [f"{split}[{i}]" for i in range(count)], labels, f"{side}".encode()
        )

    def read_labels(self, loss: str) -> None:
        """One class per image in turn; for other losses, labels and numbers that are noise too."""
        if loss != "cross_entropy":
            noise = torch.randn(len(self), self.outputs, generator=make_generator("fake", self.split, "labels"))
            self._unread = (noise > 0 if loss == "bce" else noise, *self._unread[1:])
        super().read_labels(loss)

    def read(self, index: int, reduction: Reduction | None = None) -> Tensor:
        """An image, in colour."""
        random = make_generator("fake", self.split, index)
        return torch.randint(0, 256, (3, self.side, self.side), dtype=torch.uint8, generator=random)


def fake_images(path: str, split: str) -> Reader:
    """`IMAGESxCLASSES` or `IMAGESxCLASSESxSIDE`: noise, for trying or timing a run."""
    numbers = path.split("x")
    if len(numbers) not in {2, 3} or not all(number.isdecimal() and int(number) for number in numbers):
        raise RunError(
            f"fake:{path}: write fake:1000x10 for 1000 images of 10 classes, or fake:1000x10x32 for a side of 32 pixels"
        )
    count, classes, side = (*map(int, numbers), 256)[:3]
    return NoiseReader(split, count, classes, side)
