"""ConvNeXt-T beside torchvision's and timm's: what it begins with, and weights that they keep in other shapes.

Their linear layers are 1x1 convolutions here, and a scale of channels has no axes of an image.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from safetensors.torch import save_file

from inception_dsl import compiler
from inception_dsl.build import build
from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.ir.typed import Typed
from inception_dsl.weights.initial import initial_weights
from inception_dsl.weights.matching import match
from inception_dsl.weights.names.notation import Form, Names
from inception_dsl.weights.transfer import import_weights


@pytest.fixture(scope="module")
def typed() -> Typed:
    return compiler.at_size(compiler.compile_file("builtin:convnext_tiny"))


def test_what_it_begins_with(typed: Typed) -> None:
    net = build(pytorch.source(typed), "convnext_tiny")
    with torch.device("meta"):
        theirs = torchvision.models.convnext_tiny()
    scales = [weight for each in net.modules() if type(each).__name__ == "Affine" for weight in each.parameters()]
    rates = [each.p for each in net.modules() if type(each).__name__ == "DropPath"]

    assert len(scales) == 18
    assert {*torch.cat([*scales]).tolist()} == {float(np.float32(1e-6))}
    assert rates == pytest.approx([each.p for each in theirs.modules() if type(each).__name__ == "StochasticDepth"])


def test_a_name_says_how_a_library_keeps_a_weight() -> None:
    names = Names("net", "net", "stem a.{0-1}{.{conv,fc@2},:scale@3} b:gamma head")

    assert names.trunk == ["stem", "a.0.conv", "a.0.fc", "a.0", "a.1.conv", "a.1.fc", "a.1", "b", "head"]
    linear, scale = Form(dims=2), Form("scale", 3)
    assert names.forms == {"a.0.fc": linear, "a.0": scale, "a.1.fc": linear, "a.1": scale, "b": Form("gamma")}


def test_a_weight_has_the_librarys_name_and_shape(typed: Typed) -> None:
    for library, scale, linear in (
        ("torchvision", "features.1.0.layer_scale", "features.1.0.block.3.weight"),
        ("timm", "stages.0.blocks.0.gamma", "stages.0.blocks.0.mlp.fc1.weight"),
    ):
        found = match(typed, library)
        (affine,) = (name for name, theirs in found.theirs.items() if theirs == scale)
        (conv,) = (name for name, theirs in found.theirs.items() if theirs == linear)
        given = found.to_theirs({name: np.ones(typed.weights[name].shape, np.float32) for name in (affine, conv)})

        assert typed.weights[affine].shape == (96,)
        assert given[scale].shape == ((96, 1, 1) if library == "torchvision" else (96,))
        assert given[linear].shape == (384, 96)
        assert {name: tensor.shape for name, tensor in found.to_ours(typed, given).items()} == {
            scale: (96,),
            linear: (384, 96, 1, 1),
        }


def test_a_wrong_shape_is_reported_and_a_run_starts_from_the_weights(typed: Typed, tmp_path: Path) -> None:
    torch.manual_seed(0)
    state = torchvision.models.convnext_tiny(stochastic_depth_prob=0.0).state_dict()
    save_file(state, tmp_path / "theirs.safetensors")
    begun = initial_weights(compiler.load("builtin:convnext_tiny"), tmp_path / "theirs.safetensors")
    assert begun.origin == "torchvision's convnext_tiny"
    assert begun.weights.keys() == typed.weights.keys()
    assert np.array_equal(
        begun.weights["stage1.0.branch1.1.conv.weight"][:, :, 0, 0], state["features.1.0.block.3.weight"]
    )

    state["features.1.0.layer_scale"] = torch.ones(96, 1, 2)
    save_file(state, tmp_path / "wrong.safetensors")
    with pytest.raises(SpecError, match=r"`features\.1\.0\.layer_scale` is 96x1x2"):
        import_weights(typed, tmp_path / "wrong.safetensors", "torchvision")
