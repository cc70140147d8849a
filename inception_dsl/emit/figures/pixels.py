"""Figure -> PNG: the pixels of its SVG."""

from __future__ import annotations

import math
from typing import Final

from inception_dsl.emit.figures.model import Figure
from inception_dsl.emit.figures.placement import scene
from inception_dsl.emit.figures.svg import svg
from inception_dsl.emit.picture.png import png

ZOOM: Final = 2
MOST: Final = 64e6
"""Pixels of a picture at most, which take 256 MB while it is made; a larger figure has fewer for one of its own."""


def pixels(figure: Figure, down: bool = True) -> bytes:
    """The figure as a PNG file, in the light scheme.

    Raises `SpecError` E005 if resvg is not installed, or the system has no font.
    """
    placed = scene(figure, down)
    return png(svg(figure, down), min(ZOOM, math.sqrt(MOST / (placed.width * placed.height))))
