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


# GoogLeNet's Figure 3 has blue convolutions, red pools, green norms and joins, and yellow classifiers. These differ in
# lightness too, so that a print in grey tells them apart; the words in a box say the same.
PAINTS: Final[Mapping[str, Paint]] = {
    "convolution": Paint("#a9cdf2", "#2f6ea8", "#1f4d7a", "#7db4ea"),
    "pool": Paint("#ef9a86", "#a83a22", "#8a3a28", "#f0a08c"),
    "norm": Paint("#bfe3c3", "#3b8248", "#24583a", "#86cf98"),
    "join": Paint("#bfe3c3", "#3b8248", "#24583a", "#86cf98"),
    "classifier": Paint("#faeb9a", "#8f7a12", "#665711", "#e6cf5c"),
    "module": Paint("#e4dcf3", "#6d559e", "#453866", "#b8a4e3"),
    "value": Paint("#ffffff", "#6b7280", "#14171c", "#9aa4b2"),
    "other": Paint("#eceef1", "#6b7280", "#31363f", "#9aa4b2"),
    "frame": Paint("none", "#6b7280", "none", "#9aa4b2"),
    "header": Paint("#e4dcf3", "#6d559e", "#453866", "#b8a4e3"),
}


CORNERS: Final[Mapping[str, float]] = {"pool": 9, "join": 12, "value": 9, "frame": 4, "header": 4}
"""The radius of a shape's corners; 3 for the others."""
