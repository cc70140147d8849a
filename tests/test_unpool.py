"""Images unpooled to the places of a pool's maxima: what they read, what they give, and how others write them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx as standard
import pytest
import torch
from builders import run
from onnx import TensorProto, helper
from refusal import refusal
from torch import Tensor, nn
from torch.nn import functional

from inception_dsl.adopt.adopt import Adoption, adopt
from inception_dsl.audit.audit import audit
from inception_dsl.build import build
from inception_dsl.compiler import at_size, compile_source
from inception_dsl.crosscheck.crosscheck import cross_check
from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.emit.backends import BACKENDS
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.interchange.network import Network
from inception_dsl.interchange.of_spec import of_spec
from inception_dsl.interchange.onnx.reader import read_onnx
from inception_dsl.interchange.torch.reader import read_torch
from inception_dsl.interchange.torch.running import run as run_torch
from inception_dsl.ir.typed import Typed
from inception_dsl.lower import lower

HEAD = "network: tiny\ninput: 3x13x16\n"
DECODER = """network: decoder
input: 3x13x15
defaults: {unpool: pad=1}
modules:
  up:
    columns: [skip]
    graph: "[ conv 1x1 {in} -> unpool 3x3/2 pooled={skip} + conv_transpose 3x3/2 {in} pad=1 ] -> relu"
layers: |
  name  | layer                                                              | skip
  conv  | conv 3x3 8 same bn relu                                            |
  pool  | maxpool 3x3/2 pad=1                                                |
  inner | a: bn -> maxpool 2x2/2 ceil -> relu -> unpool 2x2/2 ceil pooled=@a |
  up    | up                                                                 | @conv
  down  | maxpool 3x3/2 pad=1                                                |
  alone | unpool 3x3/2 pooled=@up                                            |
"""


def network(text: str) -> Typed:
    return at_size(compile_source(Source("spec.yaml", text)))


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (
            "unpool 2x2/2 valid",
            "E202: `unpool` needs the word `pooled`: write `pooled=@conv1`, say: it is what the max",
        ),
        ("unpool pooled=@conv", "E202: `unpool` needs a kernel: write `unpool 3x3 same pooled=@conv1`"),
        (
            "unpool 2x2/2 valid indices=@conv",
            "E203: `unpool` does not take the word `indices`: name what the max pool read: `pooled=@conv1`",
        ),
        ("unpool 2x2/2 pooled=@conv", "E210: `unpool` does not state its padding"),
        ("unpool 2x2/2 valid pooled", "E203: `pooled` needs a value: write `pooled=@conv1`"),
        ("unpool 2x2/2 valid pooled=conv", "E207: `pooled` must be a value given before, not `conv`: write `pooled=@"),
        ("unpool 2x2/2 valid pooled=2x2", "E207: `pooled` must be a value given before, not `2x2`: write `pooled=@"),
        ("unpool 2x2/2 valid pooled={skip}", "E207: `pooled` must be a value given before, not `pass`"),
        ("unpool 2x2/2 valid pooled=@cnov", "E231: no step or row is called `cnov`: did you mean `conv`?"),
        ("2 of [ unpool 1x1 pooled=@conv ]", "E231: a repeat cannot read values from outside"),
        (
            "unpool 2x2/2 valid pooled=@conv",
            "E234: `row`: the pool gives 6x8x4 of 13x16x4, and 13x16x4 arrives: `pooled`",
        ),
        ("flatten -> unpool 1x1 pooled=@conv", "E234: `row`: the pool gives 13x16x4 of 13x16x4, and a vector of 832"),
        (
            "MaxUnpool2d 2",
            "E201: unknown layer or module `MaxUnpool2d`: to unpool is `a: relu -> maxpool 2x2/2 valid -> ",
        ),
    ],
)
def test_what_cannot_be_said(formula: str, expected: str) -> None:
    columns = " | skip" if "{skip}" in formula else ""
    cells = columns.replace("skip", "pass")
    rows = f"  conv | conv 3x3 4 same{cells and ' |'}\n  row | {formula}{cells}\n"
    text = f"{HEAD}layers: |\n  name | layer{columns}\n{rows}"

    assert refusal(network, text).startswith(expected)


def test_a_default_names_no_value() -> None:
    rows = "layers: |\n  name | layer\n  conv | maxpool 2x2/2 valid\n  row | unpool 2x2/2 pooled=@conv\n"

    assert refusal(network, f"{HEAD}defaults: {{unpool: valid pooled=@conv}}\n{rows}").startswith(
        "E220: `pooled` names a value of one place: write it on every `unpool`"
    )


def test_both_backends_agree_at_rows_steps_and_columns() -> None:
    program = compile_source(Source("spec.yaml", DECODER))
    typed = lower(program)

    assert not cross_check(program, BACKENDS, images=[(13, 15), (9, 21)], batches=[2]).findings
    read = {node.name: [typed.nodes[at].name for at in node.inputs] for node in typed.nodes if node.op.name == "unpool"}
    assert read == {
        "inner/unpool": ["inner/relu", "inner/a"],
        "up/unpool": ["up/conv", "conv/relu"],
        "alone": ["down", "up/relu"],
    }
    assert "return self.alone(x, up)" in pytorch.source(typed), "a row of its own needs no class"


def test_the_last_window_wins_where_all_have_their_maximum_in_one_pixel() -> None:
    formula = "a: pass -> avgpool 2x2 valid -> unpool 2x2 valid pooled=@a"
    typed = network(f"network: tiny\ninput: 1x3x3\nlayers: |\n  name | layer\n  row | {formula}\n")
    image = np.array([[[[1, 2, 3], [4, 9, 5], [6, 7, 8]]]], np.float32)
    expected = np.zeros_like(image)
    expected[..., 1, 1] = (9 + 5 + 7 + 8) / 4

    np.testing.assert_array_equal(build(pytorch.source(typed), "tiny")(torch.from_numpy(image)), expected)
    np.testing.assert_array_equal(run(onnx.model(typed), {"input": image}), expected)


@pytest.mark.parametrize("window", ["3x3/2 pad=1", "2x2/2 valid", "2x3/3x2 pad=1 ceil"])
def test_onnx_unpools_images_of_any_size(window: str) -> None:
    formula = f"a: pass -> maxpool {window} -> unpool {window} pooled=@a"
    typed = network(f"{HEAD}layers: |\n  name | layer\n  row | {formula}\n")
    images = torch.randn(2, 3, 22, 17)
    graph = onnx.model(typed, dynamic_size=True)

    standard.checker.check_model(standard.ModelProto.FromString(graph), full_check=True)
    expected = build(pytorch.source(typed), "tiny")(images).numpy()
    np.testing.assert_array_equal(run(graph, {"input": images.numpy()}), expected)


# --- graphs of others -------------------------------------------------------------------------------------------------


class Decoder(nn.Module):
    """A pool in a residual branch and one of the whole image, both undone: the second after it was made wider."""

    def __init__(self, kernel: int = 3) -> None:
        super().__init__()
        self.pool = nn.MaxPool2d(3, 2, 1, return_indices=True)
        self.inner = nn.MaxPool2d(kernel, 2, kernel // 2, return_indices=True)
        self.stem, self.own, self.last = nn.Conv2d(3, 4, 1), nn.Conv2d(4, 4, 3, padding=1), nn.Conv2d(6, 4, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        largest, places = self.pool(x)
        small, its_places = self.inner(self.own(largest).relu())
        small = functional.max_unpool2d(small.sigmoid(), its_places, [2, 2], output_size=largest.shape[2:])
        wide = torch.cat([largest + small, torch.zeros(x.shape[0], 2, 6, 8)], 1)
        return functional.max_unpool2d(self.last(wide), places, [2, 2], output_size=x.shape[2:])


def adopted(net: nn.Module) -> Adoption:
    torch.manual_seed(0)
    graph = read_torch(net.eval(), (3, 12, 16), "decoder")
    return adopt(Network("tests:decoder", graph, lambda images, weights: run_torch(net, graph, images, weights)))


def test_a_decoder_of_torch_is_adopted_with_references_to_what_it_pooled() -> None:
    found = adopted(Decoder())

    assert found.same
    assert found.values is not None
    assert found.values.equal
    assert "unpool: same" in found.text
    assert "unpool 3x3/2 pooled=@stem" in found.text
    assert found.text.count("unpool 3x3/2 pooled=@") == 2


def test_audit_names_the_window_of_another_pool() -> None:
    typed = adopted(Decoder()).typed
    other = read_torch(Decoder(5).eval(), (3, 12, 16), "decoder")

    assert not audit(typed, of_spec(typed)).findings
    found = audit(typed, other).findings
    assert [(each.first.code, each.first.spec, each.first.target) for each in found] == [("E501", "3x3", "5x5")]


def unpooling(tmp_path: Path, *, sized: bool, name: str = "places") -> Any:
    """A graph that pools an image, and unpools the pool to the same or other places, and to a stated size."""
    window: Any = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes = [
        helper.make_node("MaxPool", ["x"], ["largest", "places"], **window),
        helper.make_node("MaxUnpool", ["largest", name, *(["size"] if sized else [])], ["y"], **window),
    ]
    size = helper.make_tensor("size", TensorProto.INT64, [4], [1, 3, 8, 7 if sized else 6])
    other = helper.make_tensor("others", TensorProto.INT64, [1, 3, 4, 3], [0] * 36)
    images = [helper.make_tensor_value_info(each, TensorProto.FLOAT, [1, 3, 8, 7 if sized else 6]) for each in "xy"]
    graph = helper.make_graph(nodes, "g", images[:1], images[1:], [size, other])
    file = tmp_path / "net.onnx"
    standard.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]), file)
    return read_onnx(file)


@pytest.mark.parametrize("sized", [True, False])
def test_a_graph_of_onnx_unpools_to_the_size_that_it_pooled(sized: bool, tmp_path: Path) -> None:
    nodes = unpooling(tmp_path, sized=sized).nodes

    assert [(node.op.name, node.inputs) for node in nodes] == [("maxpool", (-1,)), ("unpool", (0, -1))]


def test_places_that_no_pool_gives_have_no_word(tmp_path: Path) -> None:
    assert [node.op.name for node in unpooling(tmp_path, sized=True, name="others").nodes] == ["maxpool", "opaque"]
