"""Which spec a network is, whatever it is called, and which is the nearest where none is equal."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from cli_runner import cli
from test_interchange import without_names, written

from inception_dsl.compiler import at_size, compile_file
from inception_dsl.emit.onnx import onnx
from inception_dsl.files import builtin
from inception_dsl.identify.identify import identify, identify_shapes
from inception_dsl.weights.alike import percent
from inception_dsl.weights.files import safetensors

SMALL = "googlenet_bn_small"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three specs: a network, a variant of it, and one that is wrong; and the network's file without names."""
    text = Path(builtin.folder(), f"{SMALL}.yaml").read_text(encoding="utf-8")
    specs = tmp_path / "specs"
    specs.mkdir()
    (specs / "small.yaml").write_text(text, encoding="utf-8")
    deep = Path(builtin.folder(), f"ablations/{SMALL}/deep.yaml").read_text(encoding="utf-8")
    (specs / "deep.yaml").write_text(deep.replace("../../", "builtin:"), encoding="utf-8")
    (specs / "wrong.yaml").write_text("network: wrong", encoding="utf-8")
    written(without_names(onnx.model(at_size(compile_file(f"builtin:{SMALL}")))), tmp_path)
    return tmp_path


def test_a_file_without_names_is_identified(folder: Path) -> None:
    found = identify(str(folder / "model.onnx"), folder / "specs")

    assert found.exact == (str(folder / "specs/small.yaml"),)
    assert not found.folded


def test_the_nearest_is_named_with_its_edits(folder: Path) -> None:
    text = (folder / "specs/small.yaml").read_text(encoding="utf-8")
    (folder / "specs/small.yaml").write_text(
        text.replace("| avgpool global -> flatten", "| maxpool global -> flatten"), encoding="utf-8"
    )

    done = cli("identify", folder / "model.onnx", "--among", folder / "specs", "--format", "json")

    result = json.loads(done.output)["result"]
    assert done.exit_code == 1
    assert result["exact"] == []
    assert result["left_out"] == [str(folder / "specs/wrong.yaml")]
    assert result["nearest"] == str(folder / "specs/small.yaml")
    assert result["share"] > 0.9
    assert [(edit["spec"], edit["target"]) for edit in result["edits"]] == [("maxpool global", "avgpool global")]


def test_tensors_are_identified_by_their_shapes(folder: Path) -> None:
    typed = at_size(compile_file(f"builtin:{SMALL}"))
    tensors = {f"t{number}": np.zeros(weight.shape, np.float32) for number, weight in enumerate(typed.weights.values())}
    (folder / "some.safetensors").write_bytes(safetensors(tensors, {}))

    found = identify(str(folder / "some.safetensors"), folder / "specs")

    assert found.exact == (str(folder / "specs/small.yaml"),)
    assert found.of == "tensors"


def test_a_convolution_of_one_pixel_may_be_a_fully_connected_layer(folder: Path) -> None:
    typed = at_size(compile_file(f"builtin:{SMALL}"))
    shapes = {f"t{number}": weight.shape for number, weight in enumerate(typed.weights.values())}
    flat = {name: shape[:2] if shape[2:] == (1, 1) else shape for name, shape in shapes.items()}

    assert flat != shapes
    assert identify_shapes("some", flat, folder / "specs").exact == (str(folder / "specs/small.yaml"),)
    assert percent(0.9999) == "99%"


def test_what_cannot_be_read_is_refused(folder: Path) -> None:
    assert cli("identify", folder / "none.onnx").exit_code == 2
    assert cli("identify", "nothing").exit_code == 2
