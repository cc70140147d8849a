"""Rates, warm-ups and averages that follow the batch: their laws, and the recipes at their own batches."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from inception_dsl.compiler import compile_file
from inception_dsl.recipes.recipe import recipe
from inception_dsl.runner.base.config import Average, Config, Data, Optim, Schedule
from inception_dsl.runner.base.scaling import (
    AUTO_SCALES,
    SCALES,
    average_decay,
    base_learning_rate,
    scaling_summary,
    warmup_epochs,
)
from inception_dsl.runner.base.settings import CHOICES
from inception_dsl.runner.learning.average import WeightAverage
from inception_dsl.runner.learning.optim import OPTIMISERS
from inception_dsl.runner.learning.schedule import learning_rate, total_steps

SPECS = [path for path in sorted(Path("specs").glob("*.yaml")) if re.search(r"\ntraining:(?! {})", path.read_text())]
POWERS = {"sgd": 1.0, "rmsprop": 0.5, "adamw": 0.5}  # 1706.02677 section 2.1; 2205.10287
EPOCH = 40  # steps


def scaled(batch: int = 32, reference: int = 32, name: str = "sgd", scale: str = "auto", **schedule: Any) -> Config:
    return Config(
        data=Data(batch=batch),
        optim=Optim(name=name, lr=0.01, scale=scale, reference=reference),
        schedule=Schedule(**{"epochs": 90.0, **schedule}),
        average=Average("ema", 0.9999),
    )


configs = st.builds(
    scaled,
    batch=st.integers(1, 4096),
    reference=st.integers(0, 4096),
    name=st.sampled_from(sorted(POWERS)),
    scale=st.sampled_from(CHOICES["optim.scale"]),
    epochs=st.floats(0.5, 300.0),
    warmup=st.just(-1.0),
)


def test_every_optimiser_has_a_rule() -> None:
    assert AUTO_SCALES.keys() == OPTIMISERS.keys() == POWERS.keys()
    assert {name: SCALES[rule] for name, rule in AUTO_SCALES.items()} == POWERS


@given(configs)
def test_the_rate_is_a_power_of_the_batch(config: Config) -> None:
    ratio = config.data.batch / (config.optim.reference or config.data.batch)
    power = {"auto": POWERS[config.optim.name], "none": 0, "linear": 1, "sqrt": 0.5}[config.optim.scale]
    assert base_learning_rate(config) == pytest.approx(config.optim.lr * ratio**power)


@given(configs, st.integers(1, 8))
def test_batches_of_a_multiple_scale_by_that_multiple(config: Config, multiple: int) -> None:
    config.optim.reference = config.optim.reference or config.data.batch
    larger = replace(config, data=Data(batch=config.data.batch * multiple))
    power = SCALES[AUTO_SCALES[config.optim.name] if config.optim.scale == "auto" else config.optim.scale]
    assert base_learning_rate(larger) == pytest.approx(base_learning_rate(config) * multiple**power)
    if config.optim.scale != "none":  # the average of the same images has the same weights
        assert average_decay(larger) == pytest.approx(average_decay(config) ** multiple)


@given(configs)
def test_a_warm_up_is_for_a_rate_that_is_scaled_up(config: Config) -> None:
    warmup = warmup_epochs(config)
    assert (warmup > 0) == (base_learning_rate(config) > config.optim.lr)
    assert warmup in {0.0, 5.0} or warmup == pytest.approx(config.schedule.epochs / 10)
    assert warmup <= min(5.0, 0.1001 * config.schedule.epochs)
    total_steps(config, EPOCH)  # it never takes the whole run


@given(configs, st.floats(0.0, 0.4))
def test_a_warm_up_that_is_set_is_taken(config: Config, warmup: float) -> None:
    assert warmup_epochs(replace(config, schedule=replace(config.schedule, warmup=warmup))) == warmup


@given(configs)
def test_at_its_own_batch_a_recipe_is_as_it_is_stated(config: Config) -> None:
    own = replace(config, data=Data(batch=config.optim.reference or config.data.batch))
    assert (base_learning_rate(own), warmup_epochs(own), average_decay(own)) == (0.01, 0.0, 0.9999)
    assert scaling_summary(own) == "learning rate 0.01; no warm-up; decay of the average 0.9999"


def test_the_rate_rises_to_what_it_is_scaled_to() -> None:
    config = scaled(batch=256, name="rmsprop", epochs=100.0)
    rates = [learning_rate(config, step, EPOCH) for step in range(6 * EPOCH)]
    assert all(low < high for low, high in pairwise(rates[: 5 * EPOCH + 1]))
    assert rates[5 * EPOCH] == max(rates) == pytest.approx(0.01 * 8**0.5)


@pytest.mark.parametrize(
    ("config", "line"),
    [
        (
            scaled(batch=256),
            "learning rate 0.08 (0.01 x 256 / 32); warm-up over 5 epochs; decay of the average 0.9992 "
            "(0.9999 to the power of 8)",
        ),
        (
            scaled(batch=256, name="rmsprop", epochs=12.0),
            "learning rate 0.02828 (0.01 x sqrt(256 / 32)); warm-up over 1.2 epochs; decay of the average 0.9992 "
            "(0.9999 to the power of 8)",
        ),
        (scaled(batch=256, scale="none"), "learning rate 0.01; no warm-up; decay of the average 0.9999"),
        (
            replace(scaled(batch=16, warmup=1.0), average=Average()),
            "learning rate 0.005 (0.01 x 16 / 32); warm-up over 1 epoch",
        ),
    ],
)
def test_a_run_says_what_results(config: Config, line: str) -> None:
    assert scaling_summary(config) == line


def test_the_average_moves_by_the_scaled_decay() -> None:
    network = nn.Linear(1, 1, bias=False).requires_grad_(False)
    network.weight.fill_(0.0)
    averaged = WeightAverage(network, replace(scaled(batch=64), average=Average("ema", 0.9)))
    network.weight.fill_(1.0)
    averaged.update(10**6)
    (weight,) = averaged.network.parameters()
    assert weight.item() == pytest.approx(1 - 0.9**2)
    assert torch.equal(network.weight, torch.ones(1, 1))


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_no_shipped_recipe_is_changed_at_its_own_batch(path: Path) -> None:
    """The rate at every step is that of the recipe without any scaling, as it was before there was a rule."""
    stated = recipe(compile_file(path))
    assert stated
    config = stated.config()
    unscaled = replace(config, optim=replace(config.optim, scale="none"))
    unscaled.schedule = replace(config.schedule, warmup=max(config.schedule.warmup, 0.0))
    assert config.optim.reference == config.data.batch
    assert average_decay(config) == config.average.decay
    last = total_steps(unscaled, EPOCH)
    assert total_steps(config, EPOCH) == last
    steps = range(0, last, max(1, last // 997))
    assert [learning_rate(config, at, EPOCH) for at in steps] == [learning_rate(unscaled, at, EPOCH) for at in steps]


@pytest.mark.parametrize("path", SPECS, ids=lambda path: path.stem)
def test_a_shipped_recipe_follows_another_batch(path: Path) -> None:
    stated = recipe(compile_file(path))
    assert stated
    config = stated.with_values({"data": {"batch": 1024}}).config()
    power = POWERS[config.optim.name]
    assert base_learning_rate(config) == pytest.approx(config.optim.lr * (1024 / config.optim.reference) ** power)
    assert base_learning_rate(config) > config.optim.lr
    assert warmup_epochs(config) > 0
