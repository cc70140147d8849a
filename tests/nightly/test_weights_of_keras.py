"""Every keras network that has a spec: its weights in, its numbers out."""

from __future__ import annotations

from pathlib import Path

import pytest
from keras_networks import CASES, SPECS, check_numbers, keras, made, refused

from inception_dsl import compiler
from inception_dsl.weights import transfer

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # keras under NumPy 2


@pytest.mark.parametrize("name", CASES)
def test_the_same_weights_give_the_same_numbers(name: str, tmp_path: Path) -> None:
    file = {"Xception": "net.keras", "InceptionV3": "net.h5"}.get(name, "net.weights.h5")
    typed = compiler.at_size(compiler.compile_file(SPECS / f"{CASES[name]}.yaml"))
    check_numbers(made(name), typed, tmp_path / file)


def test_a_batch_norm_without_a_scale_gets_one_that_scales_nothing(tmp_path: Path) -> None:
    net = keras.applications.InceptionV3(weights=None)
    net.save_weights(tmp_path / "v3.weights.h5")
    typed = compiler.at_size(compiler.compile_file(SPECS / "inception_v3_timm.yaml"))
    weights = transfer.import_weights(typed, tmp_path / "v3.weights.h5", "keras", heads=False).weights
    scales = [each for name, each in weights.items() if name.endswith("bn.weight")]
    assert len(scales) == 94 and all((scale == 1).all() for scale in scales)


def test_another_number_of_classes_and_channels_is_reported_tensor_by_tensor(tmp_path: Path) -> None:
    net = keras.applications.Xception(weights=None, classes=10, input_shape=(299, 299, 1))
    net.save_weights(tmp_path / "x.weights.h5")
    diagnostics = refused(compiler.at_size(compiler.compile_file(SPECS / "xception.yaml")), tmp_path / "x.weights.h5")
    assert [
        (diagnostic.code, diagnostic.message.split("`")[1], diagnostic.message.rpartition(": ")[2])
        for diagnostic in diagnostics
    ] == [
        ("E135", "block1_conv1.weight", "the file is for images with 1 channel, the spec for 3 channels"),
        ("E135", "predictions.bias", "the file is for 10 classes, the spec for 1,000"),
        ("E135", "predictions.weight", "the file is for 10 classes, the spec for 1,000"),
    ]
