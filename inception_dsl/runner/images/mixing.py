"""Mixup (1710.09412) and CutMix (1905.04899): a batch mixed with itself in reverse order."""

from __future__ import annotations

import math
from random import Random
from typing import NamedTuple

from torch import Tensor
from torch.nn.functional import one_hot

from inception_dsl.runner.base.config import Augment, Config
from inception_dsl.runner.base.randomness import derive_seed
from inception_dsl.runner.images.data import Batch


class Mix(NamedTuple):
    """What becomes of an image: a fraction of it stays, and a box is replaced; `share` is what stays of its target."""

    fraction: float
    top: int
    bottom: int
    left: int
    right: int
    share: float


def mix_batch(batch: Batch, outputs: int, config: Config, *key: int) -> tuple[Tensor, Tensor]:
    """The images and targets of a batch, mixed if the recipe says so, by numbers drawn for the seed and a key."""
    images, targets, augment = batch.images, batch.labels, config.augment
    if not augment.mixup and not augment.cutmix:
        return images, targets
    random = Random(derive_seed(config.run.seed, "mix", *key))  # noqa: S311 - no secret
    mix = draw_mix(augment, config.data.height, config.data.width, random)
    return mix_images(images, mix), mix_targets(targets, outputs, mix)


def draw_mix(augment: Augment, height: int, width: int, random: Random) -> Mix:
    """Draw how a batch is mixed: by Mixup or CutMix, of which one is on at least, with the same chance if both are."""
    cut = augment.cutmix > 0 and (augment.mixup == 0 or random.random() < 0.5)
    alpha = augment.cutmix if cut else augment.mixup
    share = random.betavariate(alpha, alpha)
    if not cut:
        return Mix(share, 0, 0, 0, 0, share)
    side = math.sqrt(1 - share)
    tall, wide = int(height * side), int(width * side)
    y, x = random.randrange(height), random.randrange(width)  # the centre: part of the box may lie outside
    top, bottom = max(y - tall // 2, 0), min(y + (tall + 1) // 2, height)
    left, right = max(x - wide // 2, 0), min(x + (wide + 1) // 2, width)
    return Mix(1.0, top, bottom, left, right, 1 - (bottom - top) * (right - left) / (height * width))


def mix_images(images: Tensor, mix: Mix) -> Tensor:
    """Mix a batch of images, N x channels x height x width, with its reverse."""
    if mix.fraction < 1:
        return images.lerp(images.flip(0), 1 - mix.fraction)
    mixed, box = images.clone(), (..., slice(mix.top, mix.bottom), slice(mix.left, mix.right))
    mixed[box] = images.flip(0)[box]
    return mixed


def mix_targets(targets: Tensor, outputs: int, mix: Mix) -> Tensor:
    """Mix the targets of a batch, class indices or N x outputs, with their reverse: N x outputs."""
    wide = targets.float() if targets.is_floating_point() else one_hot(targets, outputs).float()
    return wide.lerp(wide.flip(0), 1 - mix.share)
