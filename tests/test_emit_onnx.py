"""The ONNX graph as a file: names, inputs and outputs, variants, refusals, and the bytes themselves."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import numpy as np
import onnx as standard
import pytest
from builders import checked, network, session

from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.emit.onnx import onnx, protobuf
from inception_dsl.emit.onnx.protobuf import Message
from inception_dsl.ir.ops.activations import ReLU, Softmax
from inception_dsl.ir.ops.joins import Add, Concat
from inception_dsl.ir.ops.linear import Conv, FullyConnected
from inception_dsl.ir.ops.norms import BatchNorm
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool
from inception_dsl.ir.ops.regularisation import Dropout
from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.ir.ops.shaping import Flatten, Identity
from inception_dsl.ir.shapes import Padding, Window
from inception_dsl.ir.typed import Typed

SAME = Window((3, 3), padding=Padding("same"))
POINT = Window((1, 1))


def small(whole: bool = True) -> Typed:
    """A network with every kind of join, a head, and a row that gives what arrives; `whole` pools the whole image."""
    return network(
        (3, 8, 8),
        ("stem/conv", Conv(4, SAME), (-1,)),
        ("stem/bn", BatchNorm(), (0,)),
        ("stem/relu", ReLU(), (1,)),
        ("mixed/left", Conv(2, POINT, bias=True), (2,)),
        ("mixed/right", MaxPool(SAME), (2,)),
        ("mixed/join", Concat(), (3, 4)),
        ("residual/conv", Conv(6, SAME, groups=2), (5,)),
        ("residual/scale", Scale(0.17), (6,)),
        ("residual/add", Add(), (5, 7)),
        ("aux/pool", AvgPool(None), (5,)),
        ("aux/flatten", Flatten(), (9,)),
        ("aux/fc", FullyConnected(5), (10,)),
        ("pool", AvgPool(None) if whole else AvgPool(Window((8, 8))), (8,)),
        ("input", Dropout(0.4), (12,)),  # a row may be called like anything of the graph's own
        ("logits/flatten", Flatten(), (13,)),
        ("logits/fc", FullyConnected(7, bias=False), (14,)),
        ("prob", Softmax(), (15,)),
        ("last", Identity(), (16,)),
        heads={"aux": "mixed"},
    )


def graph(typed: Typed, **options: Any) -> standard.GraphProto:
    """The graph, as `onnx` reads it."""
    data = onnx.model(typed, **options)
    checked(data)
    session(data)
    model: standard.ModelProto = standard.ModelProto.FromString(data)
    return model.graph


def shape(value: standard.ValueInfoProto) -> list[int | str]:
    return [dim.dim_param or dim.dim_value for dim in value.type.tensor_type.shape.dim]


def names(values: Any) -> list[str]:
    return [value.name for value in values]


def test_nodes_are_called_by_their_paths_and_say_where_they_come_from() -> None:
    typed = small()
    nodes = graph(typed, heads=True).node
    assert names(nodes) == ["/".join(node.path) for node in typed.nodes]
    assert [(e.key, e.value) for e in nodes[2].metadata_props] == [("origin", "specs/test.yaml:3:1")]
    stem, mixed, residual = (
        ["Conv", "BatchNormalization", "Relu"],
        ["Conv", "MaxPool", "Concat"],
        ["Conv", "Mul", "Add"],
    )
    aux, end = ["GlobalAveragePool", "Flatten", "Gemm"], ["GlobalAveragePool", "Dropout", "Flatten", "Gemm", "Softmax"]
    assert [node.op_type for node in nodes] == [*stem, *mixed, *residual, *aux, *end, "Identity"]


def test_weights_are_inputs_in_the_order_of_the_state_dict() -> None:
    typed = small()
    inputs = graph(typed, heads=True).input
    assert names(inputs) == ["input", *typed.weights]
    assert [tuple(shape(value)) for value in inputs[1:]] == [weight.shape for weight in typed.weights.values()]
    without = names(graph(typed).input)
    assert without == [name for name in names(inputs) if not name.startswith("aux.")]


def test_batch_and_size_are_symbols_or_numbers() -> None:
    assert shape(graph(small()).input[0]) == ["N", 3, 8, 8]
    assert shape(graph(small(), batch=4).input[0]) == [4, 3, 8, 8]
    free = graph(small(), dynamic_size=True, taps=["mixed", "pool"])
    assert shape(free.input[0]) == ["N", 3, "H", "W"]
    assert [shape(value) for value in free.output] == [["N", 7], ["N", 6, 0, 0], ["N", 6, 1, 1]]


def test_outputs_are_the_last_row_the_heads_and_the_taps() -> None:
    typed = small()
    assert names(graph(typed).output) == ["logits"]
    outputs = graph(typed, heads=True, taps=["stem", "residual"]).output
    assert [(value.name, shape(value)) for value in outputs] == [
        ("logits", ["N", 7]),
        ("aux", ["N", 5]),
        ("stem", ["N", 4, 8, 8]),
        ("residual", ["N", 6, 8, 8]),
    ]


def test_a_trunk_ends_at_the_row_asked_for() -> None:
    trunk = graph(small(), until="stem", heads=True)
    assert names(trunk.output) == ["logits"] and names(trunk.node) == ["stem/conv", "stem/bn", "stem/relu"]
    assert "aux" in names(graph(small(), until="mixed", heads=True).output)


def test_one_value_may_have_two_names() -> None:
    trunk = graph(small(), until="stem", taps=["stem"])
    assert names(trunk.output) == ["logits", "stem"]
    assert (trunk.node[-1].op_type, trunk.node[-1].name) == ("Identity", "stem:identity")
    alone = network((3, 8, 8), ("stem", Identity(), (-1,)))
    through = Typed(alone.program, alone.input, (), {"stem": -1})
    assert [node.op_type for node in graph(through).node] == ["Identity"]


def test_no_two_things_have_one_name() -> None:
    built = graph(small(), heads=True, taps=["mixed", "pool"])
    defined = [*names(built.input), *names(built.initializer), *(name for node in built.node for name in node.output)]
    assert len(defined) == len(set(defined))
    assert len(names(built.node)) == len(set(names(built.node)))
    used = {name for node in built.node for name in node.input}
    assert set(names(built.input)) | set(names(built.initializer)) <= used
    assert {v.name for v in built.value_info} <= set(defined)


def test_value_infos_are_the_rows_that_are_no_outputs() -> None:
    built = graph(small(), taps=["stem"])
    assert [(v.name, shape(v)) for v in built.value_info][:2] == [
        ("mixed/join/out", ["N", 6, 8, 8]),
        ("residual/add/out", ["N", 6, 8, 8]),
    ]


def test_any_batch_runs_and_gives_what_each_image_gives_alone() -> None:
    typed = small()
    rng = np.random.default_rng(0)
    weights = {name: rng.random(weight.shape).astype(np.float32) for name, weight in typed.weights.items()}
    run = session(onnx.model(typed, heads=True))
    images = rng.normal(size=(3, 3, 8, 8)).astype(np.float32)
    together = run.run(None, {"input": images, **weights})
    apart = [run.run(None, {"input": image[None], **weights}) for image in images]
    for index, values in enumerate(together):
        assert len({row.tobytes() for row in np.round(values, 3)}) == 3  # the three images differ
        np.testing.assert_allclose(values, np.concatenate([one[index] for one in apart]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("options", "code", "message"),
    [
        ({"opset": 16}, "E401", "opset 16 is not supported"),
        ({"opset": onnx.NEWEST + 1}, "E401", "is not supported"),
        ({"until": "stemm"}, "E206", "is called `stemm`"),
        ({"until": "stem", "taps": ["mixed"]}, "E206", "no row or head up to `stem` is called `mixed`"),
        ({"until": "stem", "taps": ["aux"]}, "E206", "is called `aux`"),
        ({"taps": ["auxx"]}, "E206", "is called `auxx`"),
        ({"taps": ["logits"]}, "E108", "calls another value `logits`"),
        ({"taps": ["input"]}, "E108", "calls another value `input`"),
    ],
)
def test_what_cannot_be_written_is_refused(options: dict[str, Any], code: str, message: str) -> None:
    with pytest.raises(SpecError, match=message) as caught:
        onnx.model(small(), **options)
    assert [d.code for d in caught.value.diagnostics] == [code]


def test_the_layer_that_fixes_the_image_size_is_named() -> None:
    with pytest.raises(SpecError) as caught:
        onnx.model(small(whole=False), dynamic_size=True)
    (diagnostic,) = caught.value.diagnostics
    assert (diagnostic.code, str(diagnostic.span)) == ("E218", "specs/test.yaml:16:1")
    assert onnx.model(small(whole=False), dynamic_size=True, until="pool")


def test_everything_that_cannot_be_expressed_is_reported_at_once() -> None:
    beyond = Window((2, 2), (2, 2), Padding(amount=(1, 1), ceil=True))
    typed = network((3, 9, 9), ("a", MaxPool(beyond), (-1,)), ("b", ReLU(), (0,)), ("c", AvgPool(beyond), (1,)))
    with pytest.raises(SpecError) as caught:
        onnx.model(typed, opset=17)
    assert [(d.code, str(d.span)) for d in caught.value.diagnostics] == [
        ("E401", "specs/test.yaml:1:1"),
        ("E401", "specs/test.yaml:3:1"),
    ]


@pytest.mark.parametrize("opset", onnx.OPSETS)
def test_every_opset_is_accepted_and_its_bytes_are_those_of_the_onnx_library(opset: int) -> None:
    data = onnx.model(small(), opset=opset, heads=True)
    checked(data)
    session(data)
    model = standard.ModelProto.FromString(data)
    assert model.SerializeToString(deterministic=True) == data
    assert (model.opset_import[0].version, model.producer_name, model.graph.name) == (opset, "inception-dsl", "test")
    assert model.graph.doc_string == "A network for tests\nGoing deeper, 2014. https://arxiv.org/abs/1409.4842"
    assert model.ir_version == standard.helper.find_min_ir_version_for(model.opset_import)


NESTED: dict[str, Any] = {
    "TypeProtoTensor": standard.TypeProto.Tensor,
    "Dimension": standard.TensorShapeProto.Dimension,
}
MESSAGES = {name: kind for name, kind in vars(protobuf).items() if isinstance(kind, Message)}


@pytest.mark.parametrize("name", MESSAGES)
def test_fields_have_the_numbers_of_the_onnx_library(name: str) -> None:
    fields = (NESTED.get(name) or getattr(standard, name)).DESCRIPTOR.fields_by_name
    assert MESSAGES[name].numbers == {field: fields[field].number for field in MESSAGES[name].numbers}


@pytest.mark.parametrize("value", [0, 1, 127, 128, 300, 2**31, -1, 1.5, "ü", "", (3, -1, 2**40)])
def test_attributes_are_read_back_as_written(value: protobuf.Parameter) -> None:
    read = standard.helper.get_attribute_value(standard.AttributeProto.FromString(protobuf.attribute("a", value)))
    if isinstance(value, tuple):
        assert tuple(read) == value
    else:
        assert (read.decode() if isinstance(read, bytes) else read) == value


def test_the_emitter_imports_neither_onnx_nor_numpy() -> None:
    code = "import sys; import inception_dsl.emit.onnx.onnx; sys.exit('numpy' in sys.modules or 'onnx' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
