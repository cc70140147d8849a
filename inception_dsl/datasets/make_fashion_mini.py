"""Make `fashion_mini`: 500 + 100 images of each class of Fashion-MNIST, drawn with seed 0, in the same format.

    apt-get install dataset-fashion-mnist
    python -m inception_dsl.datasets.make_fashion_mini /usr/share/datasets/fashion-mnist FOLDER

The same files give the same bytes on every machine whose zlib packs alike; the images are the same with any.
"""

from __future__ import annotations

import gzip
import os
import random
import struct
import sys

SIDE = 28
CLASSES = 10
SPLITS = {"train": 500, "t10k": 100}  # images of a class


def chosen(labels: bytes, count: int) -> list[int]:
    """The numbers of `count` images of every class, in the order they have in the whole set."""
    draw = random.Random(0)  # noqa: S311 - a sample that all can draw again
    return sorted(
        index
        for label in range(CLASSES)
        for index in draw.sample([i for i, b in enumerate(labels) if b == label], count)
    )


def make(source: str, target: str) -> None:
    """Read the four files of Fashion-MNIST in one folder, and write four smaller ones to another."""
    os.makedirs(target, exist_ok=True)
    for split, count in SPLITS.items():
        images, labels = f"{split}-images-idx3-ubyte.gz", f"{split}-labels-idx1-ubyte.gz"
        with gzip.open(os.path.join(source, images)) as file:
            pixels = file.read()[16:]
        with gzip.open(os.path.join(source, labels)) as file:
            numbers = file.read()[8:]
        size, picked = SIDE * SIDE, chosen(numbers, count)
        head = struct.pack(">4i", 0x803, len(picked), SIDE, SIDE)
        _write(os.path.join(target, images), head + b"".join(pixels[i * size : (i + 1) * size] for i in picked))
        _write(os.path.join(target, labels), struct.pack(">2i", 0x801, len(picked)) + bytes(numbers[i] for i in picked))


def _write(path: str, content: bytes) -> None:
    with open(path, "wb") as file:
        file.write(gzip.compress(content, 9, mtime=0))


if __name__ == "__main__":
    make(*sys.argv[1:])
