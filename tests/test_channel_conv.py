"""Convolution along the channels: its values, the forms of libraries, how audit compares it, graphs of any size."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from inception_dsl.adopt.adopt import adopt
from inception_dsl.audit.audit import Audit, audit
from inception_dsl.audit.tensors import audit_tensors
from inception_dsl.build import build
from inception_dsl.compiler import at_size, compile_source
from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.interchange.canonical import canonical
from inception_dsl.interchange.graph import Opaque
from inception_dsl.interchange.network import Network
from inception_dsl.interchange.of_spec import of_spec
from inception_dsl.interchange.onnx.reader import read_onnx
from inception_dsl.interchange.torch.reader import read_torch
from inception_dsl.interchange.torch.running import run
from inception_dsl.ir.typed import Typed

Form = Callable[[Any, Tensor], Any]


def network(layer: str, keys: str = "") -> Typed:
    """A layer between two convolutions, on images of 3x6x5."""
    rows = f"stem | conv 3x3 8 same\n  along | {layer}\n  out | conv 1x1 4"
    return at_size(
        compile_source(Source("x.yaml", f"network: tiny\ninput: 3x6x5\n{keys}\nlayers: |\n  name | layer\n  {rows}\n"))
    )


class Tiny(nn.Module):
    """The same network as torch has it, in a form in which a library writes the layer."""

    def __init__(self, form: Form, layer: nn.Module, out: int = 8) -> None:
        super().__init__()
        self.form, self.along = form, layer
        self.stem, self.out = nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.Conv2d(out, 4, 1, bias=False)

    def forward(self, x: Tensor) -> Any:
        return self.out(self.form(self.along, self.stem(x)))


def deep(layer: Any, x: Tensor) -> Any:
    return torch.flatten(layer(x.unsqueeze(1)), 1, 2)


def dropped(layer: Any, x: Tensor) -> Any:
    """As ChannelNet of pytorchcv has it."""
    batch, channels, height, width = x.size()
    return nn.functional.dropout(layer(x.unsqueeze(dim=1)), 0.1, False).view(batch, channels, height, width)


def squeezed(layer: Any, x: Tensor) -> Any:
    """As the authors of ECA-Net have it."""
    y = nn.functional.adaptive_avg_pool2d(x, 1)
    y = layer(y.squeeze(-1).transpose(-1, -2)).transpose(-1, -2).unsqueeze(-1)
    return x * y.sigmoid().expand_as(x)


def viewed(layer: Any, x: Tensor) -> Any:
    """As timm has it."""
    y = layer(x.mean((2, 3)).view(x.shape[0], 1, -1))
    return x * y.sigmoid().view(x.shape[0], -1, 1, 1).expand_as(x)


def moved(layer: Any, x: Tensor) -> Any:
    y = layer(x.amax((2, 3), keepdim=True).flatten(2).permute(0, 2, 1))
    return x * y.permute(0, 2, 1)[..., None]


GATE = "[ pass * [ avgpool global -> channel_conv {} -> sigmoid ] ]"


@pytest.mark.parametrize(
    ("form", "layer", "written"),
    [
        (deep, nn.Conv3d(1, 1, (3, 1, 1), padding=(1, 0, 0)), "channel_conv 3 same bias"),
        (dropped, nn.Conv3d(1, 2, (8, 1, 1), (2, 1, 1), (3, 0, 0), bias=False), "channel_conv 8/2 pad=3 kernels=2"),
        (squeezed, nn.Conv1d(1, 1, 3, padding=1, bias=False), GATE.format("3 same")),
        (viewed, nn.Conv1d(1, 1, 5, padding="same", bias=False), GATE.format("5 same")),
        (moved, nn.Conv1d(1, 1, 5, padding=2), "[ pass * [ maxpool global -> channel_conv 5 same bias ] ]"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_forms_of_libraries_are_read(form: Form, layer: nn.Module, written: str, tmp_path: Path) -> None:
    net = Tiny(form, layer).eval()
    typed = network(written)
    file = tmp_path / "tiny.onnx"
    with pytest.deprecated_call():
        torch.onnx.export(net, (torch.randn(1, 3, 6, 5),), file, dynamo=False)

    graph = read_torch(net, (3, 6, 5), "tiny")
    for each in (graph, read_onnx(file)):
        assert canonical(each).digest == canonical(of_spec(typed)).digest
    adopted = adopt(Network("tests:tiny", graph, lambda images, weights: run(net, graph, images, weights)))
    assert adopted.same
    assert adopted.values is not None
    assert adopted.values.equal
    assert written.strip("[] ") in adopted.text


@pytest.mark.parametrize(
    ("form", "layer", "out"),
    [
        (deep, nn.Conv3d(1, 1, (3, 3, 1), padding=(1, 1, 0)), 8),
        (deep, nn.Conv3d(1, 1, 3, padding=1), 8),
        (deep, nn.Conv3d(1, 1, (3, 1, 1), (1, 2, 1), (1, 0, 0)), 8),
        (deep, nn.Conv3d(1, 1, (3, 1, 1), padding=(1, 0, 0), dilation=(2, 1, 1)), 6),
    ],
)
def test_other_convolutions_in_three_dimensions_have_no_word(form: Form, layer: nn.Module, out: int) -> None:
    graph = read_torch(Tiny(form, layer, out).eval(), (3, 6, 5), "tiny")

    assert "conv3d" in {node.op.kind for node in graph.nodes if isinstance(node.op, Opaque)}


def test_a_row_without_a_batch_has_no_word() -> None:
    """Of a batch of one, torch takes the batch for the channel."""
    net = Tiny(lambda layer, x: x * layer(x.mean((1, 2))).sigmoid()[..., None, :], nn.Conv1d(1, 1, 3, padding=1))

    graph = read_torch(net.eval(), (3, 6, 5), "tiny")

    assert "conv1d" in {node.op.kind for node in graph.nodes if isinstance(node.op, Opaque)}


@settings(max_examples=25)
@given(*[st.integers(1, 9), st.integers(1, 3), st.integers(0, 4), st.integers(1, 3), st.booleans()])
def test_every_pixel_is_a_row_of_numbers(kernel: int, stride: int, pad: int, kernels: int, bias: bool) -> None:
    """The generated module gives of a pixel what a 1-D convolution gives of its channels, one kernel after another."""
    kernel = min(kernel, 8 + 2 * pad)
    words = f"{kernel}/{stride} pad={pad} kernels={kernels}{' bias' * bias}"
    net = build(pytorch.source(network(f"channel_conv {words}")), "tiny")
    along = net.get_submodule("along")
    alone = nn.Conv1d(1, kernels, kernel, stride, pad, bias=bias)
    alone.load_state_dict(
        {name: tensor.flatten(2) if tensor.dim() > 1 else tensor for name, tensor in along.state_dict().items()}
    )
    x = torch.randn(2, 8, 3, 2)

    with torch.no_grad():
        rows = alone(x.permute(0, 2, 3, 1).reshape(-1, 1, 8)).flatten(1)
        torch.testing.assert_close(along(x), rows.view(2, 3, 2, -1).permute(0, 3, 1, 2))


@pytest.mark.parametrize("layer", ["5 same", "4/2 pad=1 kernels=3 bias"])
def test_a_graph_of_any_size_gives_torchs_values(layer: str) -> None:
    typed = network(f"channel_conv {layer}")
    net = build(pytorch.source(typed), "tiny").eval()
    session = onnxruntime.InferenceSession(onnx.model(typed, dynamic_size=True), providers=["CPUExecutionProvider"])
    weights = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    for size in ((9, 10), (4, 7)):
        x = torch.randn(2, 3, *size)
        with torch.no_grad():
            np.testing.assert_allclose(session.run(None, {"input": x.numpy(), **weights})[0], net(x), atol=1e-5)


def test_a_module_takes_its_kernel_from_a_column() -> None:
    """And the width that follows, from what arrives: the calls are of one class with other widths."""
    module = "m: {columns: [k], graph: 'channel_conv {k}/2 pad=1 kernels=2 -> conv 1x1 {in}'}"
    rows = "a | conv 1x1 8 |\n  b | m | 4\n  c | conv 1x1 12 |\n  d | m | 4"
    text = f"network: tiny\ninput: 3x6x5\nmodules:\n  {module}\nlayers: |\n  name | layer | k\n  {rows}\n"
    typed = at_size(compile_source(Source("x.yaml", text)))

    assert [node.out.channels for node in typed.nodes] == [8, 8, 8, 12, 12, 12]
    assert list(typed.program.templates) == ["m"]
    assert build(pytorch.source(typed), "tiny")(torch.randn(1, 3, 6, 5)).shape == (1, 12, 6, 5)


def test_its_fan_in_is_its_kernel() -> None:
    torch.manual_seed(0)
    net = build(
        pytorch.source(network("channel_conv 4 pad=2 kernels=900", "init: {source: here, channel_conv: he}")), "tiny"
    )

    weight = net.get_submodule("along").weight
    assert isinstance(weight, Tensor)
    assert math.isclose(float(weight.detach().std()), math.sqrt(2 / 4), rel_tol=0.05)


def found(result: Audit) -> list[tuple[str, str, str]]:
    return sorted((each.first.what, each.first.spec, each.first.target) for each in result.findings)


OURS = "channel_conv 4/2 pad=1 kernels=2"


def theirs(kernel: int, stride: int, pad: int, kernels: int = 2, bias: bool = False) -> Tiny:
    """A network with another layer in the place of `OURS`."""
    layer = nn.Conv3d(1, kernels, (kernel, 1, 1), (stride, 1, 1), (pad, 0, 0), bias=bias)
    return Tiny(deep, layer, kernels * ((8 + 2 * pad - kernel) // stride + 1)).eval()


@pytest.mark.parametrize(
    ("net", "expected", "params"),
    [
        (theirs(4, 2, 1), [], 0),
        (theirs(6, 2, 2), [("kernel", "4", "6")], 4),
        (theirs(6, 2, 1), [("kernel", "4", "6")], 4 - 2 * 4),
        (theirs(4, 1, 1), [("stride", "2", "1")], 6 * 4),
        (theirs(4, 2, 2), [("padding", "1", "2")], 2 * 4),
        (theirs(4, 2, 1, 3), [("kernels", "2", "3")], 4 + 4 * 4),
        (theirs(4, 2, 1, bias=True), [("bias", "no", "yes")], 2),
    ],
)
def test_audit_names_what_differs(net: Tiny, expected: list[tuple[str, str, str]], params: int) -> None:
    result = audit(network(OURS), read_torch(net, (3, 6, 5), "tiny"))

    assert found(result) == expected
    assert sum(each.effect.params for each in result.findings) == params


@pytest.mark.parametrize(
    ("net", "expected"),
    [
        (theirs(4, 2, 1), []),
        (theirs(6, 2, 2), [("kernel", "4", "6")]),
        (theirs(4, 2, 1, 1), [("kernels", "2", "1")]),
        (theirs(4, 2, 1, bias=True), [("bias", "no", "yes")]),
    ],
)
def test_a_file_of_weights_shows_its_kernels(net: Tiny, expected: list[tuple[str, str, str]]) -> None:
    shapes = {name: tuple(tensor.shape) for name, tensor in net.state_dict().items()}
    as_rows = {name: shape[:3] if len(shape) == 5 else shape for name, shape in shapes.items()}

    for tensors in (shapes, as_rows):
        assert found(audit_tensors(network(OURS), tensors, "file")) == expected
