"""The network of the Frechet Inception Distance: the same features as pytorch-fid's and torch-fidelity's networks give.

Its values at the logits, and its weights there and back, are held in `test_weights.py`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from library_networks import apart, of_onnx, pytorch_fid, pytorch_fid_features, running, spec, torch_fidelity
from torch import nn

from inception_dsl import compiler
from inception_dsl.analysis.cost import cost
from inception_dsl.build import build
from inception_dsl.crosscheck.compare import MOVES, TOLERANCE
from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.ir.typed import Typed
from inception_dsl.weights.matching import match

NAME = "inception_v3_fid"
TAPS = {"64": "pool_3a", "192": "pool_5a", "768": "mixed_6e", "2048": "pool"}
"""The row that gives each of FID's features, by its width."""


AVERAGED = """
extends: builtin:inception_v3_fid.yaml
network: averaged
override:
  rows:
    mixed_7c: {layer: inception_fig7}
remove:
  modules: [inception_fig7_max]
"""


@pytest.fixture(scope="module")
def pixels() -> Any:
    """Bytes of the network's own size, which no library resizes."""
    return np.random.default_rng(0).integers(0, 256, (2, 3, 299, 299), dtype=np.uint8)


def taps(typed: Typed, values: Any) -> dict[str, Any]:
    """The taps in onnxruntime, by width."""
    given = of_onnx(onnx.model(typed, taps=[*TAPS.values()]), values, running(NAME)[1])
    return {width: given[row] for width, row in TAPS.items()}


def with_weights(net: nn.Module) -> nn.Module:
    """A library's network with the same weights: their order is the same in all of them."""
    net = net.to_empty(device="cpu")
    tensors = (running(NAME)[1].get(name) for name in match(spec(NAME), "pytorch-fid").theirs)
    pairs = zip(net.state_dict(), tensors, strict=False)  # pytorch-fid has no classifier, which comes last
    net.load_state_dict({name: torch.tensor(0 if each is None else each) for name, each in pairs}, strict=True)
    return net.eval()


def test_all_566_tensors_are_in_the_same_order() -> None:
    theirs = [*match(spec(NAME), "pytorch-fid").theirs.values()]

    assert len(theirs) == 566
    assert theirs == [*pytorch_fid().state_dict()] == [*torch_fidelity(["64"]).state_dict()]
    assert cost(spec(NAME)).trunk.params == sum(each.numel() for each in pytorch_fid().parameters()) == 23_850_960


def test_the_taps_are_the_maps_of_pytorch_fid(pixels: Any) -> None:
    values = (pixels / 127.5 - 1).astype(np.float32)
    net: Any = with_weights(pytorch_fid_features([0, 1, 2, 3]))
    net.resize_input = net.normalize_input = False
    with torch.no_grad():
        expected = dict(zip(TAPS, net(torch.from_numpy(values)), strict=True))
    given = taps(spec(NAME), values)
    for width, maps in given.items():
        wanted = expected[width].numpy().reshape(maps.shape)  # theirs ends as 2048 x 1 x 1
        assert maps.shape[1] == int(width)
        assert apart(maps[0], maps[1], wanted) > MOVES
        assert apart(maps, wanted, wanted) < TOLERANCE


@pytest.mark.parametrize("training", [False, True])
def test_the_values_agree_in_training_and_at_another_size(training: bool) -> None:
    """In PyTorch: the logits, and the statistics that training moves."""
    net, own = with_weights(pytorch_fid()), build(pytorch.source(spec(NAME)), NAME)
    own.load_state_dict({name: torch.from_numpy(each) for name, each in running(NAME)[1].items()}, strict=False)
    images = torch.from_numpy(np.random.default_rng(1).normal(size=(4, 3, 139, 107)).astype(np.float32))
    for each in (own, net):
        each.train(training)
    net.get_submodule("dropout").eval()  # torchvision's, which FID never runs in training
    with torch.no_grad():
        given, wanted = own(images).numpy(), net(images).numpy()
    assert apart(given[0], given[1], wanted) > MOVES
    assert apart(given, wanted, wanted) < TOLERANCE
    state = own.state_dict()
    for name, theirs in match(spec(NAME), "pytorch-fid").theirs.items():
        torch.testing.assert_close(state[name], net.state_dict()[theirs], rtol=1e-3, atol=1e-4)


def test_only_values_tell_the_maximum_pool_from_an_average(pixels: Any) -> None:
    other = compiler.at_size(compiler.compile_source(Source("averaged.yaml", AVERAGED)))
    shapes, own_shapes = ({name: each.shape for name, each in of.weights.items()} for of in (other, spec(NAME)))
    assert shapes == own_shapes
    assert cost(other).trunk == cost(spec(NAME)).trunk
    values = (pixels[:1] / 127.5 - 1).astype(np.float32)
    own, wrong = taps(spec(NAME), values)["2048"], taps(other, values)["2048"]
    assert apart(own, wrong, own) > 0.05


def test_the_features_are_those_of_torch_fidelity(pixels: Any) -> None:
    net = with_weights(torch_fidelity([*TAPS]))
    with torch.no_grad():
        expected = dict(zip(TAPS, net(torch.from_numpy(pixels)), strict=True))
    given = taps(spec(NAME), ((pixels.astype(np.float32) - 128) / 128))
    for width, maps in given.items():
        means, wanted = maps.reshape(*maps.shape[:2], -1).mean(2), expected[width].numpy()
        assert apart(means[0], means[1], wanted) > MOVES
        assert apart(means, wanted, wanted) < TOLERANCE
