"""Products of branches in the generated files: what they compute, and how they read."""

from __future__ import annotations

import ast

import pytest
import torch
from torch import fx

from inception_dsl.build import build
from inception_dsl.compiler import compile_source
from inception_dsl.crosscheck.crosscheck import cross_check
from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.emit.backends import BACKENDS
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.ir.program import Program
from inception_dsl.lower import lower

GATE = "avgpool global -> conv 1x1 {in // 2} relu bias -> conv 1x1 4 bias -> softmax"
GRAPHS = {
    "gated": (f"pass * [gate: [{GATE}]]", "return x * self.gate(x)"),
    "first": (f"[gate: [{GATE}]] * pass -> relu", "return F.relu(self.gate(x) * x)"),
    "three": (f"pass * [gate: [{GATE}]] * [value: conv 1x1 4]", "return x * self.gate(x) * self.value(x)"),
    "scaled": (f"[pass + 0.5 * [pass * [gate: [{GATE}]]]]", "return x + 0.5 * x * self.gate(x)"),
    "sum_in_product": (
        "[ [left: bn + pass] -> relu ] * [ a: conv 1x1 4 -> [b: bn + pass] ]",
        "return F.relu(self.left(x) + x) * (self.b(residual) + residual)",
    ),
    "scaled_sum": ("[ pass + 0.5 * [ a: bn -> [b: bn + pass] ] ]", "return x + 0.5 * (self.b(residual) + residual)"),
    "squeezed": (
        "pass * [gate: [avgpool global -> conv 1x1 {in // 2} relu bias -> conv 1x1 {module.in} -> softmax]]",
        "return x * self.gate(x)",
    ),
    "mul": ("[mul: conv 1x1 4] * pass", "return self.mul_2(x) * x"),
}


def network(graph: str) -> Program:
    """A network of one module of four channels."""
    head = "network: gates\ninput: 3x8x9\nmodules:\n"
    return compile_source(
        Source(
            "gates.yaml",
            f"{head}  block: {{graph: '{graph}'}}\nlayers: |\n  name | layer\n  a | conv 1x1 4\n  b | block\n",
        )
    )


@pytest.mark.parametrize("name", GRAPHS)
def test_a_product_reads_as_one(name: str) -> None:
    graph, written = GRAPHS[name]
    code = pytorch.source(lower(network(graph)))
    block = next(part for part in ast.parse(code).body if isinstance(part, ast.ClassDef) and part.name == "Block")

    assert ast.unparse(block).endswith(written)


def test_squeeze_and_excitation_is_one_class_for_every_width() -> None:
    """`{module.in}` is the class's own argument, wherever in the graph it stands."""
    gate = GRAPHS["squeezed"][0]
    head = "network: gates\ninput: 4x8x9\nmodules:\n"
    rows = "layers: |\n  name | layer\n  a | se\n  b | conv 1x1 6\n  c | se\n"
    code = pytorch.source(lower(compile_source(Source("gates.yaml", f"{head}  se: {{graph: '{gate}'}}\n{rows}"))))

    assert code.count("class Se(") == 1
    assert "nn.Conv2d(in_channels // 2, in_channels, 1, bias=False)" in code
    assert code.count("= Se(") == 2


@pytest.mark.parametrize("name", GRAPHS)
def test_pytorch_and_onnxruntime_agree_on_a_product(name: str) -> None:
    report = cross_check(network(GRAPHS[name][0]), BACKENDS, images=[(8, 9), (13, 7)], batches=[2])

    assert [finding.message for finding in report.findings] == []


@pytest.mark.parametrize("name", GRAPHS)
@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
def test_torch_traces_and_scripts_a_product(name: str) -> None:
    net = build(pytorch.source(lower(network(GRAPHS[name][0]))), "gates").eval()
    x = torch.randn(2, 3, 8, 9)

    assert torch.equal(fx.symbolic_trace(net)(x), net(x))
    assert torch.allclose(torch.jit.script(net)(x), net(x))
