"""Data sets that are tables of images: MNIST's format, NumPy, Parquet, torchvision; and noise."""

from __future__ import annotations

import gzip
import inspect
import json
import math
import os
import zlib
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from inception_dsl.runner.randomness import make_generator
from inception_dsl.runner.reader import (
    SPLITS,
    PackedIndex,
    Reader,
    Unreadable,
    decode_image,
    error_text,
    pillow_to_tensor,
    preload_decoder,
    read_class_names,
    select_split,
)
from inception_dsl.runner.settings import RunError


class ArrayReader(PackedIndex):
    """Images in memory, uint8, N x channels x height x width, which forked workers share."""

    def __init__(
        self, name: str, classes: Sequence[str], images: Tensor, labels: Sequence[int], content: bytes
    ) -> None:
        super().__init__(classes, [f"{name}[{i}]" for i in range(len(images))], labels, content)
        self.images = images

    def read(self, index: int) -> Tensor:
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

    The images are uint8, N x height x width or N x height x width x channels. For evaluation also `images`, `labels`.
    """
    import numpy as np

    with open(path, "rb") as file, np.lib.npyio.NpzFile(file) as arrays:
        pairs = [tuple(name.format(word) for name in pair) for word in SPLITS[split] for pair in ARRAY_NAMES]
        pair = next((p for p in pairs if p[0] in arrays and (split == "test" or "train" in p[0])), None)
        if pair is None or pair[1] not in arrays:
            have = ", ".join(arrays) or "nothing"
            raise RunError(f"{path}: its arrays are {have}; it needs {split}_images and {split}_labels")
        images, labels = arrays[pair[0]], arrays[pair[1]].reshape(-1).tolist()
        classes = [str(name) for name in arrays["classes"].reshape(-1)] if "classes" in arrays else []
    if images.dtype != np.uint8 or images.ndim not in {3, 4} or 0 in images.shape or len(images) != len(labels):
        found = f"{images.dtype} {list(images.shape)} with {len(labels)} labels"
        raise RunError(
            f"{path}: {pair[0]} is {found}; it must be uint8, N x height x width (x channels), with N labels"
        )
    values = torch.from_numpy(images)
    values = values[:, None] if values.ndim == 3 else values.permute(0, 3, 1, 2)
    return ArrayReader(pair[0], classes, values, labels, images.tobytes())


CACHED_GROUPS = 8  # row groups kept in memory per process


class ParquetReader(PackedIndex):
    """Images in the rows of Parquet files.

    A row group can only be read whole, so random access costs a group per image: small groups are faster (Hugging
    Face's files have groups of 100 images).
    """

    def __init__(self, root: str, classes: Sequence[str], groups: Sequence[RowGroup], labels: list[Any]) -> None:
        preload_decoder()
        self.root, self._groups = root, list(groups)
        self._starts = array("q", accumulate((rows for *_, rows in groups), initial=0))
        self._kept: dict[int, Any] = {}
        names = [f"{file}[{group}][{row}]" for file, group, _, rows in groups for row in range(rows)]
        files = dict.fromkeys(file for file, *_ in groups)
        sizes = "".join(f"{os.path.getsize(os.path.join(root, file))}\n" for file in files)
        super().__init__(classes, names, labels, sizes.encode())

    def read(self, index: int) -> Tensor:
        """Decode an image. Raises `Unreadable` if it is broken, and `RunError` if its file is gone."""
        number = bisect_right(self._starts, index) - 1
        if number not in self._kept:
            if len(self._kept) == CACHED_GROUPS:
                del self._kept[next(iter(self._kept))]
            self._kept[number] = self._read_group(*self._groups[number][:3])
        name, row = os.path.join(self.root, self.name(index)), self._kept[number][index - self._starts[number]]
        try:
            found = row.as_py()
        except ValueError as error:
            raise Unreadable(f"{name}: {error_text(error)}") from None
        data = found.get("bytes") if isinstance(found, dict) else found
        if not isinstance(data, bytes):
            raise Unreadable(f"{name}: the row holds no bytes")
        return decode_image(data, name)

    def _read_group(self, name: str, group: int, column: str) -> Any:
        from pyarrow.parquet import ParquetFile

        path = os.path.join(self.root, name)
        try:
            with ParquetFile(path) as file:
                return file.read_row_group(group, columns=[column], use_threads=False).column(0)
        except FileNotFoundError:
            raise RunError(f"{path}: the file is gone; put it back") from None
        except Exception as error:  # noqa: BLE001 - pyarrow raises many types for a broken file
            raise Unreadable(f"{path}: {error_text(error)}") from None


RowGroup = tuple[str, int, str, int]  # the file, the index of the group, the column of images, the number of rows


def parquet_images(path: str, split: str) -> Reader:
    """Hugging Face's Parquet files in one folder, named by split, with the columns `image` (bytes) and `label`."""
    from pyarrow.parquet import ParquetFile

    groups: list[RowGroup] = []
    labels: list[Any] = []
    classes: list[str] = read_class_names(path)
    for name in select_split((file for file in os.listdir(path) if file.endswith(".parquet")), split):
        where = os.path.join(path, name)
        try:
            with ParquetFile(where) as file:
                schema, sizes = (
                    file.schema_arrow,
                    [file.metadata.row_group(i).num_rows for i in range(file.num_row_groups)],
                )
                image, label = (
                    next((key for key in keys if key in schema.names), "") for keys in (IMAGE_COLUMNS, LABEL_COLUMNS)
                )
                if not image or not label:
                    have = ", ".join(schema.names)
                    raise RunError(f"{where}: its columns are {have}; it needs `image` and `label`")
                found = file.read(columns=[label], use_threads=False).column(0).to_pylist()
        except (OSError, ValueError) as error:
            raise RunError(f"{where}: the file is broken ({error}); download it again") from None
        with suppress(KeyError, TypeError, ValueError):  # not every file names its classes
            classes = classes or json.loads(schema.metadata[b"huggingface"])["info"]["features"][label]["names"] or []
        groups += [(name, group, image, rows) for group, rows in enumerate(sizes)]
        labels += found
    return ParquetReader(path, classes, groups, labels)


IMAGE_COLUMNS = ("image", "img")
LABEL_COLUMNS = ("label", "labels", "fine_label")


class TorchvisionReader(PackedIndex):
    """A data set of torchvision."""

    def __init__(self, images: Any, name: str, classes: Sequence[str], labels: list[int]) -> None:
        preload_decoder()
        self.images = images
        content = b"" if getattr(images, "data", None) is None else torch.as_tensor(images.data).numpy().tobytes()
        super().__init__(classes, [f"{name}[{i}]" for i in range(len(labels))], labels, content)

    def read(self, index: int) -> Tensor:
        """An image. Raises `Unreadable` if it is missing or broken."""
        try:
            return pillow_to_tensor(self.images[index][0])
        except Exception as error:  # noqa: BLE001 - each set raises its own exceptions
            raise Unreadable(f"{self.name(index)}: {error_text(error)}") from None


def torchvision_images(path: str, split: str) -> Reader:
    """`NAME,FOLDER`: a class of `torchvision.datasets` and the folder of its files, which are never downloaded."""
    import torchvision.datasets

    name, _, root = path.partition(",")
    kind: Any = getattr(torchvision.datasets, name, None)
    settings = set(inspect.signature(kind).parameters) if inspect.isclass(kind) else set()
    if not root or not {"train", "split"} & settings:
        raise RunError(
            f"torchvision:{path}: write torchvision:NAME,FOLDER with a data set that has splits, such as FashionMNIST"
        )
    words = ("train", "trainval") if split == "train" else SPLITS["test"]
    choices = [{"train": split == "train"}] if "train" in settings else [{"split": word} for word in words]
    for chosen in choices:
        try:
            images = kind(root, **chosen, **({"download": False} if "download" in settings else {}))
            break
        except ValueError:
            continue  # no such split
        except (RuntimeError, OSError) as error:
            raise RunError(f"torchvision:{path}: {error_text(error)} Put the files in that folder") from None
    else:
        raise RunError(f"torchvision:{path}: it has no split named {' or '.join(words)}; choose another set")
    labels = next((getattr(images, key) for key in ("targets", "labels", "_labels") if hasattr(images, key)), None)
    numbers = [int(label) for label in (labels if labels is not None else (label for _, label in images))]
    return TorchvisionReader(images, f"{name}:{split}", getattr(images, "classes", None) or [], numbers)


class NoiseReader(PackedIndex):
    """Images of noise; an image is the same whenever it is read."""

    def __init__(self, split: str, count: int, classes: int, side: int) -> None:
        self.split, self.side = split, side
        labels = [index % classes for index in range(count)]
        super().__init__(
            [str(i) for i in range(classes)], [f"{split}[{i}]" for i in range(count)], labels, f"{side}".encode()
        )

    def read(self, index: int) -> Tensor:
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
