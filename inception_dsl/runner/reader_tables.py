"""Sets whose images are rows of a table: MNIST's format, NumPy's, Parquet, torchvision's own; and noise."""

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
    """Images in memory: uint8, N x channels x height x width. Processes share it."""

    def __init__(
        self, name: str, classes: Sequence[str], images: Tensor, labels: Sequence[int], content: bytes
    ) -> None:
        super().__init__(classes, [f"{name}[{i}]" for i in range(len(images))], labels, content)
        self.images = images

    def read(self, index: int) -> Tensor:
        """The image."""
        return self.images[index]


def idx_images(path: str, split: str) -> Reader:
    """The four files of MNIST and Fashion-MNIST, packed by gzip or not; `classes.txt` beside them names the classes."""
    prefix = os.path.join(path, {"train": "train", "test": "t10k"}[split])
    images, (count, height, width) = _read_idx(f"{prefix}-images-idx3-ubyte", 3)
    labels, (labelled,) = _read_idx(f"{prefix}-labels-idx1-ubyte", 1)
    if count != labelled:
        raise RunError(f"{prefix}-*: {count} images, but {labelled} labels; these files are of different sets")
    values = torch.frombuffer(bytearray(images), dtype=torch.uint8).view(count, 1, height, width)
    return ArrayReader(os.path.basename(prefix), read_class_names(path), values, list(labels), images)


def _read_idx(path: str, rank: int) -> tuple[bytes, list[int]]:
    """The values and the shape of a file of two zeros, 8 for uint8, the rank, the shape as big-endian int32, values."""
    packed = os.path.exists(f"{path}.gz")
    path = f"{path}.gz" if packed else path
    try:
        with gzip.open(path) if packed else open(path, "rb") as file:
            head, content = file.read(4 + 4 * rank), file.read()
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise RunError(f"{path}: the file is broken ({error}); fetch it again") from None
    if head[:4] != bytes([0, 0, 8, rank]):
        raise RunError(f"{path}: it begins with {head[:4].hex(' ') or 'nothing'}, not 00 00 08 0{rank}: another format")
    shape = [int.from_bytes(head[at : at + 4], "big") for at in range(4, 4 + 4 * rank, 4)]
    if not content or len(content) != math.prod(shape):
        raise RunError(f"{path}: it has {len(content)} bytes, but is of {shape} by its head; fetch it again")
    return content, shape


ARRAY_NAMES = ("{}_images", "{}_labels"), ("x_{}", "y_{}"), ("images", "labels"), ("x", "y")


def npz_images(path: str, split: str) -> Reader:
    """NumPy's arrays: `train_images` and `train_labels`, or `x_train` and `y_train`; `images`, to evaluate; `classes`.

    uint8, N x height x width or N x height x width x channels.
    """
    import numpy as np

    with open(path, "rb") as file, np.lib.npyio.NpzFile(file) as arrays:
        pairs = [tuple(name.format(word) for name in pair) for word in SPLITS[split] for pair in ARRAY_NAMES]
        pair = next((p for p in pairs if p[0] in arrays and (split == "test" or "train" in p[0])), None)
        if pair is None or pair[1] not in arrays:
            have = ", ".join(arrays) or "nothing"
            raise RunError(f"{path}: it has {have}; name arrays {split}_images and {split}_labels")
        images, labels = arrays[pair[0]], arrays[pair[1]].reshape(-1).tolist()
        classes = [str(name) for name in arrays["classes"].reshape(-1)] if "classes" in arrays else []
    if images.dtype != np.uint8 or images.ndim not in {3, 4} or 0 in images.shape or len(images) != len(labels):
        found = f"{images.dtype} {list(images.shape)} with {len(labels)} labels"
        raise RunError(
            f"{path}: {pair[0]} is {found}; it has to be uint8, N x height x width (x channels), and N labels"
        )
    values = torch.from_numpy(images)
    values = values[:, None] if values.ndim == 3 else values.permute(0, 3, 1, 2)
    return ArrayReader(pair[0], classes, values, labels, images.tobytes())


CACHED_GROUPS = 8  # row groups that each process keeps


class ParquetReader(PackedIndex):
    """Images in the rows of Parquet files.

    A row group can only be read whole, so an image in any order costs as much as all of its group: small groups are
    faster, or another format (Hugging Face's files have groups of 100 images).
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
        """The image. Raises `Unreadable` where it is broken, and `RunError` where its whole file is gone."""
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
            raise Unreadable(f"{name}: the row has no bytes")
        return decode_image(data, name)

    def _read_group(self, name: str, group: int, column: str) -> Any:
        from pyarrow.parquet import ParquetFile

        path = os.path.join(self.root, name)
        try:
            with ParquetFile(path) as file:
                return file.read_row_group(group, columns=[column], use_threads=False).column(0)
        except FileNotFoundError:
            raise RunError(f"{path}: the file is gone; put it back") from None
        except Exception as error:  # noqa: BLE001 - what a broken file raises is up to its library
            raise Unreadable(f"{path}: {error_text(error)}") from None


RowGroup = tuple[str, int, str, int]  # the file, the group in it, the column of images, the number of rows


def parquet_images(path: str, split: str) -> Reader:
    """Hugging Face's files in one folder, the split in their names; the columns are `image`, of bytes, and `label`."""
    from pyarrow.parquet import ParquetFile

    groups: list[RowGroup] = []
    labels: list[Any] = []
    classes: list[str] = read_class_names(path)
    for name in select_split((each for each in os.listdir(path) if each.endswith(".parquet")), split):
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
                    raise RunError(f"{where}: its columns are {have}; one has to be named image, and one label")
                found = file.read(columns=[label], use_threads=False).column(0).to_pylist()
        except (OSError, ValueError) as error:
            raise RunError(f"{where}: the file is broken ({error}); fetch it again") from None
        with suppress(KeyError, TypeError, ValueError):  # names are not in all files
            classes = classes or json.loads(schema.metadata[b"huggingface"])["info"]["features"][label]["names"] or []
        groups += [(name, group, image, rows) for group, rows in enumerate(sizes)]
        labels += found
    return ParquetReader(path, classes, groups, labels)


IMAGE_COLUMNS = ("image", "img")
LABEL_COLUMNS = ("label", "labels", "fine_label")


class TorchvisionReader(PackedIndex):
    """A data set of torchvision's."""

    def __init__(self, images: Any, name: str, classes: Sequence[str], labels: list[int]) -> None:
        preload_decoder()
        self.images = images
        content = b"" if getattr(images, "data", None) is None else torch.as_tensor(images.data).numpy().tobytes()
        super().__init__(classes, [f"{name}[{i}]" for i in range(len(labels))], labels, content)

    def read(self, index: int) -> Tensor:
        """The image. Raises `Unreadable` where it is missing or broken."""
        try:
            return pillow_to_tensor(self.images[index][0])
        except Exception as error:  # noqa: BLE001 - what a broken file raises is up to each set
            raise Unreadable(f"{self.name(index)}: {error_text(error)}") from None


def torchvision_images(path: str, split: str) -> Reader:
    """`NAME,FOLDER`: a class of `torchvision.datasets`, and where its files lie. Nothing is downloaded."""
    import torchvision.datasets

    name, _, root = path.partition(",")
    kind: Any = getattr(torchvision.datasets, name, None)
    settings = set(inspect.signature(kind).parameters) if inspect.isclass(kind) else set()
    if not root or not {"train", "split"} & settings:
        raise RunError(
            f"torchvision:{path}: say torchvision:NAME,FOLDER with a data set that has splits, as FashionMNIST"
        )
    words = ("train", "trainval") if split == "train" else SPLITS["test"]
    choices = [{"train": split == "train"}] if "train" in settings else [{"split": word} for word in words]
    for chosen in choices:
        try:
            images = kind(root, **chosen, **({"download": False} if "download" in settings else {}))
            break
        except ValueError:
            continue  # it has no such split
        except (RuntimeError, OSError) as error:
            raise RunError(f"torchvision:{path}: {error_text(error)} Put the files there") from None
    else:
        raise RunError(f"torchvision:{path}: it has no split named {' or '.join(words)}; take another set")
    labels = next((getattr(images, key) for key in ("targets", "labels", "_labels") if hasattr(images, key)), None)
    numbers = [int(each) for each in (labels if labels is not None else (each for _, each in images))]
    return TorchvisionReader(images, f"{name}:{split}", getattr(images, "classes", None) or [], numbers)


class NoiseReader(PackedIndex):
    """Images of noise, each the same whenever it is read."""

    def __init__(self, split: str, count: int, classes: int, side: int) -> None:
        self.split, self.side = split, side
        labels = [index % classes for index in range(count)]
        super().__init__(
            [str(i) for i in range(classes)], [f"{split}[{i}]" for i in range(count)], labels, f"{side}".encode()
        )

    def read(self, index: int) -> Tensor:
        """The image, in colour."""
        random = make_generator("fake", self.split, index)
        return torch.randint(0, 256, (3, self.side, self.side), dtype=torch.uint8, generator=random)


def fake_images(path: str, split: str) -> Reader:
    """`IMAGESxCLASSES` or `IMAGESxCLASSESxSIDE`: noise, to try a run or to time it."""
    numbers = path.split("x")
    if len(numbers) not in {2, 3} or not all(each.isdecimal() and int(each) for each in numbers):
        raise RunError(
            f"fake:{path}: say fake:1000x10, for 1000 images of 10 classes, or fake:1000x10x32, of 32 pixels"
        )
    count, classes, side = (*map(int, numbers), 256)[:3]
    return NoiseReader(split, count, classes, side)
