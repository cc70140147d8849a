"""A reader of images: `--data pgm:DIR` reads grey images in binary PGM, DIR/SPLIT/CLASS/IMAGE.pgm.

It imports nothing of inception_dsl, so that a generated `train.py` has it wherever this plugin and torch are installed.
"""

from __future__ import annotations

import re
from pathlib import Path

import torch
from torch import Tensor


class PgmImages:
    """A map-style data set, as torch calls it: an item is an image and its label.

    Images are uint8, channels x height x width.
    """

    def __init__(self, path: str, split: str) -> None:
        self.files = sorted(Path(path).glob(f"{split}/*/*.pgm"))
        self.classes = sorted({file.parent.name for file in self.files})
        self.targets = [self.classes.index(file.parent.name) for file in self.files]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        data = self.files[index].read_bytes()
        head = re.match(rb"P5\s+(\d+)\s+(\d+)\s+255\s", data)
        if head is None:
            raise ValueError(f"{self.files[index]} is not a binary PGM of 8 bits")
        pixels = torch.frombuffer(bytearray(data[head.end() :]), dtype=torch.uint8)
        return pixels.view(1, int(head[2]), int(head[1])), self.targets[index]
