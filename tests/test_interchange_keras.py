"""Networks of keras that run on torch: read with the channels first, audited, and adopted with equal values."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from cli_runner import cli
from keras_networks import keras
from torch import nn

from inception_dsl.adopt.adopt import adopt
from inception_dsl.interchange.network import of_module
from inception_dsl.interchange.torch.reader import read_torch
from inception_dsl.network import load


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
    run = cli("audit", "builtin:vgg16", "keras.applications:VGG16", "--format", "json")

    assert run.exit_code == 2
    (message,) = (each["message"] for each in json.loads(run.stdout)["diagnostics"])
    assert "it reads from storage.googleapis.com" in message


def test_norms_with_frozen_statistics_are_batch_norms() -> None:
    """As torchvision's detection networks have them: their scale and shift are computed of four tensors."""
    from torchvision.ops import FrozenBatchNorm2d

    net = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), FrozenBatchNorm2d(4), nn.ReLU())
    conv, norm, _ = read_torch(net, (3, 8, 8), "net").nodes

    assert (conv.op.name, norm.op.name) == ("conv", "bn")
    assert {*norm.weights.values()} == {f"1.{name}" for name in ("weight", "bias", "running_mean", "running_var")}


def test_preprocessing_in_a_network_is_told() -> None:
    class Normalised(nn.Module):
        def __init__(self, net: nn.Module) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.net((x - 0.5) / 0.25)  # type: ignore[no-any-return]

    spec = load("builtin:zoo/squeezenet1_1")
    result = spec.audit(Normalised(spec.build()))

    assert result.holds
    assert result.notes == ("it scales and shifts its images itself, which a spec leaves to their preprocessing",)
