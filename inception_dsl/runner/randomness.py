"""Random numbers as a function of what they are for, so that no generator state needs saving."""

from __future__ import annotations

from hashlib import blake2b

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
