"""Transposed convolution: how its weights begin, how audit compares it, and graphs of any image size."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from torch import Tensor, nn

from inception_dsl.audit.audit import Audit, audit
from inception_dsl.audit.tensors import audit_tensors
from inception_dsl.build import build
from inception_dsl.compiler import at_size, compile_source
from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.interchange.canonical import canonical
from inception_dsl.interchange.of_spec import of_spec
from inception_dsl.interchange.torch.reader import read_torch
from inception_dsl.ir.typed import Typed


def network(layer: str, keys: str = "") -> Typed:
    """The layer between two convolutions, on images of 3x10x12."""
    rows = f"stem | conv 3x3 6 same relu\n  up | {layer} relu\n  out | conv 1x1 5"
    return at_size(
        compile_source(
            Source("x.yaml", f"network: tiny\ninput: 3x10x12\n{keys}\nlayers: |\n  name | layer\n  {rows}\n")
        )
    )


class Tiny(nn.Module):
    """The same network, as torch has it."""

    def __init__(self, width: int, *sizes: Any, **words: Any) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1, bias=False)
        self.up = nn.ConvTranspose2d(6, width, *sizes, **words)
        self.out = nn.Conv2d(width, 5, 1, bias=False)

    def forward(self, x: Tensor) -> Any:
        return self.out(self.up(self.stem(x).relu()).relu())


def found(result: Audit) -> list[tuple[str, str, str]]:
    return sorted((each.first.what, each.first.spec, each.first.target) for each in result.findings)


SAME = "conv_transpose 3x3/2 4 same bias"


@pytest.mark.parametrize(
    ("layer", "net", "expected"),
    [
        ("conv_transpose 4x4/2 4 pad=1 bias", Tiny(4, 4, 2, 1), []),
        ("conv_transpose 4x4/2 4 same_upper bias", Tiny(4, 4, 2, 1), []),
        (SAME, Tiny(4, 3, 2, 1, 1), []),
        (
            SAME,
            Tiny(4, 3, 2, 1),
            [("padding", "1 before and 0 after, for 20x24 pixels", "1 before and 1 after, for 19x23 pixels")],
        ),
        (SAME, Tiny(4, 5, 2, 2, 1), [("kernel", "3x3", "5x5")]),
        (SAME, Tiny(4, 3, 1, 1), [("stride", "2", "1")]),
        (SAME, Tiny(8, 3, 2, 1, 1), [("width", "4", "8")]),
        (SAME, Tiny(4, 3, 2, 1, 1, groups=2), [("groups", "1", "2")]),
        (SAME, Tiny(4, 3, 2, 1, 1, bias=False), [("bias", "yes", "no")]),
        ("conv 3x3/2 4 same bias", Tiny(4, 3, 2, 1, 1), [("kind", "conv 3x3/2 4", "conv_transpose 3x3/2 4")]),
    ],
)
def test_audit_names_what_differs(layer: str, net: nn.Module, expected: list[tuple[str, str, str]]) -> None:
    assert found(audit(network(layer), read_torch(net.eval(), (3, 10, 12), "tiny"))) == expected


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        (Tiny(4, 3, 2, 1, 1), []),
        (Tiny(4, 5, 2, 1, 1), [("kernel", "3x3", "5x5")]),
        (Tiny(8, 3, 2, 1, 1), [("width", "4", "8")]),
        (Tiny(4, 3, 2, 1, 1, bias=False), [("bias", "yes", "no")]),
    ],
)
def test_a_file_of_weights_has_its_width_in_the_second_axis(
    net: nn.Module, expected: list[tuple[str, str, str]]
) -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}

    assert found(audit_tensors(network(SAME), shapes, "file")) == expected


@pytest.mark.parametrize(("words", "inputs"), [("he", 96 * 16), ("he fan=out", 64 * 16), ("he", 48 * 16)])
def test_the_inputs_of_its_weights_are_counted_as_those_of_a_convolution(words: str, inputs: int) -> None:
    """What the convolution reads that it is the transpose of: torch counts the second axis, its outputs."""
    layer = f"conv 1x1 96 -> conv_transpose 4x4/2 64 pad=1{' groups=2' if inputs == 48 * 16 else ''}"
    torch.manual_seed(0)
    net = build(pytorch.source(network(layer, f"init: {{source: here, conv_transpose: {words}}}")), "tiny")
    (up,) = (module for module in net.modules() if isinstance(module, nn.ConvTranspose2d))

    assert math.isclose(float(up.weight.detach().std()), math.sqrt(2 / inputs), rel_tol=0.03)


@pytest.mark.parametrize("layer", ["4x4/2 4 pad=1 bias", "5x4/3x2 4 same_upper groups=2", "3x3/2 6 same depthwise bn"])
def test_a_graph_of_any_size_gives_torchs_values(layer: str) -> None:
    typed = network(f"conv_transpose {layer}")
    net = build(pytorch.source(typed), "tiny").eval()
    graph = onnx.model(typed, dynamic_size=True)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    weights = {name: tensor.numpy() for name, tensor in net.state_dict().items() if "tracked" not in name}
    for size in ((9, 10), (4, 7)):
        x = torch.randn(2, 3, *size)
        with torch.no_grad():
            np.testing.assert_allclose(session.run(None, {"input": x.numpy(), **weights})[0], net(x), atol=1e-5)


def test_a_cut_below_and_on_the_right_is_its_own() -> None:
    typed = network("conv_transpose 3x3/2 4 same_upper groups=2 ln")

    graph = read_torch(build(pytorch.source(typed), "tiny").eval(), (3, 10, 12), "tiny")

    assert [node.op.name for node in graph.nodes if node.op.name in ("conv_transpose", "crop")] == ["conv_transpose"]
    assert canonical(graph).digest == canonical(of_spec(typed)).digest


@pytest.mark.parametrize(("cut", "left"), [("1 bottom right", []), ("1", []), ("2 top", ["crop"]), ("7", [])])
def test_a_cut_that_its_padding_can_express_is_its_own(cut: str, left: list[str]) -> None:
    graph = of_spec(network(f"conv_transpose 3x3/2 4 valid -> crop {cut} ->"))

    assert [node.op.name for node in graph.nodes if node.op.name not in ("conv", "relu")] == ["conv_transpose", *left]
