"""Data sets of image files: in folders, listed in a manifest, or packed in tar archives."""

from __future__ import annotations

import csv
import json
import os
import tarfile
import time
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from torch import Tensor

from inception_dsl.runner.files import write_text
from inception_dsl.runner.reader import (
    SPLITS,
    PackedIndex,
    Reader,
    Unreadable,
    decode_image,
    error_text,
    numbered_classes,
    preload_decoder,
    read_class_names,
    select_split,
)
from inception_dsl.runner.settings import RunError

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".ppm", ".pgm", ".tif", ".tiff")


class FileReader(PackedIndex):
    """Image files. The fingerprint covers names and labels only: statting a million files takes minutes."""

    def __init__(self, root: str, classes: Sequence[str], names: Iterable[str], labels: Sequence[int]) -> None:
        preload_decoder()
        self.root = root
        super().__init__(classes, names, labels)

    def read(self, index: int) -> Tensor:
        """Decode an image. Raises `Unreadable` if its file is missing or broken."""
        path = os.path.join(self.root, self.name(index))
        try:
            return decode_image(read_bytes(path), path)
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


def folder_images(path: str, split: str) -> Reader:
    """`SPLIT/CLASS/IMAGE`, as torchvision's ImageFolder, classes sorted by name; for evaluation also `CLASS/IMAGE`."""
    layout = "lay images out as train/CLASS/IMAGE and val/CLASS/IMAGE"
    folders = _list_folders(path)
    part = next((word for word in SPLITS[split] if word in folders), "")
    if not part and (split == "train" or "train" in folders):
        raise RunError(f"{path}: there is no folder {' or '.join(SPLITS[split])}; {layout}")
    root, train = os.path.join(path, part), os.path.join(path, "train")
    classes = _list_folders(train) if "train" in folders else _list_folders(root)  # the same classes for every split
    if not classes:
        raise RunError(f"{root}: there is no folder of a class; {layout}")
    names: list[str] = []
    labels: list[int] = []
    for name in _list_folders(root):
        if name not in classes:
            raise RunError(f"{root}: there is a class {name!r} that {train} does not have; rename or remove it")
        found = sorted(_list_images(root, name))
        if not found:
            raise RunError(f"{os.path.join(root, name)}: the folder has no image; add some, or remove it")
        names += found
        labels += [classes.index(name)] * len(found)
    return FileReader(root, classes, names, labels)


def _list_folders(path: str) -> list[str]:
    with os.scandir(path) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir() and not entry.name.startswith("."))


def _list_images(root: str, folder: str) -> Iterator[str]:
    """The image files below a folder of `root`, relative to `root`; visits a folder once, as links may form a cycle."""
    seen: set[str] = set()
    for path, folders, files in os.walk(os.path.join(root, folder), followlinks=True):
        folders.sort()
        if (real := os.path.realpath(path)) in seen:
            folders.clear()
            continue
        seen.add(real)
        inside = os.path.relpath(path, root)
        yield from (f"{inside}/{name}" for name in files if name.lower().endswith(IMAGE_ENDINGS) and name[0] != ".")


ManifestRow = tuple[str, dict[str, Any]]  # its file and line, and its fields


def csv_images(path: str, split: str) -> Reader:
    """A table with the columns `path`, relative to the table's folder, `label` and, for training, `split`."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        table = csv.DictReader(file)
        return _read_manifest(path, split, [(f"{path}, line {table.line_num}", row) for row in table])


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
    """Labels are indices or names; `classes.txt` beside the manifest orders the names, else they are sorted."""
    for where, row in rows:
        for key, kinds in {"path": (str,), "label": (str, int)}.items():
            value = row.get(key)
            if type(value) not in kinds or value == "":
                found = f"{key} is missing" if value in (None, "") else f"{key} is {value!r}"
                has = "`path`, `label` (a name or an integer) and, for training, `split`"
                raise RunError(f"{where}: {found}; a row of a manifest has {has}")
    splits = [str(row.get("split") or "") for _, row in rows]
    known = {word for words in SPLITS.values() for word in words}
    for (where, _), word in zip(rows, splits, strict=True):
        if word not in known and (split == "train" or any(splits)):
            raise RunError(f"{where}: split is {word!r}; set one of {', '.join(sorted(known))}")
    word = next((word for word in SPLITS[split] if word in splits), "")
    chosen = [row for row, of_split in zip(rows, splits, strict=True) if of_split == word]
    classes = read_class_names(os.path.dirname(path)) or _manifest_classes(rows)
    numbers = {name: number for number, name in enumerate(classes)}
    labels: list[int] = []
    for where, row in chosen:
        label = str(row["label"])
        number = numbers.get(label, int(label) if label.isdecimal() else -1)
        if not 0 <= number < len(classes):
            raise RunError(f"{where}: label is {label!r}, which is not among the {len(classes)} classes; correct it")
        labels.append(number)
    return FileReader(os.path.dirname(path), classes, [str(row["path"]) for _, row in chosen], labels)


def _manifest_classes(rows: list[ManifestRow]) -> list[str]:
    """Sorted names; or all indices up to the largest, also those without images."""
    labels = [str(row["label"]) for _, row in rows]
    if all(label.isdecimal() for label in labels):
        return numbered_classes([int(label) for label in labels], lambda index: rows[index][0])
    return sorted(set(labels))


ShardItem = tuple[
    int, int, int, str, Any
]  # the index of the shard; the image's offset and size in it, its name and its label


class ShardReader(PackedIndex):
    """Images in tar archives, read at their offsets; a file is opened for each read, so that workers share none."""

    def __init__(self, root: str, shards: Sequence[str], classes: Sequence[str], items: Sequence[ShardItem]) -> None:
        preload_decoder()
        self.root, self.shards = root, list(shards)
        self._places = array("q", [number for item in items for number in item[:3]])
        names = [f"{self.shards[shard]}:{name}" for shard, _, _, name, _ in items]
        sizes = "".join(f"{size}\n" for _, _, size, _, _ in items)
        super().__init__(classes, names, [item[4] for item in items], sizes.encode())

    def read(self, index: int) -> Tensor:
        """Decode an image. Raises `Unreadable` if it is broken, and `RunError` if its archive is gone."""
        shard, offset, size = self._places[3 * index : 3 * index + 3]
        path = os.path.join(self.root, self.shards[shard])
        try:
            return decode_image(read_bytes(path, offset, size), os.path.join(self.root, self.name(index)))
        except FileNotFoundError:
            raise RunError(f"{path}: the shard is gone; put it back") from None
        except (OSError, ValueError) as error:
            raise Unreadable(f"{path}: {error_text(error)}") from None


def wds_images(path: str, split: str) -> Reader:
    """WebDataset: tar archives in one folder, named by split, that hold `KEY.jpg` beside `KEY.cls` or `KEY.json`.

    The offsets are cached in `index-SPLIT.json` beside them until an archive changes.
    """
    shards = select_split((name for name in os.listdir(path) if name.endswith(".tar")), split)
    stamps = {name: [(found := os.stat(os.path.join(path, name))).st_size, found.st_mtime_ns] for name in shards}
    index = os.path.join(path, f"index-{split}.json")
    kept, items = _load_index(index)
    if gone := sorted(set(kept) - set(stamps)):
        raise RunError(f"{os.path.join(path, gone[0])}: the shard is gone; put it back, or delete {index}")
    if kept != stamps:
        items = [item for number, name in enumerate(shards) for item in _index_shard(os.path.join(path, name), number)]
        _save_index(index, {"shards": stamps, "items": items})
    return ShardReader(path, shards, read_class_names(path), items)


def _load_index(path: str) -> tuple[dict[str, Any], list[ShardItem]]:
    """The archives of an index and their images; both empty if the index is missing or broken."""
    with suppress(OSError, ValueError, TypeError, KeyError), open(path, encoding="utf-8") as file:
        kept = json.load(file)
        items = [(shard, offset, size, name, label) for shard, offset, size, name, label in kept["items"]]
        return dict(kept["shards"]), items
    return {}, []


def _save_index(path: str, index: dict[str, Any]) -> None:
    """Save an index; a read-only folder gets none."""
    with suppress(OSError):
        write_text(Path(path), json.dumps(index))


def _index_shard(path: str, shard: int) -> Iterator[ShardItem]:
    """The images of an archive. A sample is the members whose names agree up to the first dot; it needs a label."""
    images: dict[str, tarfile.TarInfo] = {}
    labels: dict[str, Any] = {}
    others: dict[str, str] = {}
    name, rule = "its beginning", "a sample's name ends at the first dot, and the rest is its kind"
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                name = member.name
                base, _, ending = os.path.basename(name).partition(".")
                key, ending = os.path.join(os.path.dirname(name), base), ending.lower()
                if f".{ending}" in IMAGE_ENDINGS:
                    if key in images:
                        raise RunError(f"{path}: {images[key].name} and {name} are one sample: {rule}; rename one")
                    images[key] = member
                elif base and ending.endswith(
                    IMAGE_ENDINGS
                ):  # without a base it is a hidden file, such as macOS's ._a.jpg
                    others.setdefault(key, name)
                elif ending in {"cls", "json"} and (file := archive.extractfile(member)):
                    value = json.load(file)
                    labels[key] = value["label"] if isinstance(value, dict) else value
    except (tarfile.TarError, ValueError, KeyError) as error:
        raise RunError(f"{path}: the archive or a label in it is broken, at {name} ({error}); make it again") from None
    if lost := sorted(set(others) - set(images)):
        raise RunError(f"{path}: {others[lost[0]]} is of an unknown kind: {rule}; rename it so that it has one dot")
    for key, member in images.items():
        if key not in labels:
            raise RunError(f"{path}: {member.name} has no label; add {key}.cls, a number")
        yield shard, member.offset_data, member.size, member.name, labels[key]
