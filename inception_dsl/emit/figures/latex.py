"""Text as LaTeX that prints it as it is: in ASCII, and without commands, comments or accents of its own."""

from __future__ import annotations

import unicodedata
from typing import Final

from inception_dsl.text.terminal import visible

UNICODE: Final = r"\newcommand{\unicode}[1]{\resizebox{.9em}{!}{\texttt{#1}}}"
"""Prints the number of a character that the fonts of pdfLaTeX do not have; LuaLaTeX has `\\symbol{"#1}` for it."""

_NAMES: Final = (
    "textbackslash textasciicircum textasciitilde textless textgreater textbar "
    "dots textendash textemdash textquoteleft textquoteright textquotedblleft textquotedblright "
    "ss ae AE o O oe OE l L i"
).split()
_TEXT: Final = (
    "\\^~<>|\u2026\u2013\u2014\u2018\u2019\u201c\u201d\u00df\u00e6\u00c6\u00f8\u00d8\u0153\u0152\u0142\u0141\u0131"
)
_MATHS: Final = "times approx pm to le ge cdot dagger checkmark".split()
_SIGNS: Final = {
    **{sign: rf"\{sign}" for sign in "{}&#%_"},
    **{sign: rf"\{name}{{}}" for sign, name in zip(_TEXT, _NAMES, strict=True)},
    **{
        sign: rf"\(\{name}\)"
        for sign, name in zip("\u00d7\u2248\u00b1\u2192\u2264\u2265\u00b7\u2020\u2713", _MATHS, strict=True)
    },
    '"': "''",
    "$": r"\(\$\)",
    "\u2212": r"\(-\)",
    "\u2717": r"\mismatch{}",
}
_ACCENTS: Final = dict(
    zip("\u0300\u0301\u0302\u0303\u0304\u0306\u0307\u0308\u030a\u030b\u030c\u0323\u0327", "`'^~=u.\"rHvdc", strict=True)
)
_LIGATURES: Final = frozenset({"--", "''", "``", "?`", "!`", ",,"})
"""Signs that LaTeX prints as another one."""


def latex(text: str) -> str:
    """The text as LaTeX; invisible characters are printed as escapes."""
    shown = unicodedata.normalize("NFC", visible(text))
    pairs = zip(shown, [*shown[1:], ""], strict=False)
    return "".join(_character(one) + "{}" * (one + other in _LIGATURES) for one, other in pairs)


def _character(character: str) -> str:
    if character in _SIGNS:
        return _SIGNS[character]
    if " " <= character <= "~":
        return character
    parts = unicodedata.normalize("NFD", character)
    letter, accent = parts[0], parts[1:]
    if letter.isascii() and letter.isalpha() and accent in _ACCENTS:
        return rf"\{_ACCENTS[accent]}{{{letter}}}"
    number = rf"\unicode{{{ord(character):04X}}}"
    return rf"\llap{{{number}}}" if unicodedata.combining(character) else number
