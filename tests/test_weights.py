"""The networks of other libraries: what torch counts, the same values on the same weights, and the same bits back.

Images are small here where a network takes them so; `nightly/test_weights_of_all.py` has all networks at both sizes.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx as standard
import pytest
from library_networks import (
    CASES,
    LARGE,
    Values,
    apart,
    check_identity,
    check_numbers,
    check_totals,
    images,
    loaded,
    of_onnx,
    scaled,
    small,
    spec,
    theirs,
)

from inception_dsl.crosscheck.compare import TOLERANCE
from inception_dsl.emit.onnx import onnx


@pytest.mark.parametrize("case", CASES)
def test_torch_counts_what_the_spec_counts(case: str) -> None:
    check_totals(case)


@pytest.mark.parametrize("case", [case for case in CASES if case not in LARGE])
def test_the_same_weights_give_the_same_numbers(case: str, tmp_path: Path) -> None:
    check_numbers(case, small(CASES[case].spec), tmp_path)


@pytest.mark.parametrize(
    "case",
    ["torchvision-googlenet", "torchvision-squeezenet1_1", "timm-legacy_xception", "facenet-pytorch-InceptionResnetV1"],
)
def test_import_then_export_is_the_identity(case: str, tmp_path: Path) -> None:
    check_identity(case, tmp_path)


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
    case = "torchvision-inception_v3"
    typed = spec(CASES[case].spec)
    _, weights = scaled(typed)
    x = images(typed)
    expected = theirs(loaded(case, weights, tmp_path), x, typed)["logits"]
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
