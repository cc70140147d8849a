"""How wide text is: a table of character widths, so that a layout needs no font.

The widths are those of DejaVu Sans, in thousandths of the size: the widest font of `FONTS`. In the others, the same
text leaves more room in its box.
"""

from __future__ import annotations

import math
import unicodedata
from functools import lru_cache
from typing import Final

from inception_dsl.text.terminal import visible

FONTS: Final = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif"

_WIDTHS: Final = (
    *(318, 401, 460, 838, 636, 950, 780, 275, 390, 390, 500, 838, 318, 361, 318, 337),  # space to /
    *(636, 636, 636, 636, 636, 636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531),  # 0 to ?
    *(1000, 684, 686, 698, 770, 632, 575, 775, 752, 295, 295, 656, 557, 863, 748, 787),  # @ to O
    *(603, 787, 695, 635, 611, 732, 684, 989, 685, 611, 685, 390, 337, 390, 838, 500),  # P to _
    *(500, 613, 635, 550, 635, 615, 352, 635, 634, 278, 278, 579, 278, 974, 634, 612),  # ` to o
    *(635, 635, 411, 521, 392, 634, 592, 818, 592, 592, 525, 636, 337, 636, 838),  # p to ~
)
_BOLD: Final = 1.13
"""Bold digits and letters are at most so much wider."""

_WIDE: Final = 1200
_OTHER: Final = 1000
"""Of the characters without an entry: the wide ones of East Asia and emoji, and the others."""


@lru_cache(maxsize=1024)
def text_width(text: str, size: float, bold: bool = False) -> int:
    """The width of a text in pixels, rounded up; invisible characters are drawn as escapes."""
    thousandths = sum(map(_character, visible(text)))
    return math.ceil(thousandths * size * (_BOLD if bold else 1) / 1000)


def filled(words: str, width: float, size: float, bold: bool = False) -> list[str]:
    """Words in lines of at most a width; a wider word has its own line."""
    lines: list[str] = []
    for word in words.split():
        longer = f"{lines[-1]} {word}" if lines else ""
        if longer and text_width(longer, size, bold) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def _character(character: str) -> int:
    if " " <= character <= "~":
        return _WIDTHS[ord(character) - 32]
    if unicodedata.combining(character):
        return 0
    return _WIDE if unicodedata.east_asian_width(character) in "WF" else _OTHER
