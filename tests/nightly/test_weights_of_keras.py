"""Every keras network that has a spec: its weights in, its numbers out."""

from __future__ import annotations

from pathlib import Path

import pytest
from keras_networks import CASES, SPECS, check_numbers, keras, made, refused

from inception_dsl import compiler
from inception_dsl.weights import transfer
from inception_dsl.weights.initial import initial_weights

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


def test_a_file_is_a_start_for_other_classes(tmp_path: Path) -> None:
    net = made("Xception", input_shape=(71, 71, 3), classes=10)
    net.save_weights(file := tmp_path / "x.weights.h5")
    (tmp_path / "four.yaml").write_text("extends: builtin:xception.yaml\nnetwork: four\ntitle: Four\nclasses: 4\n")
    found = initial_weights(compiler.load(tmp_path / "four.yaml"), file)
    assert found.origin.startswith("keras")
    assert found.new == {"fc": "for 4 classes; the file has 10"} and not found.adapted and not found.left
    assert found.images and found.images.mean == (0.5, 0.5, 0.5)
    (kernel,) = (layer for layer in net.layers if layer.name == "block1_conv1")
    assert (next(iter(found.weights.values())) == kernel.get_weights()[0].transpose(3, 2, 0, 1)).all()
