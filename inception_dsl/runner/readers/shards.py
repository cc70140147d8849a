"""Data sets of images in the tar archives of WebDataset."""

from __future__ import annotations

import json
import os
import tarfile
from array import array
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

import torch
from torch import Tensor

from inception_dsl.runner.base.files import atomic_write
from inception_dsl.runner.base.settings import RunError, error_text
from inception_dsl.runner.readers.decode import decode_image, preload_decoder
from inception_dsl.runner.readers.image_files import read_bytes
from inception_dsl.runner.readers.labels import class_index
from inception_dsl.runner.readers.pillow import IMAGE_ENDINGS
from inception_dsl.runner.readers.reader import (
    PackedIndex,
    PackedNames,
    Reader,
    Reduction,
    Unreadable,
    read_class_names,
    split_files,
)

ShardItem = tuple[int, int, int, str, Any]  # the shard's index; the image's offset and size in it, name and label


class ShardIndex(NamedTuple):
    """The images of some archives, as `index-SPLIT.pt` has them."""

    names: Tensor
    ends: Tensor
    places: Tensor  # N x 3: the index of the shard, the offset, the size
    labels: list[Any]  # the different ones
    codes: Tensor  # N: which of them

    @classmethod
    def pack(cls, shards: Sequence[str], items: Iterable[ShardItem]) -> ShardIndex:
        """Pack the images of archives."""
        places, codes, labels = array("q"), array("q"), dict[str, tuple[int, Any]]()

        def names() -> Iterator[str]:
            for shard, offset, size, name, label in items:
                places.extend((shard, offset, size))
                codes.append(labels.setdefault(repr(label), (len(labels), label))[0])
                yield f"{shards[shard]}:{name}"

        packed = PackedNames.pack(names())
        found = [label for _, label in labels.values()]
        return cls(packed.data, packed.ends, torch.tensor(places).view(-1, 3), found, torch.tensor(codes))


class ShardReader(PackedIndex):
    """Images in tar archives, read at their offsets; a file is opened for each read, so that workers share none."""

    def __init__(self, root: str, shards: Sequence[str], classes: Sequence[str], index: ShardIndex) -> None:
        self.root, self.shards, self._places, self.jpeg = root, list(shards), index.places, True  # usually
        preload_decoder(self.jpeg)
        sizes = "".join(f"{size}\n" for size in index.places[:, 2].tolist())
        labels = [index.labels[code] for code in index.codes.tolist()]
        super().__init__(classes, PackedNames(index.names, index.ends), labels, sizes.encode())

    def read(self, index: int, reduction: Reduction | None = None) -> Tensor:
        """Decode an image. Raises `Unreadable` if it is broken, and `RunError` if its archive is gone."""
        shard, offset, size = self._places[index].tolist()
        path = os.path.join(self.root, self.shards[shard])
        try:
            data, name = read_bytes(path, offset, size), os.path.join(self.root, self.name(index))
            return decode_image(data, name, reduction)
        except FileNotFoundError:
            raise RunError(f"{path}: the shard is gone; put it back") from None
        except (OSError, ValueError) as error:
            raise Unreadable(f"{path}: {error_text(error)}") from None


def wds_images(path: str, split: str) -> Reader:
    """WebDataset: tar archives, named by split or in folders that are, of `KEY.jpg` beside `KEY.cls` or `KEY.json`.

    The offsets are cached in `index-SPLIT.pt` until an archive changes.
    """
    shards = split_files(path, ".tar", split)
    stamps = {name: [(found := os.stat(os.path.join(path, name))).st_size, found.st_mtime_ns] for name in shards}
    file = os.path.join(path, f"index-{split}.pt")
    kept, index = _load_index(file)
    if gone := sorted(set(kept) - set(stamps)):
        raise RunError(f"{os.path.join(path, gone[0])}: the shard is gone; put it back, or delete {file}")
    if index is None or kept != stamps:
        items = (item for number, name in enumerate(shards) for item in _index_shard(os.path.join(path, name), number))
        index = ShardIndex.pack(shards, items)
        with suppress(OSError), atomic_write(Path(file)) as target:  # a read-only folder gets none
            torch.save({"shards": stamps, **index._asdict()}, target)
    return ShardReader(path, shards, read_class_names(path), index)


def _load_index(path: str) -> tuple[dict[str, Any], ShardIndex | None]:
    """The archives of an index and their images, mapped from the file; none if it is missing or broken."""
    with suppress(Exception):
        kept = torch.load(path, mmap=True, weights_only=True)
        return kept.pop("shards"), ShardIndex(**kept)
    return {}, None


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
