"""Colours: equal to what torchvision and colorsys do, for each image of a batch by its own numbers."""

from __future__ import annotations

import colorsys
from itertools import permutations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from test_augment import PHOTO, chance, close
from torch import Tensor
from torchvision.transforms.v2 import functional as oracle

from inception_dsl.runner.images import colours

PIXEL = st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))


def changed(step: colours.DeviceStep, image: Tensor, rows: list[list[float]]) -> Tensor:
    """Copies of an image, each changed by its row of numbers."""
    return step.apply(torch.stack([image] * len(rows)), torch.tensor(rows))


def hue_changed(image: Tensor, turn: float, saturation: float = 1.0) -> Tensor:
    turns, saturations = (torch.full((1, 1, 1), number) for number in (turn, saturation))
    return colours.change_hue(image[None], turns, saturations)[0]


@pytest.mark.parametrize("part", [-0.5, -0.2, 0.0, 0.07, 0.2, 0.5])
def test_turning_hues_equals_torchvisions(part: float) -> None:
    image = PHOTO.float() / 255
    close(hue_changed(image, part), oracle.adjust_hue(image, part), 1e-5)


@given(st.lists(PIXEL, min_size=1, max_size=30), st.floats(-0.5, 0.5), st.floats(0.5, 1.5))
def test_hue_and_saturation_equal_colorsys(pixels: list[tuple[int, int, int]], turn: float, factor: float) -> None:
    image = torch.tensor(pixels).T[:, None].float() / 255
    hsv = [colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255) for red, green, blue in pixels]
    expected = [colorsys.hsv_to_rgb((h + turn) % 1, min(s * factor, 1), v) for h, s, v in hsv]
    close(hue_changed(image, turn, factor)[:, 0].T, torch.tensor(expected), 1e-5)


def test_photometric_is_torchvisions_steps_in_every_order() -> None:
    image, factors = PHOTO[:, ::4, ::4].float() / 255, [0.6, 1.2, 1.4]
    steps = (oracle.adjust_brightness, oracle.adjust_contrast, oracle.adjust_saturation)
    orders = [*permutations(range(3))]
    ours = changed(colours.COLOURS["photometric"], image, [[*order, *factors] for order in orders])
    for order, own in zip(orders, ours, strict=True):
        expected = image
        for step, factor in zip(order, factors, strict=True):
            expected = steps[step](expected, factor)
        close(own, expected, 1e-5)


def test_photometric_draws_every_order_and_factors_in_their_range() -> None:
    draws = [[*colours.draw_photometric(chance(seed))] for seed in range(60)]
    assert {tuple(draw[:3]) for draw in draws} == {*permutations(range(3))}
    factors = [factor for draw in draws for factor in draw[3:]]
    assert 0.5 <= min(factors) < 0.55 and 1.45 < max(factors) <= 1.5


def test_tensorflow_colours_are_its_two_orders() -> None:
    """TensorFlow scales saturation in HSV, and contrast about the mean of each channel; it clips only at the end."""
    image = 0.15 + 0.7 * PHOTO[:, ::16, ::16].float() / 255
    rows = [[*colours.draw_tensorflow(chance(seed))] for seed in range(24)]
    assert {row[1] for row in rows} == {0, 1}
    for row, ours in zip(rows, changed(colours.COLOURS["tensorflow"], image, rows), strict=True):
        brightness, first, saturation, hue, contrast = row
        expected = image + brightness
        for step in ("saturation hue contrast", "contrast saturation hue")[int(first)].split():
            if step == "contrast":
                mean = expected.mean((1, 2), keepdim=True)
                expected = (expected - mean) * contrast + mean
                continue
            hsv = [colorsys.rgb_to_hsv(*pixel) for pixel in expected.flatten(1).T.tolist()]
            turn, scale = (hue, 1.0) if step == "hue" else (0.0, saturation)
            rgb = [colorsys.hsv_to_rgb((h + turn) % 1, min(s * scale, 1), v) for h, s, v in hsv]
            expected = torch.tensor(rgb).T.view_as(expected)
        close(ours, expected.clamp(0, 1), 1e-5)


@pytest.mark.parametrize("colour", ["photometric", "tensorflow"])
def test_grey_images_know_brightness_and_contrast_only(colour: str) -> None:
    image, step = PHOTO[:1].float() / 255, colours.COLOURS[colour]
    (ours,) = changed(step, image, [[*step.draw(chance(1))]])
    assert ours.shape == image.shape and not torch.equal(ours, image)
    bright, dark = image.argmax(), image.argmin()
    assert ours.flatten()[bright] == ours.max() and ours.flatten()[dark] == ours.min()


@pytest.mark.parametrize("colour", list(colours.COLOURS))
def test_a_step_draws_as_many_numbers_as_it_says(colour: str) -> None:
    assert len([*colours.COLOURS[colour].draw(chance())]) == colours.COLOURS[colour].numbers


def test_a_step_stays_on_its_device() -> None:
    for step in (colours.FLIP, *colours.COLOURS.values()):
        with torch.device("meta"):
            images, draws = torch.zeros(2, 3, 4, 5), torch.zeros(2, step.numbers)
        assert step.apply(images, draws).device.type == "meta"
