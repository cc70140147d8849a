"""Random erasing, held against torchvision's."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torchvision.transforms import RandomErasing

from inception_dsl.runner.images.erasing import NOTHING, draw_rectangle, erase


@given(
    probability=st.sampled_from([0.25, 1.0]),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    seeds=st.lists(st.integers(0, 2**40), min_size=1, max_size=4),
)
def test_the_same_random_numbers_erase_what_torchvision_erases(
    probability: float, height: int, width: int, seeds: list[int]
) -> None:
    images = torch.randn(len(seeds), 3, height, width)
    expected, rectangles = [], []
    for image, seed in zip(images, seeds, strict=True):
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            expected.append(RandomErasing(probability)(image))
        rectangles.append(draw_rectangle(height, width, probability, torch.Generator().manual_seed(seed)))
    torch.testing.assert_close(erase(images, torch.tensor(rectangles)), torch.stack(expected))


def test_a_probability_of_0_draws_nothing() -> None:
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    assert draw_rectangle(9, 9, 0.0, generator) == NOTHING
    assert torch.equal(generator.get_state(), before), "other augmentations see the same numbers"
