"""What is done to images: equal to what torchvision and colorsys do, and by no chance but the generator's."""

from __future__ import annotations

import colorsys
import math
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Generator, Tensor
from torch.nn.functional import pad
from torchvision.transforms import RandomResizedCrop
from torchvision.transforms.v2 import functional as oracle

from inception_dsl.runner import augment
from inception_dsl.runner.config import Augment, Config, Data
from inception_dsl.runner.settings import RunError, with_setting

FILE = Path(__file__).parent.parent / "data" / "chelsea.jpg"
PHOTO = torch.from_numpy(np.array(Image.open(FILE))).permute(2, 0, 1)


def chance(seed: int = 0) -> Generator:
    return torch.Generator().manual_seed(seed)


def config(height: int = 224, width: int = 224, channels: int = 3, **values: Any) -> Config:
    """Settings that leave images in [0, 1], so that they can be compared."""
    data = Data(height=height, width=width, channels=channels, mean=(0.0,), std=(1.0,))
    return Config(data=data, augment=Augment(**values))


def close(ours: Tensor, theirs: Tensor, within: float) -> None:
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().max() <= within


def test_area_draws_the_very_boxes_that_torchvision_draws() -> None:
    for seed in range(200):
        height, width = 20 + seed, 300 - seed
        torch.manual_seed(seed)
        theirs = RandomResizedCrop.get_params(torch.empty(3, height, width), [0.08, 1.0], [0.75, 4 / 3])
        assert augment.random_area_box(height, width, config(), chance(seed)) == theirs


@pytest.mark.parametrize(("height", "width"), [(10, 400), (400, 10), (1, 90)])
def test_area_of_a_strip_is_most_of_its_middle(height: int, width: int) -> None:
    top, left, h, w = augment.random_area_box(height, width, config(area=(1.0, 1.0)), chance())
    assert h == min(height, round(width / 0.75)) and w == min(width, round(height * 4 / 3))
    assert (top, left) == ((height - h) // 2, (width - w) // 2)


def test_an_area_crop_has_the_stated_share_and_shape() -> None:
    boxes = [augment.random_area_box(300, 400, config(area=(0.2, 0.6)), chance(seed)) for seed in range(300)]
    assert all(0.19 < h * w / 120_000 < 0.61 and 0.74 < w / h < 1.35 for _, _, h, w in boxes)
    covered = [h * w for _, _, h, w in boxes]
    assert min(covered) < 30_000 and max(covered) > 66_000


@pytest.mark.parametrize(("mode", "within"), [("bilinear", 1e-6), ("bicubic", 1e-5), ("nearest-exact", 0.0)])
def test_resizing_equals_torchvisions(mode: str, within: float) -> None:
    for height, width in ((224, 224), (97, 301), (600, 500)):
        interpolation = oracle.InterpolationMode(mode)
        theirs = oracle.resize(PHOTO.float(), [height, width], interpolation, antialias=True).clamp(0, 255)
        close(augment.resize(PHOTO, height, width, mode) / 255, theirs / 255, within)


def test_area_interpolation_is_the_mean_of_blocks() -> None:
    image = PHOTO[:, :, :374].contiguous()
    blocks = image.float().view(3, 125, 2, 187, 2).mean((2, 4))
    close(augment.resize(image, 125, 187, "area") / 255, blocks / 255, 1e-6)


def test_an_area_crop_is_torchvisions_resized_crop() -> None:
    there = config(flip=False)
    box = augment.random_area_box(250, 375, there, chance(3))
    theirs = oracle.resized_crop(PHOTO.float(), *box, [224, 224], antialias=True) / 255
    close(augment.training_transform(there)(PHOTO, chance(3)), theirs, 1e-6)


def test_random_interpolation_takes_all_four_as_often() -> None:
    draws = Counter(augment.random_interpolation(config(interpolation="random"), chance(seed)) for seed in range(400))
    assert set(draws) == {"bilinear", "nearest-exact", "bicubic", "area"} and min(draws.values()) > 70
    assert {augment.random_interpolation(config(), chance(seed)) for seed in range(9)} == {"bilinear"}


def test_window_is_a_part_of_the_image_resized_anywhere() -> None:
    whole = oracle.resize(PHOTO.float(), [72], antialias=True) / 255
    windows = whole.unfold(1, 56, 1).unfold(2, 56, 1)[:, :, :, 0, :]  # the first rows of all
    transform, seen = augment.training_transform(config(56, 56, crop="window", resize=72, flip=False)), set()
    for seed in range(20):
        ours = transform(PHOTO, chance(seed))
        ((top, left),) = torch.nonzero((windows - ours[:, None, None, 0]).abs().amax((0, 3)) < 1e-6).tolist()
        close(ours, whole[:, top : top + 56, left : left + 56], 1e-6)
        seen.add((top, left))
    assert len(seen) > 15


def test_shift_pads_and_cuts_anywhere() -> None:
    image = torch.arange(1, 10, dtype=torch.uint8).view(1, 3, 3)
    transform = augment.training_transform(config(3, 3, 1, crop="shift", padding=1, flip=False))
    framed = pad(image, (1,) * 4).float() / 255
    cuts = {(top, left): framed[:, top : top + 3, left : left + 3] for top in range(3) for left in range(3)}
    ours = [transform(image, chance(seed)) for seed in range(80)]
    found = [spot for each in ours for spot, cut in cuts.items() if torch.equal(cut, each)]
    assert len(found) == 80 and set(found) == set(cuts)


def test_shift_puts_a_small_image_in_the_middle_first() -> None:
    transform = augment.training_transform(config(32, 32, 1, crop="shift", padding=0, flip=False))
    image = torch.full((1, 28, 28), 255, dtype=torch.uint8)
    assert torch.equal(transform(image, chance()), pad(torch.ones(1, 28, 28), (2,) * 4))


def test_every_second_image_is_mirrored() -> None:
    plain = augment.training_transform(config(24, 24, crop="whole", flip=False))(PHOTO, chance())
    ours = [augment.training_transform(config(24, 24, crop="whole"))(PHOTO, chance(seed)) for seed in range(60)]
    mirrored = sum(torch.equal(each, plain.flip(-1)) for each in ours)
    assert 15 < mirrored < 45 and mirrored + sum(torch.equal(each, plain) for each in ours) == 60


@pytest.mark.parametrize("part", [-0.5, -0.2, 0.0, 0.07, 0.2, 0.5])
def test_turning_hues_equals_torchvisions(part: float) -> None:
    image = PHOTO.float() / 255
    close(augment.shift_hue(image, part), oracle.adjust_hue(image, part), 1e-5)


PIXEL = st.tuples(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))


@settings(deadline=None)
@given(st.lists(PIXEL, min_size=1, max_size=30), st.floats(0.5, 1.5))
def test_hsv_equals_colorsys(pixels: list[tuple[int, int, int]], factor: float) -> None:
    image = torch.tensor(pixels).T[:, None].float() / 255
    hsv = [colorsys.rgb_to_hsv(red / 255, green / 255, blue / 255) for red, green, blue in pixels]
    apart = (augment.to_hsv(image)[:, 0].T - torch.tensor(hsv)).abs()
    assert torch.minimum(apart, 1 - apart)[:, 0].max() < 1e-5  # hue 1 is hue 0
    assert apart[:, 1:].max() < 1e-5
    close(augment.from_hsv(augment.to_hsv(image)), image, 1e-6)
    back = [colorsys.hsv_to_rgb(h, min(s * factor, 1), v) for h, s, v in hsv]
    close(augment.scale_saturation(image, factor)[:, 0].T, torch.tensor(back), 1e-5)


def test_photometric_is_torchvisions_steps_in_every_order() -> None:
    image, orders = PHOTO[:, ::4, ::4].float() / 255, set()
    steps = (oracle.adjust_brightness, oracle.adjust_contrast, oracle.adjust_saturation)
    for seed in range(60):
        draws, expected = chance(seed), image
        order = torch.randperm(3, generator=draws).tolist()
        for step in order:
            expected = steps[step](expected, torch.empty(1).uniform_(0.5, 1.5, generator=draws).item())
        close(augment.photometric(image, chance(seed)), expected, 1e-5)
        orders.add(tuple(order))
    assert len(orders) == 6


def test_tensorflow_colours_are_its_two_orders() -> None:
    """TensorFlow scales saturation in HSV, and contrast about the mean of each channel; it clips only at the end."""
    image = 0.15 + 0.7 * PHOTO[:, ::16, ::16].float() / 255
    seen = set()
    for seed in range(24):
        draws = chance(seed)
        expected = image + torch.empty(1).uniform_(-32 / 255, 32 / 255, generator=draws).item()
        coin = int(torch.randint(0, 2, (1,), generator=draws).item())
        for step in ("saturation hue contrast", "contrast saturation hue")[coin].split():
            low, high = (-0.2, 0.2) if step == "hue" else (0.5, 1.5)
            amount = torch.empty(1).uniform_(low, high, generator=draws).item()
            if step == "contrast":
                mean = expected.mean((1, 2), keepdim=True)
                expected = (expected - mean) * amount + mean
                continue
            hsv = [colorsys.rgb_to_hsv(*pixel) for pixel in expected.flatten(1).T.tolist()]
            turn, scale = (amount, 1.0) if step == "hue" else (0.0, amount)
            rgb = [colorsys.hsv_to_rgb((h + turn) % 1, min(s * scale, 1), v) for h, s, v in hsv]
            expected = torch.tensor(rgb).T.view_as(expected)
        seen.add(coin)
        close(augment.tensorflow_colours(image, chance(seed)), expected.clamp(0, 1), 1e-5)
    assert seen == {0, 1}


@pytest.mark.parametrize("colour", ["photometric", "tensorflow"])
def test_grey_images_know_brightness_and_contrast_only(colour: str) -> None:
    image = PHOTO[:1].float() / 255
    ours = augment.COLOURS[colour](image, chance(1))
    assert ours.shape == image.shape and not torch.equal(ours, image)
    bright, dark = image.argmax(), image.argmin()
    assert ours.flatten()[bright] == ours.max() and ours.flatten()[dark] == ours.min()


def test_the_centre_is_torchvisions() -> None:
    for image in (PHOTO, PHOTO.transpose(1, 2), PHOTO[:, :, :250]):
        theirs = oracle.center_crop(oracle.resize(image.float(), [256], antialias=True), [224, 224]) / 255
        close(augment.evaluation_transform(config())(image, chance()), theirs, 1e-6)


def test_the_central_part_is_tensorflows() -> None:
    """As tf.image.central_crop counts: int((250 - 250 * .875) / 2) = 15, int((375 - 375 * .875) / 2) = 23."""
    theirs = oracle.resize(PHOTO[:, 15:235, 23:352].float(), [299, 299], antialias=True) / 255
    close(augment.evaluation_transform(config(299, 299, evaluation="central"))(PHOTO, chance()), theirs, 1e-6)


def test_a_whole_image_is_padded_if_small_and_resized_if_not() -> None:
    view = augment.evaluation_transform(config(32, 32, 1, evaluation="whole"))
    image = torch.full((1, 28, 28), 255, dtype=torch.uint8)
    assert torch.equal(view(image, chance()), pad(torch.ones(1, 28, 28), (2,) * 4))
    theirs = oracle.resize(PHOTO.float(), [32, 32], antialias=True) / 255
    close(augment.evaluation_transform(config(32, 32, evaluation="whole"))(PHOTO, chance()), theirs, 1e-6)


def test_normalising_takes_mean_and_deviation_by_channel() -> None:
    image = torch.tensor([51, 102, 255], dtype=torch.uint8).view(3, 1, 1)
    data = Data(height=1, width=1, mean=(0.1, 0.2, 0.5), std=(0.1, 0.2, 0.25))
    ours = augment.evaluation_transform(Config(data=data, augment=Augment(evaluation="whole")))(image, chance())
    close(ours.flatten(), torch.tensor([1.0, 1.0, 2.0]), 1e-6)


def test_grey_and_colour_become_what_the_network_wants() -> None:
    thrice = augment.evaluation_transform(config(8, 8, 3, evaluation="whole"))(PHOTO[:1, :8, :8], chance())
    assert all(torch.equal(each, PHOTO[0, :8, :8] / 255) for each in thrice)
    once = augment.evaluation_transform(config(8, 8, 1, evaluation="whole"))(PHOTO[:, :8, :8], chance())
    close(once, oracle.rgb_to_grayscale(PHOTO[:, :8, :8].float() / 255), 1e-5)


@pytest.mark.parametrize(
    ("data", "evaluation", "message"),
    [
        (Data(channels=1), "centre", "data.mean has 3 numbers for 1 channels"),
        (Data(std=(1.0, 1.0)), "centre", "data.std has 2 numbers for 3 channels"),
        (Data(height=299), "centre", "augment.resize is 256, but the input has 299 pixels"),
        (Data(), "corner", "augment.evaluation is 'corner'; set one of "),
    ],
)
def test_settings_that_do_not_fit_are_reported_at_once(data: Data, evaluation: str, message: str) -> None:
    with pytest.raises(RunError, match=message):
        augment.evaluation_transform(Config(data=data, augment=Augment(evaluation=evaluation)))


@pytest.mark.parametrize(
    "values",
    [
        {"area": (0.9, 0.1)},
        {"area": (1.0,)},
        {"area": (-1.0, -1.0)},
        {"aspect": (0.0, 1.0)},
        {"aspect": (2.0, 1.0)},
        {"aspect": (1e-320, 1e-320)},
        {"crop": "shift", "padding": -9},
        {"crop": "window", "resize": "large"},
    ],
)
def test_what_torch_cannot_do_is_reported_at_once(values: dict[str, Any]) -> None:
    with pytest.raises(RunError, match=r"data and augment: these settings cannot transform an image: \S"):
        augment.training_transform(config(8, 8, **values))


@pytest.mark.parametrize("key", ["crop", "colour", "interpolation"])
def test_unknown_words_are_reported_at_once(key: str) -> None:
    with pytest.raises(RunError, match=f"augment.{key} is 'odd'; set one of "):
        augment.training_transform(with_setting(Config(), f"augment.{key}", "odd"))


def test_images_of_other_channels_are_refused() -> None:
    with pytest.raises(RunError, match=r"an image has 4 channels, but data\.channels is 3"):
        augment.evaluation_transform(config())(PHOTO[[0, 1, 2, 0]], chance())


@settings(deadline=None, max_examples=150)
@given(
    st.tuples(st.sampled_from([1, 3]), st.integers(1, 60), st.integers(1, 60)),
    st.tuples(st.sampled_from([1, 3]), st.integers(1, 24), st.integers(1, 24)),
    st.sampled_from(list(augment.CROPS)),
    st.sampled_from(list(augment.COLOURS)),
    st.sampled_from(list(augment.VIEWS)),
    st.sampled_from(list(augment.INTERPOLATIONS)),
    st.integers(0, 2**40),
)
def test_any_image_gives_the_input_and_the_same_each_time(
    size: tuple[int, ...], shape: tuple[int, int, int], crop: str, colour: str, view: str, mode: str, seed: int
) -> None:
    channels, height, width = shape
    there = config(height, width, channels, crop=crop, colour=colour, evaluation=view, interpolation=mode, resize=24)
    pixels = torch.randint(0, 256, size, dtype=torch.uint8, generator=chance(seed))
    before = pixels.clone()
    for transform in (augment.training_transform(there), augment.evaluation_transform(there)):
        torch.manual_seed(1)
        ours = transform(pixels, chance(seed))
        torch.manual_seed(2)  # torch's own generator has no say
        again = pickle.loads(pickle.dumps(transform))(pixels, chance(seed))  # noqa: S301  as workers get it
        assert ours.shape == shape and ours.dtype == torch.float32
        assert math.isfinite(ours.sum()) and ours.min() >= -1e-6 and ours.max() <= 1 + 1e-6
        assert torch.equal(ours, again) and torch.equal(pixels, before)


def test_a_line_of_pixels_does_not_fill_the_memory() -> None:
    assert augment.resize_shorter_side(torch.zeros(1, 1, 60_000, dtype=torch.uint8), 256).shape == (1, 256, 4096)
