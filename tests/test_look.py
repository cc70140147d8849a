"""Colours: text has contrast, and kinds differ for all readers and in grey."""

from __future__ import annotations

from itertools import pairwise

import pytest

from inception_dsl.emit.figures import paint
from inception_dsl.emit.look import GROUND, INK, SERIES, Ink


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast of WCAG 2: at least 4.5 for text."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("kind", sorted({*paint.PAINTS} - {"frame"}))
def test_text_has_contrast_on_every_colour(kind: str) -> None:
    colours = paint.PAINTS[kind]

    assert contrast(colours.fill, INK.light) >= 7
    assert contrast(colours.dark_fill, INK.dark) >= 4.5
    assert contrast(colours.stroke, GROUND.light) >= 3
    assert contrast(colours.dark_stroke, GROUND.dark) >= 3


@pytest.mark.parametrize("ink", SERIES)
def test_series_have_contrast(ink: Ink) -> None:
    assert contrast(ink.light, GROUND.light) >= 3
    assert contrast(ink.dark, GROUND.dark) >= 3


def test_kinds_differ_in_grey() -> None:
    levels = sorted(luminance(paint.PAINTS[kind].fill) for kind in ("convolution", "pool", "norm", "classifier"))

    assert min(high - low for low, high in pairwise(levels)) > 0.08
