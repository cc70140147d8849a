"""The colours and corners of a figure: one table for all formats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Paint(NamedTuple):
    """The fill and the outline of a shape, in a light and in a dark scheme."""

    fill: str
    stroke: str
    dark_fill: str
    dark_stroke: str


# GoogLeNet's Figure 3 has blue convolutions, red pools, green norms and joins, and yellow classifiers. The fills are a
# scale of lightness too, so that a print in grey and colour-blind readers tell them apart.
PAINTS: Final[Mapping[str, Paint]] = {
    "convolution": Paint("#6fade3", "#0068a1", "#00588a", "#71bdfa"),
    "pool": Paint("#dd7a66", "#a03525", "#9e4635", "#f39985"),
    "norm": Paint("#8ac89a", "#39774c", "#244f34", "#87c797"),
    "join": Paint("#8ac89a", "#39774c", "#244f34", "#87c797"),
    "classifier": Paint("#ffef9d", "#7f6807", "#826c1c", "#dcc667"),
    "module": Paint("#d4c4e8", "#6e5899", "#3f3161", "#bda6e4"),
    "value": Paint("#ffffff", "#676b71", "#14171c", "#9fa6b0"),
    "other": Paint("#d9dcdf", "#676b71", "#272a30", "#9fa6b0"),
    "frame": Paint("none", "#676b71", "none", "#9fa6b0"),
    "header": Paint("#d4c4e8", "#6e5899", "#3f3161", "#bda6e4"),
}


CORNERS: Final[Mapping[str, float]] = {"pool": 9, "join": 12, "value": 9, "frame": 4, "header": 4}
"""The radius of a shape's corners; 3 for the others."""
