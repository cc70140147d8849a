"""Weights against the libraries they come from: the same weights in, the same numbers out, and back bit for bit."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import onnx as standard
import pytest
import torch
import torchvision
from builders import session
from safetensors.torch import load_file, save_file
from torch import nn

from inception_dsl import build, compiler
from inception_dsl.emit import onnx, pytorch
from inception_dsl.ir import Typed
from inception_dsl.weights import matching, transfer
from inception_dsl.weights.files import COUNTER, safetensors
from inception_dsl.witness import probe
from inception_dsl.witness.hearing import MOVES, TOLERANCE
from inception_dsl.witness.systems import PyTorch

SPECS = Path(__file__).parent.parent / "specs"
Values = Mapping[str, Any]


def of_torchvision(name: str, **options: Any) -> Callable[[], nn.Module]:
    return lambda: getattr(torchvision.models, name)(weights=None, **options)


def of_timm(name: str, **options: Any) -> Callable[[], nn.Module]:
    return lambda: pytest.importorskip("timm").create_model(name, **options)


V3 = {"aux_logits": True, "init_weights": False}
CASES: dict[str, tuple[str, str, Callable[[], nn.Module]]] = {
    "torchvision-googlenet": ("googlenet_torchvision", "torchvision", of_torchvision("googlenet", **V3)),
    "torchvision-inception_v3": ("inception_v3_torchvision", "torchvision", of_torchvision("inception_v3", **V3)),
    "torchvision-alexnet": ("alexnet_torchvision", "torchvision", of_torchvision("alexnet")),
    "torchvision-vgg16": ("vgg16", "torchvision", of_torchvision("vgg16", init_weights=False)),
    "torchvision-vgg19": ("vgg19", "torchvision", of_torchvision("vgg19", init_weights=False)),
    "torchvision-resnet50": ("resnet50_torchvision", "torchvision", of_torchvision("resnet50")),
    "torchvision-resnet152": ("resnet152_torchvision", "torchvision", of_torchvision("resnet152")),
    "timm-inception_v3": ("inception_v3_timm", "timm", of_timm("inception_v3", aux_logits=False)),
    "timm-inception_v4": ("inception_v4", "timm", of_timm("inception_v4")),
    "timm-inception_resnet_v2": ("inception_resnet_v2", "timm", of_timm("inception_resnet_v2")),
    "timm-legacy_xception": ("xception_timm", "timm", of_timm("legacy_xception")),
}
each_network = pytest.mark.parametrize("case", CASES)


@lru_cache(maxsize=1)
def spec(name: str) -> Typed:
    return compiler.at_size(compiler.compile_file(SPECS / f"{name}.yaml"))


@lru_cache(maxsize=1)
def running(name: str) -> tuple[nn.Module, dict[str, Any]]:
    """The generated network with weights in which no error can hide (`probe.weights`), and these under its names."""
    system = PyTorch(spec(name))
    weights = dict(system.take(probe.weights(spec(name))))
    return system.net, weights


def apart(one: Any, other: Any, all_values: Any) -> float:
    return float(np.abs(one - other).max() / np.ptp(all_values))


def images(typed: Typed) -> Any:
    return probe.images(typed.input.shape, 2, probe.level(typed))


def theirs(net: nn.Module, x: Any, typed: Typed) -> dict[str, Any]:
    """What a library's network gives, by the names that the spec has for its outputs; its heads where it has them."""
    net.training = bool(typed.heads)  # of the network alone: it gives its heads, and no dropout or batch norm trains
    with torch.no_grad():
        given = net(torch.from_numpy(x))
    if not typed.heads:
        return {"logits": given.numpy()}
    heads = {"aux1": "aux_logits1", "aux2": "aux_logits2"} if len(typed.heads) == 2 else {typed.heads[0]: "aux_logits"}
    names = {"logits": "logits", **heads}
    return {
        ours: getattr(given, name if hasattr(given, name) else name.replace("_logits", "")).numpy()
        for ours, name in names.items()
    }


def of_onnx(graph: bytes, x: Any, weights: Values) -> dict[str, Any]:
    """What onnxruntime gives for a graph whose weights are its inputs."""
    run = session(graph)
    asked = {each.name for each in run.get_inputs()}
    outputs = [each.name for each in run.get_outputs()]
    feeds = {"input": x, **{name: each for name, each in weights.items() if name in asked}}
    return dict(zip(outputs, run.run(outputs, feeds), strict=True))


def loaded(case: str, tmp_path: Path) -> nn.Module:
    """The library's network with the telling weights, by way of `weights export`."""
    name, library, make = CASES[case]
    own = tmp_path / "own.safetensors"
    own.write_bytes(safetensors(running(name)[1], {}))
    exported = transfer.exported(spec(name), own, library)
    net = empty(make).eval()
    net.load_state_dict({key: torch.from_numpy(np.array(each)) for key, each in exported.weights.items()}, strict=True)
    return net


def empty(make: Callable[[], nn.Module]) -> nn.Module:
    """A network whose weights nobody took the time to initialise."""
    with torch.device("meta"):
        net = make()
    return net.to_empty(device="cpu")


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    yield
    gc.collect()


@each_network
def test_the_same_weights_give_the_same_numbers(case: str, tmp_path: Path) -> None:
    name, _, _ = CASES[case]
    typed, (net, weights) = spec(name), running(name)
    x = images(typed)
    expected = theirs(loaded(case, tmp_path), x, typed)
    with torch.no_grad():
        given = net(torch.from_numpy(x))
    ours = {key: getattr(given, key).numpy() for key in expected} if typed.heads else {"logits": given.numpy()}
    graph = of_onnx(onnx.model(typed, heads=True), x, weights)
    assert set(graph) == set(expected) == {"logits", *typed.heads}
    for key, values in expected.items():
        assert apart(values[0], values[1], values) > MOVES, f"{key} does not tell an error"
        assert apart(ours[key], values, values) < TOLERANCE
        assert apart(graph[key], values, values) < TOLERANCE


@each_network
def test_import_then_export_is_the_identity(case: str, tmp_path: Path) -> None:
    name, library, make = CASES[case]
    torch.manual_seed(0)
    state = empty(make).state_dict()
    held = {key: torch.rand(each.shape) if each.is_floating_point() else torch.tensor(7) for key, each in state.items()}
    save_file(held, tmp_path / "theirs.safetensors")
    moved = transfer.imported(spec(name), tmp_path / "theirs.safetensors", library)
    assert {key for key in moved.weights if not key.endswith(COUNTER)} == set(spec(name).weights)
    (tmp_path / "ours.safetensors").write_bytes(safetensors(moved.weights, {}))
    back = transfer.exported(spec(name), tmp_path / "ours.safetensors", library)
    (tmp_path / "back.safetensors").write_bytes(safetensors(back.weights, {}))
    again = load_file(tmp_path / "back.safetensors")
    assert again.keys() == held.keys()
    assert all(torch.equal(again[key], each) and again[key].dtype == each.dtype for key, each in held.items())


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
    """The same padding in all, a pixel aside."""
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
