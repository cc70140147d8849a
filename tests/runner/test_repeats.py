"""Repeated augmentation: several views of an image in a batch, visited as by timm's sampler."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from hypothesis import given
from hypothesis import strategies as st
from timm.data import distributed_sampler

from inception_dsl.runner.base.config import Augment, Config, Data
from inception_dsl.runner.images.data import MicroBatches
from inception_dsl.runner.readers.reader import epoch_order
from inception_dsl.runner.readers.readers import open_images


def keys(count: int, repeats: int, batch: int, world: int, rank: int) -> list[tuple[int, int]]:
    """What a rank visits in two epochs."""
    config = Config(data=Data(batch=batch), augment=Augment(repeats=repeats))
    order = partial(epoch_order, open_images(f"fake:{count}x2x4", "train"), repeats=repeats)
    steps = 2 * (count // batch)
    return [key for micro in MicroBatches(count, config, 0, steps, rank, world, order) for key in micro]


@given(share=st.integers(1, 4), world=st.integers(1, 3), batches=st.integers(1, 4), repeats=st.integers(2, 4))
def test_the_images_are_those_of_timms_sampler(share: int, world: int, batches: int, repeats: int) -> None:
    count = share * world * batches
    images = open_images(f"fake:{count}x2x4", "train")
    for rank in range(world):
        theirs = cast("Any", distributed_sampler).RepeatAugSampler(
            range(count), world, rank, shuffle=False, num_repeats=repeats, selected_round=0
        )
        order = epoch_order(images, 0, 0).tolist()
        found = keys(count, repeats, share * world, world, rank)
        assert [image for _, image in found[: len(found) // 2]] == [order[place] for place in theirs]


@given(share=st.integers(1, 4), world=st.integers(1, 3), batches=st.integers(1, 4), repeats=st.integers(1, 4))
def test_a_view_is_visited_once(share: int, world: int, batches: int, repeats: int) -> None:
    count = share * world * batches
    found = [key for rank in range(world) for key in keys(count, repeats, share * world, world, rank)]
    assert len(found) == len({*found}) == 2 * count
    epochs = [{image for view, image in found if view // repeats == epoch} for epoch in range(2)]
    assert [len(images) for images in epochs] == [-(-count // repeats)] * 2
