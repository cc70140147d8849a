"""Data sets of images in Hugging Face's Parquet files."""

from __future__ import annotations

import json
import os
import sys
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from itertools import accumulate, pairwise
from typing import Any, NamedTuple

import torch
from torch import Tensor

from inception_dsl.runner.base.randomness import windowed_permutation
from inception_dsl.runner.base.settings import RunError, error_text
from inception_dsl.runner.readers.decode import decode_image, preload_decoder
from inception_dsl.runner.readers.image_files import read_bytes
from inception_dsl.runner.readers.reader import (
    PackedIndex,
    Reader,
    Reduction,
    Unreadable,
    read_class_names,
    split_files,
)

WINDOW_BYTES = 256 << 20  # of images that a process keeps


class RowGroup(NamedTuple):
    """A row group: its file, its number there, the column of its images, the number of rows, the bytes of images."""

    file: str
    number: int
    column: str
    rows: int
    size: int


class ParquetReader(PackedIndex):
    """Images in the rows of Parquet files.

    A row group can only be read whole, so a process keeps as many as a window has, and an epoch visits one window after
    the other, see `windowed_permutation`. A window of training images has at most `WINDOW_BYTES`, or one group.
    """

    def __init__(
        self,
        root: str,
        classes: Sequence[str],
        groups: Sequence[RowGroup],
        labels: list[Any],
        window: int,
        shuffled: bool,
    ) -> None:
        self.root, self.shuffled, self.jpeg = root, shuffled, True  # usually
        preload_decoder(self.jpeg)
        self._groups: list[Any] = [tuple(group) for group in groups]
        self._starts = list(accumulate((group.rows for group in groups), initial=0))
        self.window = window
        self._kept: dict[int, Any] = {}
        names = [f"{group.file}[{group.number}][{row}]" for group in groups for row in range(group.rows)]
        files = dict.fromkeys(group.file for group in groups)
        sizes = "".join(f"{os.path.getsize(os.path.join(root, file))}\n" for file in files)
        super().__init__(classes, names, labels, sizes.encode())

    def order(self, seed: int, epoch: int) -> Tensor:
        """The order in which an epoch visits the images."""
        rows = [end - start for start, end in pairwise(self._starts)]
        return windowed_permutation(seed, epoch, rows, self.window)

    def read_labels(self, loss: str) -> None:
        """Read the labels. Says on stderr if the first window of an epoch has fewer than half of the classes."""
        super().read_labels(loss)
        if loss != "cross_entropy" or not self.shuffled:
            return
        (classes,), first = self._targets, self.order(0, 0)[: len(self) * self.window // max(len(self._groups), 1)]
        used, of = (len(torch.unique(part, dim=0)) for part in (classes[first], classes))
        if 2 * used < of:
            sys.stderr.write(
                f"note: {self.root}: images are shuffled in windows of {len(first):,}, and one has {used} of {of} "
                "classes; if the rows are sorted by class, shuffle them once and write new files\n"
            )

    def read(self, index: int, reduction: Reduction | None = None) -> Tensor:
        """Decode an image. Raises `Unreadable` if it is broken, and `RunError` if its file is gone."""
        number = bisect_right(self._starts, index) - 1
        if number not in self._kept:
            if len(self._kept) == self.window:
                del self._kept[next(iter(self._kept))]  # of the last window
            self._kept[number] = self._read_group(self._group(number))
        name, row = os.path.join(self.root, self.name(index)), self._kept[number][index - self._starts[number]]
        try:
            found = row.as_py()
        except ValueError as error:
            raise Unreadable(f"{name}: {error_text(error)}") from None
        data, path = (found.get("bytes"), found.get("path")) if isinstance(found, dict) else (found, None)
        if data is None and isinstance(path, str):
            try:
                data = read_bytes(os.path.join(self.root, os.path.dirname(self._group(number).file), path))
            except OSError as error:
                problem = f"{name}: the row holds no bytes, and its file cannot be read: {error_text(error)}: {path}"
                raise Unreadable(problem) from None
        if not isinstance(data, bytes):
            raise Unreadable(f"{name}: the row holds no bytes")
        return decode_image(data, name, reduction)

    def _group(self, number: int) -> RowGroup:
        return RowGroup(*self._groups[number])

    def _read_group(self, group: RowGroup) -> Any:
        from pyarrow.parquet import ParquetFile

        path = os.path.join(self.root, group.file)
        try:
            with ParquetFile(path) as file:
                return file.read_row_group(group.number, columns=[group.column], use_threads=False).column(0)
        except FileNotFoundError:
            raise RunError(f"{path}: the file is gone; put it back") from None
        except Exception as error:  # noqa: BLE001 - pyarrow raises many types for a broken file
            raise Unreadable(f"{path}: {error_text(error)}") from None


IMAGE_COLUMNS = ("image", "img", "jpg", "jpeg", "png", "webp")
LABEL_COLUMNS = ("label", "labels", "fine_label", "cls", "class", "target")


def parquet_images(path: str, split: str) -> Reader:
    """Parquet files as on Hugging Face, named by split or in folders that are, with images (bytes) and labels.

    The columns are `image` and `label`, or see above.
    """
    from pyarrow.parquet import ParquetFile

    groups: list[RowGroup] = []
    labels: list[Any] = []
    classes: list[str] = read_class_names(path)
    for name in split_files(path, ".parquet", split):
        where = os.path.join(path, name)
        try:
            with ParquetFile(where) as file:
                schema = file.schema_arrow
                known = (IMAGE_COLUMNS, LABEL_COLUMNS)
                image, label = (next((key for key in keys if key in schema.names), "") for keys in known)
                if not image or not label:
                    have = ", ".join(schema.names)
                    raise RunError(f"{where}: its columns are {have}; it needs `image` and `label`")
                for number in range(file.num_row_groups):
                    found = file.metadata.row_group(number)
                    leaves = [found.column(leaf) for leaf in range(found.num_columns)]
                    images = [leaf for leaf in leaves if leaf.path_in_schema.split(".")[0] == image]
                    size = sum(leaf.total_uncompressed_size for leaf in images)
                    groups.append(RowGroup(name, number, image, found.num_rows, size))
                labels += file.read(columns=[label], use_threads=False).column(0).to_pylist()
        except (OSError, ValueError) as error:
            raise RunError(f"{where}: the file is broken ({error}); download it again") from None
        with suppress(KeyError, TypeError, ValueError):  # not every file names its classes
            feature = json.loads(schema.metadata[b"huggingface"])["info"]["features"][label]
            classes = classes or feature.get("feature", feature)["names"] or []  # of a list of labels, or of one
    window = max(1, WINDOW_BYTES // max((group.size for group in groups), default=1))
    shuffled = split == "train"  # evaluation goes in order
    return ParquetReader(path, classes, groups, labels, window if shuffled else 1, shuffled)
