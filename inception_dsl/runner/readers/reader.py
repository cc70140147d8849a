"""Readers give images by index, in any order, so that a run can resume at any step."""

from __future__ import annotations

import ctypes
import hashlib
import os
import re
from array import array
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from itertools import accumulate
from typing import Any, Protocol
from unicodedata import normalize

import torch
from torch import Tensor

from inception_dsl.runner.base.randomness import permutation
from inception_dsl.runner.base.settings import RunError, lookup
from inception_dsl.runner.readers.targets import TARGETS

# The names of each split, by preference: "val" comes before "test", which may lack labels.
SPLITS = {"train": ("train",), "test": ("val", "valid", "validation", "test")}


class Unreadable(Exception):
    """An image cannot be read; the message gives its name and the cause."""


Reduction = Callable[[int, int], int]
"""From the height and width of a JPEG: how many times smaller it may be decoded, 1, 2, 4 or 8."""


class Reader(Protocol):
    """A data set. `classes` names the labels in order; `fingerprint` identifies the set."""

    classes: list[str]
    fingerprint: str

    def __len__(self) -> int: ...

    def label(self, index: int, /) -> Tensor:
        """What the network shall give for an image: a class index (int64), or numbers (float32), see `Targets`."""

    def name(self, index: int, /) -> str:
        """The name of an image in messages."""

    def read(self, index: int, reduction: Reduction | None = None, /) -> Tensor:
        """An image as uint8, channels x height x width, grey or RGB as stored. Raises `Unreadable`.

        A reader that can decode an image smaller, and faster, asks `reduction` first; others need not.
        """


def epoch_order(images: Reader, seed: int, epoch: int, repeats: int = 1) -> Tensor:
    """The order in which an epoch visits the images: a permutation, or what the reader's method `order` makes of it.

    With `repeats`, it visits that many times fewer images, and one that many times in a row.
    """
    own: Callable[[int, int], Tensor] | None = getattr(images, "order", None)
    order = own(seed, epoch) if own else permutation(seed, epoch, len(images))
    return order[: -(-len(images) // repeats)].repeat_interleave(repeats)[: len(images)]


class PackedNames:
    """Many texts in two tensors, which processes can map from one file: their bytes, and where each one ends."""

    def __init__(self, data: Tensor, ends: Tensor) -> None:
        self.data, self.ends = data, ends

    @classmethod
    def pack(cls, names: Iterable[str]) -> PackedNames:
        """Pack names."""
        encoded = [os.fsencode(name) for name in names]
        ends = array("q", accumulate(map(len, encoded), initial=0))
        data = torch.frombuffer(bytearray(b"".join(encoded)), dtype=torch.uint8) if any(encoded) else torch.empty(0)
        return cls(data.to(torch.uint8), torch.frombuffer(ends, dtype=torch.int64))

    def __len__(self) -> int:
        return len(self.ends) - 1

    def __getitem__(self, index: int) -> str:
        start, end = self.ends[index : index + 2].tolist()
        return os.fsdecode(bytes(self.data[start:end].tolist()))


class PackedIndex:
    """The labels and names of a data set in tensors: each worker would copy a list of a million strings.

    `labels` are as the data set writes them, one per image; `read_labels` reads them, and without `classes` takes those
    from them. `name` replaces the names of images in messages about labels. The fingerprint covers names, labels and
    `content`. Apart from numbers, texts and lists of them, a reader may then only have tensors as attributes, so that
    other processes can map it, see `shared_images`.
    """

    classes: list[str]
    fingerprint: str

    def __init__(
        self,
        classes: Sequence[str],
        names: PackedNames | Iterable[str],
        labels: Sequence[Any] | Tensor,
        content: bytes = b"",
        name: Callable[[int], str] | None = None,
    ) -> None:
        packed = names if isinstance(names, PackedNames) else PackedNames.pack(names)
        self._names, self._ends = packed.data, packed.ends
        self.tells_classes = not classes
        self._unread: tuple[Any, ...] = (labels, classes, name or self.name)
        self._content = content

    def read_labels(self, loss: str) -> None:
        """Read the labels as a loss wants them. Raises `RunError` for labels that do not suit it."""
        self.loss = loss
        self._targets, self.classes = lookup(TARGETS, loss, "loss.name").read(*self._unread)
        if odd := [text for text in self.classes if text.splitlines() != [text]]:
            raise RunError(f"the class {odd[0]!r} is not one line of text, so classes.txt cannot list it; rename it")
        digest = hashlib.blake2b(repr(self.classes).encode(), digest_size=16)
        for tensor in (self._names, self._ends, *self._targets):
            digest.update(tensor_memory(tensor))
        digest.update(self._content)
        self.fingerprint = f"{len(self)}-{digest.hexdigest()}"
        del self._unread, self._content

    def __len__(self) -> int:
        return len(self._ends) - 1

    def label(self, index: int) -> Tensor:
        """What the network shall give for an image."""
        return TARGETS[self.loss].target(self._targets, len(self.classes), index)

    def settle_classes(self, classes: Sequence[str]) -> None:
        """Take over the `classes` of the training images, or check one's own, if they come from the labels alone.

        Raises `RunError` for labels that do not suit.
        """
        if self.tells_classes:
            settle = TARGETS[self.loss].settle
            self._targets, self.classes = settle(self._targets, self.classes, classes, self.name)

    def name(self, index: int) -> str:
        """The name of an image in messages."""
        return PackedNames(self._names, self._ends)[index]


def tensor_memory(tensor: Tensor) -> ctypes.Array[ctypes.c_char]:
    """The bytes of a contiguous tensor, without a copy."""
    return (ctypes.c_char * tensor.nbytes).from_address(tensor.data_ptr())


def select_split(names: Iterable[str], split: str) -> list[str]:
    """The paths that name a split, as in `imagenet-train-0001.tar` and `train/0001.tar`, sorted.

    The last part of a path that names any split decides. If no path names one, all of them are the test split.
    """
    known = {word for aliases in SPLITS.values() for word in aliases}
    words: dict[str, set[str]] = {}
    for name in sorted(names):
        parts = [known.intersection(re.split(r"[^a-z]+", part.lower())) for part in name.split("/")]
        words[name] = next(filter(None, reversed(parts)), set())
    for word in SPLITS[split]:
        if found := [name for name in words if word in words[name]]:
            return found
    return [] if split == "train" or any(words.values()) else list(words)


def split_files(root: str, ending: str, split: str) -> list[str]:
    """The files of a split in `root` or, if it has none, at most two folders below; see `select_split`.

    Raises `RunError` if they lie in several folders, which are different data sets.
    """
    names: list[str] = []
    os.listdir(root)  # raises OSError, which `walk` does not
    for path, folders, files in os.walk(root, followlinks=True):
        inside = os.path.relpath(path, root)
        depth = 0 if inside == "." else inside.count(os.sep) + 1
        folders[:] = [name for name in folders if depth < 2 and name[0] != "."]
        names += [os.path.normpath(os.path.join(inside, name)) for name in files if name.endswith(ending)]
    found = select_split(names, split)
    top = min((name.count(os.sep) for name in found), default=0)
    found = [name for name in found if name.count(os.sep) == top]
    if len(places := sorted({os.path.dirname(name) for name in found})) > 1:
        raise RunError(f"{root}: the {split} files lie in several folders, {', '.join(places)}; name one data set")
    return found


def read_class_names(folder: str) -> list[str]:
    """The lines of the folder's `classes.txt`; empty if there is no such file."""
    with suppress(FileNotFoundError), open(os.path.join(folder, "classes.txt"), encoding="utf-8-sig") as lines:
        return [normalize("NFC", line.strip()) for line in lines if line.strip()]
    return []
