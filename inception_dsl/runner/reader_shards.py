"""Data sets of images in the tar archives of WebDataset."""

from __future__ import annotations

import json
import os
import tarfile
from array import array
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any

from torch import Tensor

from inception_dsl.runner.files import write_text
from inception_dsl.runner.labels import class_index
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
from inception_dsl.runner.reader_files import IMAGE_ENDINGS, read_bytes
from inception_dsl.runner.settings import RunError

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
    """WebDataset: tar archives, named by split or in folders that are, of `KEY.jpg` beside `KEY.cls` or `KEY.json`.

    The offsets are cached in `index-SPLIT.json` until an archive changes.
    """
    shards = split_files(path, ".tar", split)
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


RULE = "a sample's name ends at the first dot, and the rest is its kind"


def _index_shard(path: str, shard: int) -> Iterator[ShardItem]:
    """The images of an archive. A sample is the members whose names agree up to the first dot; it needs a label."""
    places: dict[str, tuple[int, int]] = {}  # the offset and size of files, for links to them
    images: dict[str, tuple[str, int, int]] = {}
    labels: dict[str, dict[str, Any]] = {}
    others: dict[str, list[str]] = {}
    name = "its beginning"
    try:
        with tarfile.open(path, "r:") as archive:
            for member in archive:
                name = member.name
                base, _, ending = os.path.basename(name).partition(".")
                key, ending = os.path.normpath(os.path.join(os.path.dirname(name), base)), ending.lower()
                if not base or member.isdir():  # a hidden file, such as macOS's ._a.jpg
                    continue
                place = places[os.path.normpath(name)] = _place(member, places)
                if f".{ending}" in IMAGE_ENDINGS:
                    if key in images:
                        raise RunError(f"{path}: {images[key][0]} and {name} are one sample: {RULE}; rename one")
                    images[key] = (name, *place)
                elif ending in {"cls", "json"} and (file := archive.extractfile(member)):
                    labels.setdefault(key, {})[name] = _member_label(ending, file.read())
                else:
                    others.setdefault(key, []).append(name)
    except (tarfile.TarError, ValueError, KeyError) as error:
        raise RunError(f"{path}: the archive or a label in it is broken, at {name} ({error}); make it again") from None
    lost = [names[0] for key, names in others.items() if key not in images]
    if masked := [name for name in lost if name.lower().endswith(IMAGE_ENDINGS)]:
        raise RunError(f"{path}: {min(masked)} is of an unknown kind: {RULE}; rename it so that it has one dot")
    for key, (name, offset, size) in images.items():
        named = {name: label for name, label in labels.get(key, {}).items() if label is not None}
        if not named:
            beside = ", ".join([*labels.get(key, {}), *others.get(key, [])])
            cure = f"add {key}.cls, a number or a name, or a `label` in {key}.json"
            raise RunError(f"{path}: {name} has no label{f', only {beside} beside it' * bool(beside)}; {cure}")
        if len({*map(repr, named.values())}) > 1:
            differ = " and ".join(f"{name} is {label!r}" for name, label in named.items())
            raise RunError(f"{path}: {name} has two labels: {differ}; remove one")
        yield shard, offset, size, name, next(iter(named.values()))


def _place(member: tarfile.TarInfo, places: dict[str, tuple[int, int]]) -> tuple[int, int]:
    """The offset and size of a file in its archive; a link has those of the file, further ahead, that it names."""
    if not member.islnk() and not member.issym():
        return member.offset_data, member.size
    base = PurePosixPath(member.name).parent if member.issym() else PurePosixPath()
    target = os.path.normpath(base / member.linkname)
    if target not in places:
        raise ValueError(f"it is a link to {member.linkname}, which is not among the files before it")
    return places[target]


def _member_label(ending: str, data: bytes) -> Any:
    """The label that a member `.cls` or `.json` states; None if JSON holds other facts only, as img2dataset's does."""
    label = json.loads(data) if ending == "json" else data.decode()
    if isinstance(label, dict):
        label = label.get("label")
    if isinstance(label, str):
        index = class_index(label.strip())
        return label.strip() if index is None else index
    return label
