"""SVG -> PNG, by resvg, in the light scheme."""

from __future__ import annotations

from typing import Final

from inception_dsl.build import missing
from inception_dsl.diagnostics.codes.tool import MISSING_DEPENDENCY
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.emit.picture.look import GROUND

FONT: Final = "DejaVu Sans"
"""Stands for `sans-serif` where a system has none of the fonts that a picture names."""

BLANK: Final = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>'
LETTER: Final = BLANK.replace("><", '><text y="9" font-family="sans-serif">M</text><')


def png(svg: str, zoom: float = 2) -> bytes:
    """The pixels of a picture, `zoom` for one of its own; the same bytes on systems with the same fonts.

    Raises `SpecError` E005 if resvg is not installed, or the system has no font.
    """
    try:
        from resvg_py import svg_to_bytes
    except ModuleNotFoundError as error:
        raise missing(error.name or "resvg_py", "png") from None

    def pixels(text: str, zoom: float) -> bytes:
        return bytes(svg_to_bytes(svg_string=text, zoom=zoom, background=GROUND.light, sans_serif_family=FONT))

    if pixels(BLANK, 1) == pixels(LETTER, 1):  # resvg leaves out text for which there is no font
        help_ = "install DejaVu Sans (`fonts-dejavu-core` in Debian), or write SVG"
        raise SpecError([Diagnostic(MISSING_DEPENDENCY, "a PNG needs a font, and the system has none", help=help_)])
    return pixels(svg, zoom)
