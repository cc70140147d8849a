"""The optimisers against their definitions, written out in plain floats."""

from __future__ import annotations

import io
import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import nn

from inception_dsl.runner.base.config import Config, Data, Optim
from inception_dsl.runner.base.scaling import base_learning_rate
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.learning.optim import make_optimiser, set_learning_rate
from inception_dsl.runner.learning.rmsprop import RMSPropTF

GRADIENTS = [0.5, -0.25, 1.0, 0.0, 2.0]


def config(batch: int = 256, **settings: Any) -> Config:
    return Config(data=Data(batch=batch), optim=Optim(**settings))


def weight(value: float = 1.0) -> nn.Parameter:
    return nn.Parameter(torch.tensor([value], dtype=torch.float64))


def after(optimiser: torch.optim.Optimizer, of: nn.Parameter, gradients: list[float]) -> list[float]:
    """The parameter after each step."""
    values = []
    for each in gradients:
        of.grad = torch.full_like(of, each)
        optimiser.step()
        values.append(of.item())
    return values


def tensorflow(  # tf.train.RMSPropOptimizer, as its documentation says it
    w: float, gradients: list[float], lr: float, decay: float, momentum: float, eps: float, weight_decay: float
) -> list[float]:
    ms, mom, values = 1.0, 0.0, []
    for each in gradients:
        g = each + weight_decay * w
        ms = decay * ms + (1 - decay) * g * g
        mom = momentum * mom + lr * g / math.sqrt(ms + eps)
        w -= mom
        values.append(w)
    return values


def test_rmsprop_is_tensorflows_by_hand() -> None:
    w = weight()
    given = after(RMSPropTF([w], lr=0.1, decay=0.9, momentum=0.9, eps=1.0), w, [0.5, -0.25])
    # 1: ms = .9 + .1 * .25 = .925;       mom = .1 * .5 / sqrt(1.925) = .0360374985
    # 2: ms = .8325 + .1 * .0625 = .83875; mom = .9 * .0360374985 - .1 * .25 / sqrt(1.83875) = .0139972407
    assert given == pytest.approx([0.9639625015, 0.9499652608], abs=1e-10)


@pytest.mark.parametrize(("eps", "momentum", "decay", "weight_decay"), [(1.0, 0.9, 0.9, 0.0), (0.01, 0.0, 0.5, 0.1)])
def test_rmsprop_is_tensorflows_over_steps(eps: float, momentum: float, decay: float, weight_decay: float) -> None:
    w = weight()
    settings = {"lr": 0.045, "decay": decay, "momentum": momentum, "eps": eps, "weight_decay": weight_decay}
    group = {"params": [w], "weight_decay": weight_decay}
    given = after(RMSPropTF([group], settings["lr"], decay, momentum, eps), w, GRADIENTS)
    assert given == pytest.approx(tensorflow(1.0, GRADIENTS, **settings), abs=1e-14)


@pytest.mark.parametrize(("gradient", "first"), [(0.001, 1.38), (0.1, 1.34), (1.0, 1.07)])
def test_rmsprop_of_torch_goes_further(gradient: float, first: float) -> None:
    ours, theirs = weight(0.0), weight(0.0)
    (moved,) = after(RMSPropTF([ours], lr=0.1, eps=1.0), ours, [gradient])
    (torchs,) = after(torch.optim.RMSprop([theirs], lr=0.1, alpha=0.9, momentum=0.9, eps=1.0), theirs, [gradient])
    # Keras' is a third: `eps` under the root, as here, but a mean square that starts at 0, as torch's.
    assert torchs / moved == pytest.approx(first, abs=0.005)


def test_rmsprop_has_its_rate_in_the_momentum() -> None:
    w = weight(0.0)
    optimiser = RMSPropTF([w], lr=0.1, momentum=0.9)
    (first,) = after(optimiser, w, [1.0])
    optimiser.param_groups[0]["lr"] = 0.0
    assert after(optimiser, w, [1.0]) == pytest.approx([1.9 * first])


def test_rmsprop_leaves_what_has_no_gradient() -> None:
    used, unused = weight(), weight()
    optimiser = RMSPropTF([{"params": [used, unused], "weight_decay": 0.1}, {"params": [weight()]}], lr=0.1)
    after(optimiser, used, [1.0])
    assert unused.item() == 1.0
    assert unused not in optimiser.state


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adamw"])
def test_a_state_goes_on_as_if_nothing_had_happened(name: str) -> None:
    settings = config(name=name, lr=0.1, weight_decay=0.01, bias_lr=2.0)
    torch.manual_seed(0)
    whole = nn.Linear(3, 2)
    start = {key: each.clone() for key, each in whole.state_dict().items()}
    inputs = torch.randn(6, 4, 3)

    def steps(network: nn.Linear, optimiser: torch.optim.Optimizer, batches: torch.Tensor) -> None:
        for batch in batches:
            optimiser.zero_grad()
            network(batch).square().mean().backward()
            optimiser.step()

    steps(whole, make_optimiser(settings, whole), inputs)
    first = nn.Linear(3, 2)
    first.load_state_dict(start)
    optimiser = make_optimiser(settings, first)
    steps(first, optimiser, inputs[:3])
    file = io.BytesIO()
    torch.save({"network": first.state_dict(), "optimiser": optimiser.state_dict()}, file)
    file.seek(0)
    state = torch.load(file, weights_only=True)
    second = nn.Linear(3, 2)
    second.load_state_dict(state["network"])
    resumed = make_optimiser(settings, second)
    resumed.load_state_dict(state["optimiser"])
    set_learning_rate(resumed, 0.1)
    steps(second, resumed, inputs[3:])
    assert torch.equal(second.weight, whole.weight)
    assert torch.equal(second.bias, whole.bias)


@pytest.mark.parametrize("name", ["sgd", "rmsprop"])
def test_weight_decay_is_that_of_an_l2_loss(name: str) -> None:
    torch.manual_seed(0)
    ours, theirs = nn.Linear(3, 2, dtype=torch.float64), nn.Linear(3, 2, dtype=torch.float64)
    theirs.load_state_dict(ours.state_dict())
    decayed = make_optimiser(config(name=name, lr=0.1, weight_decay=0.3), ours)
    plain = make_optimiser(config(name=name, lr=0.1, weight_decay=0.0), theirs)
    for x in torch.randn(3, 4, 3, dtype=torch.float64):
        ours.zero_grad()
        theirs.zero_grad()
        ours(x).square().mean().backward()
        (theirs(x).square().mean() + 0.3 * theirs.weight.square().sum() / 2).backward()
        decayed.step()
        plain.step()
    torch.testing.assert_close(ours.weight, theirs.weight, rtol=0, atol=1e-14)
    torch.testing.assert_close(ours.bias, theirs.bias, rtol=0, atol=1e-14)


def small() -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))


def groups(settings: Config) -> dict[str, tuple[float, float]]:
    """The weight decay and the learning rate of each parameter of a small network."""
    network = small()
    names = {parameter: name for name, parameter in network.named_parameters()}
    optimiser = make_optimiser(settings, network)
    return {
        names[each]: (group["weight_decay"], group["lr"])
        for group in optimiser.param_groups
        for each in group["params"]
    }


def test_biases_and_norms_do_not_decay_and_biases_have_their_own_rate() -> None:
    assert groups(config(lr=0.1, weight_decay=0.01, bias_lr=2.0)) == {
        "0.weight": (0.01, 0.1),
        "0.bias": (0.0, 0.2),
        "1.weight": (0.0, 0.1),
        "1.bias": (0.0, 0.2),
        "3.weight": (0.01, 0.1),
        "3.bias": (0.0, 0.2),
    }
    assert set(groups(config(lr=0.1, weight_decay=0.01, decay_all=True)).values()) == {(0.01, 0.1)}


def test_the_rate_is_set_on_every_group() -> None:
    optimiser = make_optimiser(config(lr=0.1, bias_lr=2.0), small())
    set_learning_rate(optimiser, 0.01)
    assert sorted({group["lr"] for group in optimiser.param_groups}) == [0.01, 0.02]
    set_learning_rate(optimiser, 0.01)
    assert sorted({group["lr"] for group in optimiser.param_groups}) == [0.01, 0.02]


@pytest.mark.parametrize(
    ("name", "kind"), [("sgd", torch.optim.SGD), ("rmsprop", RMSPropTF), ("adamw", torch.optim.AdamW)]
)
def test_names_are_optimisers(name: str, kind: type[torch.optim.Optimizer]) -> None:
    optimiser = make_optimiser(config(name=name, eps=0.5, momentum=0.8, decay=0.7), small())
    assert type(optimiser) is kind
    settings: dict[str, dict[str, Any]] = {
        "sgd": {"momentum": 0.8, "nesterov": False},
        "rmsprop": {"momentum": 0.8, "eps": 0.5, "decay": 0.7},
        "adamw": {"betas": (0.8, 0.999), "eps": 0.5},
    }
    assert all(settings[name].items() <= group.items() for group in optimiser.param_groups)


@pytest.mark.parametrize(("scale", "expected"), [("none", 0.5), ("linear", 0.125), ("sqrt", 0.25)])
def test_the_rate_follows_the_batch(scale: str, expected: float) -> None:
    assert base_learning_rate(config(batch=256, lr=0.5, scale=scale, reference=1024)) == expected


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"name": "adam"}, "optim.name is 'adam'; did you mean adamw? It is one of sgd, rmsprop, adamw"),
        ({"scale": "half"}, "optim.scale is 'half'; set one of none, linear, sqrt"),
        ({"momentum": -1.0}, "optim: Invalid momentum value: -1.0; set another"),
        ({"name": "rmsprop", "eps": -1.0}, "optim: Invalid eps -1.0; set another"),
        ({"nesterov": True, "momentum": 0.0}, "optim: Nesterov momentum requires a momentum"),
    ],
)
def test_a_wrong_setting_is_a_sentence(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(RunError) as error:
        make_optimiser(replace(Config(), optim=Optim(**settings)), small())
    assert str(error.value).startswith(message)
