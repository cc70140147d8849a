"""The cross-check: backends agree on what is right, each fault of one is found, and nothing else is disturbed."""

from __future__ import annotations

import importlib.util
import math
from collections.abc import Callable
from contextlib import nullcontext
from importlib.machinery import ModuleSpec
from typing import Any

import numpy as np
import onnx as standard
import pytest
import torch

from inception_dsl.compiler import compile_source
from inception_dsl.crosscheck import executor, probe
from inception_dsl.crosscheck.compare import TOLERANCE, relative_difference
from inception_dsl.crosscheck.crosscheck import Report, cross_check
from inception_dsl.diagnostics.codes.generated import NOT_EXPRESSIBLE
from inception_dsl.diagnostics.diagnostic import Diagnostic, Source, SpecError
from inception_dsl.emit.backends import BACKENDS, by_name
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.ir.program import Program
from inception_dsl.ir.typed import Typed

OWN = (33, 33)

TEXT = """
network: small
input: 3x33x33
classes: 5
defaults: {{conv: same bn relu, maxpool: ceil}}
layers: |
  name  | layer
  stem  | conv 3x3/2 8 -> conv 3x3 16
  {norm}
  pool  | maxpool 2x2/2
  mixed | [ one: conv 1x1 8 | three: conv 1x1 4 -> conv 3x3 8 | avgpool 3x3/1 same ]
  res   | [ pass + 0.17 * [ conv 3x3 32 norm=none act=none bias ] ] -> relu
  tail  | avgpool {tail}
  same  | pass
  fc    | dropout 40% -> fc {{classes}}
heads:
  aux1: {{from: mixed, loss_weight: 0.3, graph: "avgpool global -> fc {{classes}}"}}
  aux2: {{from: res, loss_weight: 0.3, graph: "avgpool global -> fc 6 relu -> dropout 70% -> fc {{classes}}"}}
"""


def program(norm: str = "norm | lrn 5", tail: str = "9x9 valid") -> Program:
    """A network with everything in it that a system can get wrong; its classifier is fixed to 33x33."""
    return compile_source(Source("specs/small.yaml", TEXT.format(norm=norm, tail=tail)))


def found(report: Report) -> str:
    """All that was found, as one text."""
    assert not report.sentences
    assert {finding.code for finding in report.findings} == {"E304"}
    return "\n".join(finding.message for finding in report.findings)


@pytest.fixture
def mutate(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, str], None]:
    """Change the generated file."""
    source = pytorch.source

    def change(old: str, new: str) -> None:
        def changed(typed: Typed) -> str:
            assert old in source(typed)
            return source(typed).replace(old, new)

        monkeypatch.setattr(pytorch, "source", changed)

    return change


def test_the_spec_and_its_backends_agree() -> None:
    state = torch.get_rng_state()
    report = cross_check(program(), BACKENDS)

    assert report.findings == ()
    assert [comparison.image for comparison in report.comparisons] == [OWN, (225, 225), (299, 299)]
    assert all(0 < (comparison.difference or 0) < 1e-5 for comparison in report.comparisons)
    own, *others = report.comparisons
    assert own.compared == ("stem", "norm", "pool", "mixed", "res", "tail", "same", "fc", "aux1", "aux2")
    assert own.constraint is None
    for other in others:
        assert other.compared == ("stem", "norm", "pool", "mixed", "res", "tail", "same", "aux1", "aux2")
        assert other.constraint and other.constraint.node.row == "fc"
    assert "`fc.1.fc` fixes the image size to 33x33" in report.sentences[-1]
    assert torch.equal(torch.get_rng_state(), state), "the global random generator is the reader's"


@pytest.mark.parametrize("backend", ["pytorch", "onnx"])
def test_one_backend_alone_is_compared_with_the_spec(backend: str) -> None:
    report = cross_check(program(), [by_name()[backend]], [OWN])

    assert report.findings == ()
    assert report.comparisons[0].difference is None
    assert report.sentences[0].startswith(f"{backend}: 35 tensors with 11,747 parameters match the spec")


def test_a_network_for_any_size_is_compared_as_a_whole() -> None:
    (other,) = cross_check(program(tail="global"), BACKENDS, images=[(31, 40)], batches=[2]).comparisons

    assert other.compared[-3:] == ("fc", "aux1", "aux2")


WRONG = {
    "bias": (", bias=False)", ", bias=True)", "the weight `stem.0.conv.bias`"),
    "stride": (
        "ConvBNReLU(3, 8, 3, stride=2",
        "ConvBNReLU(3, 8, 3, stride=1",
        "`stem` at 33x33 and batch 1 is 1x16x17x17 by the spec, and 1x16x33x33 in pytorch",
    ),
    "width": (
        "ConvBNReLU(3, 8,",
        "ConvBNReLU(3, 9,",
        "`stem.0.conv.weight` is 8x3x3x3 by the spec, and 9x3x3x3 in pytorch",
    ),
    "name": ("three=", "tree=", "`mixed.three.0.conv.weight` is 4x16x1x1 by the spec, and missing in pytorch"),
    "order": ("one=ConvBNReLU(16, 8, 1),", "", "missing in pytorch"),
    "epsilon": ("eps=0.001", "eps=0.0008", "the values of `stem`"),
    "lrn": ("LocalResponseNorm(5)", "LocalResponseNorm(5, beta=0.74)", "the values of `norm`"),
    "no lrn": ("nn.LocalResponseNorm(5)", "nn.Identity()", "the values of `norm`"),
    "pool": (
        "nn.MaxPool2d(2, stride=2, ceil_mode=True)",
        "nn.AvgPool2d(2, stride=2, ceil_mode=True)",
        "the values of `pool`",
    ),
    "border": (", count_include_pad=False", "", "the values of `mixed`"),
    "concat": (
        "for branch in self.values()], 1)",
        "for branch in reversed(self.values())], 1)",
        "the values of `mixed`",
    ),
    "residual": ("0.17", "0.1705", "the values of `res`"),
    "relu": (
        "F.relu(self.bn(self.conv(x)), inplace=True)",
        "F.leaky_relu(self.bn(self.conv(x)), 2e-3)",
        "the values of `stem`",
    ),
    "heads": ("self.aux1(mixed), self.aux2(res)", "self.aux2(res), self.aux1(mixed)", "the values of `aux1`"),
    "wiring": ("self.aux1(mixed)", "self.aux1(mixed * 1.01)", "the values of `aux1`"),
    "numbers": ("return self.factor * x", "return self.factor * x * float('nan')", "the values of `res`"),
    "constant": ("return self.factor * x", "return self.factor * x / 0", "the values of `res`"),
    "syntax": ("def forward", "deff forward", "pytorch cannot read the network: invalid syntax"),
    "crash": (
        "self.fc(x.flatten(1))",
        "self.fc(x.flatten(2))",
        "pytorch cannot run the network at 33x33 and batch 1: mat1",
    ),
}


@pytest.mark.parametrize("fault", WRONG)
def test_a_fault_of_the_generated_file_is_found(mutate: Callable[[str, str], None], fault: str) -> None:
    old, new, expected = WRONG[fault]
    mutate(old, new)

    assert expected in found(cross_check(program(), BACKENDS, images=[OWN], batches=[1]))


def unused(graph: standard.GraphProto) -> None:
    node = next(node for node in graph.node if node.op_type == "Gemm")
    del node.input[2:]


def swapped(graph: standard.GraphProto) -> None:
    node = next(node for node in graph.node if node.op_type == "Concat")
    node.input[:] = reversed(node.input)


def declared(graph: standard.GraphProto) -> None:
    next(output for output in graph.output if output.name == "aux1").type.tensor_type.shape.dim[1].dim_value += 1


def epsilon(graph: standard.GraphProto) -> None:
    node = next(node for node in graph.node if node.op_type == "BatchNormalization")
    node.attribute[0].f = 0.0008


def doubled(graph: standard.GraphProto) -> None:
    graph.node[1].name = graph.node[0].name


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (unused, "the weight `fc.1.fc.bias` is 5 by the spec, and missing in onnx"),
        (swapped, "the values of `mixed`"),
        (declared, "onnx cannot read the network at 33x33"),
        (epsilon, "the values of `stem`"),
        (doubled, "onnx cannot read the network at 33x33"),
    ],
)
def test_a_fault_of_the_graph_is_found(
    monkeypatch: pytest.MonkeyPatch, fault: Callable[[standard.GraphProto], None], expected: str
) -> None:
    emit = onnx.model

    def changed(typed: Typed, **options: Any) -> bytes:
        model = standard.ModelProto.FromString(emit(typed, **options))
        fault(model.graph)
        return bytes(model.SerializeToString())

    monkeypatch.setattr(onnx, "model", changed)

    assert expected in found(cross_check(program(), BACKENDS, images=[OWN], batches=[1]))


def test_what_onnx_cannot_express_is_a_finding_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    fault = Diagnostic(NOT_EXPRESSIBLE, "ONNX cannot say this")

    def refused(typed: Typed, **options: Any) -> bytes:
        raise SpecError([fault])

    monkeypatch.setattr(onnx, "model", refused)

    assert cross_check(program(), BACKENDS).findings == (fault,)


def test_rounding_of_saturated_values_is_no_difference() -> None:
    """A sigmoid near 1: the values lie closer together than a thousand times their rounding."""
    values = np.array([0.99999, 0.999995], np.float32)
    rounded, wrong, broken = values + np.float32(6e-8), values + np.float32(0.001), values * np.float32(math.nan)

    assert 0 < relative_difference(values, rounded, values) < TOLERANCE < relative_difference(values, wrong, values)
    assert math.isnan(relative_difference(values, broken, values))


def test_weights_that_hide_errors_are_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """Under PyTorch's own initialisation sixty layers give the same numbers for every image, right or wrong."""

    def usual(typed: Typed) -> dict[str, probe.Array]:
        bounds = {name: math.prod(weight.shape[1:]) ** -0.5 for name, weight in typed.weights.items()}
        random = np.random.default_rng(0)
        drawn = {
            name: random.uniform(-b, b, typed.weights[name].shape).astype(np.float32) for name, b in bounds.items()
        }
        fresh = {"bn.weight": 1, "bn.bias": 0, "bn.running_mean": 0, "bn.running_var": 1}
        return drawn | {
            name: np.full_like(drawn[name], number)
            for name in drawn
            for end, number in fresh.items()
            if name.endswith(end)
        }

    monkeypatch.setattr(probe, "weights", usual)
    monkeypatch.setattr(probe, "scaling", lambda *_: nullcontext())

    assert "shows nothing" in found(cross_check(program("deep | 60 of conv 3x3 16"), BACKENDS, images=[OWN]))


def test_the_drawn_weights_keep_the_scale_of_sixty_layers(mutate: Callable[[str, str], None]) -> None:
    report = cross_check(program("deep | 60 of conv 3x3 16"), BACKENDS, images=[OWN], batches=[1])
    assert not report.findings

    # in the last of sixty layers alone, an epsilon that is wrong by a tenth of itself
    mutate("for _ in range(60))", "for _ in range(59)), ConvBNReLU(16, 16, 3, padding=1)")
    mutate("        # fmt: on", "        self.deep[-1].bn.eps = 0.0009\n        # fmt: on")

    assert "the values of `deep`" in found(
        cross_check(program("deep | 60 of conv 3x3 16"), BACKENDS, images=[OWN], batches=[1])
    )


@pytest.mark.parametrize("library", ["torch", "onnxruntime", "numpy"])
def test_a_library_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    find = importlib.util.find_spec

    def installed(name: str) -> ModuleSpec | None:
        return None if name == library else find(name)

    monkeypatch.setattr(executor, "find_spec", installed)
    with pytest.raises(SpecError) as error:
        cross_check(program(), BACKENDS)

    (finding,) = error.value.diagnostics
    assert (finding.code, finding.message) == ("E005", f"this needs `{library}`, which is not installed")
    assert finding.help == "pip install 'inception-dsl[torch]'"
