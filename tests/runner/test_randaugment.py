"""RandAugment, held against torchvision's operations and against the sign and strength that torchvision draws."""

from __future__ import annotations

from functools import partial

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.transforms import InterpolationMode
from torchvision.transforms.autoaugment import RandAugment, _apply_op

from inception_dsl.runner.images.randaugment import OPERATIONS, STRONGEST, rand_augment

THEIRS = list(RandAugment()._augmentation_space(STRONGEST + 1, (1, 1)))


def picture(channels: int, height: int, width: int, seed: int) -> torch.Tensor:
    """Smooth shapes, noise, or one value: uint8."""
    torch.manual_seed(seed)
    small = torch.randint(0, 256, (1, channels, 4, 4)).float()
    smooth = torch.nn.functional.interpolate(small, (height, width), mode="bilinear")[0]
    noise = torch.rand(channels, height, width) * [0, 8, 120][seed % 3]
    return (smooth + noise).clamp(0, 255).to(torch.uint8)


@pytest.mark.parametrize("number", range(len(OPERATIONS)), ids=THEIRS)
@given(
    channels=st.sampled_from([1, 3]),
    height=st.integers(3, 40),
    width=st.integers(3, 40),
    magnitude=st.integers(0, STRONGEST),
    negative=st.booleans(),
    seed=st.integers(0, 1000),
)
def test_an_operation_is_torchvisions(
    number: int, channels: int, height: int, width: int, magnitude: int, negative: bool, seed: int
) -> None:
    image = picture(channels, height, width, seed)
    magnitudes, signed = RandAugment()._augmentation_space(STRONGEST + 1, (height, width))[THEIRS[number]]
    strength = float(magnitudes[magnitude]) if magnitudes.ndim else 0.0
    strength *= -1 if signed and negative else 1
    expected = _apply_op(image, THEIRS[number], strength, InterpolationMode.NEAREST, None)
    found = OPERATIONS[number](image, magnitude / STRONGEST, -1 if negative else 1)
    assert found.dtype == torch.uint8
    assert found.shape == image.shape
    apart = (found.int() - expected.int()).abs() > 1
    assert not (apart & ~halfway(THEIRS[number], strength, height, width)).any()


def halfway(name: str, strength: float, height: int, width: int) -> torch.Tensor:
    """The pixels whose source lies halfway between two, so that its rounding depends on the order of a sum."""
    y, x = torch.meshgrid(torch.arange(height) + 0.5, torch.arange(width) + 0.5, indexing="ij")
    y, x = y.double(), x.double()
    if name == "Rotate":
        y, x, angle = y - height / 2, x - width / 2, torch.tensor(strength, dtype=torch.float64).deg2rad()
        across, down = x * angle.cos() - y * angle.sin() + width / 2, x * angle.sin() + y * angle.cos() + height / 2
    else:
        across, down = x + y * strength * (name == "ShearX"), y + x * strength * (name == "ShearY")
    return ((across - across.round()).abs() < 1e-4) | ((down - down.round()).abs() < 1e-4)


@given(operations=st.integers(1, 3), magnitude=st.integers(0, STRONGEST), seed=st.integers(0, 1000))
def test_the_result_is_a_function_of_the_generator(operations: int, magnitude: int, seed: int) -> None:
    image = picture(3, 24, 20, seed)
    first, second = (rand_augment(image, operations, magnitude, torch.Generator().manual_seed(seed)) for _ in range(2))
    assert torch.equal(first, second)
    assert torch.equal(image, picture(3, 24, 20, seed)), "the image itself stays"


def test_every_operation_is_drawn_and_signs_are_fair(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = torch.zeros(len(OPERATIONS), 2)

    def count(number: int, image: torch.Tensor, strength: float, sign: int) -> torch.Tensor:
        drawn[number, int(sign > 0)] += 1
        return image

    counters = tuple(partial(count, number) for number in range(len(OPERATIONS)))
    monkeypatch.setattr("inception_dsl.runner.images.randaugment.OPERATIONS", counters)
    rand_augment(picture(3, 8, 8, 0), 6000, 9, torch.Generator().manual_seed(0))
    assert (drawn / 6000 * 28 - 1).abs().max() < 0.25
