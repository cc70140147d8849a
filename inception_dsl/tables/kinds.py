"""What the cells of papers hold: shapes, kernels, numbers with suffixes, footnote marks."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

SHAPE: Final = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")
IMAGE: Final = re.compile(r"([1-9][0-9]{0,4})x([1-9][0-9]{0,4})")
KERNEL: Final = re.compile(r"([1-9][0-9]?)x([1-9][0-9]?)(?:\s*/\s*([1-9][0-9]?)(?:x[0-9]{1,2})?)?")
NUMBER: Final = re.compile(r"([0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,15})(\.[0-9]{1,9})?\s?([KMBGTkmbg]?)")
WHOLE: Final = re.compile(r"[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,9}")
BLANKS: Final = frozenset({"", "-", "–", "—", "−", "n/a", "N/A", "·", "/"})
"""What papers print in cells without content."""

_TIMES: Final = re.compile(r"(?<=[0-9²])\s*[×✕✖⨯⋅xX∗*]\s*(?=[0-9])")
_SQUARE: Final = re.compile(r"(?<![0-9x])([0-9]{1,6})(?:\^2|²)(?=x[0-9])")
_SUPERSCRIPTS: Final = str.maketrans({"¹": "^1", "²": "^2", "³": "^3", "ᵃ": "^a", "ᵇ": "^b", "ᶜ": "^c", "∗": "*"})
_MARK: Final = re.compile(r"\s*(?:\^?([*†‡§¶]{1,3})|\^\(?([a-z]|[0-9])\)?|\[\^(\w{1,9})\])$")
_LETTER: Final = re.compile(r"((?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?)([a-f])")


class Marked(NamedTuple):
    """A text without its footnote marks, and the marks."""

    text: str
    marks: str = ""


def normal(text: str) -> str:
    """A text with one sign for a product of sizes: `112 × 112 × 64` and `112²×64` are `112x112x64`."""
    text = _TIMES.sub("x", " ".join(text.split()))
    return _SQUARE.sub(r"\1x\1", text).translate(_SUPERSCRIPTS)


def unmarked(text: str, letters: bool = False) -> Marked:
    """A normal text without the footnote marks at its end; with `letters`, `464a` has the mark `a`."""
    marks: list[str] = []
    while (match := _MARK.search(text)) and match.start() > 0 and len(marks) < 9:
        marks.insert(0, next(filter(None, match.groups())))
        text = text[: match.start()]
    if letters and (letter := _LETTER.fullmatch(text)):
        return Marked(letter[1], "".join([letter[2], *marks]))
    return Marked(text, "".join(marks))


def is_data(text: str) -> bool:
    """Whether a text is a value rather than the name of a column: a shape, a kernel with a stride, or a number."""
    plain = unmarked(normal(text)).text
    kernel = KERNEL.fullmatch(plain)
    return bool(SHAPE.fullmatch(plain) or (kernel and kernel[3]) or NUMBER.fullmatch(plain))


def whole(text: str) -> int | None:
    """The value of a whole number such as `64` or `1,024`; None of any other text."""
    return int(text.replace(",", "")) if WHOLE.fullmatch(text) else None
