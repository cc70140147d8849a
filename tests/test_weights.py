"""Weights of other libraries: the same weights give the same values, and export gives back the same bits.

The two VGGs, half a gigabyte of weights each, are in `nightly/test_weights_of_vgg.py`.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import onnx as standard
import pytest
import torch
from library_networks import (
    CASES,
    LARGE,
    Values,
    apart,
    check_identity,
    check_numbers,
    images,
    loaded,
    of_onnx,
    running,
    spec,
    theirs,
)
from torch import nn

from inception_dsl import build
from inception_dsl.crosscheck.compare import TOLERANCE
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.weights import matching
from inception_dsl.weights.names import BUILTIN_SPECS

each_network = pytest.mark.parametrize("case", [case for case in CASES if case not in LARGE])


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    gc.collect()


@each_network
def test_the_same_weights_give_the_same_numbers(case: str, tmp_path: Path) -> None:
    check_numbers(case, tmp_path)


@each_network
def test_import_then_export_is_the_identity(case: str, tmp_path: Path) -> None:
    check_identity(case, tmp_path)


def test_the_same_weights_give_the_same_numbers_in_training(tmp_path: Path) -> None:
    name, _, _ = CASES["torchvision-googlenet"]
    typed, net = spec(name), loaded("torchvision-googlenet", tmp_path)
    ours = build.build(pytorch.source(typed), typed.program.name)
    ours.load_state_dict({key: torch.from_numpy(each) for key, each in running(name)[1].items()}, strict=False)
    for each in (net, ours):
        each.train()
        for module in each.modules():
            if isinstance(module, nn.Dropout):
                module.eval()
    x = torch.from_numpy(images(typed))
    with torch.no_grad():
        expected, given = net(x), ours(x)
    for key, name in {"logits": "logits", "aux1": "aux_logits1", "aux2": "aux_logits2"}.items():
        values = getattr(expected, name).numpy()
        assert apart(getattr(given, key).numpy(), values, values) < TOLERANCE
    for name, learnt in matching.match(typed, "torchvision").theirs.items():
        if "running" in name:
            torch.testing.assert_close(ours.state_dict()[name], net.state_dict()[learnt], rtol=1e-3, atol=1e-4)


def shift(node: standard.NodeProto, _: Values) -> None:
    """The same total padding, shifted by a pixel."""
    (pads,) = (each for each in node.attribute if each.name == "pads")
    pads.ints[:] = [pads.ints[0] - 1, pads.ints[1] - 1, pads.ints[2] + 1, pads.ints[3] + 1]


def swap(node: standard.NodeProto, _: Values) -> None:
    node.input[0], node.input[1] = node.input[1], node.input[0]


def other_eps(node: standard.NodeProto, _: Values) -> None:
    node.attribute[0].f = 1e-5


def flip_border(node: standard.NodeProto, _: Values) -> None:
    (counted,) = (each for each in node.attribute if each.name == "count_include_pad")
    counted.i = 1 - counted.i


def shrink(node: standard.NodeProto, weights: dict[str, Any]) -> None:
    for each in node.attribute:
        each.ints[:] = {"kernel_shape": [3, 3], "pads": [1] * 4}.get(each.name, each.ints)
    weights[node.input[1]] = weights[node.input[1]][:, :, 1:4, 1:4].copy()


def padded(node: standard.NodeProto) -> bool:
    return node.op_type == "Conv" and any(min(each.ints) > 0 for each in node.attribute if each.name == "pads")


MUTATIONS: dict[str, tuple[Callable[[Any], bool], Callable[[Any, Any], None]]] = {
    "padding shifted": (padded, shift),
    "concat order swapped": (lambda node: node.op_type == "Concat", swap),
    "eps changed": (lambda node: node.op_type == "BatchNormalization", other_eps),
    "counted padding flipped": (lambda n: any(each.name == "count_include_pad" for each in n.attribute), flip_border),
    "5x5 made 3x3": (lambda n: any(list(each.ints) == [5, 5] for each in n.attribute), shrink),
}


def test_every_mutation_makes_the_equality_fail(tmp_path: Path) -> None:
    name, _, _ = CASES["torchvision-inception_v3"]
    typed, (_, weights) = spec(name), running(name)
    x = images(typed)
    expected = theirs(loaded("torchvision-inception_v3", tmp_path), x, typed)["logits"]
    graph = onnx.model(typed)
    assert apart(of_onnx(graph, x, weights)["logits"], expected, expected) < TOLERANCE
    for mutation, (fits, change) in MUTATIONS.items():
        places = [i for i, node in enumerate(standard.ModelProto.FromString(graph).graph.node) if fits(node)]
        assert places, mutation
        for place in {places[0], places[-1]}:
            mutant, changed = standard.ModelProto.FromString(graph), dict(weights)
            node = mutant.graph.node[place]
            change(node, changed)
            for each in mutant.graph.input:
                if each.name in changed:
                    for dim, size in zip(each.type.tensor_type.shape.dim, changed[each.name].shape, strict=True):
                        dim.dim_value = size
            values = of_onnx(mutant.SerializeToString(), x, changed)["logits"]
            assert not apart(values, expected, expected) < TOLERANCE, f"{mutation} of {node.name} passes"


def test_the_networks_are_those_that_are_known() -> None:
    """All but keras' and torch-fidelity's, which takes bytes: `test_weights_keras.py` and `test_fid.py` have them."""
    known = {library: specs for library, specs in BUILTIN_SPECS.items() if library not in {"keras", "torch-fidelity"}}
    assert {*CASES} == {f"{library}-{name}" for library, specs in known.items() for name in specs}
    assert {spec for spec, _, _ in CASES.values()} == {spec for specs in known.values() for spec in specs.values()}
