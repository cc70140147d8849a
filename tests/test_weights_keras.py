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
from inception_dsl.diagnostics import Diagnostic, SpecError
from inception_dsl.emit import onnx, pytorch
from inception_dsl.ir import Typed
from inception_dsl.weights import transfer
from inception_dsl.witness import probe
from inception_dsl.witness.hearing import MOVES, TOLERANCE

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
h5py = pytest.importorskip("h5py")
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
    for name, code in {
        "small.weights.h5": "E130",
        "text.keras": "E130",
        "none.keras": "E001",
        "v3.hdf": "E130",
    }.items():
        assert [each.code for each in refused(typed, tmp_path / name)] == [code]


def refused(typed: Typed, file: Path) -> tuple[Diagnostic, ...]:
    with pytest.raises(SpecError) as caught:
        transfer.imported(typed, file, "keras", heads=False)
    return caught.value.diagnostics


def test_another_number_of_classes_and_channels_is_told_tensor_by_tensor(tmp_path: Path) -> None:
    net = keras.applications.Xception(weights=None, classes=10, input_shape=(299, 299, 1))
    net.save_weights(tmp_path / "x.weights.h5")
    told = refused(compiler.at_size(compiler.compile_file(SPECS / "xception.yaml")), tmp_path / "x.weights.h5")
    assert [(each.code, each.message.split("`")[1], each.message.rpartition(": ")[2]) for each in told] == [
        ("E135", "block1_conv1.weight", "the file is for images of 1 channel, and the spec for 3 channels"),
        ("E135", "predictions.bias", "the file is for 10 classes, and the spec for 1,000"),
        ("E135", "predictions.weight", "the file is for 10 classes, and the spec for 1,000"),
    ]


def stub(file: Path, kernels: int, classes: int = 0, **more: Any) -> Path:
    """A file of so many kernels as keras writes them, with nothing in them."""
    with h5py.File(file, "w") as made:
        for i in range(kernels):
            made.create_dataset(f"layers/conv2d_{i}/vars/0", (3, 3, 3 + i, 1), "f4")[...] = 0
        if classes:
            made.create_dataset("layers/dense/vars/0", (2048, classes), "f4")[...] = 0
        for name, options in more.items():
            made.create_dataset(f"layers/{name}/vars/0", dtype="f4", **options)
    return file


def test_a_file_is_told_by_its_shapes(tmp_path: Path) -> None:
    typed = compiler.at_size(compiler.compile_file(SPECS / "inception_v3_keras.yaml"))
    (top,) = refused(typed, stub(tmp_path / "a.h5", 94))
    assert top.message.endswith("has no classifier: keras' InceptionV3 was saved with `include_top=False`")
    (other,) = refused(typed, stub(tmp_path / "b.weights.h5", 74, 10))
    assert other.help == "this is keras' Xception: `xception` is its spec"
    (bomb,) = refused(typed, stub(tmp_path / "c.h5", 94, 10, x={"shape": (10**6, 10**6)}))
    assert bomb.code == "E130" and "would fill 4,000,0" in bomb.message
    outside = {"shape": (3,), "external": [("passwords", 0, 12)]}
    (elsewhere,) = refused(typed, stub(tmp_path / "d.h5", 94, 10, x=outside))
    assert "keeps `layers/x/vars/0` in another file, which is not read" in elsewhere.message
