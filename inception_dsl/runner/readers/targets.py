"""What a network shall give for each image, read from the labels of a data set as the loss wants them."""

from __future__ import annotations

import math
import re
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate, chain
from typing import Any, Protocol

import torch
from torch import Tensor

from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.readers.labels import adopt_classes, check_first_index, index_labels, is_number

SEPARATORS = re.compile(r"[|;]")  # of several labels or numbers in one text, as in a csv

Packed = tuple[list[Tensor], list[str]]  # the targets of all images, and the names of the outputs
NameOf = Callable[[int], str]  # of an image, in messages


class Targets(Protocol):
    """The targets of one loss."""

    def read(self, labels: Sequence[Any] | Tensor, classes: Sequence[str], name: NameOf) -> Packed:
        """Pack the targets of all images, whose labels are a list or one row of a tensor for each.

        Raises `RunError`, with the `name` of the image, for a label that the loss cannot use.
        """

    def target(self, packed: list[Tensor], outputs: int, index: int) -> Tensor:
        """The target of an image."""

    def settle(self, packed: list[Tensor], own: list[str], classes: Sequence[str], name: NameOf) -> Packed:
        """Take over the `classes` of the training images, or check one's own, which come from the labels alone.

        Raises `RunError` for labels that do not suit.
        """


class ClassTargets:
    """One class per image: its index (int64). Labels are those of `index_labels`, or rows with a single 1."""

    def read(self, labels: Sequence[Any] | Tensor, classes: Sequence[str], name: NameOf) -> Packed:
        """The index of every image's class."""
        if isinstance(labels, Tensor):
            labels = labels[:, 0].tolist() if labels.shape[1] == 1 else _hot_indices(labels, name)
        indices, found = index_labels(labels, classes, name)
        known = set(found)
        for index, text in enumerate(found if not classes else ()):
            if SEPARATORS.search(text) and known & {part.strip() for part in SEPARATORS.split(text)}:
                several = f"its label is {text!r}, several of them; set loss.name=bce, or give one class per image"
                raise RunError(f"{name(indices.index(index))}: {several}")
        if not classes and all(map(is_number, found)) and (odd := [text for text in found if "." in text]):
            fraction = f"its label is {odd[0]!r}, as all labels are numbers; set loss.name=mse"
            raise RunError(
                f"{name(indices.index(found.index(odd[0])))}: {fraction}, or name the classes in classes.txt"
            )
        return [torch.tensor(indices, dtype=torch.int64)], found

    def target(self, packed: list[Tensor], outputs: int, index: int) -> Tensor:
        """The index of an image's class."""
        return packed[0][index].clone()

    def settle(self, packed: list[Tensor], own: list[str], classes: Sequence[str], name: NameOf) -> Packed:
        """Take over the classes of the training images."""
        indices, found = _settled(packed[0].tolist(), own, classes, name)
        return [torch.tensor(indices, dtype=torch.int64)], found


def _hot_indices(rows: Tensor, name: NameOf) -> list[int]:
    """The place of the 1 in every row."""
    hot = rows == 1
    odd = ((rows != 0) & ~hot).any(1) | (hot.sum(1) != 1)
    if odd.any():
        image = int(odd.nonzero()[0])
        raise RunError(
            f"{name(image)}: its labels are {rows[image].tolist()}, but cross_entropy needs one class per image; set "
            "loss.name=bce for several labels per image, or loss.name=mse for numbers"
        )
    indices: list[int] = hot.int().argmax(1).tolist()
    return indices


def _settled(indices: list[int], own: list[str], classes: Sequence[str], name: NameOf) -> tuple[list[int], list[str]]:
    """Indices of classes and their names, with the classes of the training images if there are any."""
    if classes:
        return adopt_classes(indices, own, classes, name)
    check_first_index(indices, own)
    return indices, own


class LabelTargets:
    """Any number of labels per image: 0 or 1 for each class (float32).

    An image has a list of labels, a text that separates them by `|` or `;`, one label, or none ("" or None); or all
    images have a row of zeros and ones. Packed are the end of each image's labels, and the labels of all.
    """

    def read(self, labels: Sequence[Any] | Tensor, classes: Sequence[str], name: NameOf) -> Packed:
        """The indices of every image's classes."""
        rows = isinstance(labels, Tensor)
        if isinstance(labels, Tensor):
            lists, classes = _hot_lists(labels, classes, name)
        else:
            known = set(classes)
            lists = [_label_list(label, known) for label in labels]
        ends = [*accumulate(map(len, lists), initial=0)]
        indices, found = index_labels([*chain(*lists)], classes, lambda at: name(bisect_right(ends, at) - 1))
        if not found:
            raise RunError("no image has a label, so the classes are unknown; name them, such as in classes.txt")
        for image, own in enumerate(lists):
            if len(own) > 1 and len({*indices[ends[image] : ends[image + 1]]}) < len(own):
                raise RunError(
                    f"{name(image)}: its labels {list(own)!r} repeat; a list has the names or the indices of an "
                    "image's classes, not a 0 or 1 for every class"
                )
        # Rows have a place for a class 0 even if no image is of it, so the third tensor says that they need no check.
        return [torch.tensor(ends), torch.tensor(indices, dtype=torch.int64), torch.tensor(rows)], found

    def target(self, packed: list[Tensor], outputs: int, index: int) -> Tensor:
        """The row of an image."""
        ends, indices, _ = packed
        start, end = ends[index : index + 2].tolist()
        return torch.zeros(outputs).index_fill_(0, indices[start:end], 1)

    def settle(self, packed: list[Tensor], own: list[str], classes: Sequence[str], name: NameOf) -> Packed:
        """Take over the classes of the training images."""
        ends, indices, rows = packed
        if rows and not classes:
            return packed, own
        ending = ends.tolist()
        settled, found = _settled(indices.tolist(), own, classes, lambda at: name(bisect_right(ending, at) - 1))
        return [ends, torch.tensor(settled, dtype=torch.int64), rows], found


def _hot_lists(rows: Tensor, classes: Sequence[str], name: NameOf) -> tuple[list[list[int]], Sequence[str]]:
    """Rows of zeros and ones as lists of class indices, and the classes."""
    odd = ((rows != 0) & (rows != 1)).any(1)
    if odd.any():
        image = int(odd.nonzero()[0])
        raise RunError(f"{name(image)}: its labels are {rows[image].tolist()}; bce needs zeros and ones")
    if classes and len(classes) != rows.shape[1]:
        raise RunError(f"there are {rows.shape[1]} labels per image, but {len(classes)} names of classes; correct them")
    return [row.nonzero()[:, 0].tolist() for row in rows], classes or [str(i) for i in range(rows.shape[1])]


def _label_list(label: Any, known: set[str]) -> list[Any]:
    """The labels of one image."""
    if label is None:
        return []
    if isinstance(label, bytes | str):
        text = label if isinstance(label, str) else label.decode(errors="replace")
        return [text] if text.strip() in known else [part for part in SEPARATORS.split(text) if part.strip()]
    return list(label) if isinstance(label, list | tuple) else [label]


class NumberTargets:
    """Numbers for each image (float32): one, a list of them, or a text that separates them by `|` or `;`."""

    def read(self, labels: Sequence[Any] | Tensor, classes: Sequence[str], name: NameOf) -> Packed:
        """The numbers of every image, N x K."""
        given = labels.double().tolist() if isinstance(labels, Tensor) else labels
        lists = [_number_list(label, name, image) for image, label in enumerate(given)]
        width = len(lists[0]) if lists else 0
        wrong = next((image for image, row in enumerate(lists) if len(row) != width), None)
        if wrong is not None:
            raise RunError(f"{name(wrong)}: it has {len(lists[wrong])} numbers, but the first image has {width}")
        if classes and len(classes) != width:
            raise RunError(
                f"{name(0)}: it has {_count(width)}, but there are names of {len(classes)} classes; mse needs images "
                "labelled with numbers, such as in a csv, and one name per number, if any"
            )
        names = list(classes) or (["target"] if width == 1 else [f"target {i}" for i in range(width)])
        return [torch.tensor(lists)], names

    def target(self, packed: list[Tensor], outputs: int, index: int) -> Tensor:
        """The numbers of an image."""
        return packed[0][index].clone()

    def settle(self, packed: list[Tensor], own: list[str], classes: Sequence[str], name: NameOf) -> Packed:
        """Take over the names of the training images' numbers."""
        if classes and len(classes) != len(own):
            problem = f"it has {_count(len(own))}, but the training images have {_count(len(classes))}"
            raise RunError(f"{name(0)}: {problem}")
        return packed, list(classes) or own


def _count(numbers: int) -> str:
    return f"{numbers} number{'s' * (numbers != 1)}"


def _number_list(label: Any, name: NameOf, image: int) -> list[float]:
    """The numbers of one image. Raises `RunError` for what is none."""
    parts = SEPARATORS.split(label) if isinstance(label, str) else label if isinstance(label, list) else [label]
    try:
        found = [float(part) for part in parts if not isinstance(part, bool)]
    except (ValueError, TypeError, OverflowError):
        found = []
    if not found or len(found) != len(parts) or not all(map(math.isfinite, found)):
        raise RunError(f"{name(image)}: its label is {label!r}, but mse needs numbers, such as 0.5; correct it")
    return found


TARGETS: dict[str, Targets] = {"cross_entropy": ClassTargets(), "bce": LabelTargets(), "mse": NumberTargets()}
