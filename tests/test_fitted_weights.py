"""Weights of a file, made to fit a network: what is taken over, drawn anew, adapted, left out or refused."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from library_networks import CASES, empty
from safetensors.torch import save_file
from torch import nn

from inception_dsl import compiler
from inception_dsl.build import build
from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.network import load
from inception_dsl.spec.network import NetworkSpec
from inception_dsl.weights.files import COUNTER
from inception_dsl.weights.initial import InitialWeights, adapt_kernel, initial_weights
from inception_dsl.weights.modules import named_modules, spell_modules
from inception_dsl.weights.preprocessing import KEY
from inception_dsl.weights.published import PUBLISHED

SPEC = """
network: small
input: 3x8x8
classes: 5
defaults: {conv: same bn relu, maxpool: same}
modules:
  block:
    graph: "| a: conv 1x1 4 | b: conv 3x3 4 -> conv 3x3 4"
  aux:
    graph: "pool: avgpool global -> flatten -> fc1: fc 6 relu -> fc2: fc {classes}"
layers: |
  name  | layer
  conv1 | conv 3x3 4
  pool1 | maxpool 3x3/2
  mix1  | block
  mix2  | block
  gap   | avgpool global -> flatten
  fc    | fc {classes}
heads:
  aux1: {from: mix1, graph: aux}
training: {recipe: modern}
"""


def spec(folder: Path, *changes: tuple[str, str]) -> NetworkSpec:
    """The spec with some of its text changed."""
    text = SPEC
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    path = folder / f"{len(changes)}-{abs(hash(changes))}.yaml"
    path.write_text(text)
    return compiler.load(path)


def network(spec: NetworkSpec, seed: int = 0) -> nn.Module:
    """A spec's network with weights that tell."""
    torch.manual_seed(seed)
    typed = compiler.at_size(compiler.compile_spec(spec))
    made = build(pytorch.source(typed), typed.program.name)
    for name, tensor in made.state_dict().items():
        if "running" in name:
            tensor.uniform_(0.5, 1.5)
    return made.eval()


def saved(spec: NetworkSpec, file: Path, **metadata: str) -> dict[str, Any]:
    """Save a network's weights; gives them."""
    state = network(spec).state_dict()
    save_file(state, file, metadata or None)
    return state


def loaded(spec: NetworkSpec, found: InitialWeights) -> nn.Module:
    """A spec's network, started from weights."""
    made = network(spec, seed=1)
    state = {name: torch.from_numpy(np.array(values)) for name, values in found.weights.items()}
    made.load_state_dict(state, strict=False)
    return made


def refused(spec: NetworkSpec, file: Path, *new: str) -> SpecError:
    """Why a file is refused."""
    with pytest.raises(SpecError) as error:
        initial_weights(spec, file, new)
    return error.value


def test_the_same_network_takes_everything(tmp_path: Path) -> None:
    same = spec(tmp_path)
    state = saved(same, tmp_path / "w.safetensors")
    found = initial_weights(same, tmp_path / "w.safetensors")
    assert found.weights.keys() == state.keys()
    assert all(np.array_equal(found.weights[name], values) for name, values in state.items())
    assert (found.new, found.adapted, found.left, found.kept) == ({}, {}, (), ("fc", "aux1.fc2"))


@pytest.mark.parametrize("classes", [1, 4, 6, 1000])
def test_exactly_the_layers_of_the_classes_are_drawn_anew(tmp_path: Path, classes: int) -> None:
    saved(spec(tmp_path), tmp_path / "w.safetensors")
    found = initial_weights(spec(tmp_path, ("classes: 5", f"classes: {classes}")), tmp_path / "w.safetensors")
    reason = f"for {classes:,} classes; the file has 5"
    assert found.new == {"fc": reason, "aux1.fc2": reason}
    assert not [name for name in found.weights if name.startswith(("fc.", "aux1.fc2."))]
    assert "aux1.fc1.fc.weight" in found.weights


def test_other_classes_of_the_same_number_are_drawn_anew(tmp_path: Path) -> None:
    """As a run lists them beside its weights; a file without a list is believed."""
    model = tmp_path / "model"
    model.mkdir()
    saved(spec(tmp_path), model / "model.safetensors")
    named = [*"abcde"]
    (model / "config.json").write_text(json.dumps({"label_names": named}))
    same, other = (
        initial_weights(spec(tmp_path), model / "model.safetensors", classes=names) for names in (named, [*"abcdf"])
    )
    assert not same.new and not same.kept
    assert other.new.keys() == {"fc", "aux1.fc2"}


def test_heads_come_and_go(tmp_path: Path) -> None:
    with_head, without = spec(tmp_path), spec(tmp_path, ("heads:\n  aux1: {from: mix1, graph: aux}\n", ""))
    state = saved(with_head, tmp_path / "with.safetensors")
    saved(without, tmp_path / "without.safetensors")
    gone = initial_weights(without, tmp_path / "with.safetensors")
    assert {*gone.left} == {name for name in state if name.startswith("aux1.")} and not gone.new
    come = initial_weights(with_head, tmp_path / "without.safetensors")
    assert come.new == {"aux1": "not in the file"} and not come.left


def test_grey_is_red_green_and_blue_alike(tmp_path: Path) -> None:
    """A kernel summed over its channels gives the very values that the network had for a grey image in colour."""
    colour, grey = spec(tmp_path), spec(tmp_path, ("input: 3x8x8", "input: 1x8x8"))
    saved(colour, tmp_path / "w.safetensors")
    found = initial_weights(grey, tmp_path / "w.safetensors")
    assert found.adapted == {"conv1.conv": "3 channels summed to 1"}
    image = torch.randn(4, 1, 8, 8)
    with torch.no_grad():
        expected = network(colour)(image.expand(-1, 3, -1, -1))
        torch.testing.assert_close(loaded(grey, found)(image), expected, rtol=1e-5, atol=1e-5)


def test_a_kernel_of_grey_images_is_repeated(tmp_path: Path) -> None:
    colour, grey = spec(tmp_path), spec(tmp_path, ("input: 3x8x8", "input: 1x8x8"))
    saved(grey, tmp_path / "w.safetensors")
    found = initial_weights(colour, tmp_path / "w.safetensors")
    assert found.adapted == {"conv1.conv": "1 channel repeated to 3"}
    image = torch.randn(4, 1, 8, 8)
    with torch.no_grad():
        actual = loaded(colour, found)(image.expand(-1, 3, -1, -1))
        torch.testing.assert_close(actual, network(grey)(image), rtol=1e-5, atol=1e-5)


@given(st.integers(1, 6), st.integers(1, 6), st.integers(0, 99))
def test_adapted_kernels_keep_the_response_to_equal_channels(there: int, here: int, seed: int) -> None:
    """Exactly if the channels are repeated as a whole or summed, and on average over the channels of the file else."""
    kernel = np.random.default_rng(seed).normal(size=(3, there, 2, 2)).astype(np.float32)
    adapted = adapt_kernel(kernel, here)
    assert adapted.shape == (3, here, 2, 2) and adapted.dtype == np.float32
    if here == 1 or here % there == 0:
        np.testing.assert_allclose(adapted.sum(1), kernel.sum(1), rtol=1e-4, atol=1e-5)
    else:
        for channel in range(here):
            np.testing.assert_allclose(adapted[:, channel] * here, kernel[:, channel % there] * there, rtol=1e-5)


def test_deviations_that_differ_are_put_into_the_kernel(tmp_path: Path) -> None:
    """Images were divided by a deviation per channel; grey ones are divided by the average."""
    colour, grey = spec(tmp_path), spec(tmp_path, ("input: 3x8x8", "input: 1x8x8"))
    stated = PUBLISHED["torchvision"]["alexnet"].of("", "").at(8, 8)
    std = torch.tensor(stated.std)
    saved(colour, tmp_path / "w.safetensors", **{KEY: stated.json})
    found = initial_weights(grey, tmp_path / "w.safetensors")
    assert found.images and found.images.for_channels(1).std == pytest.approx((0.226,), abs=1e-3)
    image = torch.randn(4, 1, 8, 8)
    with torch.no_grad():
        expected = network(colour)(image / std[:, None, None])
        torch.testing.assert_close(loaded(grey, found)(image / std.mean()), expected, rtol=1e-5, atol=1e-5)


def test_a_layer_that_cannot_be_adapted_is_reported(tmp_path: Path) -> None:
    flat = ("  conv1 | conv 3x3 4\n  pool1 | maxpool 3x3/2\n", "  conv1 | conv 3x3 6 groups=3\n")
    saved(spec(tmp_path, flat), tmp_path / "w.safetensors")
    (found,) = refused(spec(tmp_path, flat, ("input: 3x8x8", "input: 6x8x8")), tmp_path / "w.safetensors").diagnostics
    assert found.code == "E135" and "conv1" in found.message
    assert "--set transfer.new=conv1" in found.help


def test_other_shapes_name_the_row_both_shapes_and_the_cure(tmp_path: Path) -> None:
    saved(spec(tmp_path), tmp_path / "w.safetensors")
    wider = spec(tmp_path, ("mix2  | block", "mix2  | conv 3x3 9"))
    saved(spec(tmp_path, ("mix2  | block", "mix2  | conv 3x3 8")), tmp_path / "w.safetensors")
    errors = refused(wider, tmp_path / "w.safetensors").diagnostics
    first = next(error for error in errors if "mix2.conv.weight" in error.message)
    assert "is 8x8x3x3 in" in first.message and "but 9x8x3x3 in the spec" in first.message
    assert first.span and first.help == "to draw the row anew, add `--set transfer.new=mix2`"

    found = initial_weights(wider, tmp_path / "w.safetensors", new=["mix2", "fc"])
    assert found.new == {"mix2": "as set", "fc": "as set"}
    assert {name.partition(".")[0] for name in found.weights} == {"conv1", "mix1", "aux1"}


def test_what_is_of_another_network_is_refused(tmp_path: Path) -> None:
    own = spec(tmp_path)
    state = saved(own, tmp_path / "w.safetensors")
    for change, code, words in (
        ({"mix1.b.0.conv.weight": None}, "E133", "mix1.b.0.conv.weight"),
        ({"mix1.c.weight": torch.ones(1)}, "E134", "mix1.c.weight"),
        ({"fc.bias": torch.tensor([float("nan")] * 5)}, "E136", "5 NaN"),
        (dict.fromkeys([*state][3:]) | {"x": torch.ones(1)}, "E132", "nor of a known library"),
    ):
        changed = {name: tensor for name, tensor in {**state, **change}.items() if tensor is not None}
        save_file(changed, tmp_path / "x.safetensors")
        errors = refused(own, tmp_path / "x.safetensors").diagnostics
        assert errors[0].code == code and words in errors[0].message
        assert errors[0].help or code in {"E134", "E136"}


def file_of(case: str, file: Path, **options: Any) -> Mapping[str, torch.Tensor]:
    """A library's file with random weights; gives them."""
    torch.manual_seed(0)
    state = empty(CASES[case].make).state_dict()
    for name, tensor in state.items():
        tensor.fill_(7) if name.endswith(COUNTER) else tensor.uniform_(0.1, 1)
    kept = {name: tensor for name, tensor in state.items() if not name.startswith(options.get("without", "-"))}
    torch.save(kept, file)
    return kept


def variant(folder: Path, base: str, text: str) -> NetworkSpec:
    """A variant of a built-in spec."""
    (folder / "v.yaml").write_text(f"extends: builtin:{base}.yaml\nnetwork: v\ntitle: V\n{text}")
    return compiler.load(folder / "v.yaml")


def test_googlenet_of_torchvision_is_a_start_for_ten_classes_in_grey(tmp_path: Path) -> None:
    state = file_of("torchvision-googlenet", tmp_path / "g.pth")
    ten = initial_weights(variant(tmp_path, "googlenet_torchvision", "classes: 10\n"), tmp_path / "g.pth")
    assert ten.origin == "torchvision's googlenet" and ten.new.keys() == {"fc", "aux1.fc2", "aux2.fc2"}
    assert np.array_equal(ten.weights["inception_3a.b5x5.1.conv.weight"], state["inception3a.branch3.1.conv.weight"])
    assert ten.images and (ten.images.mean, ten.images.std) == ((0.5,) * 3, (0.5,) * 3)

    text = "classes: 10\nremove: {heads: [aux1, aux2]}\n"
    without = initial_weights(variant(tmp_path, "googlenet_torchvision", text), tmp_path / "g.pth")
    assert without.new.keys() == {"fc"} and {name.partition(".")[0] for name in without.left} == {"aux1", "aux2"}

    grey = initial_weights(variant(tmp_path, "googlenet_torchvision", "input: 1x224x224\n"), tmp_path / "g.pth")
    assert not grey.new and grey.adapted == {"conv1.conv": "3 channels summed to 1"}
    summed = state["conv1.conv.weight"].sum(1, keepdim=True)
    np.testing.assert_allclose(grey.weights["conv1.conv.weight"], summed, rtol=1e-5)


def test_a_file_without_heads_leaves_them_to_be_drawn(tmp_path: Path) -> None:
    file_of("torchvision-googlenet", tmp_path / "g.pth", without="aux")
    found = initial_weights(compiler.load("specs/googlenet_torchvision.yaml"), tmp_path / "g.pth")
    assert found.new == dict.fromkeys(("aux1", "aux2"), "not in the file")


def test_timms_names_are_found_without_being_told(tmp_path: Path) -> None:
    file_of("timm-legacy_xception", tmp_path / "x.pth")
    found = initial_weights(variant(tmp_path, "xception_timm", "classes: 3\n"), tmp_path / "x.pth")
    assert found.origin == "timm's legacy_xception" and found.new.keys() == {"fc"}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["conv1"], ["conv1"]),
        (["aux1"], ["aux1"]),
        (["heads.aux1", "conv1"], ["conv1", "aux1"]),
        (["block"], ["mix1", "mix2"]),
        (["conv1..mix1"], ["conv1", "mix1"]),
        (["conv1..fc"], ["conv1", "mix1", "mix2", "fc"]),
        (["mix1.b"], ["mix1.b"]),
        (["mix1.a", "mix1.b", "mix2.b.0"], ["mix1", "mix2.b.0"]),
        (["aux1.fc2"], ["aux1.fc2"]),
    ],
)
def test_rows_heads_modules_and_ranges_are_modules(tmp_path: Path, names: list[str], expected: list[str]) -> None:
    typed = compiler.at_size(compiler.compile_spec(spec(tmp_path)))
    assert named_modules(typed, names) == expected
    made = network(spec(tmp_path))
    assert all(made.get_submodule(name) for name in expected)


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("conv2", "no row, head or module is called `conv2`", "did you mean `conv1`?"),
        ("heads.aux2", "no row, head or module is called `heads.aux2`", "did you mean `heads.aux1`"),
        ("pool1", "`pool1` has no weights", "leave it out"),
        ("conv1..mix3", "called `mix3`", "did you mean"),
        ("mix2..conv1", "`conv1` comes before `mix2`", "write `conv1..mix2`"),
        ("features", "called `features`", "`inception-dsl show SPEC` lists the rows"),
    ],
)
def test_wrong_names_are_reported(tmp_path: Path, name: str, message: str, hint: str) -> None:
    typed = compiler.at_size(compiler.compile_spec(spec(tmp_path)))
    with pytest.raises(SpecError) as error:
        named_modules(typed, [name])
    (found,) = error.value.diagnostics
    assert found.code == "E206" and message in found.message and hint in found.help


@pytest.mark.parametrize("name", ["googlenet", "inception_v4", "xception", "resnet50"])
def test_all_rows_are_a_range(name: str) -> None:
    typed = load(f"builtin:{name}").typed
    rows = [row for row in typed.trunk if any(node.weights for node in typed.of(row))]
    assert named_modules(typed, [f"{typed.trunk[0]}..{typed.trunk[-1]}"]) == rows
    assert spell_modules(typed, rows) == f"{rows[0]}..{rows[-1]}"
    assert spell_modules(typed, [rows[0], rows[2]]) == f"{rows[0]}, {rows[2]}"


GOOGLENET = load("builtin:googlenet").typed
WEIGHTED = [row for row in (*GOOGLENET.trunk, *GOOGLENET.heads) if any(node.weights for node in GOOGLENET.of(row))]


@given(st.sets(st.sampled_from(WEIGHTED), min_size=1))
def test_modules_in_a_sentence_can_be_read_again(rows: set[str]) -> None:
    modules = named_modules(GOOGLENET, rows)
    assert {*modules} == rows
    assert named_modules(GOOGLENET, spell_modules(GOOGLENET, modules).split(", ")) == modules
