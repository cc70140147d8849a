"""Mixup and CutMix, held against timm's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any, cast

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from timm.data import mixup
from timm.loss import cross_entropy
from tiny import CONFIG, fingerprint, run, with_run

from inception_dsl.runner.base.config import Augment, Config, Loss
from inception_dsl.runner.images.data import Batch
from inception_dsl.runner.images.mixing import draw_mix, mix_batch, mix_images, mix_targets
from inception_dsl.runner.learning.loss import compute_loss


class Told(Random):
    """Random numbers that a test chooses, in the order in which they are asked for."""

    def __init__(self, switch: float, share: float, centre: Sequence[int]) -> None:
        super().__init__(0)
        self.switch, self.share, self.centre = switch, share, list(centre)

    def random(self) -> float:
        """Whether to cut."""
        return self.switch

    def betavariate(self, alpha: float, beta: float) -> float:
        """How much stays."""
        return self.share

    def randrange(self, *args: int) -> int:  # type: ignore[override]
        """A coordinate of the centre."""
        return self.centre.pop(0)


@given(
    count=st.integers(1, 5),
    height=st.integers(1, 12),
    width=st.integers(1, 12),
    alphas=st.sampled_from([(0.8, 0.0), (0.0, 1.0), (0.8, 1.0)]),
    switch=st.sampled_from([0.2, 0.8]),
    share=st.floats(0.01, 0.99),
    smoothing=st.sampled_from([0.0, 0.1]),
    seed=st.integers(0, 1000),
)
def test_images_targets_and_loss_are_timms(
    count: int,
    height: int,
    width: int,
    alphas: tuple[float, float],
    switch: float,
    share: float,
    smoothing: float,
    seed: int,
) -> None:
    torch.manual_seed(seed)
    centre = [int(torch.randint(0, height, ())), int(torch.randint(0, width, ()))]
    images, labels = torch.randn(2 * count, 3, height, width), torch.randint(0, 5, (2 * count,))
    mix = draw_mix(Augment(mixup=alphas[0], cutmix=alphas[1]), height, width, Told(switch, share, centre))
    assert mix is not None
    told = iter(centre)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(np.random, "rand", lambda: switch)
        patch.setattr(np.random, "beta", lambda a, b, size=None: share)
        patch.setattr(np.random, "randint", lambda low, high, size=None: next(told))
        theirs = cast("Any", mixup).Mixup(*alphas, label_smoothing=smoothing, num_classes=5)
        expected, target = theirs(images.clone(), labels)
    torch.testing.assert_close(mix_images(images, mix), expected)
    mixed = mix_targets(labels, 5, mix)
    scores = torch.randn(2 * count, 5)
    ours, _ = compute_loss(scores, mixed, Config(loss=Loss(smoothing=smoothing)))
    torch.testing.assert_close(ours, cast("Any", cross_entropy).SoftTargetCrossEntropy()(scores, target))


@given(
    mixup=st.sampled_from([0.0, 0.2, 1.0]),
    cutmix=st.sampled_from([0.0, 1.0]),
    height=st.integers(1, 40),
    width=st.integers(1, 40),
    seed=st.integers(0, 10_000),
)
def test_what_stays_of_a_target_is_what_stays_of_its_image(
    mixup: float, cutmix: float, height: int, width: int, seed: int
) -> None:
    assume(mixup or cutmix)
    mix = draw_mix(Augment(mixup=mixup, cutmix=cutmix), height, width, Random(seed))  # noqa: S311
    ones = torch.stack([torch.ones(1, height, width), torch.zeros(1, height, width)])
    assert mix_images(ones, mix)[0].mean().item() == pytest.approx(mix.share, abs=1e-5)
    targets = mix_targets(torch.tensor([0, 1]), 2, mix)
    assert targets[0, 0].item() == pytest.approx(mix.share, abs=1e-6)
    torch.testing.assert_close(targets.sum(1), torch.ones(2))


def test_a_recipe_without_both_draws_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inception_dsl.runner.images.mixing.derive_seed", None)
    batch = Batch(torch.zeros(2, 3, 4, 4), torch.empty(2, 0), torch.tensor([0, 1]), torch.arange(2), [])
    images, targets = mix_batch(batch, 2, Config(), 7)
    assert images is batch.images and targets is batch.labels


@pytest.mark.parametrize("loss", ["cross_entropy", "bce"])
def test_a_resumed_run_sees_the_same_images(tmp_path: Path, loss: str) -> None:
    augment = replace(CONFIG.augment, randaugment=1, erasing=0.5, mixup=0.2, cutmix=1.0, repeats=2)
    config = with_run(replace(CONFIG, augment=augment, loss=replace(CONFIG.loss, name=loss)), keep=9)
    assert run(tmp_path / "whole", config, steps=9) == "done"
    assert run(tmp_path / "parts", config, steps=4) == "done"
    assert run(tmp_path / "parts", config, steps=9) == "done"
    assert fingerprint(tmp_path / "parts") == fingerprint(tmp_path / "whole")
    plain = replace(config, augment=replace(augment, mixup=0.0, cutmix=0.0))
    assert run(tmp_path / "plain", plain, steps=9) == "done"
    assert fingerprint(tmp_path / "plain") != fingerprint(tmp_path / "whole")
