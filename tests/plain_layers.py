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
from inception_dsl.analysis.image_size import fixed_by
from inception_dsl.compiler import at_size, compile_file
from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.ir.ops.norms import LRN
from inception_dsl.ir.program import Program
from inception_dsl.ir.typed import Typed

ROOT = Path(__file__).parent.parent
NAMES = sorted(path.parent.name for path in (ROOT / "generated").glob("*/model.py"))
PLAIN = (nn.Conv2d, nn.Linear, nn.BatchNorm1d, nn.BatchNorm2d, nn.GroupNorm, nn.LayerNorm, nn.PReLU)
OWN = {"LayerNorm2d": nn.LayerNorm, "Affine": nn.Module}
"""Layers with weights that generated files define, and their bases: a norm with the axes in another order, as in
torchvision and timm, and a scale of single channels, which `torch.nn` has not."""


@cache
def program(name: str) -> Program:
    """The network of a spec, before it is lowered."""
    (path,) = (ROOT / "specs").rglob(f"{name}.yaml")
    return compile_file(path)


@cache
def typed(name: str) -> Typed:
    """The network of a spec, lowered at its own image size."""
    return at_size(program(name))


@cache
def smallest(name: str) -> tuple[int, int]:
    """The smallest of some image sizes that a network takes; its own where its layers fix the size."""
    for size in (75, 107, 139):
        try:
            if not fixed_by(program(name), (size, size)):
                return size, size
        except SpecError:
            continue
    return typed(name).input.image


@cache
def generated(name: str) -> ModuleType:
    """The committed `model.py` of a spec, imported as a user imports it."""
    spec = importlib.util.spec_from_file_location(f"generated_{name}", ROOT / "generated" / name / "model.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


@cache
def shared(name: str) -> nn.Module:
    """The network on the meta device, built once: checks set its mode, and change nothing else of it."""
    module = generated(name)
    (*_, made) = (value for value in vars(module).values() if getattr(value, "__module__", "") == module.__name__)
    with torch.device("meta"):
        net: nn.Module = made()
    return net


def drawn(name: str) -> nn.Module:
    """The network in evaluation on the CPU; its weights are drawn at random, so that none is idle."""
    net = copy.deepcopy(shared(name)).eval().to_empty(device="cpu")
    torch.manual_seed(0)
    for tensor in net.state_dict().values():
        if tensor.is_floating_point():
            tensor.uniform_(0.5, 1.5) if tensor.dim() == 1 else tensor.normal_(0, (2 / tensor[0].numel()) ** 0.5)
    return net


def image(name: str, batch: int = 2) -> Tensor:
    """A batch that the network takes, of its own image size and without values."""
    return torch.empty(batch, *typed(name).input.shape, device="meta")


def small_image(name: str, batch: int = 1) -> Tensor:
    """A batch of values, of the smallest image size."""
    torch.manual_seed(0)
    return torch.randn(batch, typed(name).input.channels, *smallest(name))


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


def operate(net: nn.Module) -> None:
    """Put an equal layer in place of every convolution and every fully connected layer."""
    for owner in list(net.modules()):
        for child, layer in list(owner.named_children()):
            if isinstance(layer, nn.Conv2d | nn.Linear):
                setattr(owner, child, replaced(layer))


def graph(net: nn.Module) -> str:
    """What a network computes, as code: each layer of `torch.nn` is one call, all else is traced into functions."""
    with deprecated():
        return torch.fx.symbolic_trace(net).code


def check_surgery(name: str) -> None:
    """Equal layers in place of all convolutions and fully connected layers change no step, no shape and no weight."""
    net = copy.deepcopy(shared(name)).train()  # in training it runs its heads too
    before, layers, weights = graph(net), repr(net), [*net.state_dict()]
    operate(net)
    net.train()

    assert graph(net) == before
    assert repr(net) == layers
    assert [*net.state_dict()] == weights
    assert shapes(net(image(name))) == expected(name, training=True)


def check_surgery_by_value(name: str) -> None:
    """The same surgery changes no bit of the output."""
    net, x = drawn(name), small_image(name, 2)
    with torch.no_grad():
        before = net(x)
        operate(net)
        after = net(x)

    assert before.isfinite().all() and before.std() > 0
    assert torch.equal(before, after)


def check_types(name: str) -> None:
    """No layer with weights is a subclass of one of `torch.nn`, and every parameter is in one of these."""
    net = shared(name)
    layers = [module for module in net.modules() if isinstance(module, PLAIN) or type(module).__name__ in OWN]

    assert all(type(layer) in PLAIN or OWN.get(type(layer).__name__) in type(layer).__bases__ for layer in layers)
    assert sum(p.numel() for layer in layers for p in layer.parameters()) == sum(p.numel() for p in net.parameters())


def check_counts(name: str) -> None:
    """Hooks on layers of an exact type count the report's parameters and multiply-adds, heads included."""
    net, macs = copy.deepcopy(shared(name)).eval(), []

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


def runs(name: str, transform: Callable[[nn.Module, Tensor], Callable[[Tensor], Any]], training: bool) -> None:
    """Transform a network that is in evaluation or in training, and run what that gives."""
    net, x = shared(name).train(training), image(name)
    with deprecated():
        given = transform(net, x)(x)
    assert shapes(given) == expected(name, training)


def check_script(name: str) -> None:
    """`torch.jit.script`; the mode can change afterwards."""
    x = image(name)
    with deprecated():
        scripted = torch.jit.script(shared(name))
        for training in (False, True):
            assert shapes(scripted.train(training)(x)) == expected(name, training)


def check_deepcopy(name: str) -> None:
    """`copy.deepcopy`."""
    runs(name, lambda net, _: copy.deepcopy(net), training=True)


def check_pickle(name: str) -> None:
    """`pickle`, and so `torch.save` of a module."""
    runs(name, lambda net, _: pickle.loads(pickle.dumps(net)), training=True)  # noqa: S301


def check_fx(name: str) -> None:
    """`torch.fx.symbolic_trace`, which follows the branch of the mode that the network is in."""
    for training in (False, True):
        runs(name, lambda net, _: torch.fx.symbolic_trace(net), training)


def check_export(name: str) -> None:
    """`torch.export` in evaluation, by the shape that it records for the output."""
    exported = torch.export.export(shared(name).eval(), (image(name),))
    (outputs,) = exported.graph.output_node().args

    assert shapes(tuple(output.meta["val"] for output in outputs)) == expected(name, training=False)


def check_export_of_training(name: str) -> None:
    """`torch.export` in training: with the heads, and with batch norms that update their statistics."""
    runs(name, lambda net, x: torch.export.export(net, (x,)).module(check_guards=False), training=True)


def check_export_module(name: str) -> None:
    """The module of a `torch.export` in evaluation."""
    runs(name, lambda net, x: torch.export.export(net, (x,)).module(check_guards=False), training=False)


def check_compile(name: str) -> None:
    """`torch.compile`, the whole network as one graph."""
    for training in (False, True):
        torch.compiler.reset()
        runs(name, lambda net, _: torch.compile(net, fullgraph=True, backend="eager"), training)


def check_features(name: str) -> None:
    """Torchvision's `create_feature_extractor` at every row that has a layer."""
    net, own = shared(name).eval(), typed(name)
    rows = [row for row in own.trunk if hasattr(net, row)]
    with deprecated():
        given = create_feature_extractor(net, rows)(image(name))

    assert {row: tuple(out.shape) for row, out in given.items()} == {row: (2, *own.out(row).shape) for row in rows}


def check_trace(name: str) -> None:
    """`torch.jit.trace`, at another batch than the traced one; it warns of a branch in torch's own LRN, of no other."""
    net, x = drawn(name), small_image(name)
    normed = any(isinstance(node.op, LRN) for node in typed(name).nodes)
    expects = pytest.warns(torch.jit.TracerWarning, match="boolean") if normed else nullcontext()  # type: ignore[attr-defined]
    with deprecated(), torch.no_grad(), expects:
        traced = torch.jit.trace(net, x, check_trace=False)  # type: ignore[no-untyped-call]
        other = small_image(name, 2)
        assert torch.allclose(traced(other), net(other), rtol=1e-4)


def check_quantize(name: str) -> None:
    """`torch.ao.quantization.quantize_dynamic` finds every fully connected layer, and the network still runs."""
    net, x = drawn(name), small_image(name, 2)
    count = sum(type(layer) is nn.Linear for layer in net.modules())
    with deprecated(), torch.no_grad():
        quantized = torch.ao.quantization.quantize_dynamic(net, {nn.Linear}, dtype=torch.qint8)  # type: ignore[no-untyped-call]
        given, unquantized = quantized(x), net(x)
    kinds = [layer for layer in quantized.modules() if isinstance(layer, torch.ao.nn.quantized.dynamic.Linear)]

    assert len(kinds) == count
    assert shapes(given) == shapes(unquantized)


QUICK = (
    *(check_types, check_counts, check_fx, check_script, check_export, check_deepcopy, check_pickle),
    *(check_features, check_surgery),
)
"""Checks that take about a second at most, for they compute no values."""

SLOW = (
    check_surgery_by_value,
    check_export_module,
    check_export_of_training,
    check_compile,
    check_trace,
    check_quantize,
)
