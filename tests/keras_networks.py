"""Keras' networks and their specs: shared code of the tests of its weights."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from builders import session

from inception_dsl import build
from inception_dsl.crosscheck import probe
from inception_dsl.crosscheck.compare import MOVES, TOLERANCE
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.ir.typed import Typed
from inception_dsl.weights import transfer

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")
h5py = pytest.importorskip("h5py")
SPECS = Path(__file__).parent.parent / "specs"
CASES = {
    "InceptionV3": "inception_v3_keras",
    "InceptionResNetV2": "inception_resnet_v2",
    "Xception": "xception",
}


def made(name: str, **options: Any) -> Any:
    """A network of keras' own with weights that leave a trace: He's for kernels, and statistics of its batch norms."""
    net, random = getattr(keras.applications, name)(weights=None, **options), np.random.default_rng(0)
    for layer in net.layers:
        values = [np.asarray(weight) for weight in layer.get_weights()]
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


def check_numbers(net: Any, typed: Typed, file: Path) -> None:
    """The weights of a keras network, saved in a file, give its numbers in PyTorch and onnxruntime."""
    net.save_weights(file) if file.name.endswith(".weights.h5") else net.save(file)
    weights = transfer.import_weights(typed, file, "keras", heads=False).weights
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


def refused(typed: Typed, file: Path) -> tuple[Diagnostic, ...]:
    with pytest.raises(SpecError) as caught:
        transfer.import_weights(typed, file, "keras", heads=False)
    return caught.value.diagnostics
