"""The language has words for all that torchvision's 68 convolutional classifiers do.

What a network does is read from its trace: its modules, functions and methods. Each has a word here, and each is in a
network that has a spec, which `test_weights.py` compares with torchvision's in value.
"""

from __future__ import annotations

from functools import cache

import pytest
import torch
import torchvision
from library_networks import CASES, OPTIONS, of_torchvision
from torch import fx, nn

from inception_dsl.emit.catalogue import entries
from inception_dsl.weights.names.libraries import BUILTIN_SPECS

TRANSFORMERS = ("vit", "swin", "maxvit")
"""What is not a convolutional network: attention has no word."""

NAMES = [
    name for name in torchvision.models.list_models(module=torchvision.models) if not name.startswith(TRANSFORMERS)
]

WORDS = {
    "Conv2d": "conv",
    "Linear": "fc",
    "BatchNorm2d": "bn",
    "LayerNorm": "ln",
    "layer_norm": "ln",
    "ReLU": "relu",
    "relu": "relu",
    "ReLU6": "relu6",
    "SiLU": "silu",
    "GELU": "gelu",
    "Hardswish": "hardswish",
    "Hardsigmoid": "hardsigmoid",
    "Sigmoid": "sigmoid",
    "Dropout": "dropout",
    "stochastic_depth": "drop_path",
    "MaxPool2d": "maxpool",
    "max_pool2d": "maxpool",
    "AvgPool2d": "avgpool",
    "avg_pool2d": "avgpool",
    "AdaptiveAvgPool2d": "avgpool",
    "adaptive_avg_pool2d": "avgpool",
    "mean": "avgpool",  # over the image: `avgpool global`
    "Flatten": "flatten",
    "flatten": "flatten",
    "cat": "a | b",
    "add": "a + b",
    "mul": "a * b",  # a gate, or the scale of ConvNeXt's layers, which is `affine`
    "layer_scale": "affine",
    "chunk": "part",
}
"""The word of the language for what torch calls by a name."""

INSIDE = {
    "shuffle": {"view", "transpose", "contiguous", "size", "floordiv", "getitem"},
    "ln": {"permute", "weight", "bias"},
    "fc": {"permute"},
}
"""Functions that torchvision writes a word with: they only move numbers, or read shapes and weights."""


SETTINGS: dict[type[nn.Module], dict[str, set[object]]] = {
    nn.Conv2d: {"padding_mode": {"zeros"}, "transposed": {False}},
    nn.MaxPool2d: {"return_indices": {False}, "dilation": {1}},
    nn.AvgPool2d: {"divisor_override": {None}},
    nn.AdaptiveAvgPool2d: {"output_size": {1, (1, 1), (6, 6), (7, 7)}},  # `to`, which for one window is `global`
}
"""Settings of windows that could have no word, and the values that they have."""


@cache
def networks() -> dict[str, nn.Module]:
    with torch.device("meta"):
        return {name: of_torchvision(name, **OPTIONS.get(f"torchvision-{name}", {})).eval() for name in NAMES}


@cache
def kinds(name: str) -> frozenset[str]:
    """What a network does, by the names of torch."""
    net = networks()[name]
    modules = dict(net.named_modules())
    found = set()
    for node in fx.symbolic_trace(net).graph.nodes:
        if node.op == "call_module":
            found.add(type(modules[node.target]).__name__)
        elif node.op == "call_function":
            found.add(node.target.__name__)
        elif node.op in {"call_method", "get_attr"}:
            found.add(node.target.rpartition(".")[2])
    return frozenset(found)


def test_there_are_68_of_80() -> None:
    assert (len(NAMES), len(torchvision.models.list_models(module=torchvision.models))) == (68, 80)


def test_every_layer_and_connection_has_a_word() -> None:
    """And no word is here for nothing."""
    known = entries()
    words = {*known["layers"], *known["words"], *known["operators"]}

    assert {*WORDS.values(), *INSIDE} <= words
    assert set().union(*map(kinds, NAMES)) == {*WORDS, *set().union(*INSIDE.values())}


def test_every_layer_and_connection_is_in_a_network_that_has_a_spec() -> None:
    ours = set().union(*map(kinds, BUILTIN_SPECS["torchvision"]))

    assert {f"torchvision-{name}" for name in BUILTIN_SPECS["torchvision"]} <= CASES.keys()
    assert {name for name in NAMES if kinds(name) - ours} == set()


@pytest.mark.parametrize("kind", SETTINGS)
def test_windows_have_only_settings_that_have_words(kind: type[nn.Module]) -> None:
    found: dict[str, set[object]] = {setting: set() for setting in SETTINGS[kind]}
    for net in networks().values():
        for module in net.modules():
            if type(module) is kind:
                for setting, values in found.items():
                    values.add(getattr(module, setting))

    assert found == SETTINGS[kind]
