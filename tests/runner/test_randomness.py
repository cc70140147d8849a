"""Randomness is a function of its key, the same everywhere and for ever."""

from __future__ import annotations

import torch

from inception_dsl.runner.base.randomness import derive_seed, make_generator, permutation


def test_a_key_gives_the_same_number_in_every_version() -> None:
    assert derive_seed(0, "order", 0) == derive_seed(0, "order", 0)
    keys = [("a", 1), ("a", "1"), (1, "a"), ("a1",), ("a", 1, 0), (), ("",), (-1,), (1,)]
    numbers = {derive_seed(*key) for key in keys}  # type: ignore[arg-type]
    assert len(numbers) == len(keys)
    assert all(0 <= number < 2**63 for number in numbers)


def test_a_generator_is_its_own() -> None:
    before = torch.get_rng_state()
    first, second = (torch.rand(4, generator=make_generator(7, "augment", 1, 2)) for _ in range(2))
    assert first.equal(second)
    assert not first.equal(torch.rand(4, generator=make_generator(7, "augment", 1, 3)))
    assert torch.get_rng_state().equal(before)


def test_an_epoch_takes_each_image_once_in_an_order_of_its_own() -> None:
    orders = [permutation(seed, epoch, 50).tolist() for seed in (0, 1) for epoch in (0, 1)]
    assert all(sorted(order) == list(range(50)) for order in orders)
    assert len({tuple(order) for order in orders}) == 4
    assert permutation(0, 1, 50).tolist() == orders[1]
