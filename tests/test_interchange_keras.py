"""Networks of keras that run on torch: read with the channels first, audited, and adopted with equal values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_runner import cli
from keras_networks import keras

from inception_dsl.adopt.adopt import adopt
from inception_dsl.interchange.network import of_module


def small() -> Any:
    """Every layer of keras.applications that torch writes in a way of its own."""
    layers = keras.layers
    image = keras.Input((20, 20, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(image)
    x = layers.Normalization(mean=[0.4, 0.5, 0.6], variance=[0.1, 0.2, 0.3])(x)
    x = layers.Conv2D(8, 3, strides=2, padding="same", activation="relu")(x)
    x = layers.ReLU(6.0)(layers.BatchNormalization(scale=False)(layers.Conv2D(8, 1, use_bias=False)(x)))
    x = layers.ZeroPadding2D(((0, 1), (0, 1)))(layers.BatchNormalization(center=False)(x))
    x = layers.SeparableConv2D(6, 3, strides=2)(x)
    y = layers.DepthwiseConv2D(3, padding="same")(x)
    y = layers.Multiply()([y, layers.ReLU(6.0)(y + 3.0) * (1 / 6)])
    x = layers.Concatenate()([layers.Add()([x, y]), layers.AveragePooling2D(3, 1, padding="same")(x)])
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    gate = layers.Reshape((1, 1, 12))(layers.GlobalAveragePooling2D()(x))
    x = layers.Multiply()([x, layers.Conv2D(12, 1, activation="hard_sigmoid")(gate)])
    x = layers.Dense(7, activation="tanh")(layers.Dropout(0.3)(layers.Flatten()(x)))
    return keras.Model(image, layers.Dense(5)(layers.LayerNormalization(epsilon=1e-6)(x)))


def test_a_network_of_keras_is_adopted_with_equal_values() -> None:
    """The first images are scaled by an affine layer; weights are drawn too, in the layouts that keras has."""
    net = small()
    adopted = adopt(of_module(net, "small"))

    ops = [node.op.name for node in adopted.spec.network.graph.nodes]
    assert (ops[0], ops.count("affine"), ops.count("bn")) == ("affine", 1, 2)
    assert {"relu6", "hardswish", "dropout", "ln"} <= {*ops}
    assert adopted.same
    assert adopted.values is not None and adopted.values.equal


def test_keras_downloads_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    run = cli("audit", "builtin:vgg16", "keras.applications:MobileNet", "--arg", "alpha=0.25", "--format", "json")

    assert run.exit_code == 2
    (message,) = (each["message"] for each in json.loads(run.stdout)["diagnostics"])
    assert "it reads from storage.googleapis.com" in message
