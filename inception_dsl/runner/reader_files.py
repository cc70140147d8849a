"""Sets whose images are files: in folders, listed in a manifest, or packed in tar archives."""

from __future__ import annotations

import csv
import json
import os
import tarfile
import tempfile
import time
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from torch import Tensor

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
    """Images that are files. The fingerprint is of names and labels: to ask a million files more takes minutes."""

    def __init__(self, root: str, classes: Sequence[str], names: Iterable[str], labels: Sequence[int]) -> None:
        preload_decoder()
        self.root = root
        super().__init__(classes, names, labels)

    def read(self, index: int) -> Tensor:
        """The image. Raises `Unreadable` where its file is missing or broken."""
        path = os.path.join(self.root, self.name(index))
        try:
            return decode_image(read_bytes(path), path)
        except (OSError, ValueError) as error:
            raise Unreadable(f"{path}: {error_text(error)}") from None


PERMANENT_ERRORS = FileNotFoundError, IsADirectoryError, NotADirectoryError, PermissionError


def read_bytes(path: str, offset: int = 0, size: int = -1, pauses: Sequence[float] = (0.1, 1.0)) -> bytes:
    """A part of a file. A network's disk may fail for a moment: to go on without the image would change the run."""
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
    """`SPLIT/CLASS/IMAGE`, as torchvision's ImageFolder: classes are sorted by name. To evaluate, `CLASS/IMAGE` too."""
    layout = "lay images out as train/CLASS/IMAGE and val/CLASS/IMAGE"
    folders = _list_folders(path)
    part = next((word for word in SPLITS[split] if word in folders), "")
    if not part and (split == "train" or "train" in folders):
        raise RunError(f"{path}: there is no folder {' or '.join(SPLITS[split])}; {layout}")
    root, train = os.path.join(path, part), os.path.join(path, "train")
    classes = _list_folders(train) if "train" in folders else _list_folders(root)  # one list for all splits
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
        return sorted(each.name for each in entries if each.is_dir() and not each.name.startswith("."))


def _list_images(root: str, folder: str) -> Iterator[str]:
    """The image files below a folder of `root`, named from there; each folder once, for a link may lead back."""
    seen: set[str] = set()
    for path, folders, files in os.walk(os.path.join(root, folder), followlinks=True):
        folders.sort()
        if (real := os.path.realpath(path)) in seen:
            folders.clear()
            continue
        seen.add(real)
        inside = os.path.relpath(path, root)
        yield from (f"{inside}/{each}" for each in files if each.lower().endswith(IMAGE_ENDINGS) and each[0] != ".")


ManifestRow = tuple[str, dict[str, Any]]  # where it stands, and what it says


def csv_images(path: str, split: str) -> Reader:
    """A table with the columns `path`, from the folder of the table, `label` and, to train, `split`."""
    with open(path, newline="", encoding="utf-8-sig") as file:
        table = csv.DictReader(file)
        return _read_manifest(path, split, [(f"{path}, line {table.line_num}", row) for row in table])


def jsonl_images(path: str, split: str) -> Reader:
    """A line of JSON for each image, with `path`, from the folder of the list, `label` and, to train, `split`."""
    rows: list[ManifestRow] = []
    with open(path, encoding="utf-8-sig") as lines:
        for number, line in enumerate(lines, 1):
            where = f"{path}, line {number}"
            if line.strip():
                try:
                    rows.append((where, dict(json.loads(line))))
                except (ValueError, TypeError, RecursionError):
                    raise RunError(f'{where}: this is no JSON object; write {{"path": ..., "label": ...}}') from None
    return _read_manifest(path, split, rows)


def _read_manifest(path: str, split: str, rows: list[ManifestRow]) -> Reader:
    """Labels are numbers, or names: those of `classes.txt` beside the manifest, or else all there are, sorted."""
    for where, row in rows:
        for key, kinds in {"path": (str,), "label": (str, int)}.items():
            value = row.get(key)
            if type(value) not in kinds or value == "":
                found = f"there is no {key}" if value in (None, "") else f"{key} is {value!r}"
                has = "`path`, `label`, a name or a whole number, and, to train, `split`"
                raise RunError(f"{where}: {found}; a manifest has {has}")
    splits = [str(row.get("split") or "") for _, row in rows]
    known = {word for words in SPLITS.values() for word in words}
    for (where, _), word in zip(rows, splits, strict=True):
        if word not in known and (split == "train" or any(splits)):
            raise RunError(f"{where}: split is {word!r}, which is none of {', '.join(sorted(known))}; name one")
    word = next((word for word in SPLITS[split] if word in splits), "")
    chosen = [row for row, each in zip(rows, splits, strict=True) if each == word]
    classes = read_class_names(os.path.dirname(path)) or _manifest_classes(rows)
    numbers = {name: number for number, name in enumerate(classes)}
    labels: list[int] = []
    for where, row in chosen:
        label = str(row["label"])
        number = numbers.get(label, int(label) if label.isdecimal() else -1)
        if not 0 <= number < len(classes):
            raise RunError(f"{where}: label is {label!r}, which is none of the {len(classes)} classes; correct it")
        labels.append(number)
    return FileReader(os.path.dirname(path), classes, [str(row["path"]) for _, row in chosen], labels)


def _manifest_classes(rows: list[ManifestRow]) -> list[str]:
    """Names in order; numbers as they count, also those that no image has."""
    labels = [str(row["label"]) for _, row in rows]
    if all(each.isdecimal() for each in labels):
        return numbered_classes([int(each) for each in labels], lambda index: rows[index][0])
    return sorted(set(labels))


ShardItem = tuple[int, int, int, str, Any]  # the shard, and there the image's offset and size; its name and label


class ShardReader(PackedIndex):
    """Images in tar archives, each read from its place; opened anew each time, so that no worker shares a file."""

    def __init__(self, root: str, shards: Sequence[str], classes: Sequence[str], items: Sequence[ShardItem]) -> None:
        preload_decoder()
        self.root, self.shards = root, list(shards)
        self._places = array("q", [number for item in items for number in item[:3]])
        names = [f"{self.shards[shard]}:{name}" for shard, _, _, name, _ in items]
        sizes = "".join(f"{size}\n" for _, _, size, _, _ in items)
        super().__init__(classes, names, [item[4] for item in items], sizes.encode())

    def read(self, index: int) -> Tensor:
        """The image. Raises `Unreadable` where it is broken, and `RunError` where its whole archive is gone."""
        shard, offset, size = self._places[3 * index : 3 * index + 3]
        path = os.path.join(self.root, self.shards[shard])
        try:
            return decode_image(read_bytes(path, offset, size), os.path.join(self.root, self.name(index)))
        except FileNotFoundError:
            raise RunError(f"{path}: the shard is gone; put it back") from None
        except (OSError, ValueError) as error:
            raise Unreadable(f"{path}: {error_text(error)}") from None


def wds_images(path: str, split: str) -> Reader:
    """WebDataset's tar archives in one folder, with the split in their names: `KEY.jpg` beside `KEY.cls` or `KEY.json`.

    Where everything lies is kept in `index-SPLIT.json` beside them, as long as no archive changes.
    """
    shards = select_split((each for each in os.listdir(path) if each.endswith(".tar")), split)
    stamps = {each: [(found := os.stat(os.path.join(path, each))).st_size, found.st_mtime_ns] for each in shards}
    index = os.path.join(path, f"index-{split}.json")
    kept, items = _load_index(index)
    if gone := sorted(set(kept) - set(stamps)):
        raise RunError(f"{os.path.join(path, gone[0])}: the shard is gone; put it back, or delete {index}")
    if kept != stamps:
        items = [item for number, each in enumerate(shards) for item in _index_shard(os.path.join(path, each), number)]
        _save_index(index, {"shards": stamps, "items": items})
    return ShardReader(path, shards, read_class_names(path), items)


def _load_index(path: str) -> tuple[dict[str, Any], list[ShardItem]]:
    """The archives that it is of, and what is in them; nothing of an index that is not there, or not whole."""
    with suppress(OSError, ValueError, TypeError, KeyError), open(path, encoding="utf-8") as file:
        kept = json.load(file)
        items = [(shard, offset, size, name, label) for shard, offset, size, name, label in kept["items"]]
        return dict(kept["shards"]), items
    return {}, []


def _save_index(path: str, index: dict[str, Any]) -> None:
    """Whole or not at all, for other processes may be writing it too; a folder that takes no file has none."""
    with suppress(OSError), tempfile.NamedTemporaryFile("w", dir=os.path.dirname(path), encoding="utf-8") as file:
        json.dump(index, file)
        file.flush()
        os.replace(file.name, path)  # or else it is removed


def _index_shard(path: str, shard: int) -> Iterator[ShardItem]:
    """The images of an archive that have a label: samples are the members whose names agree up to the first dot."""
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
                elif base and ending.endswith(IMAGE_ENDINGS):  # without a base it is hidden, as macOS's ._a.jpg
                    others.setdefault(key, name)
                elif ending in {"cls", "json"} and (file := archive.extractfile(member)):
                    said = json.load(file)
                    labels[key] = said["label"] if isinstance(said, dict) else said
    except (tarfile.TarError, ValueError, KeyError) as error:
        raise RunError(f"{path}: the archive or a label in it is broken, at {name} ({error}); make it again") from None
    if lost := sorted(set(others) - set(images)):
        raise RunError(f"{path}: {others[lost[0]]} is of no kind that is known: {rule}; rename it, to have one dot")
    for key, member in images.items():
        if key not in labels:
            raise RunError(f"{path}: {member.name} has no label; add {key}.cls, a number")
        yield shard, member.offset_data, member.size, member.name, labels[key]
