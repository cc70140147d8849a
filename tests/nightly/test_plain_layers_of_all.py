"""Every check of `plain_layers` on every spec: some twenty minutes; and three networks through inductor."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from plain_layers import NAMES, SLOW, image, network


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("check", SLOW)
def test_every_network_passes_every_check(check: Callable[[str], None], name: str) -> None:
    check(name)


@pytest.mark.parametrize("name", ["googlenet_bn_small", "xception", "inception_v3_keras"])
def test_inductor_compiles(name: str) -> None:
    torch.compiler.reset()
    net, x = network(name, "cpu"), image(name, device="cpu")
    with torch.no_grad():
        expected, given = net(x), torch.compile(net, fullgraph=True)(x)

    assert torch.allclose(given, expected, rtol=1e-3, atol=1e-3 * float(expected.std()))
