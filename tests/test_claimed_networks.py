"""Networks that claims measure, against pytorchcv's MobileNet, timm's SE-ResNet and torchvision's EfficientNet.

timm's and keras's MobileNets have a ReLU6, which the paper does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
import torch
import torchvision
from library_networks import check_values_in_order, torch_counts
from torch import nn

from inception_dsl import compiler
from inception_dsl.network import Network, load


def mobilenet(name: str) -> nn.Module:
    net: Any = getattr(pytest.importorskip("pytorchcv.models.mobilenet"), f"mobilenet_{name}")()
    net.features.final_pool = nn.AdaptiveAvgPool2d(1)  # for images of any size, as in the spec
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 0.001  # of the authors' code, TF-Slim
    made: nn.Module = net
    return made


def efficientnet_b7() -> nn.Module:
    made: nn.Module = torchvision.models.efficientnet_b7()
    return made


def se_resnet50() -> nn.Module:
    made: nn.Module = pytest.importorskip("timm").create_model("legacy_seresnet50", drop_rate=0)
    return made


Setting = Mapping[str, float]
NETWORKS: dict[str, tuple[str, Setting, Callable[[], nn.Module]]] = {
    "mobilenet_v1": ("mobilenet_v1", {}, partial(mobilenet, "w1")),
    "mobilenet_v1-075": ("mobilenet_v1", {"width": 0.75}, partial(mobilenet, "w3d4")),
    "mobilenet_v1-05": ("mobilenet_v1", {"width": 0.5}, partial(mobilenet, "wd2")),
    "mobilenet_v1-025": ("mobilenet_v1", {"width": 0.25}, partial(mobilenet, "wd4")),
    "efficientnet_b7": ("efficientnet_b7", {}, efficientnet_b7),
    "se_resnet50": ("se_resnet50", {}, se_resnet50),
}


def ours(name: str) -> Network:
    spec, setting, _ = NETWORKS[name]
    return load(f"builtin:{spec}", setting)


@pytest.mark.parametrize("name", NETWORKS)
def test_torch_counts_what_the_spec_counts(name: str) -> None:
    counted = ours(name).cost().trunk
    with torch.device("meta"):
        net = NETWORKS[name][2]()

    assert torch_counts(net, ours(name).typed.input.shape) == (counted.params, counted.macs)


@pytest.mark.parametrize("name", ["mobilenet_v1-025", "se_resnet50"])
def test_the_same_weights_give_the_same_numbers(name: str) -> None:
    """Also in training, and in ONNX."""
    check_values_in_order(compiler.at_size(ours(name).program, (96, 96)), NETWORKS[name][2])
