"""Files of strangers: whatever is in an ONNX file, it is a graph or a diagnostic."""

from __future__ import annotations

import random
from pathlib import Path

import hostile_models
import numpy as np
import onnx
import pytest
from cli_runner import cli
from onnx import TensorProto, helper, numpy_helper

from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.interchange.canonical import canonical
from inception_dsl.interchange.graph import Graph, Opaque
from inception_dsl.interchange.onnx.reader import read_onnx

MODELS = dict(hostile_models.lying())


def answer(file: Path) -> Graph | str:
    """What reading a file comes to: the graph, whose weights are then read too, or the code of a diagnostic."""
    try:
        graph = read_onnx(file)
        canonical(graph).digest  # noqa: B018 - it must end
        for node in graph.nodes:
            for name in node.weights.values():
                graph.tensor(name)
    except SpecError as error:
        return str(error.diagnostics[0].code)
    except KeyError:
        return "weights without values"
    return graph


def given(data: bytes, folder: Path) -> Graph | str:
    file = folder / "model.onnx"
    file.write_bytes(data)
    return answer(file)


@pytest.mark.parametrize("name", MODELS)
def test_a_model_that_lies_is_a_graph_or_a_diagnostic(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    hostile_models.neighbours(folder)
    found = given(MODELS[name].SerializeToString(), folder)

    assert found == "E140" or isinstance(found, Graph)
    if name.startswith("data "):
        assert found == "E140"  # no number of another file is read


@pytest.mark.parametrize("name", hostile_models.no_models())
def test_other_bytes_are_refused(name: str, tmp_path: Path) -> None:
    assert given(hostile_models.no_models()[name], tmp_path) == "E140"


@pytest.mark.parametrize("command", [("audit", "builtin:googlenet"), ("identify",), ("adopt",)])
def test_a_command_that_cannot_read_its_target_exits_with_2(command: tuple[str, ...], tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(b"not a model")
    done = cli(*command, file)
    assert done.exit_code == 2
    assert "E140" in done.stderr


def test_folders_are_refused(tmp_path: Path) -> None:
    assert answer(tmp_path) == "E001"
    assert answer(tmp_path / "missing.onnx") == "E001"


def damaged(seed: int, data: bytes) -> bytes:
    """A file that ends early, or some of whose bytes are others."""
    draw = random.Random(seed)  # noqa: S311 - damage
    if seed % 3 == 0:
        return data[: draw.randrange(len(data))]
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 8))):
        # most bytes are weights; names and shapes lie before and after them
        at = draw.choice((draw.randrange(len(data)), draw.randrange(300), draw.randrange(len(data) - 200, len(data))))
        changed[at] = draw.choice((draw.randrange(256), changed[at] ^ 1 << draw.randrange(8), 0, 255))
    return bytes(changed)


def check_damage(seeds: range, folder: Path) -> None:
    data = hostile_models.small()
    for seed in seeds:
        found = given(damaged(seed, data), folder)
        assert isinstance(found, Graph) or found in ("E140", "weights without values"), seed


def test_a_damaged_file_is_a_graph_or_a_diagnostic(tmp_path: Path) -> None:
    check_damage(range(120), tmp_path)


# --- weights, wherever they lie ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["raw", "numbers", "external", "constant"])
def test_weights_are_the_same_wherever_they_lie(kind: str, tmp_path: Path) -> None:
    weights = np.linspace(-1, 1, 64 * 32 * 9, dtype=np.float32).reshape(64, 32, 3, 3)
    tensor = numpy_helper.from_array(weights, "w")
    if kind == "numbers":
        tensor = helper.make_tensor("w", TensorProto.FLOAT, weights.shape, weights.reshape(-1))
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"])]
    if kind == "constant":
        nodes.insert(0, helper.make_node("Constant", [], ["w"], value=tensor))
    model = hostile_models.model(nodes, [tensor] if kind != "constant" else [], (1, 32, 8, 8))
    file = tmp_path / "model.onnx"
    onnx.save(model, str(file), save_as_external_data=kind == "external", location="w.bin", size_threshold=0)
    (node,) = (graph := read_onnx(file)).nodes
    found = graph.tensor(node.weights["weight"])

    assert np.array_equal(found, weights)
    assert not found.flags.owndata  # a view of the file


@pytest.mark.parametrize("kind", ["FLOAT16", "BFLOAT16", "DOUBLE", "INT8"])
@pytest.mark.parametrize("raw", [False, True])
def test_weights_of_other_types_have_their_values(kind: str, raw: bool, tmp_path: Path) -> None:
    number = TensorProto.DataType.Value(kind)
    values = np.ones((64, 32, 3, 3), helper.tensor_dtype_to_np_dtype(number))
    tensor = numpy_helper.from_array(values, "w")
    if not raw:
        tensor = helper.make_tensor("w", number, values.shape, values.reshape(-1).astype(np.float32))
    file = tmp_path / "model.onnx"
    nodes = [helper.make_node("Conv", ["x", "w"], ["y"])]
    file.write_bytes(hostile_models.model(nodes, [tensor], (1, 32, 8, 8)).SerializeToString())
    graph = read_onnx(file)

    assert np.array_equal(graph.tensor("w").astype(np.float32), np.ones((64, 32, 3, 3)))


def test_functions_of_a_file_are_read_where_they_are_called(tmp_path: Path) -> None:
    node = helper.make_node
    inner = helper.make_function(
        "my.ops", "Block", ["a"], ["b"], [node("Relu", ["a"], ["b"])], [helper.make_opsetid("", 17)]
    )
    graph = given(
        hostile_models.model(
            [node("Block", ["x"], ["h"], domain="my.ops"), node("Sigmoid", ["h"], ["y"])], functions=[inner]
        ).SerializeToString(),
        tmp_path,
    )

    assert isinstance(graph, Graph)
    assert [each.op.name for each in graph.nodes] == ["relu", "sigmoid"]
    assert not any(isinstance(each.op, Opaque) for each in graph.nodes)
