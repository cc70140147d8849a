"""Pixels of pictures."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.emit.picture.png import png

PICTURE = """<svg xmlns="http://www.w3.org/2000/svg" width="20" height="10">
<style>.ink {color: #000000} .ink path {stroke: currentColor}
@media (prefers-color-scheme: dark) {.ink {color: #ff0000}}</style>
<g class="ink"><path stroke-width="4" d="M0 5h20"/></g></svg>"""


def test_a_picture_has_its_colours_and_size() -> None:
    pytest.importorskip("resvg_py")
    image = pytest.importorskip("PIL.Image")
    import io

    found: Any = image.open(io.BytesIO(png(PICTURE, 3))).convert("RGB")

    assert found.size == (60, 30)
    assert found.getpixel((30, 15)) == (0, 0, 0), "the light scheme"
    assert found.getpixel((30, 1)) == (255, 255, 255)
    assert png(PICTURE, 3) == png(PICTURE, 3)


def test_resvg_is_asked_for_by_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "resvg_py", None)
    with pytest.raises(SpecError, match="resvg_py") as error:
        png(PICTURE)

    assert error.value.diagnostics[0].help == "pip install 'inception-dsl[png]'"


def test_no_text_is_left_out_silently(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system without a font."""
    resvg = pytest.importorskip("resvg_py")
    original = resvg.svg_to_bytes
    monkeypatch.setattr(resvg, "svg_to_bytes", lambda **look: original(**look, skip_system_fonts=True))
    with pytest.raises(SpecError, match="a PNG needs a font"):
        png(PICTURE)
