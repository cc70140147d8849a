"""Stochastic depth: as torchvision's in training, nothing in inference, and one class for all rates of a module."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from strategies import specs
from torchvision.ops import StochasticDepth

from inception_dsl.analysis.cost import cost, storage
from inception_dsl.analysis.dropped import on_all_paths
from inception_dsl.build import build
from inception_dsl.compiler import at_size, compile_source
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.ir.ops.regularisation import DropPath
from inception_dsl.ir.typed import Typed

BLOCKS = """network: tiny
input: 4x8x8
settings: {most: 0.3}
modules:
  block:
    columns: [rate]
    graph: |
      [ pass + conv 3x3 {in} same -> drop_path {rate} ] -> relu
  twice:
    columns: [first, second]
    graph: |
      drop_path {first} -> conv 1x1 {in} -> drop_path {second}
layers: |
  name | layer      | rate           | first | second
  a    | block      | {most * 0 / 3} |       |
  b    | block      | {most * 1 / 3} |       |
  c    | 2 of block | 0.2            |       |
  d    | twice      |                | 0.1   | 0.1
  e    | twice      |                | 0.1   | 0.2
  f    | twice      |                | 0.2   | 0.1
  g    | twice      |                | 0.3   | 0.3
"""


def network(formula: str, image: str = "4x8x8") -> Typed:
    text = f"network: tiny\ninput: {image}\nlayers: |\n  name | layer\n  row | {formula}\n"
    return at_size(compile_source(Source("spec.yaml", text)))


@pytest.mark.parametrize("p", [0.0, 0.1, 0.5, 0.9])
def test_in_training_it_drops_as_many_examples_as_torchvisions(p: float) -> None:
    examples = 20_000
    x = torch.rand(examples, 4, 2, 1) + 1
    ours = build(pytorch.source(network(f"drop_path {p}", "4x2x1")), "tiny").train()
    torch.manual_seed(0)
    for layer in (ours, StochasticDepth(p, "row").train()):
        out = layer(x)
        kept = out.flatten(1).ne(0)
        assert torch.equal(kept.all(1), kept.any(1)), "an example is dropped as a whole"
        torch.testing.assert_close(out[kept.any(1)], x[kept.any(1)] / (1 - p))
        assert abs(kept.any(1).sum() - examples * (1 - p)) <= 5 * math.sqrt(examples * p * (1 - p))


def test_in_training_it_scales_gradients_as_values() -> None:
    torch.manual_seed(0)
    layer = build(pytorch.source(network("drop_path 50%")), "tiny").train()
    x = torch.ones(64, 4, 8, 8, requires_grad=True)
    out = layer(x)
    out.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, out)
    assert {*out.unique().tolist()} == {0.0, 2.0}


def test_in_inference_it_is_its_input() -> None:
    typed = network("[ pass + conv 1x1 4 -> drop_path 50% ] -> relu")
    layer = build(pytorch.source(network("drop_path 50%")), "tiny").eval()
    x = torch.randn(2, 4, 8, 8)

    assert layer(x) is x
    assert storage(typed.nodes, inference=True)[:2] == [0, 0]
    assert cost(typed).peak == cost(network("[ pass + conv 1x1 4 ] -> relu")).peak
    assert cost(typed).trunk.activations - cost(network("[ pass + conv 1x1 4 ] -> relu")).trunk.activations == 256


def test_the_rates_of_a_module_are_an_argument_of_one_class() -> None:
    source = pytorch.source(at_size(compile_source(Source("spec.yaml", BLOCKS))))
    net = build(source, "tiny")
    rates = [layer.p for name, layer in net.named_modules() if type(layer).__name__ == "DropPath"]

    assert rates == [0.0, pytest.approx(0.1), 0.2, 0.2, 0.1, 0.1, 0.1, 0.2, 0.2, 0.1, 0.3, 0.3]
    assert source.count("class Block") == 1
    assert "def __init__(self, in_channels: int, drop_path: float = 0.0) -> None:" in source
    assert "self.a = Block(4) " in source
    assert "Block(4, drop_path=0.2) for _ in range(2)" in source
    assert source.count("class Twice") == 4, "of several templates with other rates, none has one"


def test_a_rate_is_a_share_and_its_input_an_image() -> None:
    assert network("drop_path 10%").nodes[0].op == DropPath(0.1)
    for formula, code in (("drop_path 1.0", "E207"), ("drop_path", "E202"), ("flatten -> drop_path 10%", "E215")):
        with pytest.raises(SpecError) as caught:
            network(formula)
        assert caught.value.diagnostics[0].code == code


def test_traced_in_training_it_draws_anew() -> None:
    """What torch.fx and torch.export see of it takes any batch."""
    net = build(pytorch.source(network("drop_path 50%")), "tiny").train()
    traced = torch.fx.symbolic_trace(net)
    exported = torch.export.export(
        net, (torch.ones(4, 4, 8, 8),), dynamic_shapes={"x": {0: torch.export.Dim("batch")}}
    ).module()
    for form in (traced, exported):
        out = form(torch.ones(400, 4, 8, 8))
        assert {*out.unique().tolist()} == {0.0, 2.0}


@settings(max_examples=25, derandomize=True)
@given(specs())
def test_what_every_path_goes_through_is_found(text: str) -> None:
    """Compared with taking out every node and looking for a path without it (W208)."""
    typed = at_size(compile_source(Source("spec.yaml", text)))
    trunk = [index for index, node in enumerate(typed.nodes) if node.row in typed.trunk]

    def reaches_the_end(without: int) -> bool:
        reached = {-1}
        for index in trunk:
            if index != without and reached & {*typed.nodes[index].inputs}:
                reached.add(index)
        return typed.ends[typed.trunk[-1]] in reached

    assert [*on_all_paths(typed, typed.trunk)] == [typed.nodes[i] for i in trunk if not reaches_the_end(i)]
