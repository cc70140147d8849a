"""Graphs of other tools: an ONNX file reads back as the network that it was made of, whatever its names."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx as standard
import pytest
import torch
import torchvision
from hypothesis import given, settings
from onnx import TensorProto, helper
from strategies import specs
from torch import nn

from inception_dsl.compiler import at_size, compile_file, compile_source
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.emit.onnx import onnx
from inception_dsl.interchange import primitives as prim
from inception_dsl.interchange.builder import Builder
from inception_dsl.interchange.canonical import canonical
from inception_dsl.interchange.graph import INPUT, Graph, Opaque
from inception_dsl.interchange.of_spec import of_spec
from inception_dsl.interchange.onnx.reader import read_onnx
from inception_dsl.interchange.recognise.patterns import PATTERNS
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops import activations as act
from inception_dsl.ir.ops.channels import ChannelShuffle
from inception_dsl.ir.ops.norms import BatchNorm, L2Norm
from inception_dsl.ir.ops.shaping import Crop, Pad, Shift
from inception_dsl.ir.shapes import TensorType
from inception_dsl.ir.typed import Typed
from inception_dsl.lower import lower

NAMES = (
    *("googlenet", "googlenet_separable", "xception", "inception_v3_keras", "alexnet", "se_bn_inception", "polynet"),
    *("zoo/mobilenet_v3_small", "zoo/shufflenet_v2_x0_5", "zoo/convnext_tiny", "zoo/regnet_y_400mf"),
    *("inception_time", "inception_resnet_v1_facenet", "nasnet_a_large"),
)
"""Networks that together have every op; `nightly` reads all of them."""

OPSETS = [min(onnx.OPSETS), onnx.NEWEST]


def written(graph: bytes, folder: Path) -> Path:
    file = folder / "model.onnx"
    file.write_bytes(graph)
    return file


def without_names(graph: bytes) -> bytes:
    """The graph under random names, without what its writer says of itself."""
    model = standard.load_from_string(graph)
    names: dict[str, str] = {"": ""}
    draw = random.Random(len(graph))  # noqa: S311 - names

    def name(old: str) -> str:
        return names.setdefault(old, f"v{draw.getrandbits(64):x}")

    for node in model.graph.node:
        node.name = name(f"node {node.name}")
        node.input[:] = [name(each) for each in node.input]
        node.output[:] = [name(each) for each in node.output]
        del node.metadata_props[:]
    for value in (*model.graph.input, *model.graph.output, *model.graph.initializer):
        value.name = name(value.name)
    del model.graph.value_info[:]
    del model.metadata_props[:]
    model.graph.doc_string = model.producer_name = ""
    model.graph.name = "g"
    anonymous: bytes = model.SerializeToString()
    return anonymous


def opaque(graph: Graph) -> list[str]:
    return [f"{node.name}: {node.op}" for node in graph.nodes if isinstance(node.op, Opaque)]


def same(typed: Typed, graph: Graph) -> bool:
    assert opaque(graph) == []
    digests = {canonical(each, nested=nested).digest for each in (of_spec(typed), graph) for nested in (False, True)}
    return len(digests) == 1


def check_round_trip(name: str, folder: Path) -> None:
    typed = at_size(compile_file(f"builtin:{name}"))
    graph = onnx.model(typed)

    assert same(typed, read_onnx(written(graph, folder)))
    assert same(typed, read_onnx(written(without_names(graph), folder)))


@pytest.mark.parametrize("name", NAMES)
def test_a_spec_is_read_back_from_its_onnx_file(name: str, tmp_path: Path) -> None:
    check_round_trip(name, tmp_path)


@settings(max_examples=20)
@given(specs())
def test_random_networks_are_read_back(tmp_path_factory: pytest.TempPathFactory, text: str) -> None:
    typed = lower(compile_source(Source("specs/drawn.yaml", text)))
    folder = tmp_path_factory.mktemp("drawn", numbered=True)
    for opset in OPSETS:
        try:
            graph = onnx.model(typed, opset=opset)
        except SpecError:  # ONNX cannot express it
            continue
        assert same(typed, read_onnx(written(graph, folder)))
        assert same(typed, read_onnx(written(without_names(graph), folder)))


# --- what other tools write -------------------------------------------------------------------------------------------


def export(net: nn.Module, image: tuple[int, ...], file: Path) -> Path:
    """The file that torch writes; the exporter leaves out biases of 0, so that all weights are drawn."""
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.uniform_(-0.1, 0.1)
    torch.onnx.export(net.eval(), (torch.zeros(1, *image),), str(file), dynamo=True, verbose=False)
    return file


def check_export(name: str, spec: str, folder: Path, **options: Any) -> None:
    typed = at_size(compile_file(f"builtin:{spec}"))
    net = torchvision.models.get_model(name, weights=None, **options)
    given = read_onnx(export(net, typed.input.shape, folder / "model.onnx"))

    assert opaque(given) == []
    assert canonical(of_spec(typed), fold_norms=True).digest == canonical(given, fold_norms=True).digest


def test_a_network_that_torch_exports_is_its_spec(tmp_path: Path) -> None:
    check_export("squeezenet1_1", "zoo/squeezenet1_1", tmp_path)


def test_weights_keep_the_names_and_values_of_the_source(tmp_path: Path) -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2))
    graph = read_onnx(export(net, (3, 8, 9), tmp_path / "model.onnx"))

    assert graph.input == TensorType((3, 8, 9))
    weights = {name: graph.tensor(name) for node in graph.nodes for name in node.weights.values()}
    state = {name: each.numpy() for name, each in net.state_dict().items()}
    assert weights.keys() == state.keys()
    assert all(np.array_equal(weights[name].reshape(each.shape), each) for name, each in state.items())


Steps = list[tuple[str, str, dict[str, Any]]]
CONSTANTS = {"half": 0.5, "one": 1.0, "three": 3.0, "six": 6.0, "root": math.sqrt(2), "zero": 0.0, "tiny": 1e-12}


def composed(steps: Steps, folder: Path, opset: int = 17, shape: tuple[int, ...] = (1, 4, 5, 5)) -> Graph:
    """The graph of nodes `kind: inputs -> name`, of which the first reads `x`, and the last gives the output."""
    nodes = [
        helper.make_node(kind, inputs.split(" "), [f"v{number}"], **attributes)
        for number, (kind, inputs, attributes) in enumerate(steps)
    ]
    constants = [helper.make_tensor(name, TensorProto.FLOAT, (), [number]) for name, number in CONSTANTS.items()]
    constants.append(helper.make_tensor("twice", TensorProto.FLOAT, (4,), [1, 1, 2, 2]))
    model = helper.make_model(
        helper.make_graph(
            nodes,
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
            [helper.make_tensor_value_info(f"v{len(steps) - 1}", TensorProto.FLOAT, None)],
            constants,
        ),
        opset_imports=[helper.make_opsetid("", opset)],
    )
    return read_onnx(written(model.SerializeToString(), folder))


@pytest.mark.parametrize(
    ("steps", "op"),
    [
        ([("Sigmoid", "x", {}), ("Mul", "v0 x", {})], act.SiLU()),
        ([("Add", "x three", {}), ("Clip", "v0 zero six", {}), ("Div", "v1 six", {})], act.Hardsigmoid()),
        (
            [("Add", "x three", {}), ("Clip", "v0 zero six", {}), ("Mul", "x v1", {}), ("Div", "v2 six", {})],
            act.Hardswish(),
        ),
        ([("HardSigmoid", "x", {"alpha": 1 / 6}), ("Mul", "x v0", {})], act.Hardswish()),
        ([("Clip", "x zero six", {})], act.ReLU6()),
        ([("Max", "x zero", {})], act.ReLU()),
        (
            [
                ("Div", "x root", {}),
                ("Erf", "v0", {}),
                ("Add", "v1 one", {}),
                ("Mul", "x v2", {}),
                ("Mul", "v3 half", {}),
            ],
            act.GELU(),
        ),
        ([("Softplus", "x", {}), ("Tanh", "v0", {}), ("Mul", "v1 x", {})], act.Mish()),
        ([("Neg", "x", {}), ("Exp", "v0", {}), ("Add", "v1 one", {}), ("Div", "one v2", {})], act.Sigmoid()),
        ([("Mul", "x half", {}), ("Max", "x v0", {})], act.LeakyReLU(0.5)),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Op) else "-".join(kind for kind, *_ in value),
)
def test_an_activation_is_known_by_its_values(steps: Steps, op: Op, tmp_path: Path) -> None:
    graph = composed(steps, tmp_path)

    assert [node.op for node in graph.nodes] == [op]


def test_a_function_that_is_near_an_activation_is_another(tmp_path: Path) -> None:
    gelu = torch.nn.functional.gelu(x := torch.linspace(-4, 4, 99))
    assert 1e-4 < float((gelu - torch.nn.functional.gelu(x, approximate="tanh")).abs().max()) < 1e-3

    quick: Steps = [("Mul", "x three", {}), ("Sigmoid", "v0", {}), ("Mul", "x v1", {})]

    assert not any(isinstance(node.op, act.SiLU | act.GELU) for node in composed(quick, tmp_path).nodes)


def test_a_length_is_no_relu(tmp_path: Path) -> None:
    steps = [("ReduceL2", "x", {"axes": [1]}), ("Max", "v0 tiny", {}), ("Div", "x v1", {})]

    assert [node.op.name for node in composed(steps, tmp_path).nodes] == [L2Norm.name]


def chain(shape: tuple[int, ...], *ops: Op) -> list[Op]:
    """The ops that a chain of ops is recognised as."""
    builder, index = Builder(TensorType(shape), PATTERNS), INPUT
    for op in ops:
        index = builder.add("op", op, index)
    return [node.op for node in builder.finish("chain", {"y": index}).nodes]


def read(shape: tuple[int, ...], *ops: Op) -> list[str]:
    """Their names."""
    return [op.name for op in chain(shape, *ops)]


def test_a_shuffle_keeps_the_pixels_of_an_image() -> None:
    turn = prim.Permute((1, 0, 2, 3))

    assert read((4, 2, 6), prim.Reshape((2, 2, 2, 6)), turn, prim.Reshape((4, 2, 6))) == [ChannelShuffle.name]
    other = prim.Reshape((4, 2, 2, 3)), turn, prim.Reshape((4, 2, 6))
    assert read((4, 2, 6), *other, act.ReLU()) == [*["opaque"] * 3, "relu"]
    assert read((4, 2, 6), *other) == ["opaque"] * 2, "what an output is reshaped to is no layer"


def test_a_range_of_channels_is_a_part_or_a_slice_and_zeros_are_slices_times_nothing() -> None:
    assert read((6, 2, 2), prim.Slice(0, 2, 4)) == ["part"]
    assert read((6, 2, 2), prim.Slice(0, 2, 6)) == read((74, 2, 2), prim.Slice(0, 1, -34)) == ["slice"]
    assert read((6, 2, 2), prim.Slice(0, 0, 6, 2)) == ["opaque"]
    assert read((3, 3, 3), prim.Gather(0, (2, 1, 0))) == ["part", "part", "part", "concat"]
    assert read((6, 3, 3), prim.Gather(0, (1, 2, 1, 2, 1, 2, 1, 2))) == ["slice", "concat", "concat"]
    assert read((99, 3, 3), prim.Gather(0, tuple(range(98, 0, -1)))) == ["opaque"]
    assert read((4, 2, 2), prim.Pad((0, 0, 0), (6, 0, 0))) == ["part", "scale", "scale", "concat"]
    assert read((4, 2, 2), prim.Pad((4, 0, 0), (0, 0, 0))) == ["scale", "concat"]


def test_a_shift_keeps_the_size_of_an_image() -> None:
    pad, cut = prim.Pad((0, 0, 0), (0, 1, 1)), prim.Slice(2, 1, 9)

    assert read((3, 8, 8), pad, prim.Slice(1, 1, 9), cut) == [Shift.name]
    assert read((3, 8, 8), pad, prim.Slice(1, 1, 5), cut) == ["crop", "crop", "pad"]


def test_what_is_cut_off_or_added_is_one_margin_where_it_can_be() -> None:
    def margins(before: tuple[int, int], after: tuple[int, int], value: float = 0.0) -> list[Op]:
        return chain((3, 8, 8), prim.Pad((0, *before), (0, *after), value))

    assert chain((3, 8, 8), prim.Slice(1, 0, -1), prim.Slice(2, 0, 7)) == [Crop((1, 1), bottom=True, right=True)]
    assert chain((3, 8, 8), prim.Slice(2, 2, -2), prim.Slice(1, 2, 6)) == [Crop((2, 2))]
    assert margins((-1, -2), (-1, -2)) == [Crop((1, 2))]
    assert margins((1, 0), (2, 0)) == [Pad((1, 1), top=True), Pad((2, 2), bottom=True)]
    assert margins((1, 0), (0, 3)) == [Pad((1, 3), top=True, right=True)]
    both: list[Op] = [Crop((1, 1), top=True), Pad((2, 2), bottom=True)]
    assert margins((-1, 0), (2, 0)) == both
    assert [op.name for op in margins((1, 1), (1, 1), -math.inf)] == ["opaque"]
    cut, pad = prim.Pad((0, -1, 0), (0, 0, 0)), prim.Pad((0, 1, 0), (0, 0, 0))
    both = [Crop((1, 1), top=True), Pad((1, 1), top=True)]
    assert chain((3, 8, 8), cut, pad) == both
    assert chain((3, 8, 8), pad, cut) == []
    assert [op.name for op in chain((3, 8, 8), prim.Pad((0, 1, 0), (0, 0, 0), 1.0), pad)] == ["opaque", "pad"]


RESIZE: dict[str, Any] = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric"}


def test_a_long_stretch_in_another_layout_is_followed() -> None:
    last, first = prim.Permute((1, 2, 0)), prim.Permute((2, 0, 1))

    assert read((4, 3, 3), last, *[act.Tanh(), prim.Unary("exp")] * 500, first) == ["tanh", "opaque"] * 500


PADS = [0, 0, -1, -1, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("kind", "inputs", "attributes", "opset", "op"),
    [
        ("Resize", "x  twice", {**RESIZE, "nearest_mode": "floor"}, 17, "resize"),
        ("Resize", "x  twice", RESIZE, 17, "opaque"),
        ("Upsample", "x twice", {"mode": "nearest"}, 9, "resize"),
        ("Resize", "x  twice", {"mode": "linear", "antialias": 1}, 18, "opaque"),
        ("DepthToSpace", "x", {"blocksize": 2, "mode": "CRD"}, 17, "pixel_shuffle"),
        ("Softmax", "x", {"axis": 1}, 17, "softmax"),
        ("Softmax", "x", {"axis": 1}, 9, "opaque"),
        ("Pad", "x", {"pads": PADS, "mode": "constant"}, 9, "shift"),
        ("Pad", "x", {"pads": PADS, "mode": "reflect"}, 9, "opaque"),
    ],
)
def test_an_op_is_read_as_its_attributes_and_its_opset_say(
    kind: str, inputs: str, attributes: dict[str, Any], opset: int, op: str, tmp_path: Path
) -> None:
    assert [node.op.name for node in composed([(kind, inputs, attributes)], tmp_path, opset).nodes] == [op]


def test_a_cast_to_whole_numbers_is_no_identity(tmp_path: Path) -> None:
    there, back = {"to": TensorProto.INT64}, {"to": TensorProto.FLOAT}

    assert [node.op.name for node in composed([("Cast", "x", back), ("Relu", "v0", {})], tmp_path).nodes] == ["relu"]
    assert [node.op.name for node in composed([("Cast", "x", there), ("Cast", "v0", back)], tmp_path).nodes] == [
        "opaque"
    ]


# --- files that are no networks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [0, 7, 0.3, 0.9, 0.999])
def test_a_damaged_file_is_refused_with_its_name(part: float, tmp_path: Path) -> None:
    whole = onnx.model(at_size(compile_file("builtin:googlenet_bn_small")))
    file = written(whole[: int(part if part > 1 else part * len(whole))], tmp_path)

    with pytest.raises(SpecError) as refused:
        read_onnx(file)
    assert [(each.code, each.file) for each in refused.value.diagnostics] == [("E140", str(file))]


@pytest.mark.parametrize(
    ("kind", "attributes"),
    [
        ("Concat", {}),
        ("MaxPool", {}),
        ("MaxPool", {"kernel_shape": [2, 2], "pads": [0, 0, 0]}),
        ("MaxPool", {"kernel_shape": [2, 2], "strides": [2]}),
        ("MaxPool", {"kernel_shape": [2, 2], "strides": [0, 0]}),
        ("Transpose", {"perm": [0, 1, 2, 7]}),
    ],
)
def test_a_node_that_its_op_does_not_allow_is_refused(kind: str, attributes: dict[str, Any], tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=rf"`v0` is not a valid {kind}"):
        composed([(kind, "x", attributes)], tmp_path)


def test_a_value_that_nothing_gives_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="reads `y`, which nothing gives"):
        composed([("Relu", "y", {})], tmp_path)


def test_data_outside_the_folder_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(4 * 4 * 4))
    inner = tmp_path / "inner"
    inner.mkdir()
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[4, 4, 1, 1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="../secret")
    model = helper.make_model(
        helper.make_graph(
            [helper.make_node("Conv", ["x", "w"], ["y"])],
            "g",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 4, 5, 5))],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
            [tensor],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
    )
    graph = read_onnx(written(model.SerializeToString(), inner))

    with pytest.raises(SpecError, match="cannot be read"):
        graph.tensor("w")


# --- the canonical form -----------------------------------------------------------------------------------------------


def digest_of(name: str) -> str:
    return canonical(of_spec(at_size(compile_file(f"builtin:{name}")))).digest


def test_specs_that_compute_the_same_have_one_form_and_no_others() -> None:
    assert digest_of("inception_v3") == digest_of("inception_v3_keras")
    assert digest_of("inception_v3_timm") == digest_of("inception_v3_torchvision")
    assert len({digest_of(name) for name in ("inception_v3", "inception_v3_timm", "inception_v3_fid")}) == 3


def test_what_a_graph_computes_in_training_only_is_left_out() -> None:
    names = {step.kind for step in canonical(of_spec(at_size(compile_file("builtin:googlenet")))).steps}

    assert "conv" in names
    assert "dropout" not in names


@settings(max_examples=15)
@given(specs())
def test_a_changed_op_has_another_form(text: str) -> None:
    graph = of_spec(lower(compile_source(Source("specs/drawn.yaml", text))))
    before = canonical(graph)
    for index in {node for step in before.steps for node in step.nodes}:
        node = graph.nodes[index]
        if not isinstance(node.op, BatchNorm):
            continue
        other = replace(node, op=replace(node.op, eps=node.op.eps * 2))
        changed = replace(graph, nodes=(*graph.nodes[:index], other, *graph.nodes[index + 1 :]))
        assert canonical(changed).digest != before.digest


def digest(layer: str) -> str:
    """The form of a network of one row."""
    text = f"network: a\ninput: 4x8x8\nclasses: 3\nlayers: |\n  name | layer\n  a | {layer}\n"
    return canonical(of_spec(lower(compile_source(Source("a.yaml", text))))).digest


def test_a_sum_has_no_order_and_a_filter_concatenation_has() -> None:
    assert digest("[conv 1x1 4 | conv 3x3 4 same]") != digest("[conv 3x3 4 same | conv 1x1 4]")
    assert digest("[conv 1x1 4 + conv 3x3 4 same]") == digest("[conv 3x3 4 same + conv 1x1 4]")
    assert digest("[conv 1x1 4 + [conv 3x3 4 same + pass]]") == digest("[pass + conv 1x1 4 + conv 3x3 4 same]")
    assert digest("[conv 1x1 4 + [conv 3x3 4 same + pass]]") != digest("[conv 1x1 4 + conv 3x3 4 same]")


def test_one_layer_that_is_used_twice_is_not_two_layers() -> None:
    assert digest("[a: conv 1x1 4 -> again a]") != digest("[conv 1x1 4 -> conv 1x1 4]")
    assert digest("[a: conv 1x1 4 -> [pass | pass]]") != digest("[conv 1x1 4 | conv 1x1 4]")


def test_what_is_the_same_on_an_image_has_one_form() -> None:
    assert digest("avgpool 8x8 valid") == digest("avgpool global") == digest("avgpool to=1x1")
    assert digest("conv 3x3 4 same") == digest("conv 3x3 4 pad=1") != digest("conv 3x3/2 4 pad=1")
    assert digest("2 * [0.5 * bn]") == digest("bn") != digest("2 * [2 * bn]")
    assert digest("maxpool 3x3/2 same_upper") == digest("maxpool 3x3/2 valid ceil")
