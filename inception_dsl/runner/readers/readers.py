"""Data sets by `KIND:PATH`."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import suppress

from inception_dsl.runner.base.settings import RunError, error_text, lookup
from inception_dsl.runner.readers.folders import folder_images
from inception_dsl.runner.readers.image_files import csv_images, jsonl_images
from inception_dsl.runner.readers.parquet import parquet_images
from inception_dsl.runner.readers.plugins import plugin_images
from inception_dsl.runner.readers.reader import SPLITS, PackedIndex, Reader
from inception_dsl.runner.readers.shards import wds_images
from inception_dsl.runner.readers.tables import fake_images, idx_images, npz_images
from inception_dsl.runner.readers.torchvision import torchvision_images

READERS: dict[str, Callable[[str, str], Reader]] = {
    "folder": folder_images,
    "csv": csv_images,
    "jsonl": jsonl_images,
    "idx": idx_images,
    "parquet": parquet_images,
    "wds": wds_images,
    "torchvision": torchvision_images,
    "npz": npz_images,
    "fake": fake_images,
}


def open_images(source: str, split: str, classes: Sequence[str] = (), loss: str = "cross_entropy") -> Reader:
    """Open the "train" or "test" split of `KIND:PATH`. Raises `RunError` if it is missing or malformed.

    The `loss` says what the labels are: a class, several, or numbers. `classes` are those of the training images: a
    test split whose labels alone tell its classes takes them over, since it may lack some; without `classes`, it takes
    those of the training split, if there is one.
    """
    kind, colon, path = source.partition(":")
    if not colon:
        raise RunError(
            f"{source}: the kind is missing; write one of {', '.join(READERS)} before it, as in folder:{source}"
        )
    if kind in READERS and not path:
        raise RunError(f"{source}: the path is missing; write it after the colon, as in folder:DIR or csv:FILE")
    try:
        opener = None if kind in READERS else plugin_images(kind)
        images = (opener or lookup(READERS, kind, "the kind of data.source"))(os.path.expanduser(path), split)
    except RunError:
        raise
    except OSError as error:
        raise RunError(f"{source}: {error_text(error)}: {error.filename or path}; check the path") from None
    except ImportError as error:
        missing = str(error.name).partition(".")[0].replace("PIL", "pillow")
        raise RunError(f"{source}: {kind} needs {missing}, which is not installed; pip install {missing}") from None
    except Exception as error:  # each format raises its own exceptions for a broken file
        cause = f"{type(error).__name__}: {error_text(error)}"
        raise RunError(
            f"{source}: cannot be read as {kind}: {cause}; is it complete, of this kind, and in UTF-8?"
        ) from error
    if not len(images):
        raise RunError(
            f"{source}: the split {split!r} has no images; name their files, or the rows' split, "
            f"{' or '.join(SPLITS[split])}"
        )
    if isinstance(images, PackedIndex):
        images.read_labels(loss)
        if split == "test" and images.tells_classes and not classes:
            with suppress(RunError):
                classes = open_images(source, "train", (), loss).classes
        try:
            images.settle_classes(classes)
        except RunError as error:
            raise RunError(f"{source}: {error}") from None
    return images
