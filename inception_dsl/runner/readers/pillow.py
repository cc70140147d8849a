"""Image files and Pillow: which files of a folder are images, and their pixels as 8 bits. It needs no torch."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

IMAGE_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".webp", ".gif", ".ppm", ".pgm", ".tif", ".tiff")
JUNK = {"__MACOSX", "@eaDir", "lost+found"}  # folders of macOS, of Synology's disks and of ext4


def is_junk(name: str) -> bool:
    """Whether a file or folder is hidden, or belongs to another tool."""
    return name.startswith(".") or name in JUNK


def list_images(root: str, folder: str) -> Iterator[str]:
    """The image files below a folder of `root`, relative to `root`; visits a folder once, as links may form a cycle."""
    seen: set[str] = set()
    for path, folders, files in os.walk(os.path.join(root, folder), followlinks=True):
        folders[:] = sorted(name for name in folders if not is_junk(name))
        if (real := os.path.realpath(path)) in seen:
            folders.clear()
            continue
        seen.add(real)
        inside = os.path.relpath(path, root)
        yield from (f"{inside}/{name}" for name in files if name.lower().endswith(IMAGE_ENDINGS) and not is_junk(name))


def upright(image: Any) -> Any:
    """Rotate a Pillow image as its EXIF tag says, and convert it to 8 bits."""
    from PIL import ImageOps

    ImageOps.exif_transpose(image, in_place=True)
    return eight_bits(image)


def eight_bits(image: Any) -> Any:
    """Convert a Pillow image to grey or RGB of 8 bits: CMYK becomes RGB, alpha is dropped."""
    if image.mode.startswith("I"):  # 16-bit grey
        image = image.convert("I").point(lambda value: value * (1 / 257))
    if image.mode == "F" and image.getextrema()[1] <= 1:  # fractions; others count to 255
        image = image.point(lambda value: value * 255)
    mode = "L" if image.mode in {"1", "F", "I", "L", "LA"} else "RGB"
    return image if image.mode == mode else image.convert(mode)  # which copies in any case
