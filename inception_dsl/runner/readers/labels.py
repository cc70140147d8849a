"""Labels as data sets write them: class indices or class names, as numbers or as text."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from unicodedata import normalize

from inception_dsl.runner.base.settings import RunError

INDEX = re.compile(r"[+-]?[0-9]+(\.0*)?")


def clean_label(label: Any) -> int | str:
    """A label as an integer or as text: 3.0 is 3, and text is stripped and in Unicode's form NFC.

    Raises `ValueError`, with the reason, for a label that is neither.
    """
    if isinstance(label, bytes | str):
        label = normalize("NFC", (label if isinstance(label, str) else label.decode()).strip())
    if label is None or label == "" or (isinstance(label, float) and math.isnan(label)):
        raise ValueError("it has no label; label it, or leave it out")
    if isinstance(label, float) and label.is_integer():
        label = int(label)
    if type(label) is int or type(label) is str:  # True is an instance of int, but no index
        return label
    other = ", or set loss.name=bce for several labels per image" * isinstance(label, list | tuple)
    other = other or ", or set loss.name=mse for numbers" * isinstance(label, float)
    raise ValueError(f"its label is {label!r}, but class indices are integers that count from 0; correct it{other}")


def class_index(label: int | str) -> int | None:
    """The index that a cleaned label is or spells, as "007" and "7.0" do; None for a name."""
    if isinstance(label, str):
        return int(label.partition(".")[0]) if INDEX.fullmatch(label) else None
    return label


def is_number(text: str) -> bool:
    """Whether a text spells a number."""
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False


def clean_labels(labels: Sequence[Any], name: Callable[[int], str]) -> list[int | str]:
    """The labels, cleaned. Raises `RunError`, with the `name` of the image, for one that cannot be."""
    cleaned: dict[tuple[type, Any], int | str] = {}  # labels repeat; and True == 1 == 1.0
    found: list[int | str] = []
    for i, label in enumerate(labels):
        try:
            key = type(label), label if getattr(label, "__hash__", None) else repr(label)
            if key not in cleaned:
                cleaned[key] = clean_label(label)
            found.append(cleaned[key])
        except ValueError as error:
            raise RunError(f"{name(i)}: {error}") from None
    return found


def index_labels(
    labels: Sequence[Any], classes: Sequence[str], name: Callable[[int], str]
) -> tuple[list[int], list[str]]:
    """The class index of every label, and the classes.

    Text is a name of `classes` before it is an index. Without `classes` the labels themselves decide: "0", "1", ... up
    to the largest if all are indices, and else their names, sorted. Raises `RunError`, with the `name` of the image,
    for a label that is missing or out of range.
    """
    found = clean_labels(labels, name)
    indices = {label: class_index(label) for label in dict.fromkeys(found)}
    known = {text: index for index, text in enumerate(classes)}
    if not classes and None in indices.values():
        classes = sorted({str(label) for label in indices})
        known = {text: index for index, text in enumerate(classes)}
        indices = {label: known[str(label)] for label in indices}
    indices |= {label: known[label] for label in indices if isinstance(label, str) and label in known}
    limit = len(classes) or math.inf
    for label, index in indices.items():
        if index is None or not 0 <= index < limit:
            raise RunError(f"{name(found.index(label))}: its label is {label!r}, {_problem(indices, index, classes)}")
    numbers = [indices[label] or 0 for label in found]
    return numbers, list(classes) or numbered_classes(numbers, name)


def _problem(indices: Mapping[int | str, int | None], index: int | None, classes: Sequence[str]) -> str:
    """What is wrong with an index, given those of all labels."""
    if index is not None and index < 0:
        return "which marks an image without a label; leave such images out, or choose a split that has labels"
    numbers = [number for number in indices.values() if number is not None]
    if len(numbers) == len(indices) and min(numbers) == 1 and max(numbers) == len(classes):
        return f"but class indices count from 0; subtract 1 from all labels, which are 1 to {len(classes)}"
    return f"which is not among the {len(classes)} classes (their indices count from 0); correct it"


def numbered_classes(indices: Sequence[int], name: Callable[[int], str]) -> list[str]:
    """The names "0", "1", ... of unnamed classes; rejects labels, such as dates, that would make millions of them."""
    most = max(indices, default=-1)
    if most >= 10 * len(indices) + 1000:
        problem = f"label {most} at {name(indices.index(most))} would make {most + 1} classes"
        raise RunError(f"{problem}; are these class indices? Number the classes from 0, or name them")
    return [str(number) for number in range(most + 1)]


def check_first_index(indices: Sequence[int], classes: Sequence[str]) -> None:
    """Raise `RunError` if unnamed classes seem to count from 1: every one has images, except class 0."""
    used = set(indices)
    if len(used) > 1 and used == set(range(1, len(classes))):
        raise RunError(
            f"the labels are 1 to {max(used)}, but class indices count from 0; subtract 1 from them, or, if there is a "
            "class 0 without images, name all classes, such as in classes.txt"
        )


def adopt_classes(
    indices: Sequence[int], own: Sequence[str], classes: Sequence[str], name: Callable[[int], str]
) -> tuple[list[int], list[str]]:
    """Held-out labels and their classes, taken from the labels, in terms of the classes of the training images.

    Both stay as they are if only one of the two sets of classes has names. Raises `RunError` for a label of a class
    that no training image has.
    """
    numbered = [list(names) == [str(number) for number in range(len(names))] for names in (own, classes)]
    if numbered[0] != numbered[1]:
        return list(indices), list(own)
    known = {text: index for index, text in enumerate(classes)}
    used = sorted(set(indices))
    if strange := [index for index in used if own[index] not in known]:
        spelt = strange[0] if numbered[0] else repr(own[strange[0]])
        advice = "remove it, or name all classes, such as in classes.txt"
        if used[0] == 1 < used[-1] and strange == [len(classes)]:
            advice += f"; or do the labels, 1 to {used[-1]}, count from 1?"
        raise RunError(
            f"{name(indices.index(strange[0]))}: its label is {spelt}, which is not among the {len(classes)} classes "
            f"of the training images; {advice}"
        )
    return [known[own[index]] for index in indices], list(classes)
