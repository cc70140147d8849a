"""Keras' networks against the specs of the same: its weights in, its numbers out."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders import session

from inception_dsl import build, compiler
from inception_dsl.diagnostics import SpecError
from inception_dsl.emit import onnx, pytorch
from inception_dsl.weights import transfer
from inception_dsl.witness import probe
from inception_dsl.witness.hearing import MOVES, TOLERANCE

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # keras under NumPy 2

SPECS = Path(__file__).parent.parent / "specs"
CASES = {
    "InceptionV3": "inception_v3_keras",
    "InceptionResNetV2": "inception_resnet_v2",
    "Xception": "xception",
}


def made(name: str) -> Any:
    """A network of keras' own with weights that leave a trace: He's for kernels, and statistics of its batch norms."""
    net, random = getattr(keras.applications, name)(weights=None), np.random.default_rng(0)
    for layer in net.layers:
        values = [np.asarray(each) for each in layer.get_weights()]
        drawn = []
        for weight, value in zip(layer.weights, values, strict=True):
            if value.ndim > 1:
                reads = math.prod(value.shape[:-2]) * (1 if "depthwise" in weight.path else value.shape[-2])
                drawn.append(random.normal(0, math.sqrt(2 / reads), value.shape))
            elif weight.path.endswith(("gamma", "moving_variance")):
                drawn.append(random.uniform(0.8, 1.2, value.shape))
            else:
                drawn.append(random.uniform(-0.2, 0.2, value.shape))
        if drawn:
            layer.set_weights(drawn)
    return net


def apart(one: Any, other: Any, all_values: Any) -> float:
    return float(np.abs(one - other).max() / np.ptp(all_values))


@pytest.mark.parametrize("name", CASES)
def test_the_same_weights_give_the_same_numbers(name: str, tmp_path: Path) -> None:
    file = tmp_path / ("net.keras" if name == "Xception" else "net.weights.h5")
    net = made(name)
    net.save(file) if name == "Xception" else net.save_weights(file)
    typed = compiler.at_size(compiler.compile_file(SPECS / f"{CASES[name]}.yaml"))
    weights = transfer.imported(typed, file, "keras", heads=False).weights
    x = probe.images(typed.input.shape, 2, 1.0)

    with torch.no_grad():
        logits = keras.Model(net.input, net.layers[-1].input)(torch.from_numpy(x.transpose(0, 2, 3, 1).copy()))
        kernel, bias = net.layers[-1].get_weights()
    expected = np.asarray(logits.detach().cpu()) @ np.asarray(kernel) + np.asarray(bias)
    ours = build.build(pytorch.source(typed), typed.program.name).eval()
    ours.load_state_dict({key: torch.from_numpy(np.array(each)) for key, each in weights.items()}, strict=False)
    with torch.no_grad():
        given = ours(torch.from_numpy(x)).numpy()
    (graph,) = session(onnx.model(typed)).run(
        ["logits"], {"input": x, **{k: np.ascontiguousarray(v) for k, v in weights.items()}}
    )
    assert apart(expected[0], expected[1], expected) > MOVES
    assert apart(given, expected, expected) < TOLERANCE
    assert apart(graph, expected, expected) < TOLERANCE


def test_a_batch_norm_without_a_scale_gets_one_that_scales_nothing(tmp_path: Path) -> None:
    net = keras.applications.InceptionV3(weights=None)
    net.save_weights(tmp_path / "v3.weights.h5")
    typed = compiler.at_size(compiler.compile_file(SPECS / "inception_v3_timm.yaml"))
    weights = transfer.imported(typed, tmp_path / "v3.weights.h5", "keras", heads=False).weights
    scales = [each for name, each in weights.items() if name.endswith("bn.weight")]
    assert len(scales) == 94 and all((each == 1).all() for each in scales)


def test_a_file_of_another_network_is_refused(tmp_path: Path) -> None:
    small = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(2)])
    small.save_weights(tmp_path / "small.weights.h5")
    (tmp_path / "text.keras").write_text("no archive")
    typed = compiler.at_size(compiler.compile_file(SPECS / "inception_v3_keras.yaml"))
    for name, code in {"small.weights.h5": "E130", "text.keras": "E130", "none.keras": "E001", "v3.h5": "E130"}.items():
        with pytest.raises(SpecError) as caught:
            transfer.imported(typed, tmp_path / name, "keras", heads=False)
        assert [each.code for each in caught.value.diagnostics] == [code]
