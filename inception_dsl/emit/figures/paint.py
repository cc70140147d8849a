"""The colours and corners of a figure: one table for all formats."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple

from inception_dsl.emit.picture.look import Ink


class Paint(NamedTuple):
    """The fill and the outline of a shape."""

    fill: Ink
    stroke: Ink


# GoogLeNet's Figure 3 has blue convolutions, red pools, green norms and joins, and yellow classifiers. The fills are a
# scale of lightness too, so that a print in grey and colour-blind readers tell them apart.
PAINTS: Final[Mapping[str, Paint]] = {
    "convolution": Paint(Ink("#6fade3", "#00588a"), Ink("#0068a1", "#71bdfa")),
    "pool": Paint(Ink("#dd7a66", "#9e4635"), Ink("#a03525", "#f39985")),
    "norm": Paint(Ink("#8ac89a", "#244f34"), Ink("#39774c", "#87c797")),
    "join": Paint(Ink("#8ac89a", "#244f34"), Ink("#39774c", "#87c797")),
    "classifier": Paint(Ink("#ffef9d", "#826c1c"), Ink("#7f6807", "#dcc667")),
    "module": Paint(Ink("#d4c4e8", "#3f3161"), Ink("#6e5899", "#bda6e4")),
    "value": Paint(Ink("#ffffff", "#14171c"), Ink("#676b71", "#9fa6b0")),
    "other": Paint(Ink("#d9dcdf", "#272a30"), Ink("#676b71", "#9fa6b0")),
    "frame": Paint(Ink("none", "none"), Ink("#676b71", "#9fa6b0")),
    "header": Paint(Ink("#d4c4e8", "#3f3161"), Ink("#6e5899", "#bda6e4")),
}


CORNERS: Final[Mapping[str, float]] = {"pool": 9, "join": 12, "value": 9, "frame": 4, "header": 4}
"""The radius of a shape's corners; 3 for the others."""
