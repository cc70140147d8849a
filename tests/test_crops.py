"""GoogLeNet's 1, 10 and 144 crops: as many as the paper says, where it says, and their mean in any batches."""

from __future__ import annotations

from itertools import product
from multiprocessing import active_children
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor, nn
from torchvision.transforms import FiveCrop, TenCrop
from torchvision.transforms.v2 import functional as oracle

from inception_dsl.evaluation.crops import PROTOCOLS, crop_scales, make_crops
from inception_dsl.evaluation.predict import network_sha256, predict
from inception_dsl.runner.base.config import Augment, Config, Data
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.images.augment import evaluation_transform, finish_images
from inception_dsl.runner.machine.devices import RankContext
from inception_dsl.runner.readers.reader import Unreadable

PHOTO = torch.from_numpy(np.array(Image.open(Path(__file__).parent / "data" / "chelsea.jpg"))).permute(2, 0, 1)
UPRIGHT = PHOTO.transpose(1, 2)
SQUARE = PHOTO[:, :, 60:310]
HERE = RankContext(torch.device("cpu"))
LEVEL = 1.02 / 255
ALL = tuple(protocol for protocol in PROTOCOLS if protocol != "recipe")  # the crops of papers


def config(size: int = 32) -> Config:
    data = Data(height=size, width=size, mean=(0.0,), std=(1.0,), workers=0)
    return Config(data=data, augment=Augment(resize=crop_scales(size)[0]))


def naive(image: Tensor, size: int) -> list[Tensor]:
    """The 144 crops one after another, by torchvision."""
    found = []
    for scale in crop_scales(size):
        whole = oracle.resize(image.float(), [scale], antialias=True)
        rest = max(whole.shape[1:]) - scale
        for offset in (0, round(rest / 2), rest):
            top, left = (offset, 0) if whole.shape[1] > scale else (0, offset)
            square = oracle.crop(whole, top, left, scale, scale)
            resized = oracle.resize(square, [size, size], antialias=True)
            crops = [*FiveCrop(size)(square), resized]
            found += [each for crop in crops for each in (crop, crop.flip(-1))]
    return [each / 255 for each in found]


class Images:
    """A reader of images in memory."""

    classes = [*"abcdefg"]  # noqa: RUF012  as the protocol has it
    fingerprint = "three"

    def __init__(self, *images: Tensor | None) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def label(self, index: int) -> Tensor:
        return torch.tensor(index % 7)

    def name(self, index: int) -> str:
        return f"image {index}"

    def read(self, index: int, reduction: object = None) -> Tensor:
        image = self.images[index]
        if image is None:
            raise Unreadable(self.name(index))
        return image


def evaluated(image: Tensor, there: Config) -> Tensor:
    """The image as a run evaluates it."""
    pixels, draws = evaluation_transform(there)(lambda _: image, torch.Generator())
    return finish_images(pixels[None], draws[None], there)[0]


class Small(nn.Module):
    """A convolutional network whose answers depend much on the crop; it notes how many it gets at once."""

    def __init__(self, classes: int = 7) -> None:
        super().__init__()
        torch.manual_seed(0)
        fc = nn.Linear(8 * 10 * 10, classes)
        fc.weight.data *= 12
        self.layers = nn.Sequential(nn.Conv2d(3, 8, 5, 3), nn.ReLU(), nn.Flatten(), nn.Dropout(), fc)
        self.batches: list[int] = []

    def forward(self, image: Tensor) -> Tensor:
        self.batches.append(len(image))
        scores: Tensor = self.layers(image)
        return scores


@pytest.mark.parametrize(("size", "expected"), [(224, [256, 288, 320, 352]), (299, [341, 384, 427, 469])])
def test_scales_are_in_proportion_to_the_input(size: int, expected: list[int]) -> None:
    assert crop_scales(size) == expected


@pytest.mark.parametrize(("image", "distinct"), [(PHOTO, 72), (UPRIGHT, 72), (SQUARE, 24)])
def test_144_crops_are_made_once_each(image: Tensor, distinct: int) -> None:
    """Of a square image the three squares are one: 24 crops and their mirrors, each of three times the weight."""
    found = make_crops(image, config(224), ("144",))
    assert found.images.shape == (distinct, 3, 224, 224)
    assert torch.equal(found.weights, torch.full((distinct, 2, 1), 1 / (2 * distinct), dtype=torch.float64))


def test_crops_that_squares_share_are_made_once() -> None:
    """256 x 288: the left square's right corners (at 32) are the right square's left ones, and so on."""
    found = make_crops(torch.zeros(3, 256, 288, dtype=torch.uint8), config(224), ("10", "144"))
    assert len(found.images) < 72 and torch.allclose(found.weights.sum((0, 1)), torch.ones(2, dtype=torch.float64))
    assert found.weights[..., 1].max() > 1.5 / 144


def test_ten_crops_are_torchvisions_of_the_centre_square() -> None:
    square = oracle.center_crop(oracle.resize(PHOTO.float(), [256], antialias=True), [256, 256]) / 255
    found = make_crops(PHOTO, config(224), ("10",))
    plain = found.images[found.weights[:, 0, 0] > 0]
    theirs = torch.stack(TenCrop(224)(square))  # in another order: it mirrors first, and cuts then
    assert len(plain) == 5 and (found.weights == 0.1).all()
    apart = (torch.cat([plain, plain.flip(-1)])[:, None] - theirs).abs().amax((2, 3, 4))
    assert (apart < 1e-6).sum(0).tolist() == (apart < 1e-6).sum(1).tolist() == [1] * 10


@pytest.mark.parametrize("image", [PHOTO, UPRIGHT, SQUARE])
def test_one_crop_is_what_a_run_evaluates(image: Tensor) -> None:
    found = make_crops(image, config(224), ("1",))
    assert found.weights.tolist() == [[[1.0], [0.0]]]
    assert (found.images[0] - evaluated(image, config(224))).abs().max() < LEVEL  # it resizes in uint8


def test_the_central_crop_is_what_a_run_evaluates() -> None:
    there = Config(data=config(299).data, augment=Augment(evaluation="central"))
    found = make_crops(PHOTO, there, ("central",))
    assert found.weights.tolist() == [[[1.0], [0.0]]]
    assert (found.images[0] - evaluated(PHOTO, there)).abs().max() < LEVEL


@settings(max_examples=40)
@given(st.integers(1, 80), st.integers(1, 80), st.sampled_from([1, 7, 16, 32]))
def test_weights_sum_to_one_and_small_protocols_are_parts_of_144(height: int, width: int, size: int) -> None:
    image = torch.randint(0, 256, (3, height, width), dtype=torch.uint8)
    found = make_crops(image, config(size), ALL)
    assert torch.allclose(found.weights.sum((0, 1)), torch.ones(4, dtype=torch.float64))
    assert found.images.shape[1:] == (3, size, size) and found.images.isfinite().all()
    one, ten, most = ((found.weights[..., i] > 0) for i in range(3))
    assert not (one & ~ten).any() and not (ten & ~most).any() and one.sum() == 1


@pytest.mark.parametrize("batch", [1, 7, 64, 1000])
def test_the_mean_is_that_of_144_forwards(batch: int) -> None:
    """In float64 the mean over the crops made one by one; the three images share batches, which are filled."""
    network, images = Small(), (PHOTO, UPRIGHT, SQUARE)
    found = predict(network, Images(*images), config(), HERE, ("1", "10", "144"), range(3), batch)
    total = 2 * (72 + 72 + 24)
    assert network.batches == [batch] * (total // batch) + [total % batch] * (total % batch > 0)
    network.eval()
    with torch.inference_mode():
        for i, image in enumerate(images):
            crops = naive(image, 32)
            assert len(crops) == 144
            expected = torch.stack([network(crop[None]).softmax(1)[0].double() for crop in crops])
            assert expected.std(0).max() > 0.05  # crops differ, so that a wrong weight would show
            assert (found.probabilities["144"][i] - expected.mean(0)).abs().max() < 1e-5
            ten = expected.view(4, 3, 6, 2, -1)[0, 1, :5]
            assert (found.probabilities["10"][i] - ten.mean((0, 1))).abs().max() < 1e-5
            assert (found.probabilities["1"][i] - ten[4, 0]).abs().max() < 1e-5


def test_batches_and_workers_change_nothing() -> None:
    reader = Images(PHOTO, None, SQUARE, UPRIGHT)
    there = config()
    one = predict(Small(), reader, there, HERE, ALL, [3, 0, 2], 5)
    there.data.workers = 1
    other = predict(Small(), reader, there, HERE, ALL, [3, 0, 2], 300)
    assert one.names == other.names == ["image 3", "image 0", "image 2"] and one.weights == other.weights
    for protocol in ALL:
        assert (one.probabilities[protocol] - other.probabilities[protocol]).abs().max() < 1e-6


def test_unreadable_images_are_left_out_and_the_network_is_left_as_it_was() -> None:
    network = Small().train()
    found = predict(network, Images(None, PHOTO, None), config(), HERE, ("1",), range(3), 8)
    assert found.unreadable == ["image 0", "image 2"]
    assert found.names == ["image 1"] and found.labels.tolist() == [1] and network.training
    assert found.probabilities["1"].shape == (1, 7) and found.classes == [*"abcdefg"]
    none = predict(network, Images(None), config(), HERE, ("1",), range(1), 8)
    assert none.probabilities["1"].shape == (0, 7) and not len(none)


def test_a_nan_of_one_crop_stays_in_the_protocols_that_have_it() -> None:
    class Once(nn.Module):
        def forward(self, image: Tensor) -> Tensor:
            scores = torch.ones(len(image), 7)
            scores[-1] = float("nan")  # the last is a mirror, which one crop has no use for
            return scores

    found = predict(Once(), Images(PHOTO), config(), HERE, ("1", "144"), range(1), 144).probabilities
    assert found["1"].isfinite().all() and found["144"].isnan().all()


def test_softmax_is_in_float32_under_bf16() -> None:
    there = config()
    there.run.precision = "bf16"
    low = predict(Small(), Images(PHOTO), there, HERE, ("10",), range(1), 10).probabilities["10"]
    high = predict(Small(), Images(PHOTO), config(), HERE, ("10",), range(1), 10).probabilities["10"]
    assert low.dtype == torch.float32 and abs(float(low.sum()) - 1) < 1e-6
    assert 0 < (low - high).abs().max() < 0.05


def test_digests_tell_weights_apart() -> None:
    one, other = Small(), Small()
    assert network_sha256(one) == network_sha256(other)
    next(other.parameters()).data[0, 0, 0, 0] += 1e-6
    assert network_sha256(one) != network_sha256(other)


def test_images_that_do_not_fit_are_reported() -> None:
    with pytest.raises(RunError, match="the input is 32 x 48; crops need a square input"):
        make_crops(PHOTO, Config(data=Data(height=32, width=48)), ("1",))
    with pytest.raises(RunError, match="unknown protocol '12'; the protocols are recipe, 1, 10, 144, central"):
        make_crops(PHOTO, config(), ("1", "12"))
    there = config()
    there.data.workers, there.data.mean = 1, (0.0, 0.0)
    with pytest.raises(RunError, match=r"^data\.mean has 2 numbers for 3 channels"):  # and not by a worker's traceback
        predict(Small(), Images(PHOTO), there, HERE, ("1",), range(1), 8)
    with pytest.raises(RunError, match="the network has 6 classes, but the data has 7"):
        predict(Small(6), Images(PHOTO), config(), HERE, ("1",), range(1), 8)


@pytest.mark.parametrize("workers", [0, 1])
def test_the_message_of_a_failing_worker_is_shown(workers: int) -> None:
    class Gone(Images):
        def read(self, index: int, reduction: object = None) -> Tensor:
            raise RunError("the disk: is gone; mount it again")

    there = config()
    there.data.workers = workers
    with pytest.raises(RunError, match=r"^the disk: is gone; mount it again$"):
        predict(Small(), Gone(PHOTO), there, HERE, ("1",), range(1), 8)


def test_workers_start_before_the_device_is_opened() -> None:
    class Network(Small):
        def to(self, *place: Any, **options: Any) -> Network:
            forked.append(len(active_children()))
            return super().to(*place, **options)

    forked: list[int] = []
    there = config()
    there.data.workers = 2
    predict(Network(), Images(PHOTO, PHOTO, PHOTO), there, HERE, ("1",), range(3), 8)
    assert forked == [2]


def test_naive_crops_are_144_different_ones() -> None:
    crops = naive(PHOTO, 32)
    assert sum(torch.equal(one, other) for one, other in product(crops, crops)) == 144


@pytest.mark.parametrize("view", ["centre", "central", "whole"])
def test_the_view_of_a_recipe_is_that_of_its_run(view: str) -> None:
    config = Config(data=Data(height=32, width=32), augment=Augment(evaluation=view, resize=40))
    image = torch.randint(0, 256, (3, 28, 28), dtype=torch.uint8)
    found = make_crops(image, config, ("recipe",))

    assert torch.equal(found.images[0], evaluated(image, config))
    assert found.weights.sum() == 1
