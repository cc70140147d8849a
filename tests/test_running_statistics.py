"""How far a batch moves the running statistics: stated in the spec, kept by the network, overruled by a recipe."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from inception_dsl.build import build
from inception_dsl.compiler import at_size, compile_source
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.ir.typed import Typed
from inception_dsl.runner.learning.optim import set_bn_momentum

SPEC = """network: tiny
input: 3x8x8
defaults: {conv: DEFAULT}
modules:
  both: {graph: bn gamma=none momentum=0.4}
layers: |
  name | layer
  a    | conv 1x1 4
  b    | conv 1x1 4 momentum=0.2 -> bn -> bn momentum=0.3
  c    | both
  d    | avgpool global -> flatten -> both -> bn momentum=0 -> fc 4 bn gamma=none
"""


def network(default: str = "bn") -> Typed:
    return at_size(compile_source(Source("spec.yaml", SPEC.replace("DEFAULT", default))))


def norms(net: nn.Module) -> list[float | None]:
    return [module.momentum for module in net.modules() if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d)]


def test_it_is_that_of_torchs_layers() -> None:
    expected = [0.1, 0.2, 0.1, 0.3, 0.4, 0.4, 0.0, 0.1]
    assert norms(build(pytorch.source(network()), "tiny")) == expected
    assert norms(build(pytorch.source(network("bn momentum=0.01")), "tiny")) == [0.01, *expected[1:]]


def test_a_network_of_torchs_momentum_does_not_state_it() -> None:
    plain = SPEC.replace("DEFAULT", "bn").replace(" momentum=0.2", "").replace(" momentum=0.3", "")
    plain = plain.replace(" momentum=0.4", "").replace(" momentum=0 ", " momentum=0.1 ")
    assert "momentum" not in pytorch.source(at_size(compile_source(Source("spec.yaml", plain))))


def test_a_step_moves_the_statistics_so_far() -> None:
    net = build(pytorch.source(network("bn momentum=0.25")), "tiny").train()
    x = torch.randn(16, 3, 8, 8)
    net(x)
    conv, norm = net.get_submodule("a.conv"), net.get_submodule("a.bn")
    torch.testing.assert_close(norm.running_mean, 0.25 * conv(x).mean((0, 2, 3)))
    torch.testing.assert_close(norm.running_var, 0.75 + 0.25 * conv(x).transpose(0, 1).flatten(1).var(1))


def test_the_momentum_of_a_recipe_wins() -> None:
    net = build(pytorch.source(network()), "tiny")
    before = norms(net)
    set_bn_momentum(net, 0.0)
    assert norms(net) == before
    set_bn_momentum(net, 0.05)
    assert {*norms(net)} == {0.05}


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("conv 1x1 4 bn momentum=1.5", "E207: `momentum` must be from 0 to 1, not 1.5: write `momentum=0.01`, say"),
        ("conv 1x1 4 momentum=0.1", "E220: `momentum` has nothing to act on: this layer has no `bn`"),
        ("conv 1x1 4 bn momentum", "E203: `momentum` needs a value: write `momentum=0.01`"),
        ("conv 1x1 4 bn decay=0.99", "E203: `conv` does not take the word `decay`: the other share"),
    ],
)
def test_what_cannot_be_said(formula: str, expected: str) -> None:
    text = f"network: tiny\ninput: 3x8x8\nlayers: |\n  name | layer\n  row | {formula}\n"
    with pytest.raises(SpecError) as caught:
        compile_source(Source("spec.yaml", text))
    (found,) = caught.value.diagnostics
    assert f"{found.code}: {found.message}: {found.help}".startswith(expected)
