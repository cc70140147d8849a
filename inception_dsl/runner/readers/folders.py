"""Data sets of image files in folders of classes."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from unicodedata import normalize

from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.readers.image_files import FileReader
from inception_dsl.runner.readers.labels import class_index
from inception_dsl.runner.readers.pillow import is_junk, list_images
from inception_dsl.runner.readers.reader import SPLITS, Reader

LAYOUT = "lay images out as train/CLASS/IMAGE and val/CLASS/IMAGE"


def folder_images(path: str, split: str) -> Reader:
    """`SPLIT/CLASS/IMAGE`, as torchvision's ImageFolder, classes sorted by name; for evaluation also `CLASS/IMAGE`.

    The names of classes are in Unicode's form NFC, on whatever disk. Held-out images may lie in one folder, as those of
    ImageNet do, beside a text file of their names and classes.
    """
    parts = {name.lower(): name for name in _list_folders(path)}
    part = next((parts[word] for word in SPLITS[split] if word in parts), "")
    if not part and (split == "train" or "train" in parts):
        raise RunError(f"{path}: there is no folder {' or '.join(SPLITS[split])}; {LAYOUT}")
    root, train = os.path.join(path, part), os.path.join(path, parts.get("train", part))
    classes = _class_folders(train)  # the same classes for every split
    if not classes:
        raise RunError(f"{train}: there is no folder of a class; {LAYOUT}")
    folders = {name: sorted(list_images(root, folder)) for name, folder in _class_folders(root).items()}
    if root == train and (empty := [name for name, found in folders.items() if not found]):
        raise RunError(f"{os.path.join(root, empty[0])}: the folder has no image; add some, or remove it")
    folders = {name: found for name, found in folders.items() if found}
    strange, lists = sorted(folders.keys() - classes.keys()), _class_lists(path, root)
    if not folders or (len(folders) == len(strange) == 1 and (lists or strange == ["images"])):  # as in Tiny ImageNet
        names, classes_of = _listed_images(root, lists, list(classes))
        return FileReader(root, list(classes), names, classes_of)
    if strange:
        raise RunError(f"{root}: there is a class {strange[0]!r} that {train} does not have; rename or remove it")
    labels = [index for index, name in enumerate(classes) for _ in folders.get(name, ())]
    return FileReader(root, list(classes), [file for name in classes for file in folders.get(name, ())], labels)


def _list_folders(path: str) -> list[str]:
    with os.scandir(path) as entries:
        return sorted(entry.name for entry in entries if entry.is_dir() and not is_junk(entry.name))


def _class_folders(path: str) -> dict[str, str]:
    """The folders of classes, sorted by the classes' names. Raises `RunError` if two look the same."""
    folders: dict[str, str] = {}
    for folder in _list_folders(path):
        name = normalize("NFC", folder)
        if name in folders:
            raise RunError(f"{path}: there are two folders {name!r}, whose names differ in Unicode only; merge them")
        folders[name] = folder
    return dict(sorted(folders.items()))


def _class_lists(path: str, root: str) -> list[str]:
    """The text files that may list the classes of held-out images: in their folder, or named by split beside it."""
    inside = [os.path.join(root, name) for name in sorted(os.listdir(root))]
    held_out = set(SPLITS["test"])
    beside = [name for name in sorted(os.listdir(path)) if held_out & set(re.split(r"[^a-z]+", name.lower()))]
    files = inside + [os.path.join(path, name) for name in beside if path != root]
    return [file for file in files if file.endswith((".txt", ".csv"))]


def _listed_images(root: str, files: Sequence[str], classes: Sequence[str]) -> tuple[list[str], list[str]]:
    """Images without folders of classes, and their classes from one of some text files. Raises `RunError`."""
    images = sorted(os.path.normpath(name) for name in list_images(root, "."))
    if not images:
        raise RunError(f"{root}: there is no image; {LAYOUT}")
    problems = []
    for file in files:
        try:
            return images, _image_classes(file, images, classes)
        except ValueError as error:
            problems.append(f"{file} does not help: {error}")
    ways = f"sort them into {os.path.join(root, 'CLASS')}, or put a file val.txt of lines `IMAGE CLASS` beside them"
    raise RunError("; ".join([f"{root}: its images lie in no folder of a class: {ways}", *problems]))


def _image_classes(file: str, images: Sequence[str], classes: Sequence[str]) -> list[str]:
    """The class of every image, by a file of lines `IMAGE CLASS`, or of one class in a line, in the images' order.

    As in `val.txt` of Caffe (indices), `val_annotations.txt` of Tiny ImageNet, `LOC_val_solution.csv` of Kaggle and
    `imagenet_2012_validation_synset_labels.txt` of TensorFlow. Raises `ValueError`.
    """
    with open(file, encoding="utf-8-sig") as lines:
        rows = [re.split(r"\s*[,;\t]\s*|\s+", line.strip(), maxsplit=1) for line in lines if line.strip()]
    if all(len(row) == 1 for row in rows):
        if len(rows) != len(images):
            raise ValueError(f"it has {len(rows)} lines for {len(images)} images")
        if any(class_index(row[0]) is not None for row in rows):
            raise ValueError("it numbers the classes in an order of its own, as the development kit of ImageNet does")
        return [row[0] for row in rows]
    named = {_stem(row[0]): row[1] for row in rows if len(row) == 2}
    if lost := [image for image in images if _stem(image) not in named]:
        raise ValueError(f"it does not list {lost[0]}")
    known = set(classes)
    found = [normalize("NFC", named[_stem(image)]) for image in images]
    return [text if text in known else re.split(r"[\s,;]", text)[0] for text in found]


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]
