"""Networks drawn at random: the spec, the PyTorch file, the ONNX graph and onnxruntime agree on all of them."""

from __future__ import annotations

import onnx as standard
import pytest
import torch
from builders import checked
from conditioning import is_stable
from hypothesis import assume, given, settings
from strategies import LONG, specs
from torch import Tensor, nn

from inception_dsl.analysis.cost import cost
from inception_dsl.build import build
from inception_dsl.compiler import compile_source
from inception_dsl.crosscheck.crosscheck import cross_check
from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.emit.backends import BACKENDS
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.ir.program import Program
from inception_dsl.lower import lower

quick = settings(max_examples=40)


def program(text: str) -> Program:
    """A drawn spec, compiled."""
    return compile_source(Source("specs/drawn.yaml", text))


def meta(text: str) -> nn.Module:
    """Its generated file, run without numbers; in training, with nothing dropped."""
    with torch.device("meta"):
        net = build(pytorch.source(lower(program(text))), "drawn").eval()
    net.training = True
    return net


@quick
@given(specs())
def test_shapes_and_weights_are_torchs(text: str) -> None:
    typed, net = lower(program(text)), meta(text)
    seen: dict[str, tuple[int, ...]] = {}

    def hook(row: str, out: Tensor) -> None:
        seen[row] = tuple(out.shape[1:])

    for row, layer in net.named_children():
        layer.register_forward_hook(lambda _, __, out, row=row: hook(row, out))
    net(torch.empty(2, *typed.input.shape, device="meta"))
    weights = {name: tuple(each.shape) for name, each in net.state_dict().items() if "num_batches" not in name}

    assert seen == {row: typed.out(row).shape for row in seen}
    assert list(weights.items()) == [(name, weight.shape) for name, weight in typed.weights.items()]
    assert sum(parameter.numel() for parameter in net.parameters()) == cost(typed).total.params


@quick
@given(specs())
def test_shapes_and_weights_are_onnxs(text: str) -> None:
    typed = lower(program(text))
    data = onnx.model(typed, heads=True)
    inputs = standard.ModelProto.FromString(data).graph.input

    batch, *shape = checked(data)
    assert tuple(shape) == typed.out(typed.trunk[-1]).shape
    assert batch == "N" or "resize" in text  # ONNX does not follow a symbol through the scales of Resize
    assert [each.name for each in inputs] == ["input", *typed.weights]


@quick
@given(specs())
def test_pytorch_and_onnxruntime_compute_the_same(text: str) -> None:
    assume(is_stable(lower(program(text))))
    report = cross_check(program(text), BACKENDS, images=[program(text).input.image], batches=[2])
    messages = [finding.message for finding in report.findings]
    # A network of a few channels may well give one and the same output for all images: it proves nothing, either way.
    assume(not any("shows nothing" in message for message in messages))

    assert messages == []
    assert (report.comparisons[0].difference or 0) < 1e-4


CHAIN = " -> ".join(["conv 1x1 {in + in - in}"] * 9)
WIDE = " | ".join(f"conv 1x1 {{a + {i} - {i}}}" for i in range(40))
OTHER = WIDE.replace("{a", "{features")
GROWN = f"""network: drawn
input: 3x8x8
modules:
  grow: {{graph: '{CHAIN}'}}
  wide: {{columns: [a], graph: '[ {WIDE} ] -> conv 1x1 {{in}} -> fc 4'}}
  outer: {{columns: [features], graph: 'grow -> conv 1x1 {{features}} -> grow -> [ {OTHER} ]'}}
layers: |
  name | layer        | a | features
  r0   | grow         |   |
  r1   | conv 1x1 5   |   |
  r2   | grow         |   |
  r3   | outer        |   | 3
  r4   | outer -> grow |  | 2
  r5   | wide         | 2 |
"""


def test_long_chains_and_formulas_in_modules() -> None:
    """A chain of many steps is run whole; a formula for channels that grows with each becomes an argument."""
    typed, net = lower(program(GROWN)), meta(GROWN)
    out = net(torch.empty(2, *typed.input.shape, device="meta"))
    weights = {name: tuple(each.shape) for name, each in net.state_dict().items()}

    assert tuple(out.shape) == (2, 4)
    assert list(weights.items()) == [(name, weight.shape) for name, weight in typed.weights.items()]


REFERRING = f"""network: drawn
input: 3x4x4
modules:
  join: {{columns: [prev], graph: '[ {{prev}} -> conv 1x1 {{module.in}} + conv 1x1 {{in}} ]'}}
  outer: {{columns: [prev], graph: 's: conv 1x1 {{in + 2}} -> {LONG} -> join prev={{prev}} -> join prev=@s'}}
  grow: {{graph: '{LONG} -> 3 of [ pass | conv 1x1 {{in}} ]'}}
layers: |
  name | layer                                      | prev
  stem | conv 1x1 4                                 |
  r1   | outer                                      | @stem
  r2   | conv 1x1 5 -> outer prev=@stem             |
  r3   | grow                                       |
  r4   | @stem -> grow -> join prev=@r2             |
  r5   | 2 of [ pass | conv 1x1 {{in}} ]            |
  r6   | join                                       | @r1
"""


def test_what_arrives_is_not_what_a_module_reads_first() -> None:
    """Where a formula is too long, the channels are those that arrive: not a reference's, nor an earlier turn's."""
    typed, net = lower(program(REFERRING)), meta(REFERRING)
    out = net(torch.empty(2, *typed.input.shape, device="meta"))
    weights = {name: tuple(each.shape) for name, each in net.state_dict().items()}

    assert tuple(out.shape[1:]) == typed.out("r6").shape
    assert list(weights.items()) == [(name, weight.shape) for name, weight in typed.weights.items()]


NORMS = """network: drawn
input: 3x8x8
classes: 4
modules:
  both: {{graph: 'bn{words} -> relu'}}
layers: |
  name     | layer
  conv     | conv 3x3 6 same
  of_image | both
  pool     | avgpool global -> fc 5
  of_vector | {norm}
  fc       | fc {{classes}}
init: {{source: drawn, bn: constant value=0.5 bias=0.25}}
"""


@pytest.mark.parametrize("words", ["", " gamma=none"])
@pytest.mark.parametrize("norm", ["both", "bn", "bn gamma=none"])
def test_batch_norms_of_vectors(norm: str, words: str) -> None:
    """A vector is normalised by a layer of its own kind, also where a module serves images and vectors."""
    text = NORMS.format(norm=norm, words=words)
    report = cross_check(program(text), BACKENDS, images=[(8, 8)], batches=[2])
    net = build(pytorch.source(lower(program(text))), "drawn")

    assert [finding.message for finding in report.findings] == []
    assert (report.comparisons[0].difference or 1) < 1e-4
    assert {float(each.detach()[0]) for name, each in net.named_parameters() if "of_" in name and "bias" in name} == {
        0.25
    }
    assert isinstance(net.get_submodule("of_vector"), nn.BatchNorm1d) == (norm != "both")
