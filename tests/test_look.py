"""Colours: text has contrast, and kinds differ for all readers, and in grey."""

from __future__ import annotations

import math
from itertools import combinations

import pytest

from inception_dsl.emit.figures import paint
from inception_dsl.emit.picture.look import GROUND, INK, SERIES, Ink

Triple = tuple[float, float, float]

# Machado, Oliveira and Fernandes: A Physiologically-based Model for Simulation of Color Vision Deficiency, 2009: what
# dichromats see, in linear RGB (their matrices for severity 1).
SIGHTS = {
    "all": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}
TO_XYZ = ((0.4124564, 0.3575761, 0.1804375), (0.2126729, 0.7151522, 0.0721750), (0.0193339, 0.1191920, 0.9503041))
WHITE = (0.95047, 1.0, 1.08883)


def linear(colour: str) -> Triple:
    """The linear RGB of sRGB."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return _linear(red), _linear(green), _linear(blue)


def _linear(part: float) -> float:
    return part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4


def times(matrix: tuple[Triple, ...], vector: Triple) -> Triple:
    """A matrix times a vector."""
    first, second, third = (sum(a * b for a, b in zip(row, vector, strict=True)) for row in matrix)
    return first, second, third


def lab(rgb: Triple) -> Triple:
    """CIELAB, of linear RGB."""
    x, y, z = (_root(part / white) for part, white in zip(times(TO_XYZ, rgb), WHITE, strict=True))
    return 116 * y - 16, 500 * (x - y), 200 * (y - z)


def _root(part: float) -> float:
    return part ** (1 / 3) if part > (6 / 29) ** 3 else part / (3 * (6 / 29) ** 2) + 4 / 29


def contrast(one: str, other: str) -> float:
    """The contrast of WCAG 2: at least 4.5 for text, and 3 for what is not text (AA)."""
    low, high = sorted(times(TO_XYZ, linear(colour))[1] for colour in (one, other))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("kind", sorted({*paint.PAINTS} - {"frame"}))
def test_text_has_contrast_on_every_colour(kind: str) -> None:
    colours = paint.PAINTS[kind]

    assert contrast(colours.fill.light, INK.light) >= 4.5
    assert contrast(colours.fill.dark, INK.dark) >= 4.5
    assert contrast(colours.stroke.light, GROUND.light) >= 3
    assert contrast(colours.stroke.dark, GROUND.dark) >= 3


@pytest.mark.parametrize("ink", SERIES)
def test_series_have_contrast(ink: Ink) -> None:
    assert contrast(ink.light, GROUND.light) >= 3
    assert contrast(ink.dark, GROUND.dark) >= 3


KINDS = ("convolution", "pool", "norm", "classifier", "module", "value", "other")
"""One of every colour."""


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("sight", SIGHTS)
def test_kinds_differ_for_all_readers(sight: str, dark: bool) -> None:
    """By the CIE's difference of 1976, of which 2.3 is just noticeable."""
    fills = {kind: paint.PAINTS[kind].fill[dark] for kind in KINDS}
    seen = {kind: lab(_clipped(times(SIGHTS[sight], linear(fill)))) for kind, fill in fills.items()}

    assert min(math.dist(seen[one], seen[other]) for one, other in combinations(KINDS, 2)) > 8


@pytest.mark.parametrize("dark", [False, True])
@pytest.mark.parametrize("sight", SIGHTS)
def test_series_differ_for_all_readers(sight: str, dark: bool) -> None:
    seen = [lab(_clipped(times(SIGHTS[sight], linear(ink[dark])))) for ink in SERIES]

    assert min(math.dist(one, other) for one, other in combinations(seen, 2)) > 20


@pytest.mark.parametrize("dark", [False, True])
def test_kinds_differ_in_grey(dark: bool) -> None:
    lightness = {kind: lab(linear(paint.PAINTS[kind].fill[dark]))[0] for kind in KINDS}

    assert min(abs(lightness[one] - lightness[other]) for one, other in combinations(KINDS, 2)) > 5


def _clipped(rgb: Triple) -> Triple:
    red, green, blue = (min(1.0, max(0.0, part)) for part in rgb)
    return red, green, blue
