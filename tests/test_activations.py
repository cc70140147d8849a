"""Norms and activations as words: the generated layers against those of torch in training, and what tools make of them.

In evaluation, and in ONNX, `test_ops.py` compares each of them, and `test_random_networks.py` their combinations.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
import pytest
import torch
from builders import checked, run
from click.testing import CliRunner
from torch import Tensor, nn

from inception_dsl.analysis.cost import cost
from inception_dsl.build import build
from inception_dsl.cli.main import main
from inception_dsl.compiler import at_size, compile_source
from inception_dsl.crosscheck.crosscheck import cross_check
from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.emit.backends import BACKENDS
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops import activations as act
from inception_dsl.ir.ops.linear import Conv, FullyConnected
from inception_dsl.ir.ops.norms import BatchNorm, GroupNorm, LayerNorm
from inception_dsl.ir.program import Program
from inception_dsl.ir.typed import Typed
from inception_dsl.spec.vocabulary.words import ADDED

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "silu": nn.SiLU,
    "hardswish": nn.Hardswish,
    "hardsigmoid": nn.Hardsigmoid,
    "sigmoid": nn.Sigmoid,
    "tanh": nn.Tanh,
    "elu": nn.ELU,
    "gelu": nn.GELU,
    "gelu_tanh": lambda: nn.GELU("tanh"),
    "mish": nn.Mish,
    "leaky=0.1": lambda: nn.LeakyReLU(0.1),
    "prelu": nn.PReLU,
    "prelu per_channel": lambda: nn.PReLU(6),
}


class ChannelsLast(nn.Module):
    """A layer for vectors, at every pixel of an image."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: Tensor) -> Tensor:
        pixels: Tensor = self.layer(x.permute(0, 2, 3, 1))
        return pixels.permute(0, 3, 1, 2)


NORMS: dict[str, Callable[[], nn.Module]] = {
    "bn": lambda: nn.BatchNorm2d(6, 1e-3),
    "gn=3": lambda: nn.GroupNorm(3, 6),
    "ln": lambda: ChannelsLast(nn.LayerNorm(6)),
    "norm=none": nn.Identity,
}
OF_VECTORS = {**NORMS, "bn": lambda: nn.BatchNorm1d(6, 1e-3), "ln": lambda: nn.LayerNorm(6)}


def program(rows: str, head: str = "") -> Program:
    """A network of some rows."""
    table = "".join(f"  row{i} | {row}\n" for i, row in enumerate(rows.split("; ")))
    return compile_source(
        Source("tiny.yaml", f"network: tiny\ninput: 3x9x9\n{head}\nlayers: |\n  name | layer\n{table}")
    )


def lowered(rows: str, head: str = "") -> Typed:
    return at_size(program(rows, head))


def ops(rows: str, head: str = "") -> list[Op]:
    return [node.op for node in lowered(rows, head).nodes]


def trained(net: nn.Module, x: Tensor) -> list[Tensor]:
    """What a step of training computes: the output, every gradient, and every statistic after it."""
    x = x.clone().requires_grad_()
    out = net.train()(x)
    (out * torch.linspace(-1, 1, out.numel()).view_as(out)).sum().backward()
    assert x.grad is not None
    weights = [parameter.grad for parameter in net.parameters() if parameter.grad is not None]
    return [out, x.grad, *weights, *net.buffers()]


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("word", ACTIVATIONS)
def test_a_step_of_training_is_torchs(word: str, norm: str) -> None:
    """A convolution, then a fully connected layer, each with both words; what is written in place spoils nothing."""
    torch.manual_seed(0)
    net = build(pytorch.source(lowered(f"conv 3x3 6 same {norm} {word}; fc 6 {norm} {word}")), "tiny")
    after, after_vector = (norms[norm] for norms in (NORMS, OF_VECTORS))
    layers: list[nn.Module] = [nn.Conv2d(3, 6, 3, padding=1, bias=False), after(), ACTIVATIONS[word]()]
    layers += [nn.Flatten(), nn.Linear(486, 6), after_vector(), ACTIVATIONS[word]()]
    reference = nn.Sequential(*layers)
    with torch.no_grad():
        for ours, theirs in zip(net.state_dict().values(), reference.state_dict().values(), strict=True):
            ours.copy_(torch.rand(ours.shape) - 0.4 if ours.is_floating_point() else ours)
            theirs.copy_(ours)
    x = torch.randn(4, 3, 9, 9)

    for value, expected in zip(trained(net, x), trained(reference, x), strict=True):
        torch.testing.assert_close(value, expected, rtol=1e-4, atol=1e-5)


ALL = "; ".join(f"conv 3x3 6 same {norm} {word}" for word, norm in zip(ACTIVATIONS, [*NORMS] * 4, strict=False))
STEPS = " -> ".join(word.replace("=", " ") for word in [*ACTIVATIONS, "gn=3", "ln"])


@pytest.mark.parametrize("tool", ["script", "trace", "export", "compile", "deepcopy"])
def test_tools_follow_every_layer(tool: str) -> None:
    net = build(pytorch.source(lowered(f"{ALL}; {STEPS}; fc 6 ln prelu -> bn -> gelu")), "tiny").eval()
    x = torch.randn(2, 3, 9, 9)
    made: dict[str, Callable[[], Any]] = {
        "script": lambda: torch.jit.script(net),
        "trace": lambda: torch.fx.symbolic_trace(net),
        "export": lambda: torch.export.export(net, (x,)).module(check_guards=False),
        "compile": lambda: torch.compile(net, fullgraph=True, backend="eager"),
        "deepcopy": lambda: copy.deepcopy(net),
    }

    with torch.no_grad(), pytest.warns() if tool == "script" else nullcontext():
        torch.testing.assert_close(made[tool]()(x), net(x))


@pytest.mark.parametrize("opset", [min(onnx.OPSETS), 20, onnx.NEWEST])
def test_every_layer_in_the_oldest_opset_and_the_newest(opset: int) -> None:
    typed = lowered(f"{ALL}; {STEPS}; fc 6 gn=3 prelu per_channel -> ln -> gelu_tanh")
    net = build(pytorch.source(typed), "tiny").eval()
    graph = onnx.model(typed, opset=opset)
    x = torch.randn(2, 3, 9, 9)
    with torch.no_grad():
        for tensor in net.state_dict().values():
            if tensor.is_floating_point() and tensor.dim() == 1:
                tensor.uniform_(0.2, 1.2)
        expected = net(x).numpy()
    weights = {name: net.state_dict()[name].numpy() for name in typed.weights}

    assert checked(graph) == ("N", 6)
    np.testing.assert_allclose(run(graph, {"input": x.numpy(), **weights}), expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("F.hardsigmoid(self.conv(x), inplace=True)", "torch.sigmoid(self.conv(x))"),
        ("F.hardswish(self.conv(x), inplace=True)", "F.silu(self.conv(x), inplace=True)"),
        ("F.relu6", "F.relu"),
        ("F.elu", "F.relu"),
        ("F.mish", "F.silu"),
        ("negative_slope=0.1", "negative_slope=0.101"),
        ("num_groups: int = 3", "num_groups: int = 2"),
        ("eps=0.002", "eps=0.001"),
        ("x.movedim(1, -1)", "x.flip(1).movedim(1, -1)"),
    ],
)
def test_another_activation_or_norm_in_the_file_is_found(monkeypatch: pytest.MonkeyPatch, old: str, new: str) -> None:
    words = ("hardsigmoid", "hardswish", "relu6", "elu", "mish", "leaky=0.1", "gn=3", "gn=6 eps=0.002", "ln")
    net = program("; ".join(f"conv 3x3 6 same {word}" for word in words))
    source = pytorch.source
    assert old in source(at_size(net))
    monkeypatch.setattr(pytorch, "source", lambda typed: source(typed).replace(old, new))

    assert cross_check(net, BACKENDS, [(9, 9)], [2]).findings


def test_a_module_normalises_images_and_vectors_alike() -> None:
    head = "modules:\n  m: {graph: 'ln -> gn 1 -> prelu per_channel -> silu'}"

    assert cross_check(program("conv 1x1 6; m; fc 5; m; fc 4", head), BACKENDS, [(9, 9)], [2]).findings == ()


def test_words_become_ops() -> None:
    assert ops("conv 1x1 6 gn=3 eps=0.01 leaky=10%")[1:] == [GroupNorm(3, 0.01), act.LeakyReLU(0.1)]
    assert ops("conv 1x1 6 gn={in} prelu per_channel")[1:] == [GroupNorm(3), act.PReLU(per_channel=True)]
    assert ops("gn 3 -> leaky 0.1 -> prelu -> ln eps=0.1")[2:] == [act.PReLU(), LayerNorm(0.1)]
    assert ops("fc 6 bn eps=0.1 silu")[1:] == [FullyConnected(6), BatchNorm(0.1), act.SiLU()]


@pytest.mark.parametrize(
    ("own", "added"),
    [
        ("", [BatchNorm(0.1), act.ReLU()]),
        ("silu", [BatchNorm(0.1), act.SiLU()]),
        ("leaky=0.1", [BatchNorm(0.1), act.LeakyReLU(0.1)]),
        ("norm=bn", [BatchNorm(0.1), act.ReLU()]),
        ("gn=3", [GroupNorm(3), act.ReLU()]),
        ("ln act=none", [LayerNorm()]),
        ("norm=none", [act.ReLU()]),
        ("ln eps=0.3", [LayerNorm(0.3), act.ReLU()]),
    ],
)
def test_a_word_on_a_layer_replaces_that_of_the_defaults(own: str, added: list[Op]) -> None:
    """The epsilon of a default is that of its own norm."""
    head = "defaults: {conv: same bn eps=0.1 relu}"

    assert ops(f"conv 3x3 6 {own}", head)[1:] == added


def test_a_column_or_a_setting_names_an_activation() -> None:
    head = """settings: {act: silu}
modules:
  m: {columns: [nl, n], graph: 'conv 1x1 6 act={nl} norm={n} -> conv 1x1 6 act={act}'}
"""
    text = f"network: t\ninput: 3x9x9\n{head}layers: |\n  name | layer | nl | n\n"
    rows = ("a | m | hardswish | bn", "b | m | | none", "c | m | none | ln")
    net = compile_source(Source("t.yaml", text + "".join(f"  {row}\n" for row in rows)))
    found = [[type(node.op) for node in at_size(net).of(row)] for row in "abc"]

    assert found[0] == [Conv, BatchNorm, act.Hardswish, Conv, act.SiLU]
    assert found[1] == [Conv, Conv, act.SiLU]
    assert found[2] == [Conv, LayerNorm, Conv, act.SiLU]
    assert [*net.templates] == ["m", "m_without_nl_none", "m_none_ln"]


def test_every_word_has_a_case_here() -> None:
    assert {word.split("=")[0].split()[0] for word in (*ACTIVATIONS, *NORMS)} == {*ADDED, "norm"}


def test_the_memory_of_an_activation() -> None:
    """ReLU writes over its input, SiLU only where no gradient needs it, and GELU never."""
    numbers = {word: cost(lowered(f"conv 1x1 8; {word}")) for word in ("relu", "silu", "gelu")}

    assert {word: each.rows["row1"].activations // 81 for word, each in numbers.items()} == {
        "relu": 0,
        "silu": 8,
        "gelu": 8,
    }
    assert {word: each.peak // 81 for word, each in numbers.items()} == {"relu": 11, "silu": 11, "gelu": 16}


def test_group_norm_reads_the_image_and_the_others_a_pixel() -> None:
    fields = {word: cost(lowered(f"conv 3x3 6 same {word}")).trunk.receptive_field for word in ("bn", "ln", "gn=3")}

    assert fields == {"bn": (3, 3), "ln": (3, 3), "gn=3": (11, 11)}


def test_initial_values_of_norms_and_slopes() -> None:
    """Torch's without `init`; with it, those of all layers of a kind, or of one by its name."""
    rows = "conv 3x3 6 same gn=3 prelu -> ln; fc 6 ln prelu; bn"
    plain = build(pytorch.source(lowered(rows)), "tiny").state_dict()
    kinds = "ln: constant value=0.5 bias=0.1, gn: constant value=2, prelu: constant value=0.1"
    lines = f"{kinds}, row1.prelu: constant value=3"
    net = build(pytorch.source(lowered(rows, f"init: {{source: here, {lines}}}")), "tiny").state_dict()

    assert {
        name: float(value.double().mean()) for name, value in plain.items() if "conv" not in name and "fc" not in name
    } == {
        "row0.0.gn.weight": 1,
        "row0.0.gn.bias": 0,
        "row0.0.prelu.weight": 0.25,
        "row0.1.weight": 1,
        "row0.1.bias": 0,
        "row1.ln.weight": 1,
        "row1.ln.bias": 0,
        "row1.prelu.weight": 0.25,
        "row2.weight": 1,
        "row2.bias": 0,
        "row2.running_mean": 0,
        "row2.running_var": 1,
        "row2.num_batches_tracked": 0,
    }
    expected = {"row0.0.gn.weight": 2, "row0.0.prelu.weight": 0.1, "row0.1.weight": 0.5, "row0.1.bias": 0.1}
    expected |= {"row1.ln.weight": 0.5, "row1.ln.bias": 0.1, "row1.prelu.weight": 3, "row2.weight": 1}
    assert {name: float(net[name].mean()) for name in expected} == pytest.approx(expected)


def test_in_of_a_fully_connected_layer_is_the_channels_that_arrive() -> None:
    typed = lowered("conv 1x1 4; fc {in}")

    assert typed.out("row1").shape == (4,)
    build(pytorch.source(typed), "tiny")(torch.zeros(1, 3, 9, 9))


def test_ops_shows_a_word_with_its_number() -> None:
    shown = CliRunner().invoke(main, ["ops", "leaky"]).output

    assert "leaky N" in shown
    assert "max(x, 0) + slope * min(x, 0)" in shown
    assert "leaky, a word on a layer" in shown
