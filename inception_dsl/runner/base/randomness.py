"""Random numbers as a function of what they are for, so that no generator state needs saving."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from itertools import accumulate

import torch
from torch import Generator, Tensor


def derive_seed(*key: int | str) -> int:
    """Derive a 63-bit seed from a key; the same in every process and on every machine."""
    return int.from_bytes(blake2b(repr(key).encode(), digest_size=8).digest(), "big") >> 1


def make_generator(*key: int | str) -> Generator:
    """A generator seeded by a key."""
    return torch.Generator().manual_seed(derive_seed(*key))


def permutation(seed: int, epoch: int, n: int) -> Tensor:
    """The order in which an epoch visits n images."""
    return torch.randperm(n, generator=make_generator(seed, "order", epoch))


def windowed_permutation(seed: int, epoch: int, groups: Sequence[int], window: int) -> Tensor:
    """The order in which an epoch visits images that can only be read in groups, of the given sizes.

    The groups are shuffled and divided evenly into windows of at most `window` groups; then the images of a window are.
    """
    random = make_generator(seed, "order", epoch)
    ends = list(accumulate(groups, initial=0))
    order = []
    for chosen in torch.randperm(len(groups), generator=random).tensor_split(-(-len(groups) // window)):
        images = torch.cat([torch.arange(ends[group], ends[group + 1]) for group in chosen.tolist()])
        order.append(images[torch.randperm(len(images), generator=random)])
    return torch.cat(order)
