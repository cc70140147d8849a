"""Learning rates: their laws, and the rates that papers and solvers print."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from inception_dsl.runner.base.config import Config, Data, Optim, Schedule
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.learning.schedule import SCHEDULES, learning_rate, total_steps

EPOCH = 40  # steps


def config(lr: float = 1.0, **settings: Any) -> Config:
    return Config(optim=Optim(lr=lr), schedule=Schedule(**settings))


configs = st.builds(
    config,
    lr=st.floats(1e-4, 1.0),
    name=st.sampled_from(sorted(SCHEDULES)),
    epochs=st.floats(2.0, 40.0),
    warmup=st.floats(0.0, 1.0),
    factor=st.floats(0.1, 1.0),
    every=st.floats(0.1, 9.0),
    staircase=st.booleans(),
    power=st.floats(0.1, 3.0),
)


@given(configs, st.integers(1, 50))
def test_rates_rise_in_the_warm_up_and_never_after(settings: Config, epoch: int) -> None:
    warmup, steps = round(settings.schedule.warmup * epoch), total_steps(settings, epoch)
    rates = [learning_rate(settings, step, epoch) for step in range(steps)]
    rising, falling = rates[:warmup], rates[warmup:]
    assert all(0 < low < high for low, high in zip(rising, rates[1:], strict=False))
    assert all(high >= low >= 0 for high, low in pairwise(falling))
    assert falling[0] == settings.optim.lr == max(rates)


@given(configs, st.integers(1, 50), st.randoms())
def test_a_rate_is_a_function_of_its_step(settings: Config, epoch: int, chance: Any) -> None:
    steps = list(range(total_steps(settings, epoch)))
    in_order = [learning_rate(settings, step, epoch) for step in steps]
    chance.shuffle(steps)
    assert {step: learning_rate(settings, step, epoch) for step in steps} == dict(enumerate(in_order))


@pytest.mark.parametrize("name", ["polynomial", "cosine"])
def test_these_end_at_zero(name: str) -> None:
    settings = config(name=name, epochs=3.0, warmup=1.0)
    assert learning_rate(settings, 3 * EPOCH, EPOCH) == 0
    assert learning_rate(settings, 4 * EPOCH, EPOCH) == 0  # past the end
    assert 0 < learning_rate(settings, 3 * EPOCH - 1, EPOCH) < 0.12


def test_a_warm_up_rises_by_as_much_each_step() -> None:
    rates = [learning_rate(config(name="constant", warmup=0.1), step, EPOCH) for step in range(6)]
    assert rates == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])


@pytest.mark.parametrize("every", [1.0, 2.0, 0.1, 0.3, 8.0, 30.0])
def test_stairs_fall_at_their_very_step(every: float) -> None:
    settings = config(name="exponential", factor=0.5, every=every, epochs=300.0)
    for stair in range(1, 9):
        edge = round(stair * every * EPOCH)
        assert learning_rate(settings, edge - 1, EPOCH) == 0.5 ** (stair - 1)
        assert learning_rate(settings, edge, EPOCH) == 0.5**stair


def test_a_smooth_fall_meets_the_stairs_at_their_edges() -> None:
    smooth = config(name="exponential", factor=0.94, every=2.0, staircase=False, epochs=100.0)
    assert learning_rate(smooth, 4 * EPOCH, EPOCH) == pytest.approx(0.94**2)
    assert learning_rate(smooth, 3 * EPOCH, EPOCH) == pytest.approx(0.94**1.5)


def test_the_polynomial_is_caffes() -> None:
    settings = config(lr=0.01, name="polynomial", epochs=60.0, power=0.5)
    total = total_steps(settings, EPOCH)
    for step in (0, 1, 1000, total - 1):
        assert learning_rate(settings, step, EPOCH) == pytest.approx(0.01 * (1 - step / total) ** 0.5)
    assert learning_rate(settings, total * 3 // 4, EPOCH) == pytest.approx(0.005)


def test_the_cosine_after_a_warm_up() -> None:
    settings = config(name="cosine", epochs=11.0, warmup=1.0)
    assert learning_rate(settings, 6 * EPOCH, EPOCH) == pytest.approx(0.5)
    assert learning_rate(settings, 3 * EPOCH, EPOCH) == pytest.approx((1 + math.cos(math.pi / 5)) / 2)


def test_the_batch_scales_every_rate() -> None:
    settings = Config(Data(batch=64), optim=Optim(lr=1.0, scale="linear", reference=256), schedule=Schedule(warmup=1.0))
    plain = replace(settings, optim=Optim(lr=1.0))
    for step in (0, 30, 40, 1000):
        assert learning_rate(settings, step, EPOCH) == learning_rate(plain, step, EPOCH) / 4


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "linear"}, "schedule.name is 'linear'; set one of constant, exponential, polynomial"),
        ({"epochs": 0.0}, "schedule.epochs is 0; set more, for at least one step"),
        ({"epochs": 0.001}, "schedule.epochs is 0.001; set more, for at least one step"),
        ({"epochs": 3.0, "warmup": 5.0}, "schedule.warmup is 5, of 3 epochs; set less"),
        (
            {"name": "exponential", "factor": 10.0, "every": 0.1},
            "schedule.factor is 10, every 0.1 epochs: the rate overflows",
        ),
        (
            {"name": "exponential", "every": 5e-324},
            "schedule.factor is 0.94, every 4.94066e-324 epochs: the rate overflows",
        ),
    ],
)
def test_a_wrong_setting_is_a_sentence(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(RunError) as error:
        learning_rate(config(**settings), 0, EPOCH)
    assert str(error.value).startswith(message)
