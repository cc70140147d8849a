"""Keras' networks and their specs: the same weights give the same values.

On small images here; `nightly/test_weights_of_keras.py` has them at their own size.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import pytest
from keras_networks import CASES, SPECS, check_numbers, keras, made, refused

from inception_dsl import compiler

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # keras under NumPy 2


@pytest.mark.parametrize("name", CASES)
def test_the_same_weights_give_the_same_numbers(name: str, tmp_path: Path) -> None:
    size = 71 if name == "Xception" else 75  # the least that keras takes
    net = made(name, input_shape=(size, size, 3), classes=10)
    edits = f"network: small\ntitle: Small\ninput: 3x{size}x{size}\nclasses: 10\n"
    if heads := [head.name for head in compiler.load(SPECS / f"{CASES[name]}.yaml").heads]:
        edits += f"remove: {{heads: {heads}}}\n"  # keras has none
    (tmp_path / "small.yaml").write_text(f"extends: builtin:{CASES[name]}.yaml\n{edits}")
    check_numbers(net, compiler.at_size(compiler.compile_file(tmp_path / "small.yaml")), tmp_path / "x.weights.h5")


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


def stub(file: Path, kernels: int, classes: int = 0, **more: Any) -> Path:
    """A file with this many kernels, in keras' layout but without values."""
    with h5py.File(file, "w") as made:
        for i in range(kernels):
            made.create_dataset(f"layers/conv2d_{i}/vars/0", (3, 3, 3 + i, 1), "f4")[...] = 0
        if classes:
            made.create_dataset("layers/dense/vars/0", (2048, classes), "f4")[...] = 0
        for name, options in more.items():
            made.create_dataset(f"layers/{name}/vars/0", dtype="f4", **options)
    return file


def test_a_file_is_identified_by_its_shapes(tmp_path: Path) -> None:
    typed = compiler.at_size(compiler.compile_file(SPECS / "inception_v3_keras.yaml"))
    (top,) = refused(typed, stub(tmp_path / "a.h5", 94))
    assert top.message.endswith("has no classifier: it was saved with `include_top=False`")
    (other,) = refused(typed, stub(tmp_path / "b.weights.h5", 74, 10))
    assert other.help == "this is keras' Xception: use the spec `xception`"
    (bomb,) = refused(typed, stub(tmp_path / "c.h5", 94, 10, x={"shape": (10**6, 10**6)}))
    assert bomb.code == "E130" and "would fill 4,000,0" in bomb.message
    outside = {"shape": (3,), "external": [("passwords", 0, 12)]}
    (elsewhere,) = refused(typed, stub(tmp_path / "d.h5", 94, 10, x=outside))
    assert "stores `layers/x/vars/0` in another file, which is not read" in elsewhere.message
