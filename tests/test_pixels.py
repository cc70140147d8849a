"""Channels that become pixels, and back: against torch and onnxruntime, and read however they are written."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx as standard
import onnxruntime
import pytest
import torch
from click.testing import CliRunner
from onnx import TensorProto, helper, numpy_helper
from refusal import refusal
from torch import Tensor, nn

from inception_dsl.build import build
from inception_dsl.cli.main import main
from inception_dsl.compiler import at_size, compile_source
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.interchange.graph import Graph
from inception_dsl.interchange.onnx.reader import read_onnx
from inception_dsl.interchange.torch.reader import read_torch
from inception_dsl.ir.typed import Typed

Rearrange = Callable[[Tensor], Tensor]


def network(formula: str, image: str = "12x6x8") -> Typed:
    text = f"network: tiny\ninput: {image}\nlayers: |\n  name | layer\n  row | [{formula}]\n"
    return at_size(compile_source(Source("spec.yaml", text)))


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (
            "pixel_shuffle",
            "E202: `pixel_shuffle` needs a factor: write how many times larger, such as `pixel_shuffle 2`",
        ),
        ("pixel_unshuffle 2 relu", "E203: `pixel_unshuffle` takes no words"),
        ("pixel_unshuffle 0", "E207: the factor of `pixel_unshuffle` must be a whole number from 1"),
        ("flatten -> pixel_unshuffle 2", "E215: `row`: this layer expects an image"),
        ("PixelShuffle 2", "E201: unknown layer or module `PixelShuffle`: did you mean `pixel_shuffle`?"),
        ("space_to_depth 2", "E201: unknown layer or module `space_to_depth`: on 3 channels, write `pixel_unshuffle 2"),
    ],
)
def test_what_cannot_be_said(formula: str, expected: str) -> None:
    assert refusal(network, formula).startswith(expected)


def test_the_width_after_it_may_be_symbolic() -> None:
    graph = "conv 3x3 {k} same -> pixel_shuffle 2 -> conv 1x1 {in} -> pixel_unshuffle 2 -> conv 1x1 {in}"
    text = f"network: tiny\ninput: 3x8x8\nmodules:\n  up: {{columns: [k], graph: '{graph}'}}\n"
    text += "layers: |\n  name | layer | k\n  row | up | 12\n"
    typed = at_size(compile_source(Source("spec.yaml", text)))

    assert [node.out.channels for node in typed.nodes] == [12, 3, 3, 12, 12]
    assert network("conv 1x1 4 -> pixel_shuffle 1 -> pixel_unshuffle 1").nodes == network("conv 1x1 4").nodes


# --- the orders of other tools ----------------------------------------------------------------------------------------


def tresnet(x: Tensor) -> Tensor:
    """As the authors of TResNet write their stem."""
    n, c, h, w = x.shape
    blocks = x.view(n, c, h // 2, 2, w // 2, 2).permute(0, 3, 5, 1, 2, 4).contiguous()
    return blocks.view(n, c * 4, h // 2, w // 2)


def reorg(x: Tensor) -> Tensor:
    """As ports of YOLOv2 write it, in three steps."""
    n, c, h, w = x.shape
    x = x.view(n, c, h // 2, 2, w // 2, 2).transpose(3, 4).contiguous()
    x = x.view(n, c, h // 2 * w // 2, 4).transpose(2, 3).contiguous()
    x = x.view(n, c, 4, h // 2, w // 2).transpose(1, 2).contiguous()
    return x.view(n, 4 * c, h // 2, w // 2)


def depth_to_space(x: Tensor) -> Tensor:
    """ONNX's reference of the mode DCR."""
    n, c, h, w = x.shape
    return x.reshape(n, 2, 2, c // 4, h, w).permute(0, 3, 4, 1, 5, 2).reshape(n, c // 4, h * 2, w * 2)


def sub_pixels(x: Tensor) -> Tensor:
    """ONNX's reference of the mode CRD."""
    n, c, h, w = x.shape
    return x.reshape(n, c // 4, 2, 2, h, w).permute(0, 1, 4, 2, 5, 3).reshape(n, c // 4, h * 2, w * 2)


def channels_last(x: Tensor) -> Tensor:
    """TensorFlow's depth to space, with the channels last."""
    x = x.permute(0, 2, 3, 1)
    n, h, w, c = x.shape
    x = x.reshape(n, h, w, 2, 2, c // 4).permute(0, 1, 3, 2, 4, 5).reshape(n, h * 2, w * 2, c // 4)
    return x.permute(0, 3, 1, 2)


def two_shuffles(x: Tensor) -> Tensor:
    return nn.functional.channel_shuffle(nn.functional.channel_shuffle(x, 3), 4)


WRITTEN: dict[str, tuple[Rearrange, str]] = {
    "tresnet": (tresnet, "pixel_unshuffle 2 -> shuffle 12"),
    "reorg": (reorg, "pixel_unshuffle 2 -> shuffle 12"),
    "DCR": (depth_to_space, "shuffle 4 -> pixel_shuffle 2"),
    "CRD": (sub_pixels, "pixel_shuffle 2"),
    "channels last": (channels_last, "shuffle 4 -> pixel_shuffle 2"),
    "torch's": (nn.PixelShuffle(2), "pixel_shuffle 2"),
    "torch's inverse": (nn.PixelUnshuffle(2), "pixel_unshuffle 2"),
    "two shuffles": (two_shuffles, "pass"),
    "a vector and back": (lambda x: x.flatten(1).view(-1, 12, 6, 8), "pass"),
}


class Module(nn.Module):
    """A function on an image, between convolutions."""

    def __init__(self, function: Rearrange) -> None:
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = self.function(x)
        return result


def kinds(graph: Graph | Typed) -> list[str]:
    return [node.op.name for node in graph.nodes]


@pytest.mark.parametrize("name", WRITTEN)
def test_the_words_give_the_values_of_what_they_stand_for_and_it_is_read_as_them(name: str) -> None:
    function, formula = WRITTEN[name]
    typed = network(f"relu -> {formula}")
    x = torch.rand(2, 12, 6, 8)
    net = build(pytorch.source(typed), "tiny").eval()
    session = onnxruntime.InferenceSession(onnx.model(typed), providers=["CPUExecutionProvider"])

    expected = function(x)
    assert torch.equal(net(x), expected)
    assert np.array_equal(session.run(None, {"input": x.numpy()})[0], expected)

    read = read_torch(Module(nn.Sequential(nn.ReLU(), Module(function))), (12, 6, 8), "written")
    assert [node.op for node in read.nodes] == [node.op for node in typed.nodes]


def other_order(x: Tensor) -> Tensor:
    """The columns of a square before its rows, which no word says."""
    n, c, h, w = x.shape
    return x.view(n, c, h // 2, 2, w // 2, 2).permute(0, 1, 5, 3, 2, 4).reshape(n, c * 4, h // 2, w // 2)


def wide_squares(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return x.view(n, c, h, w // 4, 4).permute(0, 1, 4, 2, 3).reshape(n, c * 4, h, w // 4)


def uneven(x: Tensor) -> Tensor:
    n, c, h, w = x.shape
    return x.view(n, 8, 9, 8).permute(0, 2, 1, 3).reshape(n, c, h, w)


def turned(x: Tensor) -> Tensor:
    return x.transpose(2, 3).reshape(x.shape).relu()  # what an output is reshaped to is no layer


@pytest.mark.parametrize("function", [other_order, wide_squares, uneven, turned])
def test_another_order_is_none_of_the_words(function: Rearrange) -> None:
    assert "opaque" in kinds(read_torch(Module(function), (12, 6, 8), "other"))


def graph_of(folder: Path, kind: str, **attributes: Any) -> tuple[Path, bytes]:
    shape = [1, 12, 6, 8]
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node(kind, ["x"], ["y"], **attributes)],
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
    )
    model.ir_version = 8
    file = folder / "model.onnx"
    file.write_bytes(data := model.SerializeToString())
    return file, data


@pytest.mark.parametrize(
    ("kind", "attributes", "formula"),
    [
        ("DepthToSpace", {"blocksize": 2}, "shuffle 4 -> pixel_shuffle 2"),
        ("DepthToSpace", {"blocksize": 2, "mode": "CRD"}, "pixel_shuffle 2"),
        ("SpaceToDepth", {"blocksize": 2}, "pixel_unshuffle 2 -> shuffle 12"),
    ],
)
def test_onnx_has_the_order_that_it_is_read_with(
    kind: str, attributes: dict[str, Any], formula: str, tmp_path: Path
) -> None:
    file, data = graph_of(tmp_path, kind, **attributes)
    typed = network(formula)

    assert [node.op for node in read_onnx(file).nodes] == [node.op for node in typed.nodes]
    x = torch.rand(1, 12, 6, 8)
    session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
    assert np.array_equal(session.run(None, {"x": x.numpy()})[0], build(pytorch.source(typed), "tiny")(x))


@pytest.mark.parametrize("side", [0, -2])
def test_a_block_without_a_side_is_refused(side: int, tmp_path: Path) -> None:
    with pytest.raises(SpecError) as refused:
        read_onnx(graph_of(tmp_path, "SpaceToDepth", blocksize=side)[0])
    assert [each.code for each in refused.value.diagnostics] == ["E140"]


@pytest.mark.parametrize("opset", [min(onnx.OPSETS), onnx.NEWEST])
def test_a_graph_of_any_size_gives_torchs_values(opset: int) -> None:
    typed = network("conv 3x3 2 same -> pixel_unshuffle 2 -> conv 3x3 9 same -> pixel_shuffle 3", "1x8x8")
    net = build(pytorch.source(typed), "tiny").eval()
    session = onnxruntime.InferenceSession(
        onnx.model(typed, opset=opset, dynamic_size=True), providers=["CPUExecutionProvider"]
    )
    weights = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    for size in ((8, 8), (2, 2), (4, 10)):
        x = torch.randn(2, 1, *size)
        with torch.no_grad():
            np.testing.assert_allclose(session.run(None, {"input": x.numpy(), **weights})[0], net(x), atol=1e-5)


SPEC = """network: tresnet_stem
input: 3x16x16
classes: 4
defaults: {conv: same bn relu}
layers: |
  name  | layer
  stem  | pixel_unshuffle 4 -> shuffle 3 -> conv 3x3 8
  deep  | conv 3x3 16
  large | pixel_shuffle 2
  fc    | avgpool global -> fc {classes}
"""


def test_adopt_writes_the_words(tmp_path: Path) -> None:
    spec = tmp_path / "tresnet_stem.yaml"
    spec.write_text(SPEC)
    typed = at_size(compile_source(Source(str(spec), SPEC)))
    weights = {
        name: numpy_helper.from_array(torch.rand(each.shape).numpy(), name) for name, each in typed.weights.items()
    }
    file = tmp_path / "stem.onnx"
    file.write_bytes(onnx.model(typed, weights={name: each.SerializeToString() for name, each in weights.items()}))
    standard.checker.check_model(file)
    out = tmp_path / "adopted.yaml"

    result = CliRunner().invoke(main, ["adopt", str(file), "--out", str(out)])

    assert result.exit_code == 0, result.output
    assert "pixel_unshuffle 4 -> shuffle 3" in out.read_text()
    assert "pixel_shuffle 2" in out.read_text()
