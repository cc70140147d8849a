"""Averages of weights against plain loops."""

from __future__ import annotations

import copy
import io

import pytest
import torch
from torch import Tensor, nn

from inception_dsl.runner.base.config import Average, Config
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.learning.average import WeightAverage, polyak


def config(name: str, decay: float = 0.9999) -> Config:
    return Config(average=Average(name, decay))


def small() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 4, 2)).double()


def train(network: nn.Module, step: int) -> None:
    """A step that moves every weight, every batch statistic and the counter."""
    generator = torch.Generator().manual_seed(step)
    network.train()(torch.randn(4, 3, 4, 4, generator=generator, dtype=torch.float64))
    with torch.no_grad():
        for each in network.parameters():
            each.add_(torch.randn(each.shape, generator=generator, dtype=torch.float64))


def history(name: str, steps: int, decay: float = 0.9999) -> tuple[WeightAverage, list[dict[str, Tensor]]]:
    """The average, and the state before the first step and after each."""
    network = small()
    averaged = WeightAverage(network, config(name, decay))
    states = [copy.deepcopy(network.state_dict())]
    for step in range(steps):
        train(network, step)
        averaged.update(step)
        states.append(copy.deepcopy(network.state_dict()))
    return averaged, states


@pytest.mark.parametrize("decay", [0.9999, 0.3])
def test_ema_is_tensorflows(decay: float) -> None:
    """tf.train.ExponentialMovingAverage(decay, num_updates): the shadow starts as the variable."""
    averaged, states = history("ema", 6, decay)
    for name, value in averaged.network.state_dict().items():
        if value.is_floating_point():
            shadow = states[0][name]
            for num_updates, state in enumerate(states[1:]):
                shadow = shadow - (1 - min(decay, (1 + num_updates) / (10 + num_updates))) * (shadow - state[name])
            torch.testing.assert_close(value, shadow, rtol=0, atol=1e-12)


def test_polyak_is_the_mean_of_all_steps() -> None:
    averaged, states = history("polyak", 7)
    for name, value in averaged.network.state_dict().items():
        if value.is_floating_point():
            mean = torch.stack([state[name] for state in states[1:]]).mean(0)
            torch.testing.assert_close(value, mean, rtol=0, atol=1e-12)


def test_polyak_of_a_long_run_stays_the_mean() -> None:
    """In float32 a part of 1e-7 would be nothing: the mean of ten million steps would stand still."""
    share = 0.0
    mean, taken, last = 0.0, 0, 400_000
    for step in range(last):
        if share := polyak(Average("polyak"), step):
            assert share > 1e-5
            mean, taken = mean + share * (step - mean), taken + 1
    assert taken > 100_000
    assert mean == pytest.approx((last - 1) / 2, rel=1e-4)
    weight, averaged = torch.tensor(1.0), torch.tensor(0.96)
    for step in range(10_000_000, 10_000_000 + 2**12):
        averaged.lerp_(weight, polyak(Average("polyak"), step))
    wanted = 1 - 0.04 * (1 - 1e-7) ** 2**12
    assert averaged.item() - 0.96 == pytest.approx(wanted - 0.96, rel=0.05)


@pytest.mark.parametrize("name", ["ema", "polyak"])
def test_batch_statistics_are_averaged_and_counters_copied(name: str) -> None:
    averaged, states = history(name, 3)
    state = averaged.network.state_dict()
    for key in ("1.running_mean", "1.running_var", "0.weight"):
        assert not torch.equal(state[key], states[-1][key])
    assert state["1.num_batches_tracked"] == 3


def test_an_average_does_not_touch_the_network() -> None:
    averaged, states = history("ema", 3)
    network = small()
    for step in range(3):
        train(network, step)
    assert all(torch.equal(each, states[-1][name]) for name, each in network.state_dict().items())
    assert not any(parameter.requires_grad for parameter in averaged.network.parameters())


def test_none_is_the_network_itself() -> None:
    network = small()
    averaged = WeightAverage(network, config("none"))
    train(network, 0)
    averaged.update(0)
    assert averaged.network is network
    assert all(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize("name", ["ema", "polyak"])
def test_a_state_goes_on_as_if_nothing_had_happened(name: str) -> None:
    network = small()
    averaged = WeightAverage(network, config(name))
    for step in range(6):
        if step == 3:
            file = io.BytesIO()
            torch.save({"network": network.state_dict(), "averaged": averaged.network.state_dict()}, file)
            file.seek(0)
            state = torch.load(file, weights_only=True)
            network = small()
            averaged = WeightAverage(network, config(name))
            network.load_state_dict(state["network"])
            averaged.network.load_state_dict(state["averaged"])
        train(network, step)
        averaged.update(step)
    whole, _ = history(name, 6)
    assert all(
        torch.equal(each, averaged.network.state_dict()[key]) for key, each in whole.network.state_dict().items()
    )


def test_strides_stay_those_of_the_network() -> None:
    network = small().to(memory_format=torch.channels_last)
    averaged = WeightAverage(network, config("ema"))
    averaged.update(0)
    kernel = averaged.network.get_parameter("0.weight")
    assert kernel.is_contiguous(memory_format=torch.channels_last)
    assert not kernel.is_contiguous()


def test_an_unknown_average_is_a_sentence() -> None:
    with pytest.raises(RunError, match=r"average\.name is 'swa'; set one of none, ema, polyak"):
        WeightAverage(small(), config("swa"))
