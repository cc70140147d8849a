"""Networks drawn at random: the spec, the PyTorch file, the ONNX graph and onnxruntime agree on all of them."""

from __future__ import annotations

import onnx as standard
import torch
from builders import checked
from hypothesis import HealthCheck, assume, given, settings
from strategies import specs
from torch import Tensor, nn

from inception_dsl.build import build
from inception_dsl.compiler import compile_source
from inception_dsl.cost import cost
from inception_dsl.diagnostics import Source
from inception_dsl.emit import onnx, pytorch
from inception_dsl.ir import Program
from inception_dsl.lower import lower
from inception_dsl.witness import witnesses

quick = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def program(text: str) -> Program:
    """A drawn spec, compiled."""
    return compile_source(Source("specs/drawn.yaml", text))


def meta(text: str) -> nn.Module:
    """Its generated file, run without numbers; in training, with nothing dropped."""
    with torch.device("meta"):
        net = build(pytorch.source(lower(program(text))), "drawn").eval()
    net.training = True
    return net


@quick
@given(specs())
def test_shapes_and_weights_are_torchs(text: str) -> None:
    typed, net = lower(program(text)), meta(text)
    seen: dict[str, tuple[int, ...]] = {}

    def hook(row: str, out: Tensor) -> None:
        seen[row] = tuple(out.shape[1:])

    for row, layer in net.named_children():
        layer.register_forward_hook(lambda _, __, out, row=row: hook(row, out))
    net(torch.empty(2, *typed.input.shape, device="meta"))
    weights = {name: tuple(each.shape) for name, each in net.state_dict().items() if "num_batches" not in name}

    assert seen == {row: typed.out(row).shape for row in seen}
    assert list(weights.items()) == [(name, weight.shape) for name, weight in typed.weights.items()]
    assert sum(each.numel() for each in net.parameters()) == cost(typed).total.params


@quick
@given(specs())
def test_shapes_and_weights_are_onnxs(text: str) -> None:
    typed = lower(program(text))
    data = onnx.model(typed, heads=True)
    inputs = standard.ModelProto.FromString(data).graph.input

    assert checked(data) == ("N", *typed.out(typed.trunk[-1]).shape)
    assert [each.name for each in inputs] == ["input", *typed.weights]


@quick
@given(specs())
def test_pytorch_and_onnxruntime_compute_the_same(text: str) -> None:
    evidence = witnesses(program(text), images=[program(text).input.image], batches=[2])
    told = [each.message for each in evidence.findings]
    # A network of a few channels may well give one and the same output for all images: it proves nothing, either way.
    assume(not any("nothing can be said" in each for each in told))

    assert told == []
    assert (evidence.comparisons[0].difference or 0) < 1e-4
