"""The transform in its two parts: equal to the one in floats, and by no chance but the generator's."""

from __future__ import annotations

import pickle
from functools import partial
from pathlib import Path
from typing import Any

import float_transform as whole
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from meta import META, OnlyQueued
from PIL import Image
from torch import Generator, Tensor
from torch.nn.functional import pad
from torchvision.transforms.v2 import functional as oracle

from inception_dsl.runner.base.config import Augment, Config, Data, Run
from inception_dsl.runner.base.settings import RunError, with_setting
from inception_dsl.runner.images import augment
from inception_dsl.runner.images.augment import Transform, evaluation_transform, finish_images, training_transform
from inception_dsl.runner.images.colours import COLOURS
from inception_dsl.runner.images.geometry import CROPS, INTERPOLATIONS, VIEWS, random_area_box

FILE = Path(__file__).parent.parent / "data" / "chelsea.jpg"
PHOTO = torch.from_numpy(np.array(Image.open(FILE))).permute(2, 0, 1)


def chance(seed: int = 0) -> Generator:
    return torch.Generator().manual_seed(seed)


def config(height: int = 224, width: int = 224, channels: int = 3, **values: Any) -> Config:
    """Settings that leave images in [0, 1], so that they can be compared."""
    data = Data(height=height, width=width, channels=channels, mean=(0.0,), std=(1.0,))
    return Config(data=data, augment=Augment(**{"padding": min(4, height - 1, width - 1), **values}))


def given_image(image: Tensor, reduction: object) -> Tensor:
    """Reads an image that cannot be decoded smaller."""
    return image


def given_input(transform: Transform, there: Config, image: Tensor, seed: int = 0) -> Tensor:
    """What the network gets of an image, by way of a batch of one."""
    pixels, draws = transform(partial(given_image, image), chance(seed))
    assert pixels.dtype == torch.uint8
    return finish_images(pixels[None], draws[None], there)[0]


def trained(there: Config, image: Tensor, seed: int = 0) -> Tensor:
    return given_input(training_transform(there), there, image, seed)


def evaluated(there: Config, image: Tensor) -> Tensor:
    return given_input(evaluation_transform(there), there, image)


def close(ours: Tensor, theirs: Tensor, within: float) -> None:
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().max() <= within


def test_an_area_crop_is_torchvisions_resized_crop() -> None:
    there = config(flip=False)
    box = random_area_box(250, 375, there, chance(3))
    theirs = oracle.resized_crop(PHOTO, *box, [224, 224], antialias=True)
    assert torch.equal(trained(there, PHOTO, 3), theirs / 255)


def test_window_is_a_part_of_the_image_resized_anywhere() -> None:
    whole = oracle.resize(PHOTO, [72], antialias=True) / 255
    windows = whole.unfold(1, 56, 1).unfold(2, 56, 1)[:, :, :, 0, :]  # the first rows of all
    there, seen = config(56, 56, crop="window", resize=72, flip=False), set()
    for seed in range(20):
        ours = trained(there, PHOTO, seed)
        ((top, left),) = torch.nonzero((windows - ours[:, None, None, 0]).abs().amax((0, 3)) < 1e-6).tolist()
        close(ours, whole[:, top : top + 56, left : left + 56], 1e-6)
        seen.add((top, left))
    assert len(seen) > 15


def test_shift_pads_and_cuts_anywhere() -> None:
    image, there = torch.arange(1, 10, dtype=torch.uint8).view(1, 3, 3), config(3, 3, 1, crop="shift", padding=1)
    there.augment.flip = False
    framed = pad(image, (1,) * 4).float() / 255
    cuts = {(top, left): framed[:, top : top + 3, left : left + 3] for top in range(3) for left in range(3)}
    ours = [trained(there, image, seed) for seed in range(80)]
    found = [spot for each in ours for spot, cut in cuts.items() if torch.equal(cut, each)]
    assert len(found) == 80 and set(found) == set(cuts)


@pytest.mark.parametrize("size", [(1, 20, 30), (1, 12, 12), (1, 10, 11), (1, 5, 40)])
def test_shift_shows_what_the_evaluation_of_whole_images_shows(size: tuple[int, int, int]) -> None:
    """Of an image larger than the input too: not a corner of it, at another scale than in evaluation."""
    image, there = noise(size, 0), config(12, 12, 1, crop="shift", evaluation="whole", padding=2, flip=False)
    framed = pad(evaluated(there, image), (2,) * 4)
    cuts = [framed[:, top : top + 12, left : left + 12] for top in range(5) for left in range(5)]
    for seed in range(20):
        assert any(torch.equal(trained(there, image, seed), cut) for cut in cuts)


def test_shift_puts_a_small_image_in_the_middle_first() -> None:
    image = torch.full((1, 28, 28), 255, dtype=torch.uint8)
    ours = trained(config(32, 32, 1, crop="shift", padding=0, flip=False), image)
    assert torch.equal(ours, pad(torch.ones(1, 28, 28), (2,) * 4))


def test_every_second_image_is_mirrored() -> None:
    plain = trained(config(24, 24, crop="whole", flip=False), PHOTO)
    ours = [trained(config(24, 24, crop="whole"), PHOTO, seed) for seed in range(60)]
    mirrored = sum(torch.equal(each, plain.flip(-1)) for each in ours)
    assert 15 < mirrored < 45 and mirrored + sum(torch.equal(each, plain) for each in ours) == 60


def test_the_centre_is_torchvisions() -> None:
    for image in (PHOTO, PHOTO.transpose(1, 2), PHOTO[:, :, :250]):
        theirs = oracle.center_crop(oracle.resize(image, [256], antialias=True), [224, 224])
        assert torch.equal(evaluated(config(), image), theirs / 255)


def test_the_central_part_is_tensorflows() -> None:
    """As tf.image.central_crop counts: int((250 - 250 * .875) / 2) = 15, int((375 - 375 * .875) / 2) = 23."""
    theirs = oracle.resize(PHOTO[:, 15:235, 23:352], [299, 299], antialias=True)
    assert torch.equal(evaluated(config(299, 299, evaluation="central"), PHOTO), theirs / 255)


def test_a_whole_image_is_padded_if_small_and_resized_if_not() -> None:
    image = torch.full((1, 28, 28), 255, dtype=torch.uint8)
    ours = evaluated(config(32, 32, 1, evaluation="whole"), image)
    assert torch.equal(ours, pad(torch.ones(1, 28, 28), (2,) * 4))
    theirs = oracle.resize(PHOTO, [32, 32], antialias=True)
    assert torch.equal(evaluated(config(32, 32, evaluation="whole"), PHOTO), theirs / 255)


def test_normalising_takes_mean_and_deviation_by_channel() -> None:
    image = torch.tensor([51, 102, 255], dtype=torch.uint8).view(3, 1, 1)
    data = Data(height=1, width=1, mean=(0.1, 0.2, 0.5), std=(0.1, 0.2, 0.25))
    ours = evaluated(Config(data=data, augment=Augment(evaluation="whole")), image)
    close(ours.flatten(), torch.tensor([1.0, 1.0, 2.0]), 1e-6)


def test_grey_and_colour_become_what_the_network_wants() -> None:
    thrice = evaluated(config(8, 8, 3, evaluation="whole"), PHOTO[:1, :8, :8])
    assert all(torch.equal(each, PHOTO[0, :8, :8] / 255) for each in thrice)
    once = evaluated(config(8, 8, 1, evaluation="whole"), PHOTO[:, :8, :8])
    close(once, oracle.rgb_to_grayscale(PHOTO[:, :8, :8].float() / 255), 0.5 / 255 + 1e-5)


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
        evaluation_transform(Config(data=data, augment=Augment(evaluation=evaluation)))


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
        training_transform(config(8, 8, **values))


@pytest.mark.parametrize("key", ["crop", "colour", "interpolation"])
def test_unknown_words_are_reported_at_once(key: str) -> None:
    with pytest.raises(RunError, match=f"augment.{key} is 'odd'; set one of "):
        training_transform(with_setting(Config(), f"augment.{key}", "odd"))


def test_images_of_other_channels_are_refused() -> None:
    with pytest.raises(RunError, match=r"an image has 4 channels, but data\.channels is 3"):
        evaluated(config(), PHOTO[[0, 1, 2, 0]])


SIZES = st.tuples(st.sampled_from([1, 3]), st.integers(1, 60), st.integers(1, 60))
INPUTS = st.tuples(st.sampled_from([1, 3]), st.integers(1, 24), st.integers(1, 24))
RECIPES = st.fixed_dictionaries(
    {
        "crop": st.sampled_from(list(CROPS)),
        "colour": st.sampled_from(list(COLOURS)),
        "evaluation": st.sampled_from(list(VIEWS)),
        "interpolation": st.sampled_from(list(INTERPOLATIONS)),
        "flip": st.booleans(),
        "resize": st.just(24),
    }
)
MORE = st.fixed_dictionaries(
    {
        "randaugment": st.integers(0, 2),
        "magnitude": st.integers(0, 30),
        "erasing": st.sampled_from([0.0, 0.5, 1.0]),
    }
)
SEEDS = st.integers(0, 2**40)


def noise(size: tuple[int, ...], seed: int) -> Tensor:
    """Noise in a few levels, so that pixels are grey or of equal channels now and then."""
    levels = torch.tensor([0, 1, 64, 128, 254, 255], dtype=torch.uint8)
    return levels[torch.randint(0, 6, size, generator=chance(seed))]


@settings(max_examples=80)
@given(SIZES, INPUTS, RECIPES, MORE, SEEDS)
def test_any_image_gives_the_input_and_the_same_each_time(
    size: tuple[int, ...], shape: tuple[int, int, int], recipe: dict[str, Any], more: dict[str, Any], seed: int
) -> None:
    channels, height, width = shape
    there, pixels = config(height, width, channels, **recipe, **more), noise(size, seed)
    before = pixels.clone()
    for transform in (training_transform(there), evaluation_transform(there)):
        torch.manual_seed(1)
        ours = given_input(transform, there, pixels, seed)
        torch.manual_seed(2)  # torch's own generator has no say
        again = given_input(pickle.loads(pickle.dumps(transform)), there, pixels, seed)  # noqa: S301  as workers get it
        assert ours.shape == shape and ours.dtype == torch.float32
        assert ours.isfinite().all() and ours.min() >= 0 and ours.max() <= 1
        assert torch.equal(ours, again) and torch.equal(pixels, before)


@settings(max_examples=80)
@given(SIZES, INPUTS, RECIPES, st.lists(SEEDS, min_size=1, max_size=5), st.booleans())
def test_a_batch_on_the_device_is_the_transform_in_floats_of_each_image(
    size: tuple[int, ...], shape: tuple[int, int, int], recipe: dict[str, Any], seeds: list[int], last: bool
) -> None:
    """By the numbers that were drawn for each, and laid out as the run's network is."""
    channels, height, width = shape
    there, images = config(height, width, channels, **recipe), [noise(size, seed) for seed in seeds]
    there.run, there.data.mean, there.data.std = Run(channels_last=last), (0.4,) * channels, (0.2,) * channels
    transform = training_transform(there)
    made = [transform(partial(given_image, image), chance(seed)) for image, seed in zip(images, seeds, strict=True)]
    pixels, draws = zip(*made, strict=True)
    ours = finish_images(torch.stack(pixels), torch.stack(draws), there)
    assert ours.is_contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)
    for image, cut, seed, own in zip(images, pixels, seeds, ours, strict=True):
        close(own, whole.training(image, chance(seed), there, cut), 1e-4)


@pytest.mark.parametrize("colour", list(COLOURS))
def test_the_host_waits_for_nothing_of_the_device(colour: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """And a large batch is finished in parts."""
    there, made = config(24, 24, colour=colour), list[tuple[int, ...]]()
    with META:
        images, draws = torch.zeros(5, 3, 24, 24, dtype=torch.uint8), torch.zeros(5, 9)
    finish_images(images, draws, there)  # copies constants to the device, once
    finish_part = augment.finish_part

    def noted(*given: Any) -> Tensor:
        made.append(given[0].shape)
        return finish_part(*given)

    monkeypatch.setattr(augment, "DEVICE_CHUNK", 2 * 3 * 24 * 24)
    monkeypatch.setattr(augment, "finish_part", noted)
    with OnlyQueued():
        finished = finish_images(images, draws, there)
    assert finished.device == META and finished.shape == images.shape and finished.dtype == torch.float32
    assert [shape[0] for shape in made] == [2, 2, 1]


@settings(max_examples=80)
@given(SIZES, INPUTS, RECIPES, SEEDS)
def test_what_is_cut_in_uint8_is_within_a_level_of_what_is_cut_in_floats(
    size: tuple[int, ...], shape: tuple[int, int, int], recipe: dict[str, Any], seed: int
) -> None:
    channels, height, width = shape
    there = config(height, width, channels, **{**recipe, "colour": "none"})
    image = noise(size, seed) // 2 + 64  # so that bicubic does not overshoot, which uint8 clips earlier
    pairs = (
        (trained(there, image, seed), whole.training(image, chance(seed), there)),
        (evaluated(there, image), whole.evaluation(image, there)),
    )
    for ours, theirs in pairs:
        levels = 2 if channels < size[0] else 1  # colours are rounded once more when they become grey
        close((255 * ours).round(), (255 * theirs).round(), levels)
