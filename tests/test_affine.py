"""A learnt scale of every channel: its values, its initial value, and ConvNeXt's layer scale."""

from __future__ import annotations

import numpy as np
import onnxruntime
import pytest
import torch

from inception_dsl.build import build
from inception_dsl.compiler import at_size, compile_source
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.ir.typed import Typed

SPEC = """network: tiny
input: 3x8x8
INIT
modules:
  scaled: {graph: affine bias=none}
layers: |
  name | layer
  a    | conv 1x1 4 -> affine
  b    | scaled
  c    | avgpool global -> flatten -> s: scaled
  d    | affine -> fc 2
"""


def network(*init: str) -> Typed:
    lines = ["init:", "  source: drawn", *(f"  {line}" for line in init)] if init else []
    return at_size(compile_source(Source("spec.yaml", SPEC.replace("INIT", "\n".join(lines)))))


def test_a_module_scales_images_and_vectors_with_one_class() -> None:
    typed = network()
    net = build(pytorch.source(typed), "tiny").eval()
    torch.manual_seed(0)
    for weight in net.parameters():
        torch.nn.init.normal_(weight)
    x = torch.randn(2, 3, 8, 8).to(memory_format=torch.channels_last)
    scales = {name: weight for name, weight in net.named_parameters() if weight.dim() == 1}
    convolve, classify = net.get_submodule("a.0"), net.get_submodule("d.1")
    image = (convolve(x) * scales["a.1.weight"][:, None, None] + scales["a.1.bias"][:, None, None]).detach()
    image = image * scales["b.affine.weight"][:, None, None]
    vector = image.mean((2, 3)) * scales["c.s.affine.weight"] * scales["d.0.weight"] + scales["d.0.bias"]

    assert {weight.shape for weight in scales.values()} == {(4,), (2,)}
    torch.testing.assert_close(net(x), classify(vector))
    scaled = net.get_submodule("b")(net.get_submodule("a")(x))
    assert scaled.is_contiguous(memory_format=torch.channels_last), "the layout of the image stays"
    weights = {name: weight.detach().numpy() for name, weight in net.named_parameters()}
    for opset in (min(onnx.OPSETS), onnx.NEWEST):
        session = onnxruntime.InferenceSession(
            onnx.model(typed, opset=opset, dynamic_size=True), providers=["CPUExecutionProvider"]
        )
        (ours,) = session.run(None, {"input": x.contiguous().numpy(), **weights})
        np.testing.assert_allclose(ours, net(x).detach().numpy(), rtol=1e-4, atol=1e-6)


def test_what_it_begins_with() -> None:
    names = ("a.1.weight", "a.1.bias", "b.affine.weight", "d.0.weight", "d.0.bias")

    def began(*init: str) -> dict[str, list[float]]:
        state = build(pytorch.source(network(*init)), "tiny").state_dict()
        return {name: state[name].unique().tolist() for name in names}

    tiny = [pytest.approx(1e-6)]
    assert began() == dict(zip(names, ([1], [0], [1], [1], [0]), strict=True))
    assert began("affine: constant value=1e-6") == dict(zip(names, (tiny, [0], tiny, tiny, [0]), strict=True))
    assert began("affine: constant value=1e-6", "d.0: constant value=2 bias=3") == dict(
        zip(names, (tiny, [0], tiny, [2], [3]), strict=True)
    )
    assert began("a: constant value=5") == began(), "a path covers the convolutions below it, and no scale"


@pytest.mark.parametrize("words", ["he", "he fan=out", "xavier", "glorot"])
@pytest.mark.parametrize("path", ["affine", "a.1"])
def test_a_scale_has_no_fan_in(path: str, words: str) -> None:
    with pytest.raises(SpecError) as caught:
        network(f"{path}: {words}")
    (found,) = caught.value.diagnostics
    assert found.code == "E220"
    assert "`affine` has one" in found.message


def test_it_is_no_layer_of_depth_and_no_multiply_add() -> None:
    (node,) = network().of("b")
    assert (node.macs, node.op.layers(*node.types)) == (0, 0)
    assert node.weights == {"b.affine.weight": ((4,), True)}
