"""MobileNet and its thinner members against pytorchcv, which has its paper's ReLU (timm's and keras's have ReLU6)."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest
import torch
from library_networks import apart, of_onnx
from torch import nn

from inception_dsl.build import build
from inception_dsl.crosscheck.compare import MOVES, TOLERANCE
from inception_dsl.emit.onnx import onnx
from inception_dsl.network import Network, load

theirs = pytest.importorskip("pytorchcv.models.mobilenet", reason="pytorchcv, an oracle, is not installed")
WIDTHS = {"w1": 1.0, "w3d4": 0.75, "wd2": 0.5, "wd4": 0.25}


@cache
def ours(name: str) -> Network:
    """The spec at a width."""
    return load("builtin:mobilenet_v1", {"width": WIDTHS[name]})


def other(name: str) -> nn.Module:
    """The network of pytorchcv, with weights and statistics in which no error can hide."""
    torch.manual_seed(0)
    net: nn.Module = getattr(theirs, f"mobilenet_{name}")()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 0.001  # that of the authors' code, TF-Slim
            module.weight.data.uniform_(0.6, 1.4)
            module.bias.data.normal_(0, 0.2)
            assert module.running_mean is not None and module.running_var is not None
            module.running_mean.normal_(0, 0.2)
            module.running_var.uniform_(0.6, 1.4)
    return net


@pytest.mark.parametrize("name", WIDTHS)
def test_the_parameters_are_those_of_pytorchcv(name: str) -> None:
    """In number, and in their order and shapes."""
    with torch.device("meta"):
        expected = [*getattr(theirs, f"mobilenet_{name}")().parameters()]

    assert ours(name).cost().trunk.params == sum(weight.numel() for weight in expected)
    assert [weight.shape for weight in ours(name).build().parameters()] == [weight.shape for weight in expected]


@pytest.mark.parametrize("training", [False, True])
def test_the_values_are_those_of_pytorchcv(training: bool) -> None:
    """In PyTorch, also in training, and in ONNX."""
    net, expected = build(ours("wd4").pytorch_source(), "mobilenet_v1"), other("wd4")
    state = dict(zip(net.state_dict(), expected.state_dict().values(), strict=True))
    net.load_state_dict(state)
    x = torch.randn(3, 3, 224, 224, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        wanted, given = (each.train(training)(x).numpy() for each in (expected, net))

    assert apart(wanted[0], wanted[1], wanted) > MOVES
    assert apart(given, wanted, wanted) < TOLERANCE
    if not training:
        weights: dict[str, Any] = {key: tensor.numpy() for key, tensor in state.items()}
        graph = of_onnx(onnx.model(ours("wd4").typed), x.numpy(), weights)["logits"]
        assert apart(graph, wanted, wanted) < TOLERANCE
