"""The networks of torchvision and timm and their specs: shared code of the tests of weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
import torch
import torchvision
from builders import session
from safetensors.torch import load_file, save_file
from torch import nn

from inception_dsl import compiler
from inception_dsl.crosscheck import probe
from inception_dsl.crosscheck.compare import MOVES, TOLERANCE
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch.executor import PyTorch
from inception_dsl.ir.typed import Typed
from inception_dsl.weights import transfer
from inception_dsl.weights.files import COUNTER, safetensors

SPECS = Path(__file__).parent.parent / "specs"
Values = Mapping[str, Any]


def of_torchvision(name: str, **options: Any) -> Callable[[], nn.Module]:
    return lambda: getattr(torchvision.models, name)(weights=None, **options)


def of_timm(name: str, **options: Any) -> Callable[[], nn.Module]:
    return lambda: pytest.importorskip("timm").create_model(name, **options)


def without_download(make: Callable[[], nn.Module], place: str) -> nn.Module:
    """A network that loads the weights of FID when it is made; the function at `place` downloads them."""
    layers = of_torchvision("inception_v3", num_classes=1008, aux_logits=False, init_weights=False)
    with torch.device("meta"), patch(place, lambda *_, **__: layers().state_dict()):
        return make()


def pytorch_fid() -> nn.Module:
    """The network of pytorch-fid before it is taken apart: it gives the logits."""
    inception = pytest.importorskip("pytorch_fid.inception")
    return without_download(inception.fid_inception_v3, "pytorch_fid.inception.load_state_dict_from_url")


def pytorch_fid_features(blocks: Sequence[int]) -> nn.Module:
    """The network of pytorch-fid as FID uses it: from images in [0, 1] to the outputs of some blocks."""
    inception = pytest.importorskip("pytorch_fid.inception")
    return without_download(lambda: inception.InceptionV3(blocks), "pytorch_fid.inception.load_state_dict_from_url")


def torch_fidelity(features: Sequence[str]) -> nn.Module:
    """The network of torch-fidelity and torchmetrics: from bytes to features."""
    module = pytest.importorskip("torch_fidelity.feature_extractor_inceptionv3")
    return without_download(
        lambda: module.FeatureExtractorInceptionV3("inception-v3-compat", [*features]),
        "torch_fidelity.feature_extractor_inceptionv3.load_state_dict_from_url",
    )


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
    "pytorch-fid-fid_inception_v3": ("inception_v3_fid", "pytorch-fid", pytorch_fid),
}
LARGE = ("torchvision-vgg16", "torchvision-vgg19")


@lru_cache(maxsize=1)
def spec(name: str) -> Typed:
    return compiler.at_size(compiler.compile_file(SPECS / f"{name}.yaml"))


@lru_cache(maxsize=1)
def running(name: str) -> tuple[nn.Module, dict[str, Any]]:
    """The generated network with weights in which no error can hide (`probe.weights`), and these under its names."""
    system = PyTorch(spec(name))
    weights = dict(system.scale(probe.weights(spec(name))))
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
    outputs = [output.name for output in run.get_outputs()]
    feeds = {"input": x, **{name: each for name, each in weights.items() if name in asked}}
    return dict(zip(outputs, run.run(outputs, feeds), strict=True))


def loaded(case: str, tmp_path: Path) -> nn.Module:
    """The library's network with these weights, through `weights export`."""
    name, library, make = CASES[case]
    own = tmp_path / "own.safetensors"
    own.write_bytes(safetensors(running(name)[1], {}))
    exported = transfer.export_weights(spec(name), own, library)
    net = empty(make).eval()
    net.load_state_dict({key: torch.from_numpy(np.array(each)) for key, each in exported.weights.items()}, strict=True)
    return net


def empty(make: Callable[[], nn.Module]) -> nn.Module:
    """A network without initialised weights, which is faster to build."""
    with torch.device("meta"):
        net = make()
    return net.to_empty(device="cpu")


def check_numbers(case: str, tmp_path: Path) -> None:
    """The same weights give the same numbers in PyTorch and onnxruntime as in the library."""
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


def check_identity(case: str, tmp_path: Path) -> None:
    """Import followed by export gives the same bits."""
    name, library, make = CASES[case]
    torch.manual_seed(0)
    state = empty(make).state_dict()
    held = {key: torch.rand(each.shape) if each.is_floating_point() else torch.tensor(7) for key, each in state.items()}
    save_file(held, tmp_path / "theirs.safetensors")
    moved = transfer.import_weights(spec(name), tmp_path / "theirs.safetensors", library)
    assert {key for key in moved.weights if not key.endswith(COUNTER)} == set(spec(name).weights)
    (tmp_path / "ours.safetensors").write_bytes(safetensors(moved.weights, {}))
    back = transfer.export_weights(spec(name), tmp_path / "ours.safetensors", library)
    (tmp_path / "back.safetensors").write_bytes(safetensors(back.weights, {}))
    again = load_file(tmp_path / "back.safetensors")
    assert again.keys() == held.keys()
    assert all(torch.equal(again[key], each) and again[key].dtype == each.dtype for key, each in held.items())
