"""Decoding: torchvision's JPEG decoder agrees with Pillow on good files and on broken ones, and may be missing."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from test_augment import chance, config
from tiny import CONFIG, fingerprint, run
from torch import Tensor

from inception_dsl.runner.base.config import Augment
from inception_dsl.runner.images.augment import finish_images, training_transform
from inception_dsl.runner.readers import decode
from inception_dsl.runner.readers.decode import decode_image, decoder_versions, jpeg_decoder
from inception_dsl.runner.readers.reader import Reduction, Unreadable

pytestmark = pytest.mark.filterwarnings("ignore:The image decoding:DeprecationWarning")
FILE = Path(__file__).parent.parent / "data" / "chelsea.jpg"
CAT = Image.open(FILE).convert("RGB")
LEVELS = 2  # by which two builds of libjpeg-turbo may differ; those of the wheels do not


def jpeg(image: Image.Image = CAT, **options: Any) -> bytes:
    file = BytesIO()
    image.save(file, "JPEG", **options)
    return file.getvalue()


def outcome(data: bytes, reduction: Reduction | None = None) -> Tensor | str:
    """The image, or why there is none."""
    try:
        return decode_image(data, "cat.jpg", reduction)
    except Unreadable as error:
        return str(error)


def with_and_without(data: bytes, reduction: Reduction | None = None) -> tuple[Tensor | str, Tensor | str]:
    """What comes of a file with torchvision, and without it."""
    with pytest.MonkeyPatch.context() as patch:
        ours = outcome(data, reduction)
        patch.setattr(decode, "jpeg_decoder", lambda: None)
        return ours, outcome(data, reduction)


def alike(ours: Tensor | str, theirs: Tensor | str) -> bool:
    if isinstance(ours, str) or isinstance(theirs, str):
        return isinstance(ours, str) and ours == theirs
    return ours.shape == theirs.shape and bool((ours.int() - theirs.int()).abs().max() <= LEVELS)


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize("options", [{"quality": 30}, {"quality": 95, "subsampling": 0}, {"subsampling": 1}])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_torchvision_decodes_what_pillow_decodes(mode: str, options: dict[str, int], progressive: bool) -> None:
    ours, theirs = with_and_without(jpeg(CAT.convert(mode), progressive=progressive, **options))
    assert alike(ours, theirs) and isinstance(ours, Tensor)
    assert ours.shape == (1 if mode == "L" else 3, 250, 375) and ours.dtype == torch.uint8


@pytest.mark.parametrize(
    ("mode", "turned", "by"), [("RGB", 1, True), ("L", 1, True), ("CMYK", 1, False), ("RGB", 6, False)]
)
def test_torchvision_decodes_upright_grey_and_colour(
    mode: str, turned: int, by: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, seen = jpeg_decoder(), list[int]()
    assert known is not None

    def noted(data: Tensor) -> Tensor:
        seen.append(len(data))
        return known(data)

    monkeypatch.setattr(decode, "jpeg_decoder", lambda: noted)
    exif = Image.Exif()
    exif[decode.ORIENTATION] = turned
    data = jpeg(CAT.convert(mode), exif=exif)
    decode_image(data, "cat.jpg")
    assert seen == [len(data)] * by


@pytest.mark.parametrize("turned", range(10))
def test_an_image_is_turned_upright_whoever_decodes_it(turned: int) -> None:
    exif = Image.Exif()
    exif[decode.ORIENTATION] = turned
    sizes: list[tuple[int, int]] = []
    data = jpeg(exif=exif)

    def whole(height: int, width: int) -> int:
        sizes.append((height, width))
        return 1

    ours, theirs = with_and_without(data, whole)
    upright = (375, 250) if turned in {5, 6, 7, 8} else (250, 375)
    assert alike(ours, theirs) and isinstance(ours, Tensor) and ours.shape[1:] == upright
    assert sizes == [upright] * 2


@settings(max_examples=60)
@given(st.data())
def test_a_broken_file_is_unreadable_whoever_decodes_it(data: st.DataObject) -> None:
    mode, progressive = data.draw(st.sampled_from(["RGB", "L"])), data.draw(st.booleans())
    whole = jpeg(CAT.resize((60, 40)).convert(mode), progressive=progressive)
    at = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        assert isinstance(outcome(whole[: at - 2]), str)
        broken = whole[:at]
    else:
        broken = whole[:at] + data.draw(st.binary(min_size=1, max_size=9)) + whole[at + 9 :]
    assert alike(*with_and_without(broken))


def test_without_torchvision_pillow_decodes(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = decode_image(jpeg(), "cat.jpg")
    jpeg_decoder.cache_clear()
    monkeypatch.setitem(sys.modules, "torchvision.io", None)
    try:
        assert jpeg_decoder() is None
        assert alike(decode_image(jpeg(), "cat.jpg"), expected)
    finally:
        jpeg_decoder.cache_clear()


@pytest.mark.parametrize("smaller", [2, 4, 8])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_a_jpeg_is_decoded_smaller_if_asked(mode: str, smaller: int) -> None:
    ours, theirs = with_and_without(jpeg(CAT.convert(mode)), lambda height, width: smaller)
    assert isinstance(ours, Tensor) and ours.shape[1:] == (-(-250 // smaller), -(-375 // smaller))
    assert isinstance(theirs, Tensor) and torch.equal(ours, theirs)
    whole = Image.fromarray(decode_image(jpeg(CAT.convert(mode)), "cat.jpg").permute(1, 2, 0).squeeze(-1).numpy())
    means = torch.tensor(list(whole.reduce(smaller).tobytes())).view(*ours.shape[1:], -1).permute(2, 0, 1)
    assert (ours - means)[:, :-1, :-1].float().abs().mean() < 2


def test_only_a_jpeg_is_decoded_smaller() -> None:
    file = BytesIO()
    CAT.save(file, "PNG")
    assert decode_image(file.getvalue(), "cat.png", lambda height, width: 8).shape == (3, 250, 375)


@pytest.mark.parametrize("crop", ["area", "window", "shift", "whole"])
def test_a_sample_is_nearly_the_same_from_a_smaller_image(crop: str) -> None:
    """The cut and the numbers for the device are drawn for the whole image, so that they are the very same."""
    there = config(40, 40, crop=crop, resize=48, colour="tensorflow", area=(0.6, 1.0))
    data, transform = jpeg(), training_transform(there)
    asked: list[int] = []

    def read_smaller(reduction: Reduction | None) -> Tensor:
        assert reduction is not None

        def noted(height: int, width: int) -> int:
            asked.append(reduction(height, width))
            return asked[-1]

        return decode_image(data, "cat.jpg", noted)

    for seed in range(8):
        small, numbers = transform(read_smaller, chance(seed))
        whole, same = transform(lambda _: decode_image(data, "cat.jpg"), chance(seed))
        assert torch.equal(numbers, same) and small.shape == whole.shape == (3, 40, 40)
        assert (small.float() - whole.float()).abs().mean() < 10  # a box is rounded to pixels of the smaller image
        finish_images(small[None], numbers[None], there)
    assert {*asked} <= ({2, 4} if crop == "area" else {4})


@pytest.mark.parametrize("side", [24, 200])
def test_a_sample_does_not_depend_on_the_decoder(side: int) -> None:
    """A crop for 24 pixels is decoded smaller, one for 200 is not."""
    transform = training_transform(config(side, side, interpolation="random", colour="photometric"))
    read = partial(decode_image, jpeg(), "cat.jpg")
    for seed in range(6):
        ours = transform(read, chance(seed))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(decode, "jpeg_decoder", lambda: None)
            theirs = transform(read, chance(seed))
        assert alike(ours[0], theirs[0]) and torch.equal(ours[1], theirs[1])


def test_a_run_on_jpegs_resumes_bit_by_bit_with_any_number_of_workers(tmp_path: Path) -> None:
    """Some of the images are large enough to be decoded smaller."""
    for number in range(60):
        place = tmp_path / "images" / ("train" if number < 48 else "val") / f"class{number % 4}"
        place.mkdir(parents=True, exist_ok=True)
        CAT.crop((number, number, 100 + 4 * number, 100 + number)).save(place / f"{number}.jpg")
    there = Augment(crop="area", area=(0.3, 1.0), interpolation="random", colour="tensorflow")
    plain = replace(CONFIG, augment=there, data=replace(CONFIG.data, source=f"folder:{tmp_path / 'images'}"))
    plain = replace(plain, schedule=replace(plain.schedule, epochs=2.0))  # 8 steps
    run(tmp_path / "whole", plain)
    run(tmp_path / "parts", plain, steps=3)
    run(tmp_path / "parts", replace(plain, data=replace(plain.data, workers=2)))
    assert fingerprint(tmp_path / "whole") == fingerprint(tmp_path / "parts")
    env = json.loads((tmp_path / "whole" / "env.json").read_text())
    assert env["decoders"].keys() == {"PIL", "torchvision", "libjpeg-turbo"}


NOTHING = """
import sys
from inception_dsl.datasets.builtin import builtin
from inception_dsl.runner.readers.readers import open_images
open_images(f"idx:{builtin('fashion-mini')}", "train").read(0)
print(*sys.modules.keys() & {"PIL", "torchvision"})
"""


def test_images_that_are_not_files_import_no_decoder() -> None:
    done = subprocess.run([sys.executable, "-c", NOTHING], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_the_versions_of_the_decoders_are_known() -> None:
    jpeg_decoder()
    assert decoder_versions().keys() == {"PIL", "torchvision", "libjpeg-turbo"}
