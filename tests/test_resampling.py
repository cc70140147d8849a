"""Images of other sizes, and the length of embeddings: what they mean, what they see, and what cannot be said."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper
from refusal import refusal

from inception_dsl.adopt.adopt import adopt
from inception_dsl.analysis.cost import cost
from inception_dsl.build import build
from inception_dsl.cli.main import main
from inception_dsl.compiler import at_size, compile_source
from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.interchange.network import read_network
from inception_dsl.ir.ops.resampling import Resize
from inception_dsl.ir.typed import Typed


def network(*rows: str, image: str = "1x9x10", keys: str = "") -> Typed:
    lines = "".join(f"  row{i} | {row}\n" for i, row in enumerate(rows))
    text = f"network: tiny\ninput: {image}\n{keys}\nlayers: |\n  name | layer\n{lines}"
    return at_size(compile_source(Source("spec.yaml", text)))


@pytest.mark.parametrize(
    ("formula", "op"),
    [
        ("resize 2", Resize((2, 2))),
        ("resize 2 nearest", Resize((2, 2))),
        ("resize to=7x3 bilinear align_corners", Resize(None, (7, 3), True, True)),
        ("resize to=5", Resize(to=(5, 5))),
        ("resize 2x3 bilinear", Resize((2, 3), bilinear=True)),
        ("resize {1 + 1} align_corners bilinear", Resize((2, 2), None, True, True)),
    ],
)
def test_words_and_factors(formula: str, op: Resize) -> None:
    assert network(formula).nodes[0].op == op


def test_a_default_of_corners_is_for_bilinear_alone() -> None:
    typed = network("resize 2", "resize 2 bilinear", keys="defaults: {resize: align_corners}")
    assert [node.op for node in typed.nodes] == [Resize((2, 2)), Resize((2, 2), None, True, True)]


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        ("resize", "E202: `resize` needs a factor: write how many times larger"),
        ("resize 2x2/2", "E202: `resize` takes no stride"),
        ("resize 2x3 4", "E202: `resize` takes no width"),
        ("pixel_shuffle 2", "E212: `row0`: `pixel_shuffle 2` needs a multiple of 4 channels, not 1"),
        ("pixel_unshuffle 2", "E212: `row0`: `pixel_unshuffle 2` does not divide an image of 9x10"),
        ("pixel_shuffle 2x2", "E202: `pixel_shuffle` takes no kernel"),
        ("depth_to_space 2", "E201: unknown layer or module `depth_to_space`: write `pixel_shuffle 2`;"),
        ("resize 2 to=4x4", "E202: `resize to` takes no factor"),
        ("resize to=0", "E207: `to` must be a whole number from 1 to 1,000, not 0"),
        ("resize to=4 align_corners", "E220: `align_corners` has nothing to act on"),
        ("resize 0", "E207: the factor of `resize` must be a whole number from 1 to 1,000, not 0"),
        ("resize 1.5", "E207: the factor of `resize` must be a whole number from 1 to 1,000, not 1.5"),
        ("resize 2 nearest bilinear", "E219: `nearest` and `bilinear` contradict each other"),
        ("resize 2 align_corners", "E220: `align_corners` has nothing to act on"),
        ("flatten -> resize 2", "E215: `row0`: this layer expects an image"),
        ("interpolate 2", "E201: unknown layer or module `interpolate`: an image is enlarged by `resize 2`"),
    ],
)
def test_what_cannot_be_said(formula: str, expected: str) -> None:
    assert refusal(network, formula).startswith(expected)


layers = st.lists(
    st.sampled_from(
        [
            *("resize 2", "resize 3", "resize 2 bilinear", "resize 3 bilinear"),
            *("resize to=31x40", "resize to=31x40 bilinear", "resize to=15x19 bilinear", "resize to=17x13"),
            *("resize to=31x40 bilinear align_corners", "resize to=15x19 bilinear align_corners"),
            *(
                "conv 1x1 4 -> pixel_shuffle 2",
                "conv_transpose 4x4/2 1 pad=1",
                "conv_transpose 3x3/2 1 same",
                "conv_transpose 5x4/3x2 1 same_upper",
            ),
            *("resize 2 bilinear align_corners", "conv 3x3 1 same", "conv 3x3/2 1 same", "conv 2x2 1 valid"),
            *("conv 2x2/2 1 valid", "conv 1x1/3 1", "crop 1 top right", "pad 2x1 top left", "shift 1"),
        ]
    ),
    min_size=1,
    max_size=4,
)


@settings(max_examples=60)
@given(layers)
def test_the_receptive_field_holds_all_that_an_output_depends_on(formulas: list[str]) -> None:
    """It may be larger, by less than the pixels between neighbours of what is enlarged on both sides of each."""
    typed = network(*formulas, image="1x64x65")
    net = build(pytorch.source(typed), "tiny").double()
    for weight in net.parameters():
        torch.nn.init.ones_(weight)
    image = torch.ones(1, 1, 64, 65, dtype=torch.float64, requires_grad=True)
    out = net(image)
    fields = typed.nodes[-1].receptive_field
    for pixel in {(0, 0), tuple(size // 2 for size in out.shape[2:]), tuple(size - 1 for size in out.shape[2:])}:
        (gradient,) = torch.autograd.grad(out[0, 0][pixel], image, retain_graph=True)
        for field, at, axis in zip(fields, pixel, (1, 0), strict=True):
            seen = gradient[0, 0].sum(axis).nonzero().flatten().tolist()
            assert all(field.first + at * field.stride <= one <= field.last + at * field.stride for one in seen)
            assert not seen or max(seen) - min(seen) < field.size  # a pixel of padding depends on nothing


@pytest.mark.parametrize(
    ("formulas", "size", "stride"),
    [
        (["resize 2"], 1, 0.5),
        (["resize 2", "conv 3x3 1 same"], 2, 0.5),
        (["resize 3", "conv 2x2 1 valid"], 2, Fraction(1, 3)),
        (["resize 2", "conv 2x2/2 1 valid"], 2, 1),
        (["resize 2 bilinear"], 2, 0.5),
        (["resize 2 bilinear", "conv 3x3 1 same"], 3, 0.5),
    ],
)
def test_the_receptive_field_of_what_enlarges_the_image_is_exact(formulas: list[str], size: int, stride: float) -> None:
    row = cost(network(*formulas)).rows[f"row{len(formulas) - 1}"]
    assert row.receptive_field == (size, size)
    assert row.stride == (float(stride), float(stride))


def test_a_stride_below_1_is_printed(tmp_path: Path) -> None:
    spec = tmp_path / "spec.yaml"
    spec.write_text("network: tiny\ninput: 3x8x8\nlayers: |\n  name | layer\n  row | resize 2x4\n")
    text = CliRunner().invoke(main, ["show", str(spec)]).output
    data = json.loads(CliRunner().invoke(main, ["show", str(spec), "--format", "json"]).output)

    assert text.split("\n")[1].split()[-1] == "0.5x0.25"
    assert data["result"]["rows"][0]["stride"] == [0.5, 0.25]


@pytest.mark.parametrize("opset", [min(onnx.OPSETS), 18, onnx.NEWEST])
@pytest.mark.parametrize("words", ["", "bilinear", "bilinear align_corners"])
def test_a_graph_of_any_size_gives_torchs_values(words: str, opset: int) -> None:
    typed = network(f"conv 3x3 2 same -> resize 3x2 {words}")
    net = build(pytorch.source(typed), "tiny").eval()
    graph = onnx.model(typed, opset=opset, dynamic_size=True)
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    weights = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    for size in ((9, 10), (1, 1), (4, 7)):
        x = torch.randn(2, 1, *size)
        with torch.no_grad():
            np.testing.assert_allclose(session.run(None, {"input": x.numpy(), **weights})[0], net(x), atol=1e-5)


def test_a_length_of_1() -> None:
    """As `torch.nn.functional.normalize`, zeros and very small numbers too."""
    for image, shape in (("4x1x3", (3, 4, 1, 3)), ("4x1x1", (3, 4, 1, 1))):
        formula = "l2norm" if image == "4x1x3" else "flatten -> l2norm"
        typed = network(formula, image=image)
        x = torch.randn(shape)
        x[0], x[1, 0] = 0.0, 1e-14
        expected = torch.nn.functional.normalize(x.flatten(1) if "flatten" in formula else x).numpy()
        net = build(pytorch.source(typed), "tiny").eval()
        assert np.array_equal(net(x).numpy(), expected)
        for opset in (min(onnx.OPSETS), onnx.NEWEST):
            session = onnxruntime.InferenceSession(onnx.model(typed, opset=opset), providers=["CPUExecutionProvider"])
            np.testing.assert_allclose(session.run(None, {"input": x.numpy()})[0], expected, rtol=1e-5)
        assert typed.nodes[-1].receptive_field == (network("relu", image=image).nodes[-1].receptive_field)


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        *(("ConvTranspose", {"strides": [2, 3], "auto_pad": auto}) for auto in ("SAME_UPPER", "SAME_LOWER", "VALID")),
        ("ConvTranspose", {"strides": [2, 2], "output_shape": [9, 10]}),
        ("ConvTranspose", {"strides": [2, 2], "pads": [1, 0, 1, 0], "output_padding": [1, 1]}),
        ("ConvTranspose", {"pads": [1, 1, 1, 1], "dilations": [2, 1], "group": 2}),
        ("Resize", {"mode": "linear"}),
        ("Resize", {"mode": "linear", "coordinate_transformation_mode": "align_corners"}),
        ("Resize", {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}),
    ],
)
def test_what_other_tools_write_of_images_is_adopted_with_equal_values(
    kind: str, attributes: dict[str, Any], tmp_path: Path
) -> None:
    random = np.random.default_rng(0)
    given = {name: random.normal(size=shape) for name, shape in (("w", (4, 2, 3, 3)), ("v", (4, 4, 1, 1)))}
    tensors = [helper.make_tensor(name, 1, values.shape, values.ravel()) for name, values in given.items()]
    tensors.append(helper.make_tensor("sizes", 7, [4], [1, 4, 9, 5]))
    inputs = {"ConvTranspose": ["h", "w"], "Resize": ["h", "", "", "sizes"]}.get(kind, ["h"])
    nodes = [helper.make_node("Conv", ["x", "v"], ["h"]), helper.make_node(kind, inputs, ["y"], **attributes)]
    ends = [helper.make_tensor_value_info(name, 1, shape) for name, shape in (("x", [1, 4, 4, 6]), ("y", None))]
    graph = helper.make_graph(nodes, "g", ends[:1], ends[1:], tensors)
    file = tmp_path / "m.onnx"
    file.write_bytes(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)]).SerializeToString())
    found = adopt(read_network(str(file)))
    assert found.same
    assert found.values is not None
    assert found.values.equal, found.values
