"""Networks of others against specs in values: both run on the same weights, and part at the row that deviates."""

from __future__ import annotations

import inspect
import json
import sys
from pathlib import Path

import onnx
import pytest
import torch
from cli_runner import in_folder
from mutants_of_onnx import rewritten
from safetensors.torch import save_file
from test_audit import WITH_HEAD, Heads
from torch import nn

from inception_dsl.audit import report
from inception_dsl.network import load
from inception_dsl.testing import assert_matches_spec

SPEC = """
network: small
input: 3x16x16
classes: 10
defaults: {conv: same bn relu}
layers: |
  name | layer
  stem | conv 3x3 16 eps=1e-5
  mix  | [ left: conv 1x1 8 eps=1e-5 | pool: avgpool 3x3/1 same ]
  last | conv 3x3 16 eps=1e-5
  fc   | avgpool global -> flatten -> fc {classes}
"""


class Net(nn.Module):
    """The network of `SPEC`, under other names, or with a deviation."""

    def __init__(self, deviation: str = "") -> None:
        super().__init__()
        self.deviation = deviation
        eps = 1e-2 if deviation == "eps" else 1e-5
        side = 5 if deviation == "kernel" else 3
        self.a = nn.Sequential(nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU())
        self.b = nn.Sequential(nn.Conv2d(16, 8, 1, bias=False), nn.BatchNorm2d(8), nn.ReLU())
        self.pool = nn.AvgPool2d(3, 1, 1, count_include_pad=deviation == "counted")
        self.c = nn.Sequential(
            nn.Conv2d(24, 16, side, padding=side // 2, bias=False), nn.BatchNorm2d(16, eps=eps), nn.ReLU(inplace=True)
        )
        self.d = nn.Linear(16, 10)

    def _features(self, x: torch.Tensor) -> torch.Tensor:
        x = self.a(x)
        branches = [self.b(x), self.pool(x)]
        x = self.c(torch.cat(branches[::-1] if self.deviation == "order" else branches, 1))
        return x.mean((2, 3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.d(self._features(x))  # type: ignore[no-any-return]


@pytest.fixture
def spec(tmp_path: Path) -> str:
    (tmp_path / "small.yaml").write_text(SPEC, encoding="utf-8")
    return str(tmp_path / "small.yaml")


@pytest.mark.parametrize(
    ("deviation", "parted", "rows"),
    [("", "", 4), ("order", "mix", 2), ("counted", "mix", 2), ("eps", "last", 3), ("kernel", "", 2)],
)
def test_values_part_at_the_row_that_deviates(deviation: str, parted: str, rows: int, spec: str) -> None:
    result = load(spec).audit(Net(deviation), values=True)

    assert result.values
    assert len(result.values.rows) == rows
    assert (result.values.parted.row if result.values.parted else "") == parted
    assert result.holds == (not deviation)
    shown = report.diagnostics(result)[-1] if parted else None
    assert not shown or (shown.code == "E522" and "the structure deviates here" in shown.help)
    assert any("values from `last` on" in note for note in result.notes) == (deviation == "kernel")


def test_weights_of_ones_own_that_show_nothing_are_replaced(tmp_path: Path) -> None:
    """Behind many layers with torch's own weights nothing is left of the image, and an error would be lost."""
    rows = "\n".join(f"  c{i} | conv 3x3 8 same relu bias" for i in range(24))
    text = f"network: deep\ninput: 3x8x8\nclasses: 4\nlayers: |\n  name | layer\n{rows}\n"
    (tmp_path / "deep.yaml").write_text(f"{text}  fc | flatten -> fc {{classes}}\n", encoding="utf-8")
    torch.manual_seed(0)
    layers = [each for i in range(24) for each in (nn.Conv2d(8 if i else 3, 8, 3, padding=1), nn.ReLU())]
    module = nn.Sequential(*layers, nn.Flatten(), nn.Linear(512, 4))
    before = {name: tensor.clone() for name, tensor in module.state_dict().items()}
    result = load(str(tmp_path / "deep.yaml")).audit(module, values=True)

    assert result.holds and result.values
    assert result.values.drawn and not result.values.weak and len(result.values.rows) == 25
    assert all(torch.equal(tensor, module.state_dict()[name]) for name, tensor in before.items())


@pytest.mark.parametrize("drawn", [False, True])
def test_a_convolution_may_stand_for_a_fully_connected_layer(drawn: bool, spec: str) -> None:
    """Their weights are alike but for sides of 1, as in the MobileNetV3 of keras."""
    net = Net()
    net.d = nn.Conv2d(16, 10, 1)  # type: ignore[assignment]
    net.forward = lambda x: net.d(net._features(x)[..., None, None]).flatten(1)  # type: ignore[method-assign]
    if drawn:
        nn.init.zeros_(next(net.c.parameters()))
    result = load(spec).audit(net, values=True)

    assert result.holds and result.values and not result.notes
    assert result.values.drawn == drawn and len(result.values.rows) == 4


def test_files_of_graphs(tmp_path: Path) -> None:
    """A file without weights, whose names are random, gets drawn ones."""
    edited = rewritten("bn_inception", "swapped branches", "inception_3b/concat")
    assert edited
    (tmp_path / "mutant.onnx").write_bytes(edited)
    values = load("builtin:bn_inception").audit(tmp_path / "mutant.onnx", values=True).values

    assert values and values.drawn and values.parted
    assert values.parted.row == "inception_3b"
    assert all(each.equal for each in values.rows[:-1])


@pytest.mark.parametrize(("deviation", "parted"), [("", ""), ("counted", "mix")])
def test_a_network_that_prepares_its_images_itself(deviation: str, parted: str, spec: str) -> None:
    class Prepared(Net):
        """It takes pixels from 0 to 255."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward((x / 127.5 - 1) / torch.tensor([0.5, 0.25, 2.0]).view(3, 1, 1))

    result = load(spec).audit(Prepared(deviation), values=True)

    assert result.values
    assert (result.values.parted.row if result.values.parted else "") == parted
    assert any("preprocessing" in note for note in result.notes)


@pytest.mark.parametrize("values", ["all", "none", "some"])
@pytest.mark.parametrize(("deviation", "parted"), [("", ""), ("counted", "mix")])
def test_folded_norms(deviation: str, parted: str, values: str, spec: str, tmp_path: Path) -> None:
    """A file whose norms are folded is compared, with its weights, and with drawn ones in place of those it lacks."""
    net, file = Net(deviation).eval(), tmp_path / "folded.onnx"
    for name, tensor in net.state_dict().items():
        if name.endswith(("1.weight", "running_var", "running_mean")):
            nn.init.uniform_(tensor, -0.5 if name.endswith("mean") else 0.5, 0.5 if name.endswith("mean") else 1.5)
    torch.onnx.export(net, (torch.zeros(1, 3, 16, 16),), str(file), dynamo=True, verbose=False)
    model = onnx.load(file)
    assert "BatchNormalization" not in {node.op_type for node in model.graph.node}
    if values != "all":
        weights = [each for each in model.graph.initializer if each.name.endswith(("weight", "bias"))]
        for each in weights[2:4] if values == "some" else weights:
            model.graph.initializer.remove(each)
            model.graph.input.append(onnx.helper.make_tensor_value_info(each.name, each.data_type, each.dims))
        onnx.save(model, file)
    found = load(spec).audit(file, values=True).values

    assert found and found.drawn == (values != "all")
    assert (found.parted.row if found.parted else "") == parted
    assert len(found.rows) == (2 if parted else 4)


@pytest.mark.parametrize("early", [False, True])
def test_heads(early: bool, tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text(WITH_HEAD, encoding="utf-8")
    result = load(str(tmp_path / "small.yaml")).audit(Heads(early), values=True)

    assert result.values
    assert [each.row for each in result.values.rows if each.is_head] == ["aux"]
    assert (result.values.parted.row if result.values.parted else "") == ("aux" if early else "")
    assert "3 rows" in result.values.sentences[0] and (early or "1 head" in result.values.sentences[0])
    assert not early or "the structure deviates here" in report.diagnostics(result)[-1].help


ENDS = """
network: ends
input: 3x8x8
classes: 4
layers: |
  name  | layer
  stem  | conv 3x3 8 same
  along | channel_conv 4/2 pad=1 kernels=2
  rows  | permute HCW
  pool  | maxpool global
  fc    | dropout 50% -> fc {classes}
heads: {aux: {from: pool, graph: 'fc {classes}'}}
"""


@pytest.mark.parametrize("file", [False, True])
def test_a_network_has_the_values_of_its_own_module_and_file(file: bool, tmp_path: Path) -> None:
    """Whatever its rows end in: an op that gives two tensors, or one of more axes than an image."""
    (tmp_path / "ends.yaml").write_text(ENDS, encoding="utf-8")
    (tmp_path / "ends.onnx").write_bytes((network := load(str(tmp_path / "ends.yaml"))).onnx())
    result = network.audit(tmp_path / "ends.onnx" if file else network.build(), values=True)

    assert result.holds and result.values and not result.values.parted
    assert len(result.values.rows) == 5 + (not file)


def test_a_file_of_weights_cannot_be_run(spec: str, tmp_path: Path) -> None:
    save_file(Net().state_dict(), tmp_path / "net.safetensors")
    result = load(spec).audit(tmp_path / "net.safetensors", values=True)

    assert result.values is None
    assert "values: a file of weights holds no network that could be run" in result.notes


def test_a_target_that_cannot_be_run(spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = onnx.load_from_string(load(spec).onnx())
    out = model.graph.output[0]
    model.graph.node.append(onnx.helper.make_node("Mystery", [out.name], ["mystery"], domain="of.somebody"))
    out.name = "mystery"
    onnx.save(model, tmp_path / "mystery.onnx")
    run = in_folder(tmp_path, monkeypatch, {})

    assert run("audit", spec, "mystery.onnx").exit_code == 1
    done = run("audit", spec, "mystery.onnx", "--values")
    assert done.exit_code == 2
    assert "error[E140]: `mystery.onnx` cannot be run: " in done.stderr


def test_a_test_of_ones_own(spec: str) -> None:
    assert_matches_spec(Net(), spec, values=True)
    assert_matches_spec(Net("counted"), spec, allow={"E504"})

    with pytest.raises(AssertionError, match="values part at `mix`"):
        assert_matches_spec(Net("counted"), spec, allow={"E504"}, values=True)


def test_the_command(spec: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    module = "import torch\nfrom torch import nn\n" + inspect.getsource(Net)
    run = in_folder(tmp_path, monkeypatch, {"values_of_nets.py": module})
    monkeypatch.delitem(sys.modules, "values_of_nets", raising=False)
    command = ("audit", spec, "values_of_nets:Net", "--arg", "deviation=counted", "--values")
    done = run(*command, "--format", "json")
    values = json.loads(done.stdout)["result"]["values"]

    assert done.exit_code == 1
    assert (values["parted"], [each["row"] for each in values["rows"]]) == ("mix", ["stem", "mix"])
    assert "values part at `mix`" in run(*command).stdout
