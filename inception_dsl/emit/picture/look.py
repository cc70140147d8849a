"""The look that figures and charts share: their colours in a light and in a dark scheme."""

from __future__ import annotations

from typing import Final, NamedTuple


class Ink(NamedTuple):
    """A colour in a light and in a dark scheme."""

    light: str
    dark: str


DARK: Final = "@media screen and (prefers-color-scheme: dark)"
"""Where the colours of the dark scheme apply; on paper they are the light ones."""

INK: Final = Ink("#16191d", "#f2f4f7")
LABEL: Final = Ink("#3f4753", "#c3cbd6")
WIRE: Final = Ink("#4b5563", "#aab4c2")
GROUND: Final = Ink("#ffffff", "#14171c")
GRID: Final = Ink("#e3e6ea", "#2c323a")
FAINT: Final = Ink("#8a94a3", "#76808e")

SERIES: Final = (
    Ink("#0072b2", "#56b4e9"),
    Ink("#d55e00", "#ff8c42"),
    Ink("#34513c", "#558969"),
    Ink("#c66e96", "#e732a9"),
    Ink("#9d8659", "#f9da1a"),
    Ink("#7b10dc", "#a056f9"),
    INK,
)
"""The colours of series. The first two are Okabe and Ito's (https://jfly.uni-koeln.de/color/); the others are chosen so
that all have contrast on their ground, and differ for colour-blind readers too."""
