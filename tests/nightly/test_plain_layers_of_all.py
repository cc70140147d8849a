"""All checks of `plain_layers` on every spec: about half an hour; and three networks through inductor."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from plain_layers import NAMES, QUICK, SLOW, drawn, small_image


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("check", [*QUICK, *SLOW])
def test_every_network_passes_the_checks(check: Callable[[str], None], name: str) -> None:
    check(name)


@pytest.mark.parametrize("name", ["googlenet_bn_small", "xception", "inception_v3_keras"])
def test_inductor_compiles(name: str) -> None:
    torch.compiler.reset()
    net, x = drawn(name), small_image(name, 2)
    with torch.no_grad():
        expected, given = net(x), torch.compile(net, fullgraph=True)(x)

    assert torch.allclose(given, expected, rtol=1e-3, atol=1e-3 * float(expected.std()))
