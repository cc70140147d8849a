"""Networks of others against specs: every code by its examples, and the ports of libraries by what is known of them."""

from __future__ import annotations

import inspect
import json
import shlex
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
import torchvision
from audit_mutants import Mutant, judged
from cli_runner import cli, in_folder
from hypothesis import given, settings
from hypothesis import strategies as st
from mutants_of_onnx import sample
from safetensors.torch import save_file
from strategies import specs
from test_readme import blocks
from torch import nn

from inception_dsl.audit import report, wording
from inception_dsl.audit.assignment import assign
from inception_dsl.audit.audit import Audit, audit
from inception_dsl.audit.findings import Deviation
from inception_dsl.audit.printed import printed_cells
from inception_dsl.audit.tensors import audit_tensors
from inception_dsl.compiler import at_size, compile_file, compile_source
from inception_dsl.diagnostics.codes import audit_layers, audit_structure
from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.diagnostics.diagnostic import Source
from inception_dsl.emit.onnx import onnx as emitter
from inception_dsl.interchange.graph import INPUT, Graph, GraphNode, Opaque
from inception_dsl.interchange.of_spec import of_spec
from inception_dsl.interchange.onnx.reader import read_onnx
from inception_dsl.interchange.torch.reader import read_torch
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.joins import Add, Concat, Mul
from inception_dsl.ir.ops.linear import Conv
from inception_dsl.ir.shapes import TensorType, Window
from inception_dsl.ir.typed import Typed
from inception_dsl.network import load
from inception_dsl.testing import assert_matches_spec

MODULES = (audit_layers, audit_structure)
CODES = [code for module in MODULES for code in vars(module).values() if isinstance(code, Code)]
EXAMPLES = [code for code in CODES if code.wrong]


def found(result: Audit) -> list[tuple[str, str, str, str, str]]:
    """What an audit found, without places: code, what differs, both sides, and the first row."""
    return [(*_first(finding.first), finding.rows[0]) for finding in result.findings]


def _first(deviation: Deviation) -> tuple[str, str, str, str]:
    return deviation.code, deviation.what, deviation.spec, deviation.target


def compiled(text: str, base: str, folder: Path) -> Typed:
    (folder / "base.yaml").write_text(base, encoding="utf-8")
    (folder / "example.yaml").write_text(text, encoding="utf-8")
    return at_size(compile_file(str(folder / "example.yaml")))


@pytest.mark.parametrize("code", EXAMPLES)
def test_examples(code: Code, tmp_path: Path) -> None:
    """A wrong example deviates from the target in exactly its code, a right one in nothing."""
    target = of_spec(compiled(code.base, code.base, tmp_path))

    assert {finding.first.code for finding in audit(compiled(code.wrong, code.base, tmp_path), target).findings} == {
        code
    }
    assert audit(compiled(code.right, code.base, tmp_path), target).holds


# --- the sessions of docs/audit.md ------------------------------------------------------------------------------------

SESSIONS = [block.split("\n", 1) for block in blocks("docs/audit.md", "console")]


@pytest.mark.parametrize(("command", "printed"), SESSIONS)
def test_sessions(command: str, printed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session of docs/audit.md prints what stands there."""
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    for library in ("timm", "keras"):
        if library in command:
            pytest.importorskip(library)

    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # a module draws its weights, and the difference of values depends on them
        assert cli(*shlex.split(command)[2:]).stdout == printed


def test_snippets() -> None:
    """The Python of docs/audit.md, on the network that it is about."""
    inside, of_a_test = blocks("docs/audit.md", "python")
    port_of = port("googlenet")
    exec(inside, {"my_module": port_of})  # noqa: S102
    own: dict[str, Any] = {"OurGoogLeNet": lambda: port_of}
    exec(of_a_test, own)  # noqa: S102

    with pytest.raises(AssertionError, match="kernel 3x3 in place of 5x5"):
        own["test_our_googlenet_is_the_papers"]()


# --- the networks of libraries ----------------------------------------------------------------------------------------

BN = ("E514", "layer", "none", "bn eps=0.001")
GOOGLENET = {
    ("E508", "bias", "yes", "no", "conv1"),  # TF-Slim's v1: batch norm in place of biases and LRN
    (*BN, "conv1"),
    ("E513", "layer", "lrn 5", "none", "norm1"),
    ("E501", "kernel", "5x5", "3x3", "inception_3a"),  # tensorflow/models#443, pytorch/vision#906
    ("E501", "kernel", "3x3", "2x2", "pool4"),
    ("E512", "rate", "40%", "20%", "drop"),
    ("E501", "kernel", "5x5/3", "4x4 adaptive parts", "aux1"),
}
PORTS = [
    ("googlenet", "googlenet", GOOGLENET),
    ("googlenet_torchvision", "googlenet", set()),
    (
        "inception_v3",
        "inception_v3",
        {
            ("E504", "padding in the average", "left out", "counted", "mixed_5b"),  # TF-Slim leaves it out
            ("E512", "rate", "20%", "50%", "drop"),
        },
    ),
    ("resnet50", "resnet50", {("E502", "place of the stride", "2 in the 1x1 conv", "2 in the 3x3 conv", "conv3_x")}),
    ("resnet50_torchvision", "resnet50", set()),
]
"""A spec, a network of torchvision, and what is known of it."""


def port(name: str) -> nn.Module:
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    with torch.device("meta"):
        net: nn.Module = torchvision.models.get_model(name, weights=None, **options)
    return net.to_empty(device="cpu")


@pytest.mark.parametrize(("spec", "network", "known"), PORTS)
def test_ports_of_torchvision(spec: str, network: str, known: set[tuple[str, ...]]) -> None:
    result = load(f"builtin:{spec}").audit(port(network))

    assert {*found(result)} == known
    assert result.notes == ()


def test_the_effects_of_deviations_add_up() -> None:
    """Where edits do not touch each other, what they do to the numbers is what all of them do."""
    result = load("builtin:googlenet").audit(port("googlenet"), heads=False)
    spec, target = result.totals

    assert target == (6624904, 1498376192)  # as counted by hooks on the running network
    assert spec.params + sum(finding.effect.params for finding in result.findings) == target.params
    assert spec.macs + sum(finding.effect.macs for finding in result.findings) == target.macs


def test_a_port_may_fit_what_its_paper_prints() -> None:
    """Table 1's total of 1.5B multiply-adds is not that of its dense first layer, but the port's."""
    cells = {
        (cell.row, cell.column): cell for cell in printed_cells(load("builtin:googlenet").audit(port("googlenet")))
    }
    only = [key for key, cell in cells.items() if cell.target_fits and not cell.spec_fits]

    assert only == [("totals", "ops")]
    assert not cells["inception_3a", "params"].target_fits and cells["inception_3a", "params"].spec_fits
    assert cells["pool3", "output"].target_fits


@pytest.mark.parametrize("mutant", sample(), ids=lambda mutant: mutant.id)
def test_mutants(mutant: Mutant, tmp_path: Path) -> None:
    """A sample of those in tests/nightly/test_audit_mutants.py."""
    outcome = judged(mutant, tmp_path)

    assert outcome.located and len(outcome.findings) == 1, outcome.findings


# --- what is said, and how much of it ---------------------------------------------------------------------------------

REPEATED = """
network: repeated
input: 3x8x8
classes: 4
layers: |
  name  | layer
  stem  | conv 3x3 8 same
  block | conv 1x1 8 -> 3 of [ conv 3x3 8 same -> relu ]
"""


def typed(text: str) -> Typed:
    return at_size(compile_source(Source("specs/drawn.yaml", text)))


def test_a_finding_names_the_repetition() -> None:
    target = of_spec(typed(REPEATED))
    nodes = [*target.nodes]
    last = next(index for index, node in enumerate(nodes) if node.name.startswith("block/1/2"))
    nodes[last] = replace(nodes[last], op=replace(nodes[last].op, groups=2))  # type: ignore[call-arg]
    (finding,) = audit(typed(REPEATED), replace(target, nodes=tuple(nodes))).findings

    assert wording.sentence(finding) == "groups 2 in place of 1, in `block` (repetition 3 of 3)"
    assert wording.rows(finding) == "block (3 of 3)"


def test_stochastic_depth_is_no_finding_where_a_network_shows_none() -> None:
    text = "network: net\ninput: 3x8x8\nlayers: |\n  name | layer\n  one | [ pass + conv 3x3 3 same{} ]\n  two | {}\n"
    spec = typed(text.format(" -> drop_path 10%", "dropout 20%"))

    without = audit(spec, of_spec(typed(text.format("", "dropout 20%"))))
    neither = audit(spec, of_spec(typed(text.format("", "pass"))))
    other = audit(spec, of_spec(typed(text.format(" -> drop_path 20%", "dropout 20%"))))

    assert without.holds
    assert without.notes == ("stochastic depth leaves no trace in it: `drop_path` is not compared",)
    assert [(finding.first.spec, finding.first.target) for finding in neither.findings] == [("dropout 20%", "none")]
    assert len(other.findings) == 1


def test_preprocessing_in_a_network_is_told() -> None:
    class Normalised(nn.Module):
        def __init__(self, net: nn.Module) -> None:
            super().__init__()
            self.net = net

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.net((x - 0.5) / 0.25)  # type: ignore[no-any-return]

    spec = load("builtin:zoo/squeezenet1_1")
    result = spec.audit(Normalised(spec.build()))

    assert result.holds
    assert result.notes == ("it scales and shifts its images itself, which a spec leaves to their preprocessing",)


def test_networks_that_are_unlike_are_told_so_in_a_line() -> None:
    googlenet, vgg = (at_size(compile_file(f"builtin:{name}")) for name in ("googlenet", "vgg16"))
    found = audit(googlenet, of_spec(vgg))

    assert len(found.findings) > 20
    assert [each.code for each in report.diagnostics(found)] == ["E523"]
    assert len(report.text(found).splitlines()) == 4
    assert not report.unlike(audit(googlenet, of_spec(at_size(compile_file("builtin:googlenet_torchvision")))))


IN_PLACE = """
network: in_place
input: 3x8x8
classes: 4
defaults: {{conv: same bn relu}}
layers: |
  name  | layer
  stem  | conv 1x1 8
  body  | {layer}
  fc    | avgpool global -> flatten -> fc {{classes}}
"""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("conv 3x3 8 depthwise -> conv 1x1 16", "conv 3x3 16"),
        ("conv 3x3 8 depthwise bn=no relu=no -> conv 1x1 16", "conv 3x3 16"),
        ("conv 5x5 16", "conv 3x3 12 -> conv 3x3 16"),
        ("conv 7x7 16", "conv 1x7 16 -> conv 7x1 16"),
        ("[ conv 1x1 4 | conv 1x1 4 -> conv 5x5 16 ]", "[ conv 1x1 4 | conv 1x1 4 -> 2 of conv 3x3 16 ]"),
    ],
)
def test_layers_that_stand_for_others_are_one_finding(one: str, other: str) -> None:
    """Either way round; the effect is exact."""
    specs = [
        typed(IN_PLACE.format(layer=layer.replace("bn=no relu=no", "norm=none act=none"))) for layer in (one, other)
    ]
    for spec, target in (specs, specs[::-1]):
        result = audit(spec, of_spec(target))
        (finding,) = result.findings

        assert (finding.first.code, finding.rows) == ("E524", ("body",))
        assert finding.effect == result.totals[1].minus(result.totals[0])


NESTED = """
network: nested
input: 3x8x8
classes: 4
layers: |
  name | layer
  mix  | [ a: conv 1x1 4 | b: conv 1x1 4 -> [ left: conv 1x3 4 same | right: conv 3x1 4 same ]{after} | c: pass ]
  fc   | flatten -> fc {{classes}}
"""


def test_joins_of_joins_stay_where_one_is_read_by_a_layer() -> None:
    """As an activation in one branch of Inception v3's last modules, whose branches are joins."""
    (finding,) = audit(typed(NESTED.format(after="")), of_spec(typed(NESTED.format(after=" -> tanh")))).findings

    assert (finding.first.code, finding.first.target, finding.rows) == ("E514", "tanh", ("mix",))


def test_branches_have_the_names_that_tell_them_apart() -> None:
    swapped = NESTED.format(after="").replace(
        "left: conv 1x3 4 same | right: conv 3x1 4 same", "right: conv 3x1 4 same | left: conv 1x3 4 same"
    )
    (finding,) = audit(typed(NESTED.format(after="")), of_spec(typed(swapped))).findings

    assert finding.first.spec == "a, b/left, b/right, pass"
    assert finding.first.target == "a, b/right, b/left, pass"


SCALED = """
network: scaled
input: 3x8x8
classes: 4
layers: |
  name | layer
  sum  | {layer}
"""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("[ pass + 0.5 * [ conv 1x1 3 + conv 3x3 3 same ] ]", "[ pass + 0.5 * conv 1x1 3 + 0.5 * conv 3x3 3 same ]"),
        ("0.5 * [ 2.0 * conv 1x1 3 + conv 3x3 3 same ]", "[ conv 1x1 3 + 0.5 * conv 3x3 3 same ]"),
    ],
)
def test_a_scale_of_a_sum_is_a_sum_of_scales(one: str, other: str) -> None:
    assert audit(typed(SCALED.format(layer=one)), of_spec(typed(SCALED.format(layer=other)))).holds


def test_a_layer_that_stands_elsewhere_is_told_with_what_else_differs() -> None:
    """As ZFNet's LRN in pytorchcv, which stands before the pool, with another alpha."""
    one, other = (
        typed(f"network: net\ninput: 3x8x8\nlayers: |\n  name | layer\n  one | relu\n{rows}")
        for rows in (
            "  pool | maxpool 2x2/2 valid\n  norm | lrn 5 alpha=0.0005\n",
            "  norm | lrn 5\n  pool | maxpool 2x2/2 valid\n",
        )
    )
    moved, alpha = audit(one, of_spec(other)).findings

    assert wording.sentence(moved).endswith("stands after `one`, and in the spec after `pool`, in `norm`")
    assert wording.sentence(alpha) == "alpha 0.0001 in place of 0.0005, in `norm`"


@pytest.mark.parametrize("lost", ["maxpool 3x3/2 same", "conv 1x1 4 same -> relu", "bn"])
def test_the_effect_of_a_lost_layer_is_that_on_all_that_follows(lost: str) -> None:
    (finding,) = (
        result := audit(
            typed(IN_PLACE.format(layer=f"conv 3x3 8 -> {lost} -> conv 5x5 8")),
            of_spec(typed(IN_PLACE.format(layer="conv 3x3 8 -> conv 5x5 8"))),
        )
    ).findings

    assert finding.first.code == "E513"
    assert finding.effect == result.totals[1].minus(result.totals[0]) != (0, 0)


def test_layers_without_any_partner_are_told_at_the_first_row() -> None:
    one, other = (
        typed(f"network: net\ninput: 4x8x8\nlayers: |\n  name | layer\n  one | {layer}\n")
        for layer in ("resize 2", "conv 1x1 8")
    )

    assert all(finding.rows == ("one",) for finding in audit(one, of_spec(other)).findings)


@pytest.mark.parametrize(
    ("function", "text"),
    [
        (lambda x: x - x.mean((2, 3), keepdim=True), "avgpool global -> x - y"),
        (lambda x: 1 - x**3, "x ** 3 -> 1 - x"),
        (lambda x: x.clamp(0.1, 0.7), "clip(x, 0.1, 0.7)"),
        (lambda x: x + torch.arange(16.0).view(4, 4), "x + constant 4x4"),
    ],
)
def test_arithmetic_is_told_as_formulas(function: Callable[[torch.Tensor], torch.Tensor], text: str) -> None:
    class Net(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return function(x.relu())

    spec = typed("network: net\ninput: 3x4x4\nlayers: |\n  name | layer\n  one | relu\n")
    (finding,) = audit(spec, read_torch(Net(), (3, 4, 4), "net")).findings

    assert (finding.first.code, finding.first.target) == ("E520", text)


def test_outputs_that_are_not_read_are_told(tmp_path: Path) -> None:
    spec = typed("network: net\ninput: 3x4x4\nlayers: |\n  name | layer\n  one | relu\n")
    model = onnx.load_from_string(emitter.model(spec))
    inner = model.graph.output[0].name
    model.graph.node.append(onnx.helper.make_node("Mystery", [inner], ["boxes"], name="boxes", domain="of.somebody"))
    model.graph.output.append(onnx.helper.make_empty_tensor_value_info("boxes"))
    onnx.save(model, tmp_path / "two.onnx")
    found = audit(spec, read_onnx(tmp_path / "two.onnx"))

    assert found.holds
    why = "`boxes` (of.somebody.Mystery) gives values of shapes that are not known"
    assert found.notes == (f"the output `boxes`, since {why}",)


# --- graphs that nobody would write -----------------------------------------------------------------------------------


def drawn(nodes: Sequence[tuple[Op, tuple[int, ...]]]) -> Graph:
    """A graph of ops on images of 3x8x8."""
    image = TensorType((3, 8, 8))
    found: list[GraphNode] = []
    for number, (op, inputs) in enumerate(nodes):
        types = tuple(found[each].out if each != INPUT else image for each in inputs)
        weights = {name: f"{number}.{name}" for name in op.weights(*types)}
        found.append(GraphNode(f"n{number}", op, inputs, types, op.infer(*types), weights))
    return Graph("drawn", image, tuple(found), {"y": len(nodes) - 1}, lambda name: np.zeros(0))


CONV = Conv(3, Window((1, 1)))


def nested(levels: int) -> Graph:
    """A residual connection around a residual connection, and so on, of sums and products in turn."""
    inner = [(CONV, (i - 1,)) for i in range(levels)]
    return drawn([*inner, *((Mul() if i % 2 else Add(), (levels + i - 1, levels - i - 2)) for i in range(levels))])


@pytest.mark.parametrize(
    "target",
    [
        nested(1200),
        drawn([*((CONV, (INPUT,)) for _ in range(600)), (Concat(), tuple(range(600)))]),
        drawn([(CONV, (i - 1,)) for i in range(3000)]),
        drawn([(Opaque("noise", "", TensorType((3, 8, 8))), ()), (Concat(), (INPUT, 0)), (CONV, (1,))]),
    ],
    ids=["nested", "branches", "chain", "no input"],
)
def test_graphs_of_any_form(target: Graph) -> None:
    found = audit(typed(SCALED.format(layer="[ conv 1x1 3 | conv 3x3 3 same | conv 5x5 4 same ]")), target)

    assert found.findings
    assert report.text(found)


# --- heads, weights, targets that cannot be read ----------------------------------------------------------------------


class Heads(nn.Module):
    """The target of the examples, with its head after one of two rows."""

    def __init__(self, early: bool) -> None:
        super().__init__()
        self.early = early
        self.conv1, self.conv2 = nn.Conv2d(3, 16, 3, padding=1), nn.Conv2d(16, 16, 3, padding=1)
        self.aux, self.fc = nn.Linear(16, 10), nn.Linear(16, 10)

    def forward(self, x: torch.Tensor) -> Any:
        first = torch.relu(self.conv1(x))
        second = torch.relu(self.conv2(first))
        out = self.fc(second.mean((2, 3)))
        return (out, self.aux((first if self.early else second).mean((2, 3)))) if self.training else out


WITH_HEAD = """
network: small
input: 3x16x16
classes: 10
layers: |
  name  | layer
  conv1 | conv 3x3 16 same bias relu
  conv2 | conv 3x3 16 same bias relu
  fc    | avgpool global -> flatten -> fc {classes}
heads:
  aux: {from: conv2, loss_weight: 0.3, graph: "avgpool global -> flatten -> fc {classes}"}
"""


@pytest.mark.parametrize(
    ("early", "known"), [(False, set()), (True, {("E517", "source of the head", "conv2", "conv1", "aux")})]
)
def test_a_head_leaves_at_its_row(early: bool, known: set[tuple[str, ...]], tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(WITH_HEAD, encoding="utf-8")
    net = load(str(tmp_path / "small.yaml"))
    module = Heads(early)

    assert {*found(net.audit(module))} == known
    assert net.audit(module, heads=False).holds
    assert module.training


def test_weights_by_their_names_and_shapes(tmp_path: Path) -> None:
    """In the order of the file, and in another; a layer of another width is at its row."""
    (tmp_path / "small.yaml").write_text(WITH_HEAD, encoding="utf-8")
    net = load(str(tmp_path / "small.yaml"))
    state = Heads(early=False).state_dict()
    state["conv2.weight"], state["conv2.bias"] = torch.zeros(24, 16, 5, 5), torch.zeros(24)
    state["fc.weight"] = state["aux.weight"] = torch.zeros(10, 24)
    torch.save({f"m{name}": state[name] for name in state}, tmp_path / "wide.pt")
    save_file({f"m{name}": value.clone() for name, value in state.items()}, tmp_path / "wide.safetensors")

    for name in ("wide.pt", "wide.safetensors"):
        result = net.audit(tmp_path / name)
        assert {*found(result)} == {
            ("E506", "width", "16", "24", "conv2"),
            ("E501", "kernel", "3x3", "5x5", "conv2"),
        }


def test_torchvisions_weights() -> None:
    shapes = {name: tuple(each.shape) for name, each in port("googlenet").state_dict().items()}
    result = audit_tensors(at_size(compile_file("builtin:googlenet")), shapes, "googlenet.pth")

    assert {*found(result)} == {
        ("E508", "bias", "yes", "no", "conv1"),
        ("E514", "layer", "none", "bn", "conv1"),
        ("E501", "kernel", "5x5", "3x3", "inception_3a"),
    }


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("damaged.onnx", "E140"),
        ("missing.onnx", "E001"),
        ("notes.txt", "E140"),
        ("no.such.package:net", "E141"),
        ("os.path:join", "E141"),
        ("damaged.safetensors", "E130"),
    ],
)
def test_what_cannot_be_read(target: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"small.yaml": WITH_HEAD, "damaged.onnx": "\x08\x07nothing", "damaged.safetensors": "nothing"}
    run = in_folder(tmp_path, monkeypatch, files)
    done = run("audit", "small.yaml", target, "--format", "json")

    assert done.exit_code == 2
    assert [each["code"] for each in json.loads(done.stdout)["diagnostics"]] == [code]


@pytest.mark.parametrize("form", ["json", "github", "sarif", "markdown"])
def test_formats(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = "import torch\nfrom torch import nn\n" + inspect.getsource(Heads).replace("Any", "object")
    run = in_folder(tmp_path, monkeypatch, {"small.yaml": WITH_HEAD, "my_nets.py": module})
    monkeypatch.delitem(sys.modules, "my_nets", raising=False)
    done = run("audit", "small.yaml", "my_nets:Heads", "--arg", "early=True", "--format", form)

    assert done.exit_code == 1
    assert "E517" in done.stdout or form == "markdown"
    assert "source of the head" in done.stdout


def test_a_test_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(WITH_HEAD, encoding="utf-8")
    spec = tmp_path / "small.yaml"
    assert_matches_spec(Heads(early=False), spec)
    assert_matches_spec(Heads(early=True), spec, allow={"E517"})

    with pytest.raises(AssertionError, match="source of the head conv1 in place of conv2, in `aux`"):
        assert_matches_spec(Heads(early=True), spec)


# --- laws -------------------------------------------------------------------------------------------------------------

PRICES = st.integers(0, 9).map(float)


@settings(max_examples=60, derandomize=True)
@given(st.integers(0, 3), st.integers(0, 3), st.data())
def test_an_assignment_costs_the_least(rows: int, columns: int, data: st.DataObject) -> None:
    costs = [[data.draw(PRICES) for _ in range(columns)] for _ in range(rows)]
    gone, new = [data.draw(PRICES) for _ in range(rows)], [data.draw(PRICES) for _ in range(columns)]

    def cost(chosen: Sequence[int | None]) -> float:
        kept = [j for j in chosen if j is not None]
        pairs = sum(gone[i] if j is None else costs[i][j] for i, j in enumerate(chosen))
        return pairs + sum(new[j] for j in range(columns) if j not in kept)

    chosen = assign(costs, gone, new)
    all_of_them = product([None, *range(columns)], repeat=rows)
    possible = [each for each in all_of_them if len({*each} - {None}) == sum(j is not None for j in each)]

    assert tuple(chosen) in possible
    assert cost(chosen) == min(map(cost, possible))


@settings(max_examples=15, derandomize=True)
@given(specs())
def test_a_network_does_not_deviate_from_itself(text: str) -> None:
    typed = at_size(compile_source(Source("specs/drawn.yaml", text)))

    assert audit(typed, of_spec(typed)).holds


def test_networks_that_share_little_are_compared_too() -> None:
    """Also a network whose branches share nearly all that lies before them, which has no end of ways through it."""
    nasnet, googlenet = (at_size(compile_file(f"builtin:{name}")) for name in ("nasnet_a_large", "googlenet"))

    assert audit(nasnet, of_spec(googlenet)).findings
