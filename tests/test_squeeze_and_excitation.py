"""Inceptions with squeeze-and-excitation. No library has them, so tests put them together from parts of libraries.

The trunks are pytorchcv's BN-Inception and timm's Inception-ResNet-v2, the blocks torchvision's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from library_networks import check_values_in_order, small, spec, torch_counts
from torch import nn
from torchvision.ops import SqueezeExcitation

from inception_dsl.analysis.cost import cost


def gated(layer: nn.Module, channels: int) -> nn.Sequential:
    """A layer and a block after it, with the paper's reduction ratio of 16."""
    return nn.Sequential(layer, SqueezeExcitation(channels, channels // 16))


def se_bn_inception() -> nn.Module:
    net: nn.Module = pytest.importorskip("pytorchcv.models.bninception").bninception()
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            module.register_parameter("bias", None)  # as the authors of the blocks have it
    widths = {"stage1": (256, 320), "stage2": (576, 576, 576, 608, 608), "stage3": (1056, 1024, 1024)}
    for stage, channels in widths.items():
        units = net.get_submodule(f"features.{stage}")
        for (name, unit), width in zip([*units.named_children()], channels, strict=True):
            setattr(units, name, gated(unit, width))
    return net


def se_inception_resnet_v2() -> nn.Module:
    net: Any = pytest.importorskip("timm").create_model("inception_resnet_v2")
    for block in (*net.repeat, *net.repeat_1, *net.repeat_2, net.block8):
        block.conv2d = gated(block.conv2d, block.conv2d.out_channels)
    made: nn.Module = net
    return made


MAKERS = {"se_bn_inception": se_bn_inception, "se_inception_resnet_v2": se_inception_resnet_v2}
each_network = pytest.mark.parametrize(("name", "make"), MAKERS.items(), ids=MAKERS)


@each_network
def test_torch_counts_what_the_spec_counts(name: str, make: Callable[[], nn.Module]) -> None:
    counted = cost(spec(name)).trunk
    with torch.device("meta"):
        net = make()

    assert torch_counts(net, spec(name).input.shape) == (counted.params, counted.macs)


@each_network
def test_the_same_weights_give_the_same_numbers(name: str, make: Callable[[], nn.Module]) -> None:
    check_values_in_order(small(name), make)
