"""ONNX files that no layer of the language says: control flow, ops of other domains, a second input of images."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from inception_dsl.audit.target import audit_target
from inception_dsl.compiler import compile_source
from inception_dsl.diagnostics.codes.audit_structure import OPAQUE
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.interchange.graph import Opaque
from inception_dsl.interchange.onnx.reader import read_onnx

IMAGE = [1, 3, 8, 8]


def value(name: str, shape: Sequence[int] | None = None, kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)


def saved(folder: Path, nodes: Sequence[Any], inputs: Sequence[Any] = (), known: Sequence[Any] = ()) -> Path:
    """A file whose output is `y`, like its image `x`."""
    weights = [numpy_helper.from_array(np.ones((3, 3, 1, 1), np.float32), "w")]
    graph = helper.make_graph(nodes, "g", [value("x", IMAGE), *inputs], [value("y", IMAGE)], weights, value_info=known)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid("com.acme", 1)]
    file = folder / "net.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), file)
    return file


def ops(file: Path) -> list[tuple[str, str]]:
    """The ops of a file; an opaque one with what its source calls it."""
    return [
        (node.name, f"opaque {node.op.kind}" if isinstance(node.op, Opaque) else node.op.name)
        for node in read_onnx(file).nodes
    ]


def branch(op: str) -> Any:
    return helper.make_graph([helper.make_node(op, ["c"], [f"{op}y"], name=op)], op, [], [value(f"{op}y", IMAGE)])


@pytest.mark.parametrize(("choice", "op"), [(True, "relu"), (False, "tanh")])
def test_a_branch_that_a_constant_chooses_is_read(choice: bool, op: str, tmp_path: Path) -> None:
    branches = {"then_branch": branch("Relu"), "else_branch": branch("Tanh")}
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
        helper.make_node("Constant", [], ["b"], value=numpy_helper.from_array(np.array(choice))),
        helper.make_node("If", ["b"], ["y"], name="if", **branches),
    ]

    assert [op for _, op in ops(saved(tmp_path, nodes))] == ["conv", op]


def test_a_choice_by_values_and_a_loop_are_opaque_and_read_what_they_capture(tmp_path: Path) -> None:
    step = helper.make_graph(
        [
            helper.make_node("Add", ["s", "c"], ["t"]),
            helper.make_node("Identity", ["go"], ["on"]),
        ],
        "step",
        [value("i", [], TensorProto.INT64), value("go", [], TensorProto.BOOL), value("s", IMAGE)],
        [value("on", [], TensorProto.BOOL), value("t", IMAGE)],
    )
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
        helper.make_node("Relu", ["x"], ["r"], name="relu"),
        helper.make_node("Constant", [], ["n"], value=numpy_helper.from_array(np.array(2))),
        helper.make_node("Loop", ["n", "", "r"], ["y"], name="loop", body=step),
    ]
    *_, loop = read_onnx(saved(tmp_path, nodes)).nodes

    assert (loop.name, loop.op.name, len(loop.inputs), loop.out.shape) == ("loop", "opaque", 2, (3, 8, 8))


def test_what_reads_an_op_of_unknown_shape_is_part_of_it_up_to_a_known_shape(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="conv"),
        helper.make_node("Warp", ["c"], ["a"], name="warp", domain="com.acme"),
        helper.make_node("Sigmoid", ["a"], ["s"], name="sigmoid"),
        helper.make_node("Conv", ["s", "w"], ["d"], name="second"),
        helper.make_node("Relu", ["d"], ["y"], name="relu"),
    ]
    file = saved(tmp_path, nodes, known=[value("s", IMAGE)])

    assert ops(file) == [("conv", "conv"), ("warp", "opaque com.acme.Warp"), ("second", "conv"), ("relu", "relu")]
    spec = "network: n\ninput: 3x8x8\nlayers: |\n  name | layer\n  a | conv 1x1 3 -> conv 1x1 3 relu\n"
    (found,) = audit_target(compile_source(Source("n.yaml", spec)), file).findings
    assert found.first.code == OPAQUE


def test_a_second_input_of_images_is_told(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Conv", ["x", "w"], ["c"], name="one"),
        helper.make_node("Conv", ["x2", "w"], ["d"], name="two"),
        helper.make_node("Add", ["c", "d"], ["y"], name="add"),
    ]
    _, add = read_onnx(saved(tmp_path, nodes, [value("x2", IMAGE)])).nodes

    assert add.op == Opaque("Add", "it reads `x2`, a second input of images", add.out)


def test_shapes_that_are_unknown_up_to_the_output_are_refused(tmp_path: Path) -> None:
    file = saved(tmp_path, [helper.make_node("Warp", ["x"], ["y"], name="warp", domain="com.acme")])
    model = onnx.load(file)
    model.graph.output[0].type.tensor_type.ClearField("shape")
    onnx.save(model, file)

    with pytest.raises(SpecError, match=r"`warp` \(com.acme.Warp\) gives values of shapes that are not known"):
        read_onnx(file)
