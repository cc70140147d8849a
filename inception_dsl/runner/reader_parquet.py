"""Data sets of images in Hugging Face's Parquet files."""

from __future__ import annotations

import json
import os
from array import array
from bisect import bisect_right
from collections.abc import Sequence
from contextlib import suppress
from itertools import accumulate
from typing import Any

from torch import Tensor

from inception_dsl.runner.reader import (
    PackedIndex,
    Reader,
    Unreadable,
    decode_image,
    error_text,
    preload_decoder,
    read_class_names,
    split_files,
)
from inception_dsl.runner.settings import RunError

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
    for name in split_files(path, ".parquet", split):
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


IMAGE_COLUMNS = ("image", "img", "jpg", "jpeg", "png", "webp")
LABEL_COLUMNS = ("label", "labels", "fine_label", "cls", "class", "target")
