"""References and `again`: what they read, what they cost, and how they read in the generated files."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import numpy as np
import onnx as standard
import pytest
import torch
from builders import checked, run
from torch import fx
from torchvision.models.feature_extraction import create_feature_extractor

from inception_dsl.analysis.cost import cost
from inception_dsl.build import build
from inception_dsl.compiler import compile_file, compile_source
from inception_dsl.crosscheck.crosscheck import cross_check
from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.emit.backends import BACKENDS
from inception_dsl.emit.onnx import onnx
from inception_dsl.emit.pytorch import pytorch
from inception_dsl.ir.program import Program
from inception_dsl.ir.typed import Typed
from inception_dsl.lower import lower

POLY = "[ pass + f: [ conv 1x1 {in // 2} relu -> conv 3x3 {module.in} same ] + [ @f -> again f ] ] -> relu"
CELL = (
    "h0: pass -> p: [ {prev} -> relu -> conv 1x1 {k} bn ] -> h: [ @h0 -> relu -> conv 1x1 {k} bn ] "
    "-> [ @p | left: conv 5x5 {k} same + right: [ @p -> conv 3x3 {k} same ] | [ @p -> avgpool 3x3 same ] + pass ]"
)
TEXT = f"""network: dag
input: 3x16x16
classes: 10
modules:
  poly: {{graph: "{POLY}"}}
  cell: {{columns: [prev, k], graph: "{CELL}"}}
layers: |
  name   | layer                                                           | prev    | k
  stem   | conv 3x3/2 8 same                                               |         |
  cell_1 | cell                                                            | @stem   | 4
  cell_2 | cell                                                            | @stem   | 6
  cell_3 | cell                                                            | @cell_1 | 6
  mixed  | poly                                                            |         |
  joined | [ conv 3x3 18 same + @cell_2 ] -> relu                          |         |
  side   | @stem -> conv 3x3 8 same -> relu                                |         |
  dense  | a: conv 1x1 18 -> b: conv 3x3 18 same -> [ @a + pass + @joined ] |        |
  both   | [ pass | @side ]                                                |         |
  last   | cell prev=@both k=4                                             |         |
  same   | @both                                                           |         |
  pool   | avgpool global                                                  |         |
  fc     | fc {{classes}}                                                  |         |
heads:
  aux: {{from: last, graph: "[ pass | @both ] -> avgpool global -> fc {{classes}}"}}
"""


def network(text: str = TEXT) -> Program:
    return compile_source(Source("specs/dag.yaml", text))


def one(formula: str, image: str = "4x8x8") -> Typed:
    """A network of one row, after a stem."""
    return lower(network(f"network: one\ninput: {image}\nlayers: |\n  name | layer\n  stem | bn\n  row | {formula}\n"))


def classes(code: str) -> dict[str, str]:
    """The classes of a generated file."""
    return {part.name: ast.unparse(part) for part in ast.parse(code).body if isinstance(part, ast.ClassDef)}


# what they read


def test_a_reference_reads_a_row() -> None:
    typed = one("[ conv 1x1 4 + @stem ] -> relu")

    assert [(node.op.name, node.inputs) for node in typed.nodes] == [
        ("bn", (-1,)), ("conv", (0,)), ("add", (1, 0)), ("relu", (2,)),
    ]  # fmt: skip


def test_a_reference_reads_a_step_to_its_left() -> None:
    typed = one("a: conv 1x1 6 -> b: relu -> conv 1x1 6 -> [ @a + pass + @b ]")

    assert typed.nodes[-1].inputs == (1, 3, 2)
    assert list(typed.weights)[-2:] == ["row.a.weight", "row.conv.weight"]


def test_a_reference_at_the_start_stands_for_the_input() -> None:
    typed = one("conv 1x1 6 -> @stem -> conv 1x1 {in}")

    assert [node.inputs for node in typed.nodes] == [(-1,), (0,), (0,)]
    assert typed.out("row").channels == 4


def test_a_label_behind_a_reference_names_what_follows() -> None:
    assert list(one("[ pass | b: [ @stem -> conv 1x1 3 ] ]").weights)[-1] == "row.b.weight"
    assert list(one("@stem -> conv 1x1 3").weights)[-1] == "row.weight"
    assert list(one("@stem -> conv 1x1 3 -> bn").weights)[-4:-3] == ["row.1.weight"]


def test_a_column_holds_a_row_or_pass() -> None:
    rows = "  a | conv 1x1 4 | \n  b | join | @a\n  c | join | pass\n  d | join | @b\n"
    module = 'modules: {join: {columns: [prev], graph: "[ conv 1x1 4 + {prev} ]"}}'
    typed = lower(network(f"network: tiny\ninput: 3x8x8\n{module}\nlayers: |\n  name | layer | prev\n{rows}"))

    assert [node.inputs for node in typed.nodes if node.op.name == "add"] == [(1, 0), (3, 2), (5, 2)]
    assert [*typed.program.templates] == ["join", "join_pass"]


def test_a_module_passes_on_what_it_is_given() -> None:
    modules = "  inner: {columns: [from], graph: '[ pass + {from} ]'}\n"
    modules += "  outer: {columns: [prev], graph: 'a: bn -> [ inner from={prev} | inner from=@a ]'}\n"
    text = f"network: tiny\ninput: 3x8x8\nmodules:\n{modules}layers: |\n  name | layer\n"
    text += "  a | relu\n  b | bn -> outer prev=@a\n"
    typed = lower(network(text))

    assert [node.inputs for node in typed.nodes if node.op.name in ("add", "concat")] == [(2, 0), (2, 2), (3, 4)]


# again


def test_a_step_that_is_applied_again_has_its_weights_once() -> None:
    typed = one("[ pass + f: [ conv 3x3 4 same -> bn ] + [ @f -> again f ] ]")
    counted = cost(typed).rows["row"]

    assert [node.use for node in typed.nodes] == [1, 1, 1, 2, 2, 1]
    assert (counted.params, counted.macs, counted.depth) == (3 * 3 * 4 * 4 + 8, 2 * 64 * 3 * 3 * 4 * 4, 2)
    assert counted.receptive_field == (5, 5)
    graph = standard.ModelProto.FromString(onnx.model(typed)).graph
    assert [value.name for value in graph.input].count("row.f.0.weight") == 1


def test_weights_that_are_shared_begin_once() -> None:
    init = "init: {source: drawn, row.f: constant value=0.5}\nnetwork: one\n"
    rows = "layers: |\n  name | layer\n  row | f: conv 1x1 4 -> again f -> relu\n"
    code = pytorch.source(lower(network(f"{init}input: 4x8x8\n{rows}")))

    assert code.count('"row.f"') == 1
    assert float(build(code, "one").state_dict()["row.f.weight"].mean()) == 0.5


def test_batch_norm_learns_at_every_use() -> None:
    net: Any = build(pytorch.source(one("f: bn -> again f")), "one").train()
    net(torch.randn(8, 4, 8, 8))

    assert int(net.row.f.num_batches_tracked) == 2


# the whole


def test_pytorch_and_onnxruntime_agree() -> None:
    report = cross_check(network(), BACKENDS, images=[(16, 16), (21, 18)], batches=[2])

    assert [finding.message for finding in report.findings] == []


def test_against_a_network_written_by_hand() -> None:
    """The same steps, one by one, with the weights of the generated network."""
    net: Any = build(pytorch.source(lower(network())), "dag").eval()
    x = torch.randn(2, 3, 16, 16)
    stem = net.stem(x)

    def cell(row: Any, x: torch.Tensor, prev: torch.Tensor) -> torch.Tensor:
        p, h = row.p(prev), row.h(x)
        pooled = torch.nn.functional.avg_pool2d(p, 3, 1, 1, count_include_pad=False)
        return torch.cat([p, row.left(h) + row.right(p), pooled + h], 1)

    one = cell(net.cell_1, stem, stem)
    two = cell(net.cell_2, one, stem)
    three = cell(net.cell_3, two, one)
    f = net.mixed.f(three)
    mixed = torch.relu(three + f + net.mixed.f(f))
    joined = torch.relu(net.joined.branch1(mixed) + two)
    side = net.side(stem)
    a = net.dense.a(side)
    both = torch.cat([a + net.dense.b(a) + joined, side], 1)

    assert torch.allclose(net(x), net.fc(both.mean((2, 3), keepdim=True)), atol=1e-5)


def test_the_code_reads_as_a_person_would_write_it() -> None:
    code = classes(pytorch.source(lower(network())))

    assert "    def forward(self, x: Tensor) -> Tensor:\n        f = self.f(x)\n" in code["Poly"]
    assert code["Poly"].endswith("return F.relu(x + f + self.f(f))")
    assert "def forward(self, x: Tensor, prev: Tensor) -> Tensor:" in code["Cell"]
    assert "p = self.p(prev)" in code["Cell"]
    assert code["Joined"].endswith("return F.relu(self.branch1(x) + cell_2)")
    assert "x = self.mixed(self.cell_3(x, cell_1))" in code["Dag"]
    assert "x = side = self.side(stem)" in code["Dag"]
    assert "return Output(x, self.aux(last, both))" in code["Dag"]


@pytest.mark.filterwarnings("ignore:`torch.jit:FutureWarning")
def test_torch_traces_scripts_and_taps_it() -> None:
    net = build(pytorch.source(lower(network(TEXT[: TEXT.index("heads:")]))), "dag").eval()
    x = torch.randn(2, 3, 16, 16)
    taps = create_feature_extractor(net, ["cell_3", "joined", "both"])(x)

    assert torch.equal(fx.symbolic_trace(net)(x), net(x))
    assert [tuple(tap.shape[1:]) for tap in taps.values()] == [(18, 8, 8), (18, 8, 8), (26, 8, 8)]
    assert torch.allclose(torch.jit.script(net)(x), net(x), atol=1e-6)


def test_a_graph_ends_at_any_row_and_taps_any() -> None:
    typed = lower(network())
    weights = {
        name: np.random.default_rng(0).random(weight.shape, np.float32) for name, weight in typed.weights.items()
    }
    x = np.random.default_rng(1).random((2, 3, 16, 16), np.float32)
    graph = onnx.model(typed, until="joined")
    used = {value.name for value in standard.ModelProto.FromString(graph).graph.input}

    assert checked(graph) == ("N", 18, 8, 8)
    first = run(graph, {"input": x, **{name: value for name, value in weights.items() if name in used}})
    assert first.shape == (2, 18, 8, 8)


# edits of variants


def test_a_renamed_row_is_read_by_its_new_name(tmp_path: Path) -> None:
    (tmp_path / "dag.yaml").write_text(TEXT)
    variant = tmp_path / "variant.yaml"
    variant.write_text("network: renamed\nextends: dag.yaml\nrename: {rows: {stem: trunk, both: pair, joined: sum1}}\n")

    renamed = lower(compile_file(variant))

    assert [node.inputs for node in renamed.nodes] == [node.inputs for node in lower(network()).nodes]
