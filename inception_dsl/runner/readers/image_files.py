"""Data sets of image files, and those that a manifest lists."""

from __future__ import annotations

import csv
import json
import os
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from torch import Tensor

from inception_dsl.runner.base.settings import RunError, error_text
from inception_dsl.runner.readers.decode import JPEG_ENDINGS, decode_image, preload_decoder
from inception_dsl.runner.readers.reader import SPLITS, PackedIndex, Reader, Reduction, Unreadable, read_class_names


class FileReader(PackedIndex):
    """Image files. The fingerprint covers names and labels only: statting a million files takes minutes."""

    def __init__(
        self,
        root: str,
        classes: Sequence[str],
        names: Iterable[str],
        labels: Sequence[Any],
        name: Callable[[int], str] | None = None,
    ) -> None:
        names = list(names)
        self.root, self.jpeg = root, any(name.lower().endswith(JPEG_ENDINGS) for name in names)
        preload_decoder(self.jpeg)
        super().__init__(classes, names, labels, name=name)

    def read(self, index: int, reduction: Reduction | None = None) -> Tensor:
        """Decode an image. Raises `Unreadable` if its file is missing or broken."""
        path = os.path.join(self.root, self.name(index))
        try:
            return decode_image(read_bytes(path), path, reduction)
        except (OSError, ValueError) as error:
            raise Unreadable(f"{path}: {error_text(error)}") from None


PERMANENT_ERRORS = FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError


def read_bytes(path: str, offset: int = 0, size: int = -1, pauses: Sequence[float] = (0.1, 1.0)) -> bytes:
    """Read part of a file; retries, since a network disk may fail for a moment and a skipped image changes the run."""
    try:
        with open(path, "rb") as file:
            file.seek(offset)
            return file.read(size)
    except OSError as error:
        if isinstance(error, PERMANENT_ERRORS) or not pauses:
            raise
    time.sleep(pauses[0])
    return read_bytes(path, offset, size, pauses[1:])


ManifestRow = tuple[str, dict[str, Any]]  # its file and line, and its fields


def csv_images(path: str, split: str) -> Reader:
    """A table with the columns `path`, relative to the table's folder, `label` and, for training, `split`.

    Commas, semicolons or tabs separate them.
    """
    with open(path, newline="", encoding="utf-8-sig") as file:
        head = file.readline()
        file.seek(0)
        delimiter = next((mark for mark in ",;\t" if mark in head), ",")
        table = csv.DictReader(file, delimiter=delimiter)
        table.fieldnames = [name.strip().lower() for name in table.fieldnames or ()]
        rows = [(f"{path}, line {table.line_num}", row) for row in table]
    # A row that ends early has None in the last columns.
    given = [(where, {key: text for key, text in row.items() if text is not None}) for where, row in rows]
    return _read_manifest(path, split, given)


def jsonl_images(path: str, split: str) -> Reader:
    """One JSON object per line, with `path`, relative to the file's folder, `label` and, for training, `split`."""
    rows: list[ManifestRow] = []
    with open(path, encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            where = f"{path}, line {number}"
            if line.strip():
                try:
                    rows.append((where, dict(json.loads(line))))
                except (ValueError, TypeError, RecursionError):
                    raise RunError(f'{where}: not a JSON object; write {{"path": ..., "label": ...}}') from None
    return _read_manifest(path, split, rows)


def _read_manifest(path: str, split: str, rows: list[ManifestRow]) -> Reader:
    """The labels are read later, see `targets`; `classes.txt` beside the manifest orders the names of classes."""
    known = {word for words in SPLITS.values() for word in words}
    has = "a row of a manifest has `path`, `label` and, for training, `split`"
    splits = [str(row.get("split") or "").strip().lower() for _, row in rows]
    for (where, row), word in zip(rows, splits, strict=True):
        absent = [key for key in ("path", "label") if key not in row or (key == "path" and row[key] in (None, ""))]
        if absent:
            raise RunError(f"{where}: {absent[0]} is missing; {has}")
        if not isinstance(row["path"], str):
            raise RunError(f"{where}: path is {row['path']!r}; {has}")
        if word not in known and (split == "train" or any(splits)):
            raise RunError(f"{where}: split is {row.get('split') or ''!r}; set one of {', '.join(sorted(known))}")
    word = next((word for word in SPLITS[split] if word in splits), "")
    chosen = [row for row, of_split in zip(rows, splits, strict=True) if of_split == word]
    root = os.path.dirname(path)
    names = _posix_paths(root, [row["path"] for _, row in chosen])
    labels = [row["label"] for _, row in chosen]
    return FileReader(root, read_class_names(root), names, labels, lambda index: chosen[index][0])


def _posix_paths(root: str, paths: list[str]) -> list[str]:
    """Paths with `/` in place of the backslashes of Windows, unless the first of those names a file here."""
    first = next((path for path in paths if "\\" in path), "")
    windows = first and os.sep == "/" and not os.path.exists(os.path.join(root, first))
    return [path.replace("\\", "/") for path in paths] if windows else paths
