"""InceptionTime, a spec of images of height 1, against sktime: the authors' Keras code, and a port of it to torch."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from functools import cache
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from library_networks import apart, of_onnx
from torch import Tensor, nn

from inception_dsl import build, compiler
from inception_dsl.analysis.cost import cost
from inception_dsl.crosscheck.compare import MOVES, TOLERANCE
from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.ir.typed import Typed

os.environ.setdefault("KERAS_BACKEND", "torch")
theirs = pytest.importorskip("sktime.networks.inceptiontime", reason="sktime, an oracle, is not installed")
VARIANTS = {
    "univariate": "extends: builtin:inception_time.yaml\nnetwork: univariate\n",
    "multivariate": """
extends: builtin:inception_time.yaml
network: multivariate
input: 3x1x50
override: {rows: {block1: {bottleneck: 32}}}
""",
}
each_variant = pytest.mark.parametrize("name", VARIANTS)


@cache
def typed(name: str) -> Typed:
    """The spec, or its variant for series of three variables."""
    return compiler.at_size(compiler.compile_source(Source("", VARIANTS[name])))


def drawn(name: str) -> nn.Module:
    """The generated network, with weights in which no error can hide."""
    torch.manual_seed(0)
    net = build.build(pytorch.source(typed(name)), name)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data.uniform_(0.6, 1.4)
            module.bias.data.normal_(0, 0.2)
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.6, 1.4)
        elif isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(module.weight)
    return net


def series(name: str) -> Tensor:
    return torch.randn(4, *typed(name).input.shape, generator=torch.Generator().manual_seed(1))


def port(net: nn.Module, variables: int) -> Any:
    """The network in torch that sktime has, with the weights of ours, and the epsilon of the authors' code."""
    relu = nn.ReLU()
    made: Any = theirs.InceptionTimeNetworkTorch(variables, 5, activation=relu, activation_hidden=relu)
    made.activation = None  # that of the logits; the shortcuts keep theirs
    for module in made.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.eps = 0.001

    def place(key: str) -> tuple[int, bool]:
        """The block, and whether it is the block's shortcut, which is made last."""
        found = re.match(r"(inception_modules|shortcut_layers)\.(\d)", key)
        if found is None:
            return 2, False
        return int(found[2]) // (3 if found[1] == "inception_modules" else 1), found[1] == "shortcut_layers"

    state = made.state_dict()
    pairs = zip(sorted(state, key=place), net.state_dict().values(), strict=True)
    made.load_state_dict({key: tensor.reshape(state[key].shape) for key, tensor in pairs})
    return made


def authors(net: nn.Module, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The authors' code, which needs Keras alone of TensorFlow, with the weights of our network; without `fc`."""
    keras = pytest.importorskip("keras")
    monkeypatch.setitem(sys.modules, "tensorflow", SimpleNamespace(keras=keras))
    with pytest.warns(UserWarning, match="tensorflow"):
        made = theirs.InceptionTimeNetwork()
    model = keras.Model(*made.build_network((shape[2], shape[0])))

    def made_first(kind: Any) -> Iterator[Any]:
        """The layers of a kind in the order in which the code makes them: Keras numbers their names."""
        return iter(
            sorted(
                (each for each in model.layers if isinstance(each, kind)), key=lambda each: (len(each.name), each.name)
            )
        )

    convs, norms = made_first(keras.layers.Conv1D), made_first(keras.layers.BatchNormalization)
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            next(convs).set_weights([module.weight.detach()[:, :, 0].permute(2, 1, 0).numpy()])
        elif isinstance(module, nn.BatchNorm2d):
            tensors = (module.weight, module.bias, module.running_mean, module.running_var)
            next(norms).set_weights([tensor.detach().numpy() for tensor in tensors if tensor is not None])
    assert not [*convs, *norms]
    return model


@pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel lengths")
@each_variant
@pytest.mark.parametrize("training", [False, True])
def test_the_values_are_those_of_the_port(name: str, training: bool) -> None:
    ours, x = drawn(name).train(training), series(name)
    other = port(ours, x.shape[1]).train(training)
    with torch.no_grad():
        expected, given = other(x[:, :, 0].transpose(1, 2)).numpy(), ours(x).numpy()

    assert apart(expected[0], expected[1], expected) > MOVES
    assert apart(given, expected, expected) < TOLERANCE


@each_variant
def test_the_values_are_those_of_the_authors_code(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, x = drawn(name).eval(), series(name)
    pooled = authors(ours, typed(name).input.shape, monkeypatch)(x[:, :, 0].transpose(1, 2).numpy())
    with torch.no_grad():
        expected, given = ours.get_submodule("fc")(torch.as_tensor(pooled)).numpy(), ours(x).numpy()
    weights = {key: tensor.numpy() for key, tensor in ours.state_dict().items()}
    graph = of_onnx(onnx.model(typed(name)), x.numpy(), weights)["logits"]

    assert apart(expected[0], expected[1], expected) > MOVES
    assert apart(given, expected, expected) < TOLERANCE
    assert apart(graph, expected, expected) < TOLERANCE


@each_variant
def test_the_parameters_are_those_of_the_port(name: str) -> None:
    ported = port(drawn(name), typed(name).input.channels)

    assert cost(typed(name)).trunk.params == sum(each.numel() for each in ported.parameters())


def test_the_receptive_field_is_that_of_the_papers_formula() -> None:
    """Section 3.2: 1 plus the sum of (kernel - 1) over the layers."""
    assert cost(typed("univariate")).rows["block2"].receptive_field == (1, 1 + 6 * (40 - 1))
