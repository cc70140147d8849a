"""Taps: rows and heads as outputs of the ONNX graph, equal to PyTorch's features at the same rows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx as standard
import pytest
import torch
from builders import checked, session
from cli_runner import cli
from conditioning import is_stable
from hypothesis import assume, given, settings
from strategies import specs
from torchvision.models.feature_extraction import create_feature_extractor

from inception_dsl.compiler import compile_file, compile_source
from inception_dsl.crosscheck import probe
from inception_dsl.crosscheck.compare import TOLERANCE
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch.executor import PyTorch
from inception_dsl.ir.ops.shaping import Identity
from inception_dsl.ir.typed import Typed
from inception_dsl.lower import lower
from inception_dsl.network import load

ROOT = Path(__file__).parent.parent
SMALL = ROOT / "specs" / "googlenet_bn_small.yaml"


def outputs(data: bytes) -> list[str]:
    """The names of a graph's outputs."""
    return [value.name for value in standard.ModelProto.FromString(data).graph.output]


def compare(typed: Typed, taps: list[str]) -> None:
    """Compare ONNX's shape inference and onnxruntime's values at `taps` with PyTorch's features there."""
    network = PyTorch(typed)
    weights = network.scale(probe.weights(typed))
    network.load(weights)
    data = onnx.model(typed, taps=taps)
    images = probe.images(typed.input.shape, 2, probe.level(typed))
    running = session(data)
    known = {value.name for value in running.get_inputs()}
    feeds = {name: values for name, values in weights.items() if name in known}
    theirs = dict(zip(taps, running.run(taps, {"input": images, **feeds}), strict=True))
    features = create_feature_extractor(network.net.eval(), taps, suppress_diff_warning=True)
    ours = features(torch.from_numpy(images))

    checked(data)
    assert outputs(data) == ["logits", *taps]
    for tap in taps:
        expected = ours[tap].numpy()
        assert theirs[tap].shape == expected.shape == (2, *typed.out(tap).shape)
        scale = max(np.ptp(expected), 0.1 * np.abs(expected).max())  # a small network may give nearly constant values
        assert np.abs(theirs[tap] - expected).max() <= TOLERANCE * scale, tap


def rows_of(typed: Typed) -> list[str]:
    """The rows that compute something: where all of a row is `pass`, PyTorch's trace has no node."""
    computing = {node.row for node in typed.nodes if not isinstance(node.op, Identity)}
    return [row for row in typed.trunk if row in computing]


@pytest.mark.parametrize("name", ["googlenet", "inception_v3", "inception_resnet_v1", "resnet50", "googlenet_bn_small"])
def test_taps_are_pytorchs_features(name: str) -> None:
    typed = lower(compile_file(ROOT / "specs" / f"{name}.yaml"))
    rows = rows_of(typed)

    compare(typed, [rows[0], rows[len(rows) // 3], rows[2 * len(rows) // 3], rows[-2]])


@settings(max_examples=25)
@given(specs())
def test_every_row_of_a_random_network_can_be_tapped(text: str) -> None:
    typed = lower(compile_source(Source("specs/drawn.yaml", text)))
    assume(is_stable(typed))

    compare(typed, rows_of(typed))


def test_a_head_can_be_tapped_alone() -> None:
    net = load(ROOT / "specs" / "googlenet.yaml")

    assert outputs(net.onnx(taps=["aux2", "inception_3a"])) == ["logits", "aux2", "inception_3a"]
    assert outputs(net.onnx(heads=True, taps=["aux2", "conv1"])) == ["logits", "aux1", "aux2", "conv1"]


def test_taps_go_with_every_other_option(tmp_path: Path) -> None:
    words = ("--size", "dynamic", "--batch", "4", "--opset", "18", "--heads", "--taps", "conv1,inception_3a")
    spec = str(SMALL)
    first = cli("compile", spec, *words, "--out", str(tmp_path))
    assert first.exit_code == 0, first.stderr
    data = (tmp_path / "googlenet_bn_small" / "model.onnx").read_bytes()
    graph = standard.ModelProto.FromString(data)

    assert outputs(data)[-2:] == ["conv1", "inception_3a"]
    (rebuild,) = (entry.value for entry in graph.metadata_props if entry.key == "rebuild")
    assert "--taps conv1,inception_3a" in rebuild
    assert cli("compile", "--check", spec, *words, "--out", str(tmp_path)).exit_code == 0
    assert cli("compile", "--check", spec, *words[:-2], "--out", str(tmp_path)).exit_code == 1


def test_taps_need_a_folder_of_their_own() -> None:
    result = cli("compile", str(SMALL), "--taps", "conv1")

    assert result.exit_code == 2
    assert "--taps changes the files: say where to write them with --out" in result.stderr


@pytest.mark.parametrize("taps", ["", "conv1,,pool1", ","])
def test_an_empty_name_is_a_usage_error(taps: str, tmp_path: Path) -> None:
    result = cli("compile", str(SMALL), "--taps", taps, "--out", str(tmp_path))

    assert result.exit_code == 2
    assert "has an empty name" in result.stderr


def test_taps_may_be_given_in_several_options(tmp_path: Path) -> None:
    words = ("--taps", "conv1, inception_3a", "--taps", "fc,conv1")
    assert cli("compile", str(SMALL), *words, "--out", str(tmp_path)).exit_code == 0
    data = (tmp_path / "googlenet_bn_small" / "model.onnx").read_bytes()

    assert outputs(data) == ["logits", "conv1", "inception_3a", "fc"]
    with pytest.raises(TypeError, match=r"pass a list of names, \['conv1'\]"):
        load(SMALL).onnx(taps="conv1")


def test_unknown_taps_are_found_together_each_with_a_suggestion(tmp_path: Path) -> None:
    result = cli("compile", str(SMALL), "--taps", "inception_3aa,nothing", "--out", str(tmp_path))

    assert result.exit_code == 1
    assert "is called `inception_3aa`" in result.stderr
    assert "did you mean `inception_3a`" in result.stderr
    assert "a tap is the name of a row or head: `show` lists them" in result.stderr
    assert not list(tmp_path.iterdir())
    with pytest.raises(SpecError, match="is called `inception_3aa`"):
        load(SMALL).onnx(taps=["inception_3aa"])


def test_export_writes_and_compares_taps(tmp_path: Path) -> None:
    file = tmp_path / "small.onnx"
    words: tuple[Any, ...] = ("export", SMALL, "--init", 0, "--out", file, "--taps", "inception_3a,conv1")
    result = cli(*words)

    assert result.exit_code == 0, result.stderr
    assert outputs(file.read_bytes()) == ["logits", "inception_3a", "conv1"]
    assert "onnxruntime agrees with PyTorch" in result.stdout
