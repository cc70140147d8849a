"""Axes of images exchanged: against torch and onnxruntime, in graphs of other tools, and at other image sizes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from builders import checked, run
from hypothesis import given, settings
from hypothesis import strategies as st
from refusal import refusal
from torch import Tensor, nn

from inception_dsl.adopt.adopt import Adoption, adopt
from inception_dsl.analysis import image_size
from inception_dsl.audit.audit import audit
from inception_dsl.build import build
from inception_dsl.compiler import at_size, compile_source
from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.interchange.canonical import canonical
from inception_dsl.interchange.graph import Graph
from inception_dsl.interchange.network import of_module
from inception_dsl.interchange.of_spec import of_spec
from inception_dsl.interchange.onnx.reader import read_onnx
from inception_dsl.interchange.torch.reader import read_torch
from inception_dsl.ir.ops.linear import Conv
from inception_dsl.ir.ops.shaping import ORDERS, Permute
from inception_dsl.ir.typed import Typed

CONV = "conv 3x3 {in} depthwise same"
DICE = f"[ {CONV} | permute HCW -> {CONV} -> permute HCW | permute WHC -> {CONV} -> permute WHC ]"
GATE = "pass * [ [ channel_max | channel_mean ] -> conv 7x7 1 same bn sigmoid ]"
TRIPLET = f"[ [ {GATE} ] + permute HCW -> {GATE} -> permute HCW + permute WHC -> {GATE} -> permute WHC ]"


def network(*rows: str, image: str = "4x6x9", modules: str = "") -> Typed:
    lines = "".join(f"  row{i} | {row}\n" for i, row in enumerate(rows))
    text = f"network: tiny\ninput: {image}\n{modules}layers: |\n  name | layer\n{lines}"
    return at_size(compile_source(Source("spec.yaml", text)))


def digest(graph: Graph | Typed) -> str:
    return canonical(of_spec(graph) if isinstance(graph, Typed) else graph).digest


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("permute", "E202: `permute` needs an order: write `permute CWH`, `permute HCW`"),
        (
            "permute CHW",
            "E203: `permute` does not take the word `CHW`: leave it out: an image has its axes in this order",
        ),
        ("permute NHWC", "E203: `permute` does not take the word `NHWC`: write `HWC`"),
        ("permute hcw", "E203: `permute` does not take the word `hcw`: did you mean `HCW`?"),
        ("permute 2", "E202: `permute` takes no width: write the axes as letters"),
        ("permute HCW WHC", "E219: `HCW` and `WHC` contradict each other"),
        ("flatten -> permute HCW", "E215: `row0`: this layer expects an image"),
        ("swapaxes", "E201: unknown layer or module `swapaxes`: `permute HCW` exchanges rows and channels"),
        ("permute HCW -> conv 1x1 4 groups=4", "E212: `row0`: 4 groups do not divide 6 input channels"),
    ],
)
def test_what_cannot_be_said(formula: str, expected: str) -> None:
    assert refusal(network, formula).startswith(expected)


def test_the_width_on_rows_is_their_number_in_every_call_of_a_module() -> None:
    typed = network("dice -> conv 3x3/2 6 same -> dice", modules=f"modules:\n  dice:\n    graph: |\n      {DICE}\n")

    assert [node.op.width for node in typed.nodes if isinstance(node.op, Conv)] == [4, 6, 9, 6, 6, 3, 5]
    net = build(pytorch.source(typed), "tiny").eval()
    weights = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    x = torch.randn(2, 4, 6, 9)
    with torch.no_grad():
        np.testing.assert_allclose(run(onnx.model(typed), {"input": x.numpy(), **weights}), net(x), atol=1e-5)


# --- laws -------------------------------------------------------------------------------------------------------------

shapes = st.tuples(*[st.sampled_from([1, 1, 2, 3])] * 3)


def composed(first: str, then: str) -> str:
    return "".join(first["CHW".index(axis)] for axis in then)


@settings(max_examples=60)
@given(st.sampled_from(ORDERS), st.sampled_from(ORDERS), shapes, st.sampled_from(["", "relu -> ", "0.5 * "]))
def test_exchanges_in_a_row_are_one_or_none_whatever_function_is_between(
    first: str, then: str, shape: tuple[int, int, int], function: str
) -> None:
    image, both = "x".join(map(str, shape)), composed(first, then)
    rest = {"": "pass", "relu -> ": "relu", "0.5 * ": "0.5 * pass"}[function]
    one = f"permute {both} -> {rest}" if both != "CHW" else rest

    twice = network(f"conv 1x1 {{in}} -> permute {first} -> {function}permute {then} -> conv 1x1 2", image=image)
    once = network(f"conv 1x1 {{in}} -> {one} -> conv 1x1 2", image=image)

    assert digest(twice) == digest(once)


@settings(max_examples=60)
@given(st.sampled_from(ORDERS), st.sampled_from(ORDERS), shapes)
def test_two_exchanges_have_one_form_where_they_move_all_elements_alike(
    one: str, other: str, shape: tuple[int, int, int]
) -> None:
    x = torch.arange(float(np.prod(shape))).view(1, *shape)
    values = [torch.einsum(f"bCHW->b{order}", x) for order in (one, other)]

    forms = [
        digest(network(f"permute {order} -> conv 1x1 2", image="x".join(map(str, shape)))) for order in (one, other)
    ]

    assert (forms[0] == forms[1]) == (values[0].shape == values[1].shape and torch.equal(*values))


WAYS = (
    "conv 3x3/2 3 same",
    "permute HCW -> conv 3x3 {in} same -> permute HCW",
    "permute WHC -> conv 1x3 {in} depthwise same -> permute WHC",
    "permute CWH -> conv 3x1 3 same -> permute CWH",
    "permute HWC -> avgpool 3x3 same -> permute WCH",
    "permute WHC -> permute WHC -> avgpool 1x2 valid",
)


@settings(max_examples=25)
@given(st.lists(st.sampled_from(WAYS), min_size=1, max_size=3))
def test_the_receptive_field_holds_all_that_an_output_depends_on(ways: list[str]) -> None:
    typed = network("conv 1x1 4", *ways, image="1x9x11")
    last = typed.nodes[-1]
    net = build(pytorch.source(typed), "tiny").eval()
    x = torch.randn(1, 1, 9, 11, requires_grad=True)
    middle = tuple(size // 2 for size in last.out.image)
    net(x)[0, :, middle[0], middle[1]].sum().backward()
    assert x.grad is not None

    read = x.grad[0, 0].abs() > 0
    for axis, (field, place) in enumerate(zip(last.receptive_field, middle, strict=True)):
        pixels = read.any(1 - axis).nonzero().flatten().tolist()
        assert field.first + place * field.stride <= min(pixels)
        assert max(pixels) <= field.last + place * field.stride


# --- graphs of other tools --------------------------------------------------------------------------------------------


class Dice(nn.Module):
    """The three convolutions of DiCENet."""

    def __init__(self, shape: tuple[int, int, int]) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(size, size, 3, padding=1, groups=size, bias=False) for size in shape)

    def forward(self, x: Tensor) -> Tensor:
        turned = [conv(x.transpose(1, axis).contiguous()) for axis, conv in zip((1, 2, 3), self.convs, strict=True)]
        return torch.cat([each.transpose(1, axis) for axis, each in enumerate(turned, 1)], dim=1)


class Gate(nn.Module):
    """The gate of triplet attention, with its Z-pool, as its authors write it."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.bn = nn.Conv2d(2, 1, 7, padding=3, bias=False), nn.BatchNorm2d(1, eps=1e-3)

    def forward(self, x: Tensor) -> Tensor:
        pooled = torch.cat((torch.max(x, 1)[0].unsqueeze(1), torch.mean(x, 1).unsqueeze(1)), dim=1)
        return x * torch.sigmoid_(self.bn(self.conv(pooled)))


class Triplet(nn.Module):
    """Triplet attention without its factor."""

    def __init__(self) -> None:
        super().__init__()
        self.hw, self.cw, self.hc = Gate(), Gate(), Gate()

    def forward(self, x: Tensor) -> Tensor:
        rows = self.cw(x.permute(0, 2, 1, 3).contiguous()).permute(0, 2, 1, 3).contiguous()
        columns = self.hc(x.permute(0, 3, 2, 1).contiguous()).permute(0, 3, 2, 1).contiguous()
        total: Tensor = self.hw(x) + rows + columns
        return total


def adopted(net: nn.Module, shape: tuple[int, int, int] = (4, 6, 9)) -> Adoption:
    """A module that is adopted with equal values."""
    torch.manual_seed(0)
    found = adopt(of_module(net.eval(), "tests:net", shape))
    assert found.same
    assert found.values
    assert found.values.equal, found.values
    return found


SOURCES: Mapping[str, tuple[nn.Module, str]] = {
    "dice": (Dice((4, 6, 9)), DICE),
    "triplet": (Triplet(), TRIPLET),
}


@pytest.mark.parametrize("name", SOURCES)
def test_a_module_of_torch_is_read_as_the_words_and_adopted(name: str) -> None:
    module, formula = SOURCES[name]
    net = nn.Sequential(nn.Conv2d(4, 4, 1, bias=False), module)
    typed = network("conv 1x1 4", formula)

    assert digest(read_torch(net.eval(), (4, 6, 9), "net")) == digest(typed)
    text = adopted(net).text
    assert "permute HCW -> " in text
    assert " -> permute WHC" in text
    assert audit(typed, of_module(net, "tests:net", (4, 6, 9)).graph).holds


class Norms(nn.Module):
    """Layer norms over the rows of every column, by way of the last axis, and over the columns of every row."""

    def __init__(self) -> None:
        super().__init__()
        self.of_rows, self.of_columns = nn.LayerNorm(6), nn.LayerNorm(9)

    def forward(self, x: Tensor) -> Tensor:
        turned: Tensor = self.of_rows(x.transpose(1, 2).permute(0, 2, 3, 1)).permute(0, 3, 1, 2)
        normed: Tensor = self.of_columns(turned.transpose(1, 2))
        return normed.relu()


def test_layouts_go_on_to_vanish_beside_exchanges() -> None:
    norms = network("conv 1x1 4", "permute HCW -> ln -> permute HCW", "permute WCH -> ln -> permute HWC -> relu")

    net = nn.Sequential(nn.Conv2d(4, 4, 1, bias=False), Norms())
    assert digest(read_torch(net, (4, 6, 9), "net")) == digest(norms)


@pytest.mark.parametrize(
    "layer", ["part 2/3", "slice 2 start=1", "pad 1 top", "ln", "[ pass | channel_max ]", "shift 1"]
)
@pytest.mark.parametrize("order", ["HWC", "WCH"])
def test_layers_between_exchanges_are_read_from_a_file_as_they_are_written(
    layer: str, order: str, tmp_path: Path
) -> None:
    typed = network("conv 1x1 4", f"permute {order} -> {layer} -> permute WCH")
    file = tmp_path / "model.onnx"
    file.write_bytes(onnx.model(typed))

    assert digest(read_onnx(file)) == digest(typed)


def test_an_audit_names_an_exchange_of_other_axes() -> None:
    typed = network("conv 1x1 4", "permute WHC -> conv 1x3 9 same -> permute WHC", image="4x9x9")
    other = network("conv 1x1 4", "permute HCW -> conv 1x3 9 same -> permute HCW", image="4x9x9")

    found = audit(typed, of_spec(other)).findings

    assert [(each.first.what, each.first.spec, each.first.target) for each in found] == [("axes", "WHC", "HCW")]
    assert [len(each.deviations) for each in found] == [2]


# --- image sizes ------------------------------------------------------------------------------------------------------


def test_a_layer_on_rows_as_channels_fixes_the_image_size() -> None:
    typed = network("conv 3x3/2 4 same", "permute HCW -> bn -> conv 3x3 {in} same", image="4x12x9")
    constraint = image_size.fixed_by(typed.program, (16, 9))
    assert constraint
    described = image_size.describe_constraint(constraint)

    assert described.message == "`row1.1` fixes the image size to 12x9: at 16x9 it would read 8 channels, not 6"
    assert described.help == "write `resize to=6x5` before that"
    assert [note.message for note in described.notes] == ["this gives 6 channels at 12x9, and 8 channels at 16x9"]
    assert image_size.fixed_by(typed.program, (12, 17)) is None
    assert [row.name for row in image_size.part_at(typed.program, (16, 9)).rows] == ["row0"]


def test_a_range_of_rows_that_depends_on_their_number_fixes_it_too() -> None:
    assert image_size.fixed_by(network("permute HCW -> slice {in - 2} -> permute HCW").program, (7, 9))
    assert image_size.fixed_by(network("permute HCW -> slice 4 -> permute HCW").program, (7, 9)) is None


@pytest.mark.parametrize("opset", [min(onnx.OPSETS), onnx.NEWEST])
def test_attention_on_rows_and_columns_takes_any_image_size(opset: int) -> None:
    typed = network("conv 3x3/2 4 same", TRIPLET, "permute HCW")
    net = build(pytorch.source(typed), "tiny").eval()
    weights = {name: tensor.numpy() for name, tensor in net.state_dict().items() if "batches" not in name}
    graph = onnx.model(typed, opset=opset, dynamic_size=True, taps=["row1"])

    assert checked(onnx.model(typed, opset=opset)) == ("N", 3, 4, 5)
    for size in ((6, 9), (13, 4)):
        x = torch.randn(2, 4, *size)
        with torch.no_grad():
            np.testing.assert_allclose(run(graph, {"input": x.numpy(), **weights}), net(x), atol=1e-5)


def test_an_exchange_needs_no_weights_and_no_work() -> None:
    op = Permute("HCW")
    typed = network("permute HCW")
    assert (op.weights(typed.input), op.macs(typed.input), typed.nodes[0].out.shape) == ({}, 0, (6, 4, 9))
