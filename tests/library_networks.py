"""The networks of other libraries and their specs: the table of cases, and what must hold of each.

A case is a row of `weights/names`, which names the library's network and its spec; nothing is added here unless the
network is made with options, or is so large that only `nightly` runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NamedTuple
from unittest.mock import patch

import numpy as np
import pytest
import torch
import torchvision
from builders import session
from safetensors.torch import load_file, save_file
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from torchvision.models.regnet import BlockParams

from inception_dsl import compiler
from inception_dsl.analysis.cost import cost
from inception_dsl.build import build
from inception_dsl.crosscheck import probe
from inception_dsl.crosscheck.compare import MOVES, TOLERANCE
from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.emit.pytorch.executor import PyTorch
from inception_dsl.ir.ops.norms import BatchNorm
from inception_dsl.ir.typed import Typed
from inception_dsl.weights import matching, transfer
from inception_dsl.weights.files import COUNTER, safetensors
from inception_dsl.weights.names.libraries import BUILTIN_SPECS

Values = Mapping[str, Any]


class Case(NamedTuple):
    """A library's network, and the built-in spec that has its layers."""

    library: str
    network: str
    spec: str

    @property
    def id(self) -> str:
        return f"{self.library}-{self.network}"

    def make(self) -> nn.Module:
        """The library's network, on the device of the context."""
        options = OPTIONS.get(self.id, {})
        made: nn.Module = MAKERS[self.library](self.network, **options)
        return made


def of_torchvision(name: str, **options: Any) -> nn.Module:
    derive = BlockParams.from_init_params

    def on_cpu(**settings: Any) -> Any:
        """The settings of a RegNet, which are computed with tensors."""
        with torch.device("cpu"):
            return derive(**settings)

    with patch.object(BlockParams, "from_init_params", on_cpu):
        made: nn.Module = torchvision.models.get_model(name, weights=None, **options)
    return made


def of_timm(name: str, **options: Any) -> nn.Module:
    made: nn.Module = pytest.importorskip("timm").create_model(name, **options)
    return made


def without_download(make: Callable[[], nn.Module], place: str) -> nn.Module:
    """A network that loads the weights of FID when it is made; the function at `place` downloads them."""
    layers = {"num_classes": 1008, "aux_logits": False, "init_weights": False}
    with torch.device("meta"), patch(place, lambda *_, **__: of_torchvision("inception_v3", **layers).state_dict()):
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


def facenet(name: str) -> nn.Module:
    """facenet-pytorch's network: it gives the embedding, and in training also what its classifier gives."""
    module: Any = pytest.importorskip("facenet_pytorch", reason="facenet-pytorch is not installed")
    kind: Any = getattr(module, name)

    class WithClassifier(kind):  # type: ignore[misc]  # it has no type hints
        def forward(self, x: torch.Tensor) -> Any:
            normed: list[torch.Tensor] = []
            handle = self.last_bn.register_forward_hook(lambda _, __, out: normed.append(out))
            embedding = super().forward(x)
            handle.remove()
            return SimpleNamespace(logits=embedding, aux_logits=self.logits(*normed)) if self.training else embedding

    net: Any = WithClassifier(classify=True, num_classes=8631)
    net.classify = False
    made: nn.Module = net
    return made


def of_pretrainedmodels(name: str) -> nn.Module:
    """A network of pretrainedmodels, for images of any size."""
    made: Any = getattr(pytest.importorskip("pretrainedmodels"), name)(num_classes=1000, pretrained=None)
    made.avg_pool = nn.AdaptiveAvgPool2d(1)
    net: nn.Module = made
    return net


MAKERS: Mapping[str, Callable[..., nn.Module]] = {
    "torchvision": of_torchvision,
    "timm": of_timm,
    "pytorch-fid": lambda _: pytorch_fid(),
    "facenet-pytorch": facenet,
    "pretrainedmodels": of_pretrainedmodels,
}
"""All but keras, and torch-fidelity, whose network takes bytes: `test_weights_keras.py` and `test_fid.py` have them."""

V3 = {"aux_logits": True, "init_weights": False}
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "torchvision-googlenet": V3,
    "torchvision-inception_v3": V3,
    "timm-inception_v3": {"aux_logits": False},
}
_CASES = [Case(library, network, spec) for library in MAKERS for network, spec in BUILTIN_SPECS[library].items()]
CASES = {case.id: case for case in sorted(_CASES, key=lambda case: case.spec)}
"""Those of one spec follow each other: what they share is made once."""

LARGE = {
    *(f"torchvision-{name}" for name in ("alexnet", "vgg11", "vgg11_bn", "vgg13", "vgg13_bn", "vgg16", "vgg19")),
    *(
        f"{library}-{name}"
        for library in ("torchvision", "timm")
        for name in ("resnet34", "resnet101", "resnet152", "wide_resnet50_2", "densenet169", "efficientnet_b4")
    ),
    *("torchvision-regnet_y_8gf", "timm-regnety_080_tv", "pretrainedmodels-polynet", "timm-inception_v3"),
}
"""Much to compute, or another network's layers once more: the suite leaves their values to `nightly`."""

SIDES = (64, 96, 128, 160, 192)
"""Image sizes of the quick tests: the smallest that a network takes, if it takes others than its own."""

CROPPED = ("pretrainedmodels-nasnetalarge",)
"""These compute pixels that they cut off, which makes more multiply-adds."""

SIDES_OF = {"nasnet_a_large": (75,)}
"""Sizes where the padding that a library fixes is TensorFlow's, as at its own size."""

DROPPED = {"Dropout", "StochasticDepth", "DropPath"}
"""Modules that draw random numbers in training: left out where values are compared."""


# --- the two networks of a case ---------------------------------------------------------------------------------------


@lru_cache(maxsize=1)
def spec(name: str) -> Typed:
    """A built-in spec at its own size."""
    return compiler.at_size(compiler.compile_file(f"builtin:{name}"))


@lru_cache(maxsize=1)
def small(name: str) -> Typed:
    """A built-in spec at the smallest of `SIDES` where batch norms see more than one pixel, else at its own size."""
    own = spec(name)
    for side in SIDES_OF.get(name, SIDES):
        with suppress(SpecError):
            typed = compiler.at_size(own.program, (side, side))
            if all(node.out.shape[1:] != (1, 1) for node in typed.nodes if isinstance(node.op, BatchNorm)):
                return typed
    return own


def scaled(typed: Typed) -> tuple[nn.Module, dict[str, Any]]:
    """The generated network with weights in which no error can hide (`probe.weights`), and these under its names."""
    system = PyTorch(typed)
    weights = dict(system.scale(probe.weights(typed)))
    return system.net, weights


@lru_cache(maxsize=1)
def running(name: str) -> tuple[nn.Module, dict[str, Any]]:
    """`scaled` for a built-in spec at its own size."""
    return scaled(spec(name))


def loaded(case: str, weights: Values, tmp_path: Path) -> nn.Module:
    """The library's network with these weights, through `weights export`."""
    own = tmp_path / "own.safetensors"
    own.write_bytes(safetensors(weights, {}))
    exported = transfer.export_weights(spec(CASES[case].spec), own, CASES[case].library)
    net = empty(CASES[case].make).eval()
    state = net.state_dict()  # it has the versions of its modules, without which torchvision's MNASNet reads nothing
    assert {name for name in state if not name.endswith(COUNTER)} == exported.weights.keys()
    state.update({key: torch.from_numpy(np.array(each)) for key, each in exported.weights.items()})
    net.load_state_dict(state, strict=True)
    return net


def empty(make: Callable[[], nn.Module]) -> nn.Module:
    """A network without initialised weights, which is faster to build."""
    with torch.device("meta"):
        net = make()
    return net.to_empty(device="cpu")


# --- what they give ---------------------------------------------------------------------------------------------------


def apart(one: Any, other: Any, all_values: Any) -> float:
    return float(np.abs(one - other).max() / np.ptp(all_values))


def images(typed: Typed) -> Any:
    return probe.images(typed.input.shape, 2, probe.level(typed))


def theirs(net: nn.Module, x: Any, typed: Typed) -> dict[str, Any]:
    """What a library's network gives, by the names that the spec has for its outputs; its heads where it has them."""
    net.training = net.training or bool(typed.heads)  # it gives its heads; no dropout or batch norm in it trains
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


def ours(net: nn.Module, x: Any, typed: Typed) -> dict[str, Any]:
    """What a generated network gives; its heads where it has them and the module, if not its layers, is in training."""
    with torch.no_grad():
        given = net(torch.from_numpy(x))
    return (
        {key: getattr(given, key).numpy() for key in ("logits", *typed.heads)}
        if typed.heads
        else {"logits": given.numpy()}
    )


def of_onnx(graph: bytes, x: Any, weights: Values) -> dict[str, Any]:
    """What onnxruntime gives for a graph whose weights are its inputs."""
    run = session(graph)
    asked = {each.name for each in run.get_inputs()}
    outputs = [output.name for output in run.get_outputs()]
    feeds = {"input": x, **{name: each for name, each in weights.items() if name in asked}}
    return dict(zip(outputs, run.run(outputs, feeds), strict=True))


# --- what must hold ---------------------------------------------------------------------------------------------------


def check_totals(case: str) -> None:
    """Torch counts the spec's parameters and multiply-adds in the library's network and in the generated one.

    Every tensor of the library's is one of the spec's, of its shape.
    """
    typed = spec(CASES[case].spec)
    counted = cost(typed)
    with torch.device("meta"):
        other = CASES[case].make()
    pairs, shapes = (found := matching.match(typed, CASES[case].library)).theirs, found.shapes
    state = {name: tensor.shape for name, tensor in other.state_dict().items()}
    own, counts = of_torch(CASES[case].spec)
    assert {pairs[name]: shapes.get(name, shape) for name, shape in own.items()} == state
    assert counts == (counted.total.params, counted.trunk.macs)
    params, macs = torch_counts(other, typed.input.shape)
    assert params == counted.total.params
    assert macs == counted.trunk.macs or case in CROPPED


@lru_cache(maxsize=1)
def of_torch(name: str) -> tuple[dict[str, torch.Size], tuple[int, int]]:
    """The shapes of the tensors of a spec's generated network, and what torch counts in it."""
    with torch.device("meta"):
        net = build(pytorch.source(spec(name)), spec(name).program.name)
    shapes = {key: tensor.shape for key, tensor in net.state_dict().items()}
    return shapes, torch_counts(net, spec(name).input.shape)


def torch_counts(net: nn.Module, shape: tuple[int, ...]) -> tuple[int, int]:
    """The parameters and multiply-adds that torch counts in a network on the meta device, for an image of a shape."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        net.eval()(torch.empty(1, *shape, device="meta"))
    return sum(parameter.numel() for parameter in net.parameters()), counter.get_total_flops() // 2


def check_numbers(case: str, typed: Typed, tmp_path: Path) -> None:
    """The same weights give the same numbers in PyTorch, also in training, and in onnxruntime as in the library."""
    own, weights = scaled(typed)
    names = matching.match(typed, CASES[case].library).theirs
    check_values(own, loaded(case, weights, tmp_path), typed, weights, names)


def check_values(own: nn.Module, other: nn.Module, typed: Typed, weights: Values, names: Mapping[str, str]) -> None:
    """Two networks and the graph give the same numbers; `names` are those in `other` of the tensors of `own`."""
    x = images(typed)
    expected = theirs(other, x, typed)
    graph = of_onnx(onnx.model(typed, heads=True), x, weights)
    assert set(graph) == set(expected) == {"logits", *typed.heads}
    for key, values in expected.items():
        assert apart(values[0], values[1], values) > MOVES, f"{key} does not tell an error"
    for given in (ours(own, x, typed), graph):
        assert {key: value for key, value in distances(given, expected).items() if not value < TOLERANCE} == {}
    check_training(own, other, x, typed, names)


def check_values_in_order(typed: Typed, make: Callable[[], nn.Module]) -> None:
    """`check_values` for a network whose layers have the order of the spec's, and names of its own."""
    own, weights = scaled(typed)
    other = empty(make).eval()
    names = dict(zip(own.state_dict(), other.state_dict(), strict=True))
    other.load_state_dict({names[key]: tensor for key, tensor in own.state_dict().items()})
    check_values(own, other, typed, weights, names)


def check_training(own: nn.Module, other: nn.Module, x: Any, typed: Typed, names: Mapping[str, str]) -> None:
    """In training too, where batch norms take the batch's statistics and keep their average; nothing is dropped."""
    for net in (own, other):
        net.train()
        for module in net.modules():
            if type(module).__name__ in DROPPED:
                module.eval()
    expected = theirs(other, x, typed)
    far = distances(ours(own, x, typed), expected)
    assert {key: value for key, value in far.items() if not value < TOLERANCE} == {}
    kept, given = dict(other.named_buffers()), dict(own.named_buffers())
    for name, learnt in names.items():
        if "running" in name:
            torch.testing.assert_close(given[name], kept[learnt], rtol=1e-3, atol=1e-4)


def distances(given: Values, expected: Values) -> dict[str, float]:
    return {key: apart(given[key], values, values) for key, values in expected.items()}


def check_identity(case: str, tmp_path: Path) -> None:
    """Import followed by export gives the same bits."""
    library, typed = CASES[case].library, spec(CASES[case].spec)
    torch.manual_seed(0)
    state = empty(CASES[case].make).state_dict()
    held = {key: torch.rand(each.shape) if each.is_floating_point() else torch.tensor(7) for key, each in state.items()}
    save_file(held, tmp_path / "theirs.safetensors")
    moved = transfer.import_weights(typed, tmp_path / "theirs.safetensors", library)
    assert {key for key in moved.weights if not key.endswith(COUNTER)} == set(typed.weights)
    (tmp_path / "ours.safetensors").write_bytes(safetensors(moved.weights, {}))
    back = transfer.export_weights(typed, tmp_path / "ours.safetensors", library)
    (tmp_path / "back.safetensors").write_bytes(safetensors(back.weights, {}))
    again = load_file(tmp_path / "back.safetensors")
    assert again.keys() == held.keys()
    assert all(torch.equal(again[key], each) and again[key].dtype == each.dtype for key, each in held.items())
