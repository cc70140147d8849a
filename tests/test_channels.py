"""Parts and shuffles of channels, and `depthwise`: what they mean, and a unit of ShuffleNetV2 against torchvision's."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx as standard
import onnxruntime
import pytest
import torch
from numpy.typing import NDArray
from onnx import TensorProto, helper
from torchvision.models.shufflenetv2 import InvertedResidual, channel_shuffle

from inception_dsl.build import build
from inception_dsl.compiler import at_size, compile_source
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.interchange.onnx.reader import read_onnx
from inception_dsl.ir.ops.channels import ChannelPart
from inception_dsl.ir.typed import Typed
from inception_dsl.ir.values import Name, Number
from inception_dsl.syntax.algebra import parse_formula
from inception_dsl.syntax.printer import spell_term
from inception_dsl.syntax.terms import Fraction, Use

UNIT = """network: tiny
input: 24x9x10
defaults: {conv: same bn relu eps=0.00001}
modules:
  unit:
    graph: |
      [ part 1/2 | part 2/2 -> conv 1x1 {in} -> conv 3x3 {in} depthwise act=none -> conv 1x1 {in} ] -> shuffle 2
layers: |
  name | layer
  unit | unit
"""


def network(formula: str, image: str = "6x8x8") -> Typed:
    text = f"network: tiny\ninput: {image}\nlayers: |\n  name | layer\n  row | [{formula}]\n"
    return at_size(compile_source(Source("spec.yaml", text)))


def fault(formula: str) -> str:
    """The code, message and help of the error that a formula is."""
    with pytest.raises(SpecError) as caught:
        network(formula)
    (found,) = caught.value.diagnostics
    return f"{found.code}: {found.message}: {found.help}"


def test_a_fraction_is_read_and_printed() -> None:
    assert parse_formula("part 1/2") == Use("part", fraction=Fraction(Number(1), Number(2)))
    assert parse_formula("part {i}/{n}") == Use("part", fraction=Fraction(Name("i"), Name("n")))
    assert spell_term(parse_formula("[part 1 / 2 | part {i + 1}/3 -> conv 3x3/2 8]")) == (
        "part 1/2 | part {i + 1}/3 -> conv 3x3/2 8"
    )


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("part 2/4", "E212: `row`: 4 parts of `part` do not divide 6 channels: write a number of parts"),
        ("shuffle 4", "E212: `row`: 4 groups of `shuffle` do not divide 6 channels: write a number of groups"),
        ("part 3/2", "E207: the part of `part` must be a whole number from 1 to 2, not 3"),
        ("part 0/2", "E207: the part of `part` must be a whole number from 1 to 2, not 0"),
        ("part 1/0", "E207: the number of parts of `part` must be a whole number from 1"),
        ("part 2", "E202: `part` needs a fraction: write which of how many equal parts, such as `part 1/2`"),
        ("part 1/2 3", "E202: `part` takes no width"),
        ("part 1/2 relu", "E203: `part` takes no words"),
        ("relu 1/2", "E202: `relu` takes no fraction: delete it"),
        ("conv 3/2 8 same", "E202: `conv` needs a kernel: write a square kernel as `3x3/2`"),
        ("shuffle", "E202: `shuffle` needs a number of groups: write the number of groups, such as `shuffle 2`"),
        ("flatten -> shuffle 2", "E215: `row`: this layer expects an image"),
        ("conv 3x3 6 same groups=2 depthwise", "E219: `groups=2` and `depthwise` contradict each other"),
        ("conv 3x3 6 same depthwise=none", "E203: `depthwise` takes no value: delete it"),
        ("channel_shuffle 2", "E201: unknown layer or module `channel_shuffle`: a channel shuffle with 2 groups is"),
        (
            "split 2",
            "E201: unknown layer or module `split`: the first of two equal parts",
        ),
    ],
)
def test_what_cannot_be_said(formula: str, expected: str) -> None:
    assert fault(formula).startswith(expected)


def test_depthwise_is_as_many_groups_as_channels() -> None:
    assert network("conv 3x3 {in} same depthwise").nodes == network("conv 3x3 {in} same groups={in}").nodes
    assert network("conv 3x3 {2 * in} same depthwise").weights["row.weight"].shape == (12, 1, 3, 3)


def test_a_part_takes_no_memory_and_keeps_what_it_sees() -> None:
    typed = network("conv 3x3 6 same -> part 2/3 -> conv 1x1 1")

    assert typed.nodes[1].op == ChannelPart((2, 3))
    assert typed.nodes[1].op.storage == "view"
    assert typed.nodes[1].receptive_field == typed.nodes[0].receptive_field
    assert [node.out.channels for node in typed.nodes] == [6, 2, 1]


def values(typed: Typed, x: torch.Tensor, weights: dict[str, torch.Tensor]) -> NDArray[np.float32]:
    net = build(pytorch.source(typed), "tiny").eval()
    net.load_state_dict(weights)
    with torch.no_grad():
        result: NDArray[np.float32] = net(x).numpy()
    return result


@pytest.fixture(scope="module")
def unit() -> tuple[Typed, torch.Tensor, dict[str, torch.Tensor], NDArray[np.float32]]:
    """A unit, an image, weights by our names, and what torchvision's unit gives with them."""
    torch.manual_seed(0)
    theirs = InvertedResidual(24, 24, 1).eval()
    for name, tensor in theirs.state_dict().items():
        if tensor.is_floating_point():
            tensor.copy_(torch.rand(tensor.shape) + 0.5 if name.endswith("var") else torch.randn(tensor.shape) / 2)
    typed = at_size(compile_source(Source("spec.yaml", UNIT)))
    own = build(pytorch.source(typed), "tiny").state_dict()
    x = torch.randn(3, 24, 9, 10)
    weights = dict(zip(own, theirs.state_dict().values(), strict=True))
    with torch.no_grad():
        return typed, x, weights, theirs(x).numpy()


def test_a_unit_is_torchvisions(unit: Any) -> None:
    typed, x, weights, expected = unit
    np.testing.assert_allclose(values(typed, x, weights), expected, rtol=1e-4, atol=1e-5)


def of_onnx(graph: bytes, x: torch.Tensor, weights: dict[str, torch.Tensor]) -> NDArray[np.float32]:
    feeds = {name: tensor.numpy() for name, tensor in weights.items() if tensor.is_floating_point()}
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    result: NDArray[np.float32] = session.run(None, {"input": x.numpy(), **feeds})[0]
    return result


@pytest.mark.parametrize("opset", [min(onnx.OPSETS), onnx.NEWEST])
def test_a_unit_of_any_image_size_in_onnx(unit: Any, opset: int) -> None:
    typed, x, weights, expected = unit
    graph = onnx.model(typed, opset=opset, dynamic_size=True)
    np.testing.assert_allclose(of_onnx(graph, x, weights), expected, rtol=1e-4, atol=1e-5)


MUTANTS = {
    "halves swapped": ("part 1/2 | part 2/2", "part 2/2 | part 1/2"),
    "one half twice": ("part 1/2 | part 2/2", "part 2/2 | part 2/2"),
    "groups swapped": ("shuffle 2", "shuffle 12"),
    "no shuffle": ("-> shuffle 2", ""),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_a_mutant_of_the_unit_gives_other_values(unit: Any, mutant: str) -> None:
    _, x, weights, expected = unit
    typed = at_size(compile_source(Source("spec.yaml", UNIT.replace(*MUTANTS[mutant]))))
    assert len(typed.weights) == 15
    renamed = dict(zip(build(pytorch.source(typed), "tiny").state_dict(), weights.values(), strict=True))
    assert np.abs(values(typed, x, renamed) - expected).max() > 0.1


@pytest.mark.parametrize("name", ["starts", "order"])
def test_a_mutant_of_the_graph_gives_other_values(unit: Any, name: str) -> None:
    """The other half of the channels, or the shuffle with rows and columns exchanged."""
    typed, x, weights, expected = unit
    graph = standard.ModelProto.FromString(onnx.model(typed))
    constant = next(each for each in graph.graph.initializer if each.name.endswith(name))
    numbers = standard.numpy_helper.to_array(constant)
    other = numbers.reshape(-1, 2).T.flatten() if name == "order" else numbers + 1
    constant.CopyFrom(standard.numpy_helper.from_array(other, constant.name))
    if name == "starts":
        constant = next(each for each in graph.graph.initializer if each.name.endswith("ends"))
        constant.CopyFrom(standard.numpy_helper.from_array(standard.numpy_helper.to_array(constant) + 1, constant.name))
    assert np.abs(of_onnx(graph.SerializeToString(), x, weights) - expected).max() > 0.1


def test_a_shuffle_is_torchvisions() -> None:
    x = torch.randn(2, 12, 3, 4)
    for groups in (1, 2, 3, 4, 12):
        typed = network(f"shuffle {groups}", "12x3x4")
        assert torch.equal(torch.from_numpy(values(typed, x, {})), channel_shuffle(x, groups))
        assert np.array_equal(of_onnx(onnx.model(typed), x, {}), channel_shuffle(x, groups))


def test_one_part_and_one_group_leave_nothing() -> None:
    """A setting of 1 takes the layer out, as a factor of 1 does."""
    typed = network("conv 1x1 8 -> part 1/1 -> shuffle 1 -> relu")

    assert [node.op.name for node in typed.nodes] == ["conv", "relu"]


@pytest.mark.parametrize(("number", "expected"), [(0.0, "concat"), (0.5, "opaque")])
def test_a_join_with_zeros_pads_the_channels(number: float, expected: str, tmp_path: Path) -> None:
    constant = helper.make_tensor("constant", TensorProto.FLOAT, [1, 2, 5, 5], [number] * 50)
    nodes = [helper.make_node("Concat", ["constant", "x", "constant", "x"], ["y"], axis=1)]
    widths = {"x": 3, "y": 10}
    x, y = (helper.make_tensor_value_info(each, TensorProto.FLOAT, [1, widths[each], 5, 5]) for each in widths)
    file = tmp_path / "net.onnx"
    made = helper.make_graph(nodes, "g", [x], [y], [constant])
    standard.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)]), file)

    graph = read_onnx(file)

    assert graph.nodes[-1].op.name == expected
    assert graph.nodes[-1].out.channels == 10
