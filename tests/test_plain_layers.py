"""Generated networks are plain layers: module surgery, counters, tracers and compilers take them as they are.

The checks run here on networks that together have every form of the generated code, and on all specs in
`tests/nightly`.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from plain_layers import (
    NAMES,
    QUICK,
    ROOT,
    SLOW,
    check_export,
    check_export_of_training,
    check_script,
    check_surgery_by_value,
    graph,
    operate,
)
from torch import Tensor, nn

from inception_dsl import load

SMALL = "googlenet_bn_small"
FORMS = (SMALL, "googlenet", "xception", "inception_v3_keras", "alexnet")
"""Heads, LRN, uneven padding, batch norm without gamma, and flattening before the classifier."""


QUICKLY = (
    *FORMS,
    *("googlenet_torchvision", "inception_v4", "inception_resnet_v2", "inception_v3_fid", "resnet50", "vgg11_bn"),
    *("densenet121", "squeezenet1_1"),  # concatenation with the input, whole modules as branches
    *("se_bn_inception", "mobilenet_v3_small", "efficientnet_b0", "regnet_y_400mf"),  # gates, activations, groups
    *("shufflenet_v2_x0_5", "convnext_tiny"),  # parts and shuffling, layer norms, stochastic depth
    *("polynet", "nasnet_a_large"),  # shared weights, references
    *("inception_time", "inception_resnet_v1_facenet"),  # images of height 1, vectors that are normalised
)


LARGE = ("inception_v4", "inception_resnet_v2", "polynet", "nasnet_a_large")
SLOW_OF_LARGE = (check_export, check_script)
"""These checks take seconds for these networks: `nightly` runs them."""


@pytest.mark.parametrize(
    ("check", "name"),
    [(check, name) for name in QUICKLY for check in QUICK if name not in LARGE or check not in SLOW_OF_LARGE],
)
def test_every_form_is_of_plain_layers(check: Callable[[str], None], name: str) -> None:
    """The checks of a network follow each other: workers make few networks, and all of them once."""
    check(name)


@pytest.mark.parametrize("check", SLOW)
def test_a_small_network_passes_every_check(check: Callable[[str], None]) -> None:
    check(SMALL)


@pytest.mark.parametrize("name", FORMS[1:])
@pytest.mark.parametrize("check", [check_export_of_training, check_surgery_by_value])
def test_every_form_is_exported_in_training_and_survives_surgery(check: Callable[[str], None], name: str) -> None:
    check(name)


def test_a_subclass_of_a_layer_would_be_seen() -> None:
    """Surgery on the form of version 0.1, a subclass with a ReLU in its `forward`, changes the output."""

    class ConvReLU(nn.Conv2d):
        def forward(self, x: Tensor) -> Tensor:
            return torch.relu(super().forward(x))

    net = nn.Sequential(ConvReLU(3, 4, 1))
    x = torch.randn(2, 3, 8, 8)
    before, value = graph(net), net(x)
    operate(net)

    assert graph(net) != before
    assert not torch.equal(net(x), value)


def test_every_spec_has_a_network() -> None:
    assert {*NAMES} == {path.stem for path in (ROOT / "specs").rglob("*.yaml")} - {"claims"}


def test_the_former_argument_of_build_is_deprecated() -> None:
    net = load(str(ROOT / "specs" / "googlenet_bn_small.yaml"))
    with pytest.warns(DeprecationWarning, match=r"use `num_classes`"), torch.device("meta"):
        former = net.build(classes=7)

    assert isinstance(former.fc, nn.Linear)
    assert former.fc.out_features == 7
    with pytest.raises(TypeError, match="pass one of the two"):
        net.build(7, classes=7)
