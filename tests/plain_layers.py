"""What the tools of the ecosystem do with a generated network, as checks of one network each."""

from __future__ import annotations

import copy
import importlib.util
import pickle
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.feature_extraction import create_feature_extractor

from inception_dsl.analysis.cost import cost
from inception_dsl.compiler import at_size, compile_file
from inception_dsl.ir.ops import LRN
from inception_dsl.ir.typed import Typed

ROOT = Path(__file__).parent.parent
NAMES = sorted(path.parent.name for path in (ROOT / "generated").glob("*/model.py"))
PLAIN = (nn.Conv2d, nn.Linear, nn.BatchNorm2d)


@cache
def typed(name: str) -> Typed:
    """The network of a spec, lowered."""
    return at_size(compile_file(ROOT / "specs" / f"{name}.yaml"))


@cache
def generated(name: str) -> ModuleType:
    """The committed `model.py` of a spec, imported as a user imports it."""
    spec = importlib.util.spec_from_file_location(f"generated_{name}", ROOT / "generated" / name / "model.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def network(name: str, device: str = "meta") -> nn.Module:
    """The network in evaluation; on a real device its weights are drawn uniformly, so that none is idle."""
    module = generated(name)
    (*_, made) = (each for each in vars(module).values() if getattr(each, "__module__", "") == module.__name__)
    with torch.device("meta"):
        net: nn.Module = made().eval()
    if device == "meta":
        return net
    net = net.to_empty(device=device)
    torch.manual_seed(0)
    for tensor in net.state_dict().values():
        if tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5) if tensor.dim() == 1 else tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5)
    return net


def image(name: str, batch: int = 2, device: str = "meta") -> Tensor:
    """A batch that the network takes."""
    torch.manual_seed(0)
    return torch.randn(batch, *typed(name).input.shape, device=device)


def shapes(given: Any) -> list[tuple[int, ...]]:
    """The shapes of one output or of several."""
    return [tuple(each.shape) for each in (given if isinstance(given, tuple) else (given,))]


def expected(name: str, training: bool) -> list[tuple[int, ...]]:
    """The shapes of the outputs for a batch of two."""
    own = typed(name)
    return [(2, *own.out(row).shape) for row in (own.trunk[-1], *(own.heads if training else ()))]


# --- module surgery and counting by exact type ------------------------------------------------------------------------


def replaced(layer: nn.Module) -> nn.Module:
    """An equal layer, made anew."""
    with torch.device(next(layer.parameters()).device):
        if isinstance(layer, nn.Linear):
            new: nn.Module = nn.Linear(layer.in_features, layer.out_features, layer.bias is not None)
        else:
            assert isinstance(layer, nn.Conv2d)
            new = nn.Conv2d(
                layer.in_channels,
                layer.out_channels,
                layer.kernel_size,  # type: ignore[arg-type]
                layer.stride,  # type: ignore[arg-type]
                layer.padding,  # type: ignore[arg-type]
                layer.dilation,  # type: ignore[arg-type]
                layer.groups,
                layer.bias is not None,
            )
    new.load_state_dict(layer.state_dict())
    return new


def check_surgery(name: str) -> None:
    """Equal layers in place of all convolutions and fully connected layers change no bit of the output."""
    net, x = network(name, "cpu"), image(name, device="cpu")
    with torch.no_grad():
        before = net(x)
        for owner in list(net.modules()):
            for child, layer in list(owner.named_children()):
                if isinstance(layer, nn.Conv2d | nn.Linear):
                    setattr(owner, child, replaced(layer))
        after = net(x)

    assert before.isfinite().all() and before.std() > 0
    assert torch.equal(before, after)


def check_types(name: str) -> None:
    """No layer with weights is a subclass of one of `torch.nn`, and every parameter is in one of these."""
    net = network(name)
    layers = [module for module in net.modules() if isinstance(module, PLAIN)]

    assert all(type(layer) in PLAIN for layer in layers)
    assert sum(p.numel() for layer in layers for p in layer.parameters()) == sum(p.numel() for p in net.parameters())


def check_counts(name: str) -> None:
    """Hooks on layers of an exact type count the report's parameters and multiply-adds, heads included."""
    net, macs = network(name), []

    def count(layer: nn.Module, _: object, out: Tensor) -> None:
        assert isinstance(layer, nn.Conv2d | nn.Linear)
        macs.append(layer.weight[0].numel() * out.numel())

    for layer in net.modules():
        if type(layer) in (nn.Conv2d, nn.Linear):
            layer.register_forward_hook(count)
    net.training = True  # of the network alone: it runs its heads
    net(image(name, batch=1))
    total = cost(typed(name)).total

    assert sum(macs) == total.macs
    assert sum(parameter.numel() for parameter in net.parameters()) == total.params


# --- tracers and compilers --------------------------------------------------------------------------------------------


@contextmanager
def deprecated() -> Iterator[None]:
    """What torch deprecates still has to work."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, message="`torch.jit")
        warnings.filterwarnings("ignore", category=DeprecationWarning, message="(?s).*torch.(jit|ao)")
        warnings.filterwarnings("ignore", category=UserWarning, message="NOTE: The nodes obtained by tracing")
        warnings.filterwarnings("ignore", category=UserWarning, message="torch.quantize_per_tensor")
        yield


def both(name: str, transform: Callable[[nn.Module, Tensor], Callable[[Tensor], Any]]) -> None:
    """Transform a network in evaluation and in training, and run what that gives."""
    for training in (False, True):
        net, x = network(name).train(training), image(name)
        with deprecated():
            given = transform(net, x)(x)
        assert shapes(given) == expected(name, training)


def check_script(name: str) -> None:
    """`torch.jit.script`."""
    both(name, lambda net, _: torch.jit.script(net))


def check_fx(name: str) -> None:
    """`torch.fx.symbolic_trace`."""
    both(name, lambda net, _: torch.fx.symbolic_trace(net))


def check_export(name: str) -> None:
    """`torch.export`."""
    both(name, lambda net, x: torch.export.export(net, (x,)).module(check_guards=False))


def check_compile(name: str) -> None:
    """`torch.compile`, the whole network as one graph."""
    torch.compiler.reset()
    both(name, lambda net, _: torch.compile(net, fullgraph=True, backend="eager"))


def check_deepcopy(name: str) -> None:
    """`copy.deepcopy`."""
    both(name, lambda net, _: copy.deepcopy(net))


def check_pickle(name: str) -> None:
    """`pickle`, and so `torch.save` of a module."""
    both(name, lambda net, _: pickle.loads(pickle.dumps(net)))  # noqa: S301


def check_features(name: str) -> None:
    """Torchvision's `create_feature_extractor` at every row that has a layer."""
    net, own = network(name), typed(name)
    rows = [row for row in own.trunk if hasattr(net, row)]
    with deprecated():
        given = create_feature_extractor(net, rows)(image(name))

    assert {row: tuple(out.shape) for row, out in given.items()} == {row: (2, *own.out(row).shape) for row in rows}


def check_trace(name: str) -> None:
    """`torch.jit.trace`, at another batch than the traced one; it warns of a branch in torch's own LRN, of no other."""
    net, x = network(name, "cpu"), image(name, 1, "cpu")
    normed = any(isinstance(node.op, LRN) for node in typed(name).nodes)
    expects = pytest.warns(torch.jit.TracerWarning, match="boolean") if normed else nullcontext()  # type: ignore[attr-defined]
    with deprecated(), torch.no_grad(), expects:
        traced = torch.jit.trace(net, x, check_trace=False)  # type: ignore[no-untyped-call]
        other = image(name, 2, "cpu")
        assert torch.allclose(traced(other), net(other), rtol=1e-4)


def check_quantize(name: str) -> None:
    """`torch.ao.quantization.quantize_dynamic` finds every fully connected layer, and the network still runs."""
    net = network(name, "cpu")
    count = sum(type(layer) is nn.Linear for layer in net.modules())
    with deprecated(), torch.no_grad():
        quantized = torch.ao.quantization.quantize_dynamic(net, {nn.Linear}, dtype=torch.qint8)  # type: ignore[no-untyped-call]
        given = quantized(image(name, device="cpu"))
    kinds = [layer for layer in quantized.modules() if isinstance(layer, torch.ao.nn.quantized.dynamic.Linear)]

    assert len(kinds) == count
    assert shapes(given) == expected(name, training=False)


QUICK = (check_types, check_counts)
"""Checks that take a fraction of a second."""

SLOW = (
    *(check_fx, check_script, check_export, check_compile, check_deepcopy, check_pickle),
    *(check_features, check_trace, check_quantize, check_surgery),
)
