"""Cuts: the boxes that torchvision draws, and pixels that are resized as torchvision does."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from test_augment import PHOTO, chance, close, config
from torch.nn.functional import pad
from torchvision.transforms import RandomResizedCrop
from torchvision.transforms.v2 import functional as oracle

from inception_dsl.runner.images import geometry


def test_area_draws_the_very_boxes_that_torchvision_draws() -> None:
    for seed in range(200):
        height, width = 20 + seed, 300 - seed
        torch.manual_seed(seed)
        theirs = RandomResizedCrop.get_params(torch.empty(3, height, width), [0.08, 1.0], [0.75, 4 / 3])
        assert geometry.random_area_box(height, width, config(), chance(seed)) == theirs


@pytest.mark.parametrize(("height", "width"), [(10, 400), (400, 10), (1, 90)])
def test_area_of_a_strip_is_most_of_its_middle(height: int, width: int) -> None:
    top, left, h, w = geometry.random_area_box(height, width, config(area=(1.0, 1.0)), chance())
    assert h == min(height, round(width / 0.75)) and w == min(width, round(height * 4 / 3))
    assert (top, left) == ((height - h) // 2, (width - w) // 2)


def test_an_area_crop_has_the_stated_share_and_shape() -> None:
    boxes = [geometry.random_area_box(300, 400, config(area=(0.2, 0.6)), chance(seed)) for seed in range(300)]
    assert all(0.19 < h * w / 120_000 < 0.61 and 0.74 < w / h < 1.35 for _, _, h, w in boxes)
    covered = [h * w for _, _, h, w in boxes]
    assert min(covered) < 30_000 and max(covered) > 66_000


@pytest.mark.parametrize(("mode", "within"), [("bilinear", 1e-6), ("bicubic", 1e-5), ("nearest-exact", 0.0)])
def test_resizing_equals_torchvisions(mode: str, within: float) -> None:
    for height, width in ((224, 224), (97, 301), (600, 500)):
        interpolation = oracle.InterpolationMode(mode)
        theirs = oracle.resize(PHOTO.float(), [height, width], interpolation, antialias=True).clamp(0, 255)
        close(geometry.resize(PHOTO.float(), height, width, mode) / 255, theirs / 255, within)
        theirs = oracle.resize(PHOTO, [height, width], interpolation, antialias=True)
        assert torch.equal(geometry.resize(PHOTO, height, width, mode), theirs)


@settings(max_examples=80)
@given(st.tuples(*[st.integers(1, 40)] * 4), st.sampled_from([1, 3]), st.sampled_from(["bilinear", "bicubic"]))
def test_resizing_is_near_pillows(sizes: tuple[int, int, int, int], channels: int, mode: str) -> None:
    """Of any layout, since torch's kernels differ by it; both round after each of two passes."""
    height, width, *_ = sizes
    new = sizes[2:]
    low, high = (64, 192) if mode == "bicubic" else (0, 256)  # what overshoots is clipped, in another order of passes
    pixels = torch.randint(low, high, (height, width, channels), dtype=torch.uint8, generator=chance(sum(sizes)))
    image = Image.fromarray(pixels.numpy() if channels == 3 else pixels[..., 0].numpy())
    resized = np.asarray(image.resize(new[::-1], Image.Resampling[mode.upper()])).reshape(*new, channels)
    theirs = torch.from_numpy(resized.copy()).permute(2, 0, 1).int()
    for layout in (pixels.permute(2, 0, 1), pixels.permute(2, 0, 1).contiguous()):
        assert (geometry.resize(layout, *new, mode).int() - theirs).abs().max() <= 2


def test_area_interpolation_is_the_mean_of_blocks() -> None:
    image = PHOTO[:, :, :374].contiguous()
    blocks = image.float().view(3, 125, 2, 187, 2).mean((2, 4))
    assert torch.equal(geometry.resize(image.float(), 125, 187, "area"), blocks)
    assert torch.equal(geometry.resize(image, 125, 187, "area"), blocks.round().byte())


def test_random_interpolation_takes_all_four_as_often() -> None:
    draws = Counter(geometry.random_interpolation(config(interpolation="random"), chance(seed)) for seed in range(400))
    assert set(draws) == {"bilinear", "nearest-exact", "bicubic", "area"} and min(draws.values()) > 70
    assert {geometry.random_interpolation(config(), chance(seed)) for seed in range(9)} == {"bilinear"}


@pytest.mark.parametrize(
    "box", [(0, 0, 4, 5), (1, 2, 2, 2), (-2, -1, 9, 8), (-3, 2, 5, 9), (9, 9, 2, 2), (-9, 1, 3, 2)]
)
def test_a_box_is_padded_where_it_leaves_the_image(box: geometry.Box) -> None:
    image = torch.arange(1, 21, dtype=torch.uint8).view(1, 4, 5)
    top, left, height, width = box
    around = pad(image, (20,) * 4)[:, 20 + top : 20 + top + height, 20 + left : 20 + left + width]
    assert torch.equal(geometry.crop_box(image, box), around)


def test_a_line_of_pixels_does_not_fill_the_memory() -> None:
    assert geometry.shorter_side_cut(1, 60_000, 256).size == (256, 4096)
    assert geometry.shorter_side_cut(60_000, 1, 256).size == (4096, 256)
