"""Somebody's network becomes a spec: it computes the same, and reads as a person would have written it."""

from __future__ import annotations

import inspect
import json
import keyword
import re
import textwrap
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch
from cli_runner import cli, in_folder
from hypothesis import assume, given, settings
from sessions import follow
from strategies import specs
from test_interchange import NAMES, without_names, written
from test_readme import blocks
from torch import nn

from inception_dsl.adopt.adopt import Adoption, adopt
from inception_dsl.adopt.names import cleaned, row_names
from inception_dsl.adopt.terms import letters
from inception_dsl.compiler import at_size, compile_file, compile_source
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.elaborate.scope import MAX_CHANNELS
from inception_dsl.emit.onnx import onnx
from inception_dsl.interchange.graph import INPUT, Graph, GraphNode
from inception_dsl.interchange.network import Network, read_network
from inception_dsl.interchange.of_spec import of_spec
from inception_dsl.interchange.onnx.reader import read_onnx
from inception_dsl.interchange.torch.reader import read_torch
from inception_dsl.ir import names
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.activations import LeakyReLU, Tanh
from inception_dsl.ir.ops.joins import Add, Concat, Mul
from inception_dsl.ir.ops.linear import Conv
from inception_dsl.ir.shapes import TensorType, Window
from inception_dsl.ir.typed import Typed
from inception_dsl.lower import lower
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.operators import FUNCTIONS
from inception_dsl.spec.vocabulary.words import WORDS


def adopted(graph: Graph, name: str = "network") -> Adoption:
    return adopt(Network(f"{name}.onnx", graph, lambda images, _: images, is_file=True), name, values=False)


@pytest.mark.parametrize("name", NAMES)
def test_a_spec_is_adopted_from_its_onnx_file_without_names(name: str, tmp_path: Path) -> None:
    file = without_names(onnx.model(at_size(compile_file(f"builtin:{name}"))))

    assert adopted(read_onnx(written(file, tmp_path))).same  # with its names: in `nightly`, and in what follows here


@settings(max_examples=25)
@given(specs())
def test_random_networks_are_adopted(text: str) -> None:
    typed = lower(compile_source(Source("specs/drawn.yaml", text)))
    assume(max(node.out.channels for node in typed.nodes) <= MAX_CHANNELS)  # a setting may make more, and a spec not

    found = adopted(of_spec(typed))

    assert found.same
    assert not found.spec.left_out


def spec_of(name: str, folder: Path) -> str:
    typed: Typed = at_size(compile_file(f"builtin:{name}"))
    return adopted(read_onnx(written(onnx.model(typed), folder)), name).text


def test_the_spec_of_googlenet_reads_like_ours(tmp_path: Path) -> None:
    text = spec_of("googlenet", tmp_path)

    assert text.count("\n") <= 45
    assert "| 5x5:  conv 1x1 {5x5 reduce} -> conv 5x5 {5x5}\n" in text
    assert "  conv: same relu bias\n  maxpool: ceil\n" in text
    assert text.count("| inception ") == 9


def test_the_spec_of_inception_v3_reads_like_ours(tmp_path: Path) -> None:
    text = spec_of("inception_v3", tmp_path)

    assert text.count("\n") <= 80
    assert "| 1x7:  conv 1x1 {width} -> conv 1x7 {in} -> conv 7x1 192\n" in text
    assert "  avgpool: same\n" in text


def test_runs_widths_by_what_arrives_and_gates_are_recognised(tmp_path: Path) -> None:
    dense = spec_of("zoo/densenet121", tmp_path)
    mobile = spec_of("zoo/mobilenet_v2", tmp_path)
    squeeze = spec_of("zoo/efficientnet_b0", tmp_path)

    assert "| 24 of dense\n" in dense
    assert "conv 1x1 {in // 2}" in dense
    assert "conv 1x1 {6 * in} -> conv 3x3/{stride} {in} depthwise" in mobile
    assert "se squeeze={module.in // 4}" in squeeze
    assert "pass\n      * [ avgpool global" in squeeze


def test_cells_that_read_two_rows_and_parts_of_them_are_modules(tmp_path: Path) -> None:
    text = spec_of("nasnet_a_large", tmp_path)

    assert text.count("\n") <= 115
    assert "separable k=5 stride=1 width={in} + separable k=3 stride=1 width={in}" in text
    assert "columns: [prev, width, prev b]" in text
    assert text.count("| cell_c ") == 15
    assert text.count("| cell_c -> relu ") == 1
    assert len(re.findall(r"\| cell_c -> relu +\| @cell_15 .*\| @cell_16 ", text)) == 1


class Plain(nn.Module):
    """Stages that end in a pool, and a head of fully connected layers."""

    def __init__(self) -> None:
        super().__init__()
        self.stage1 = nn.Sequential(nn.Conv2d(3, 8, 3), nn.MaxPool2d(2))
        self.stage2 = nn.Sequential(*(nn.Conv2d(8, 8, 3, padding=1) for _ in range(4)), nn.MaxPool2d(2))
        self.fc1, self.fc2 = nn.Linear(8 * 5 * 5, 20), nn.Linear(20, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.stage2(self.stage1(x)).flatten(1)
        return self.fc2(torch.relu(self.fc1(x)))  # type: ignore[no-any-return]


def test_a_pool_is_the_last_layer_of_its_stage_and_equal_layers_are_a_run() -> None:
    text = adopted(read_torch(Plain().eval(), (3, 23, 23), "plain")).text

    assert "  stage1 | conv 3x3 8 valid -> maxpool 2x2/2\n" in text
    assert "  stage2 | 4 of conv 3x3 8 same -> maxpool 2x2/2\n" in text
    assert "  fc1    | fc 20 relu\n" in text


def test_a_network_without_names_has_runs_too(tmp_path: Path) -> None:
    file = without_names(onnx.model(at_size(compile_file("builtin:inception_v4"))))
    text = adopted(read_onnx(written(file, tmp_path))).text

    assert "| 4 of inception_b\n" in text
    assert "| 7 of inception_c\n" in text


def test_a_head_refers_to_its_own_steps() -> None:
    text = """
        network: head
        input: 3x17x17
        layers: |
          name | layer
          stem | conv 3x3 4 same
          fc   | avgpool global -> fc {classes}
        heads:
          aux: {from: stem, graph: "u: bn -> maxpool 3x3/2 pad=1 -> relu -> unpool 3x3/2 pad=1 pooled=@u -> fc 5"}
    """
    found = adopted(of_spec(lower(compile_source(Source("head.yaml", textwrap.dedent(text))))))

    assert found.same
    assert "pooled=@a" in found.text


def test_a_file_may_take_weights_that_its_output_does_not_need(tmp_path: Path) -> None:
    rows = "stem | conv 3x3 4 same\n  lost | conv 1x1 8\n  fc | @stem -> avgpool global -> fc {classes}"
    text = f"network: lost\ninput: 3x9x9\nlayers: |\n  name | layer\n  {rows}\n"
    file = tmp_path / "lost.onnx"
    file.write_bytes(onnx.model(lower(compile_source(Source("lost.yaml", text)))))

    found = adopt(read_network(str(file)))

    assert found.same
    assert found.values and found.values.equal


def long(kind: str, count: int) -> Graph:
    """A network of many cheap layers."""
    image = TensorType((2, 4, 4))
    nodes: list[GraphNode] = []
    for number in range(count):
        op: Op = Concat() if kind == "all before" else Tanh() if kind == "around all" and number % 2 else Add()
        inputs = {
            "sums": (number - 1, -1),
            "Fibonacci": (number - 1, max(-1, number - 2)),
            "around all": (number - 1, -1)[: 2 - number % 2],
            "all before": (*range(-1, number), -1),
        }[kind]
        types = tuple(nodes[each].out if each >= 0 else image for each in inputs)
        nodes.append(GraphNode(f"n{number}", op, inputs, types, op.infer(*types)))
    return Graph("long.onnx", image, tuple(nodes), {"y": count - 1}, dict[str, Any]().__getitem__)


@pytest.mark.parametrize(
    ("kind", "count"), [("sums", 600), ("Fibonacci", 150), ("around all", 100), ("all before", 15)]
)
def test_long_networks_with_many_joins_are_adopted(kind: str, count: int) -> None:
    assert adopted(long(kind, count)).same


@pytest.mark.parametrize("units", [3, 60])
def test_layers_that_all_units_of_a_stage_share_are_steps_of_one_formula(units: int) -> None:
    """As the recurrent attention of DIANet, whose state goes from unit to unit: nested, it would be as deep as long."""
    image, point = TensorType((4, 4, 4)), Conv(4, Window((1, 1)))
    nodes: list[GraphNode] = []

    def node(op: Op, *inputs: int, weights: str = "") -> int:
        given = {"weight": weights} if weights else {}
        nodes.append(GraphNode(f"n{len(nodes)}", op, inputs, (image,) * len(inputs), image, given))
        return len(nodes) - 1

    value = state = node(point, INPUT, weights="first")
    for unit in range(units):
        body = node(point, value, weights=f"unit{unit}")
        gates = node(Add(), node(point, body, weights="of_x"), node(point, state, weights="of_state"))
        state = node(Tanh(), gates)
        value = node(Add(), value, node(Mul(), body, state))
    found = adopted(Graph("shared.onnx", image, tuple(nodes), {"y": value}, dict[str, Any]().__getitem__))

    assert found.same
    assert found.text.count("again ") == 2 * (units - 1)
    assert len(found.text) < 2000 + 200 * units


def test_a_network_beyond_the_limits_of_the_language_is_refused() -> None:
    with pytest.raises(SpecError, match="limit"):
        adopted(long("sums", 7200))


# --- modules of torch, and values -------------------------------------------------------------------------------------


class Basic(nn.Module):
    """A residual block."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.relu(x + self.conv2(torch.relu(self.bn(self.conv1(x)))))


class Tiny(nn.Module):
    """Two blocks, whose convolution between them is applied twice."""

    def __init__(self) -> None:
        super().__init__()
        self.Stem_1a = nn.Conv2d(3, 8, 3, 2)
        self.blocks = nn.Sequential(Basic(8), Basic(8))
        self.shared = nn.Conv2d(8, 8, 1)
        self.fc = nn.Linear(8, 10)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = self.blocks(self.Stem_1a(x))
        return self.fc(self.shared(torch.relu(self.shared(x))).mean((2, 3)))  # type: ignore[no-any-return]


def test_a_module_of_torch_gives_names_and_classes() -> None:
    text = adopted(read_torch(Tiny(), (3, 17, 17), "tiny")).text

    assert "`Basic` in the source: blocks.0, blocks.1." in text
    assert "  stem_1a " in text
    assert "| 2 of basic" in text
    assert "again a" in text


PACKAGE = f"""
import torch
from torch import nn

{inspect.getsource(Basic)}

{inspect.getsource(Tiny)}

def tiny():
    torch.manual_seed(1)
    return Tiny()

class Largest(nn.Module):
    def forward(self, x):
        return x[:, :1] * torch.max(x, 1, keepdim=True)[0]

class Turned(nn.Module):
    def forward(self, x):
        return torch.flip(torch.flip(x, (2,)), (3,)).mean((2, 3))
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder with a package of a user's, where commands run."""
    in_folder(tmp_path, monkeypatch, {"theirs.py": PACKAGE, "specs/other.yaml": ""})
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_a_spec_is_written_compiled_and_compared(folder: Path) -> None:
    done = cli("adopt", "theirs:tiny", "--size", 19, "--weights", "tiny.safetensors")

    assert done.exit_code == 0, done.output
    assert "wrote specs/tiny.yaml" in done.output
    assert "the spec compiles to the same graph" in done.output
    assert "the values agree" in done.output
    assert (folder / "tiny.safetensors").is_file()
    again = cli("adopt", "theirs:tiny", "--size", 19, "--no-values")
    assert again.exit_code == 2
    assert "E006" in again.output
    assert cli("check", "specs/tiny.yaml").exit_code == 0


def test_weights_that_are_transplanted_give_the_values_of_an_onnx_file(folder: Path) -> None:
    network = Tiny().eval()
    torch.onnx.export(network, (torch.zeros(1, 3, 17, 17),), "tiny.onnx", dynamo=True, verbose=False)

    done = cli("adopt", "tiny.onnx", "--out", "mine.yaml", "--format", "json")

    result = json.loads(done.output)["result"]
    assert done.exit_code == 0
    assert result["same_graph"]
    assert result["values"]["apart"] < 1e-5
    assert not result["values"]["drawn"]
    assert (folder / "mine.yaml").read_text(encoding="utf-8").count("network: mine\n") == 1


def test_a_file_without_weights_is_compared_with_drawn_ones(folder: Path) -> None:
    typed = at_size(compile_file("builtin:googlenet_bn_small"))
    (folder / "small.onnx").write_bytes(onnx.model(typed))

    found = adopt(read_network("small.onnx"))

    assert found.same
    assert found.values is not None
    assert found.values.drawn
    assert found.values.equal


def test_values_that_cannot_be_compared_are_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise ValueError("`w` is made of another tensor")

    monkeypatch.setattr("inception_dsl.adopt.adopt.compare", refused)
    network = Network("net", of_spec(at_size(compile_file("builtin:googlenet_bn_small"))), lambda images, _: images)

    (finding,) = adopt(network).findings

    assert "the values cannot be compared: `w` is made of another tensor" in finding.message
    assert "--no-values" in finding.help
    assert not adopt(network, values=False).findings


def test_a_layer_that_no_word_says_is_named(folder: Path) -> None:
    done = cli("adopt", "theirs:Turned")

    assert done.exit_code == 1
    assert "E142" in done.output
    assert "2 flip nodes, first `flip`" in done.output
    assert not (folder / "specs/turned.yaml").exists()


@pytest.mark.parametrize("target", ["none.onnx", "theirs:nothing", "nowhere:net", "theirs", "json:dumps"])
def test_what_is_no_network_is_refused(target: str, folder: Path) -> None:
    done = cli("adopt", target)

    assert done.exit_code in (1, 2)
    assert "Traceback" not in done.output


def test_a_difference_in_value_is_said() -> None:
    target = Network("theirs:tiny", read_torch(Tiny(), (3, 17, 17), "tiny"), lambda images, _: images[:, :1, :10, 0])

    found = adopt(target)

    assert [finding.code for finding in found.findings] == ["E143"]
    assert not any("agree" in sentence for sentence in found.sentences)


# --- names ------------------------------------------------------------------------------------------------------------


def test_names_of_a_source_become_names_of_a_spec() -> None:
    assert [cleaned(name) for name in ("Mixed_5b", "inception3a", "AuxLogits", "Conv2d_1a_3x3", "layer1")] == [
        *("mixed_5b", "inception_3a", "aux_logits", "conv2d_1a_3x3", "layer1")
    ]
    paths = [("features", "0"), ("features", "stage1", "unit1"), ("features", "stage2", "unit1"), ("output", "fc"), ()]
    assert row_names(paths, ["conv"] * 5) == ["features_0", "stage1", "stage2", "output", "conv"]


def test_labels_are_names_of_the_language() -> None:
    given = [*islice(letters(), 2000)]

    assert given[:3] == ["a", "b", "c"]
    assert len({*given}) == len(given)
    assert not [label for label in given if names.problem(label)]


def reserved() -> list[str]:
    """What Python, torch, the generated code, the training log and the language itself use as names."""
    words = {*keyword.kwlist, *names.MODULE_MEMBERS, *names.GENERATED, *names.LOGGED, *LAYERS, *WORDS, *FUNCTIONS}
    own = "again of in layer name output params depth ops row from graph columns null true yes on no 3x3 7 \u00e9"
    return sorted({*words, *own.split(), "test_loss"})


def test_names_that_are_reserved_are_those_of_rows_modules_and_heads_with_more() -> None:
    point, image = Conv(4, Window((1, 1))), TensorType((4, 4, 4))
    nodes: list[GraphNode] = []
    heads: dict[str, int] = {}

    def node(op: Op, *inputs: int, scope: str) -> int:
        weights = {"weight": f"{scope}{len(nodes)}"} if op is point else {}
        nodes.append(GraphNode(f"n{len(nodes)}", op, inputs, (image,) * len(inputs), image, weights, scope))
        return len(nodes) - 1

    last = INPUT
    for word in reserved():
        end = last
        for _ in range(4):  # a module of its own, by its slope
            end = node(LeakyReLU(len(heads) / 1000), node(point, end, scope=word), scope=word)
        last = node(Add(), end, last, scope=word)
        heads[word] = node(point, last, scope="")
    classes = {word: word for word in heads}
    outputs = {"main": last, **heads}
    graph = Graph("words.onnx", image, tuple(nodes), outputs, dict[str, Any]().__getitem__, classes=classes)

    found = adopted(graph)

    assert found.same
    assert len(found.spec.rows) == len(found.spec.heads) == len(found.spec.modules.found) == len(heads) > 200


def test_a_file_that_is_damaged_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "bad.onnx").write_bytes(b"\x08\x99")

    with pytest.raises(SpecError) as refused:
        read_network(str(tmp_path / "bad.onnx"))
    assert refused.value.diagnostics[0].code == "E140"


@pytest.mark.extras
def test_the_session_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert [follow(session) for session in blocks("docs/adopt.md", "console")]
