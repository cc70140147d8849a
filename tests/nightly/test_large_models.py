"""The memory that reading a large ONNX file takes, and a long run of damaged ones."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hostile_models import model, value
from onnx import TensorProto, helper, numpy_helper
from test_hostile_models import check_damage

MOST = 2.5
"""Reading a file takes at most this many times its size of memory."""

SCRIPT = """
import sys
from inception_dsl.__main__ import run
try:
    run()
except SystemExit as end:
    assert end.code in (0, 1), end.code
(line,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print("peak", line.split()[1])
"""

SPEC = """
network: deep
input: 3x16x16
layers: |
  name | layer
  conv | conv 3x3 4
  fc   | avgpool global -> fc 10
"""


def written(kind: str, layers: int, folder: Path) -> Path:
    """A file with some convolutions of 9 MB each, whose weights lie in it in one of the ways that there are."""
    tensors, nodes = [], [helper.make_node("Conv", ["x", "first"], ["v0"])]
    first = numpy_helper.from_array(np.ones((512, 3, 3, 3), np.float32), "first")
    weights = np.random.default_rng(0).standard_normal((512, 512, 3, 3), np.float32) / 100
    for number in range(layers):
        name = f"w{number}"
        tensor = numpy_helper.from_array(weights + number, name)
        if kind == "numbers":
            tensor = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=weights.shape)
            tensor.float_data.extend((weights + number).reshape(-1))
        if kind == "constant":
            nodes.append(helper.make_node("Constant", [], [name], value=tensor))
        else:
            tensors.append(tensor)
        nodes.append(helper.make_node("Conv", [f"v{number}", name], [f"v{number + 1}"], pads=[1, 1, 1, 1]))
    file = folder / f"{layers}.onnx"
    made: Any = model(nodes, [first, *tensors], (1, 3, 16, 16))
    made.graph.output[0].CopyFrom(value(f"v{layers}"))
    onnx.save(made, str(file), save_as_external_data=kind == "external", location=f"{layers}.bin")
    return file


def peak(*words: object) -> int:
    """The most memory that a command held, in bytes."""
    command = [sys.executable, "-c", SCRIPT, *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return 1024 * int(done.stdout.split()[-1])


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of memory is that of Linux")
@pytest.mark.parametrize("kind", ["raw", "numbers", "external", "constant"])
def test_a_file_of_200_megabytes_is_read_in_less_than_its_size_times_2_5(kind: str, tmp_path: Path) -> None:
    large, small = written(kind, 21, tmp_path), written(kind, 1, tmp_path)
    size = sum(file.stat().st_size for file in tmp_path.glob("21.*"))
    spec = tmp_path / "deep.yaml"
    spec.write_text(SPEC, encoding="utf-8")
    assert size > 190e6

    adopt = "adopt", "--force", "--out", tmp_path / "adopted.yaml"
    for words in (("audit", spec), (*adopt, "--no-values"), adopt):
        assert peak(*words, large) - peak(*words, small) < MOST * size


def test_thousands_of_damaged_files_are_graphs_or_diagnostics(tmp_path: Path) -> None:
    check_damage(range(1000, 21_000), tmp_path)
