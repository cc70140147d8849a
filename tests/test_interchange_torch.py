"""Modules of torch as graphs: a generated network reads back as its spec, and a library's as the spec of its port."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
import torchvision
from hypothesis import assume, given, settings
from strategies import specs
from test_interchange import opaque, same
from torch import nn

from inception_dsl.build import build
from inception_dsl.compiler import at_size, compile_file, compile_source
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.interchange.torch.reader import read_torch
from inception_dsl.ir.op import concrete
from inception_dsl.ir.ops.norms import GroupNorm
from inception_dsl.ir.typed import Typed
from inception_dsl.lower import lower


def network(typed: Typed) -> nn.Module:
    """The generated network, without values."""
    with torch.device("meta"):
        return build(pytorch.source(typed), typed.program.name)


def check_generated(name: str) -> None:
    typed = at_size(compile_file(f"builtin:{name}"))

    assert same(typed, read_torch(network(typed).to_empty(device="cpu"), typed.input.shape, name))


def check_torchvision(name: str, spec: str) -> None:
    typed = at_size(compile_file(f"builtin:{spec}"))
    options = {"aux_logits": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
    net = torchvision.models.get_model(name, weights=None, **options)

    assert same(typed, read_torch(net, typed.input.shape, name))


@pytest.mark.parametrize("name", ["googlenet", "xception", "zoo/shufflenet_v2_x0_5", "inception_time", "alexnet"])
def test_a_generated_network_is_read_back(name: str) -> None:
    check_generated(name)


@pytest.mark.parametrize(
    ("name", "spec"),
    [(name, f"zoo/{name}") for name in ("squeezenet1_1", "mobilenet_v3_small", "convnext_tiny", "shufflenet_v2_x0_5")],
)
def test_torchvisions_network_is_the_spec_of_its_port(name: str, spec: str) -> None:
    check_torchvision(name, spec)


@settings(max_examples=10)
@given(specs())
def test_random_networks_are_read_back(text: str) -> None:
    typed = lower(compile_source(Source("specs/drawn.yaml", text)))
    # torch refuses to normalise a single value
    norms = [(node.op, node.out.shape) for node in typed.nodes if isinstance(node.op, GroupNorm)]
    assume(all(math.prod(shape) > concrete(norm.groups) for norm, shape in norms))

    assert same(typed, read_torch(network(typed).to_empty(device="cpu"), typed.input.shape, "drawn"))


def test_a_trained_number_of_one_channel_is_a_weight_whatever_its_value() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 1, 1, bias=False)
            self.scale, self.shift = nn.Parameter(torch.ones(1)), nn.Parameter(torch.zeros(1, 1, 1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(self.conv(x) * self.scale + self.shift) * 2

    class Last(Scaled):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu((self.conv(x).movedim(1, -1) * self.scale + self.shift).movedim(-1, 1)) * 2

    for net in (Scaled(), Last()):
        nodes = read_torch(net, (3, 8, 8), "scaled").nodes

        assert [node.op.name for node in nodes] == ["conv", "affine", "relu", "scale"]
        assert nodes[1].weights == {"weight": "scale", "bias": "shift"}


def test_weights_have_the_names_of_the_state_dict() -> None:
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.PReLU(4), nn.Flatten(), nn.Linear(4 * 6 * 7, 2))
    graph = read_torch(net, (3, 8, 9), "net")

    assert opaque(graph) == []
    state = {name: each for name, each in net.state_dict().items() if "tracked" not in name}
    assert {name for node in graph.nodes for name in node.weights.values()} == state.keys()
    assert all(torch.equal(torch.from_numpy(graph.tensor(name)), each) for name, each in state.items())
    assert net.training


def test_a_gate_that_is_expanded_is_the_gate_and_another_expansion_is_opaque() -> None:
    class Gate(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * torch.sigmoid(x.mean((2, 3), keepdim=True)).expand_as(x)

    class Spread(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(x.mean((2, 3), keepdim=True).expand(-1, -1, 4, 5))

    gate, spread = read_torch(Gate(), (3, 8, 8), "gate"), read_torch(Spread(), (3, 8, 8), "spread")

    assert [node.op.name for node in gate.nodes] == ["avgpool", "sigmoid", "mul"]
    assert [(node.op.name, node.out.shape) for node in spread.nodes[1:]] == [
        ("opaque", (3, 4, 5)),
        ("relu", (3, 4, 5)),
    ]


def test_a_length_is_read_from_normalize() -> None:
    class Normalised(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return nn.functional.normalize(x.flatten(1))

    assert [node.op.name for node in read_torch(Normalised(), (3, 8, 8), "n").nodes] == ["flatten", "l2norm"]


def test_what_the_language_cannot_say_keeps_its_name_and_shape() -> None:
    class Odd(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(torch.cumsum(x, 2))

    (odd, relu) = read_torch(Odd(), (3, 8, 8), "odd").nodes

    assert (odd.name, odd.op.name, odd.out.shape) == ("cumsum", "opaque", (3, 8, 8))
    assert relu.inputs == (0,)


def test_a_module_that_fails_is_refused() -> None:
    class Broken(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            raise RuntimeError("not today")

    with pytest.raises(SpecError, match="torch cannot export `broken` for images of 3x8x8: not today"):
        read_torch(Broken(), (3, 8, 8), "broken")


def test_norms_with_frozen_statistics_are_batch_norms() -> None:
    """As torchvision's detection networks have them: their scale and shift are computed of four tensors."""
    net = nn.Sequential(nn.Conv2d(3, 4, 3, bias=False), torchvision.ops.FrozenBatchNorm2d(4), nn.ReLU())
    conv, norm, _ = read_torch(net, (3, 8, 8), "net").nodes

    assert (conv.op.name, norm.op.name) == ("conv", "bn")
    assert {*norm.weights.values()} == {f"1.{name}" for name in ("weight", "bias", "running_mean", "running_var")}


def test_what_torch_cannot_export_is_recorded_by_fx() -> None:
    class Freed(torch.autograd.Function):
        """As reversible networks (1707.04585) have it: a function with gradients of its own."""

        @staticmethod
        def forward(_: Any, x: torch.Tensor, layer: nn.Module) -> torch.Tensor:
            with torch.no_grad():
                return x + layer(x)  # type: ignore[no-any-return]

    class Reversible(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first, self.layer = nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.first(x)
            y: torch.Tensor = Freed.apply(x, self.layer)
            x.data.set_()  # type: ignore[call-overload]
            return y

    graph = read_torch(Reversible(), (3, 8, 8), "reversible")

    assert [node.op.name for node in graph.nodes] == ["conv", "conv", "add"]
    assert {*graph.nodes[1].weights.values()} == {"layer.weight", "layer.bias"}
    assert len(graph.notes) == 1
