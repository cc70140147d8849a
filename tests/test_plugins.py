"""Plugins: what other distributions add by entry points, the worked one in `inception_swish`, and those that fail."""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from cli_runner import cli
from hypothesis import given, settings
from lsp_editor import opened, position
from PIL import Image
from plugin_sites import CUBE, SWISH, codes, install, install_swish, installed
from sessions import follow
from strategies import specs
from test_lsp_completion import items
from test_readme import blocks
from test_roundtrip import check_program, check_spec, parse

from inception_dsl.compiler import compile_source
from inception_dsl.compiler import load as load_spec
from inception_dsl.crosscheck.crosscheck import cross_check
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.emit.backends import BACKENDS, by_name, find
from inception_dsl.emit.runner import runner
from inception_dsl.ir.program import Program
from inception_dsl.lint import table
from inception_dsl.network import load, loads
from inception_dsl.plugins import offers
from inception_dsl.recipes.recipe import recipe
from inception_dsl.runner.base.config import Config
from inception_dsl.runner.base.settings import RunError, with_setting
from inception_dsl.runner.readers.reader import Unreadable
from inception_dsl.runner.readers.readers import open_images
from inception_dsl.spec.vocabulary.plugins import HOOKS
from inception_dsl.training.images import open_source
from inception_dsl.training.plan import plan

SUPPORT = runner.support()
SPEC = """
network: swish
input: 3x9x9
classes: 10
defaults:
  fc: act=swish_beta initial=0.5
settings: {act: {default: swish_beta, type: layer}}
layers: |
  name | layer
  a    | conv 3x3/2 8 same bn swish_beta initial=2
  b    | [ pass | conv 1x1 4 act={act} ] -> {act}
  c    | swish_beta initial=3 -> [ pass * [ avgpool global -> swish_beta ] ]
  d    | fc {classes}
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which the worked plugin is installed."""
    folder = tmp_path_factory.mktemp("site")
    install_swish(folder)
    return folder


@pytest.fixture
def swish(site: Path) -> Iterator[None]:
    """With the worked plugin."""
    with installed(site):
        yield


def compiled(text: str) -> Program:
    return compile_source(Source("spec.yaml", text))


def test_its_names_mean_nothing_where_it_is_not_installed() -> None:
    ((code, message),) = codes(SPEC)

    assert (code, message) == ("E125", "the setting `act` cannot be swish_beta")


@pytest.mark.usefixtures("swish")
class TestAnOp:
    """`swish_beta`, and its word `initial`."""

    def test_the_backends_agree(self) -> None:
        report = cross_check(compiled(SPEC), BACKENDS, [(9, 9)])

        assert report.findings == ()
        assert all(0 < (comparison.difference or 0) < 1e-5 for comparison in report.comparisons)

    def test_its_values_are_those_of_its_formula(self) -> None:
        net = loads("network: one\ninput: 4x5x6\nlayers: |\n  name | layer\n  a | swish_beta initial=1.5\n").build()
        (weight,) = net.parameters()
        x = torch.randn(2, 4, 5, 6)

        assert torch.equal(weight, torch.full((4,), 1.5))
        torch.testing.assert_close(net(x), x * torch.sigmoid(1.5 * x))

    def test_its_weights_count(self) -> None:
        net = loads(SPEC)
        built = net.build()

        assert net.cost().trunk.params == sum(weight.numel() for weight in built.parameters())
        assert net.typed.weights["c.0.weight"].shape == (12,)

    def test_init_reaches_its_weight(self) -> None:
        net = loads(f"{SPEC}init: {{source: a test, c.0: constant value=0.25}}\n").build()

        assert net.state_dict()["c.0.weight"].unique().tolist() == [0.25]

    def test_the_generated_file_stands_alone(self) -> None:
        source = loads(SPEC).pytorch_source()
        imported = {
            getattr(node, "module", None) or node.names[0].name
            for node in ast.walk(ast.parse(source))
            if isinstance(node, ast.Import | ast.ImportFrom)
        }

        assert imported <= {"torch", "torch.nn.functional", "collections"}
        assert source.splitlines()[2] == "# Plugins: inception-swish"
        assert source.count("class SwishBeta(nn.Module):") == 1
        assert "self.swish_beta = SwishBeta(out_channels, initial=initial)" in source

    @pytest.mark.parametrize("name", ["swish_beta", "conv_bn_swish_beta"])
    def test_a_class_of_the_network_keeps_its_name(self, name: str) -> None:
        """No class of the plugin replaces the network's, or that of a module."""
        modules = f"modules: {{{name}: {{graph: conv 1x1 4 bn act=swish_beta}}}}\nlayers:"
        called = SPEC.replace("layers:", modules, 1).replace("| swish_beta initial=3 ->", f"| {name} ->")
        for text in (SPEC.replace("network: swish", f"network: {name}"), called):
            found = re.findall(r"^class (\w+)", loads(text).pytorch_source(), re.MULTILINE)
            assert len(found) == len({*found})
            assert cross_check(compiled(text), BACKENDS, [(9, 9)], [1]).findings == ()

    def test_it_prints_and_reads_back(self) -> None:
        check_spec(parse(SPEC))
        check_program(parse(SPEC), 0)

    @settings(max_examples=25)
    @given(specs())
    def test_any_spec_may_have_it(self, text: str) -> None:
        """Random specs, in which it takes the place of a ReLU wherever that stands."""
        spec = parse(re.sub(r"\brelu\b", "swish_beta", text))

        check_spec(spec)
        check_program(spec, 0)

    def test_a_module_of_that_name_is_the_spec_s_own(self) -> None:
        """Whether the plugin was used before in the process, or not."""
        text = SPEC[: SPEC.index("defaults")] + (
            "modules: {swish_beta: {graph: conv 1x1 4 relu}}\nlayers: |\n  name | layer\n  a | swish_beta\n"
        )
        fresh = loads(text).pytorch_source()
        loads(SPEC)

        assert "class SwishBeta(nn.Module):" in fresh and loads(text).pytorch_source() == fresh

    def test_errors_know_it(self) -> None:
        assert [message for _, message in codes(SPEC.replace("| swish_beta initial=3", "| swish_bta"))] == [
            "unknown layer or module `swish_bta`"
        ]
        with pytest.raises(SpecError) as caught:
            loads(SPEC.replace("| swish_beta initial=3", "| swish_bta"))
        assert caught.value.diagnostics[0].help == "did you mean `swish_beta`?"
        assert codes(SPEC.replace("act={act}", "act=none initial=2"))[0] == (
            "E220",
            "`initial` has nothing to act on: this layer has no `swish_beta`",
        )

    def test_ops_says_where_it_comes_from(self) -> None:
        shown = cli("ops", "swish_beta").stdout
        assert "(1710.05941)" in shown and "From inception-swish 0.1: swish_beta\n" in shown
        entry = json.loads(cli("ops", "initial", "--format", "json").stdout)["result"]["words"]["initial"]
        assert entry["plugin"] == "inception-swish 0.1"
        assert [*entry["defaults"]] == ["conv", "conv_transpose", "fc", "swish_beta"]
        listed = json.loads(cli("ops", "--format", "json").stdout)["result"]["layers"]
        assert {name for name, layer in listed.items() if layer["plugin"]} == {"swish_beta"}
        assert cli("ops").stdout.endswith("Backends: PyTorch, ONNX, Mermaid (inception-swish 0.1)\n")


POWER = '''
from dataclasses import dataclass
from inception_dsl.emit.onnx.node import OnnxNode
from inception_dsl.emit.python import literal
from inception_dsl.ir.op import Op
from inception_dsl.ir.shapes import TensorType
from inception_dsl.spec.vocabulary.entry import LayerEntry, LayerNumber, Word
from inception_dsl.spec.vocabulary.plugins import PluginLayer, PluginWord

@dataclass(frozen=True)
class Power(Op):
    """Every number to a power, of all rows but the first."""
    name = "power"
    exponent: int

    def infer(self, *inputs):
        channels, height, width = inputs[0].shape
        return TensorType((channels, height - 1, width))

SOURCE = """
class Power(nn.Module):
    def __init__(self, exponent: int) -> None:
        super().__init__()
        self.exponent = exponent

    def forward(self, x: Tensor) -> Tensor:
        return x[:, :, 1:] ** self.exponent
"""

def pytorch(op, channels, layers):
    return layers.plugin_class(SOURCE, ("exponent", literal(op.exponent)))

def onnx(op, site):
    from inception_dsl.emit.onnx import protobuf as pb
    ends = {name: pb.Integers((number,)) for name, number in (("from", 1), ("to", 2**31), ("axis", 2))}
    return [
        OnnxNode("Slice", {}, ends, ("x", "from", "to", "axis"), "rest"),
        OnnxNode("Pow", {}, {"exponent": float(op.exponent)}, ("rest", "exponent")),
    ]

LAYER = PluginLayer(
    LayerEntry("power N", (Power,), number=LayerNumber("exponent", "count", "exponent", "`power 2`, say")),
    {"pytorch": pytorch, "onnx": onnx},
)
WORD = PluginWord(Word("", "act", "number", alone=False, example="2", op=Power), ("conv",))
'''


POWERED = ("layers", "words")


def test_an_op_with_a_number_and_another_shape(tmp_path: Path) -> None:
    """As a step, as a word with a value, repeated, and with a column's number."""
    install(tmp_path, "power-plugin", {kind: {"power": f"power_plugin:{kind[:-1].upper()}"} for kind in POWERED}, POWER)
    rows = (
        "name | layer | n\n  a | conv 3x3 4 same power=3 | \n  b | 2 of power {n} | 2\n  c | conv 1x1 4 power={n} | 1"
    )
    text = f"network: powers\ninput: 3x9x9\nlayers: |\n  {rows}\n"
    with installed(tmp_path):
        report = cross_check(compiled(text), BACKENDS, [(9, 9), (12, 11)])
        check_program(parse(text), 0)
        check_spec(parse(text))
        assert [node.out.shape for node in loads(text).typed.nodes][-1] == (4, 5, 9)
        ((code, message),) = codes(text.replace("power=3", "power"))

    assert report.findings == ()
    assert (code, message) == ("E203", "`power` needs a value")


@pytest.mark.usefixtures("swish")
class TestABackend:
    """`mermaid`, which draws networks."""

    def test_it_draws_every_edge(self, tmp_path: Path) -> None:
        spec = tmp_path / "swish.yaml"
        spec.write_text(SPEC)
        words = ["compile", spec, "--backend", "mermaid", "--out", tmp_path / "out"]

        assert cli(*words).exit_code == 0
        drawn = (tmp_path / "out/swish/architecture.mmd").read_text()
        edges = [tuple(map(int, edge)) for edge in re.findall(r"n(\d+) --> n(\d+)", drawn)]
        typed = load(spec).typed
        assert edges == [(i, n) for n, node in enumerate(typed.nodes) for i in node.inputs if i >= 0]
        assert drawn.count('{{"swish_beta<br>') == 6 and drawn.count('(("') == 2
        assert "swish.yaml --backend mermaid --out" in drawn and cli(*words, "--check").exit_code == 0
        assert load(spec).emit("mermaid").keys() == {"architecture.mmd"}

    def test_what_does_not_run_is_not_compared(self, tmp_path: Path) -> None:
        done = cli("check", "specs/googlenet.yaml", "--against", "mermaid")

        assert done.exit_code == 2
        assert "what `mermaid` gives does not run" in done.stderr

    def test_unknown_names_know_it(self) -> None:
        assert "Did you mean `mermaid`?" in cli("compile", "specs", "--backend", "mermiad", "--out", "x").stderr
        with pytest.raises(KeyError, match="choose one of pytorch, onnx, mermaid"):
            loads(SPEC).emit("mermiad")


@pytest.mark.usefixtures("swish")
@pytest.mark.parametrize(
    ("mark", "offered"),
    [
        ("a    | ^conv", {"swish_beta"}),
        ("bn swish_beta ^initial=2", {"initial"}),
        ("same bn ^swish_beta", {"swish_beta"}),
        ("conv 1x1 4 act=^{act}", {"swish_beta"}),
        ("recipe: ^modern", {"swish-short"}),
    ],
)
def test_an_editor_offers_what_plugins_do(mark: str, offered: set[str]) -> None:
    """Completion, before anything has named the plugin."""
    file = opened(SPEC + "training: {recipe: modern}\n")
    at = position(file, mark)

    assert offered <= {item.text_edit.new_text for item in items(file, at) if item.text_edit}


@pytest.mark.usefixtures("swish")
class TestALintRule:
    """`SWISH001`."""

    def test_its_examples_show_it(self, tmp_path: Path) -> None:
        (code,) = [rule.code for rule in table.rules() if rule.code == "SWISH001"]
        for word in ("wrong", "right"):
            (tmp_path / f"{word}.yaml").write_text(getattr(code, word))
            done = cli("lint", tmp_path / f"{word}.yaml", "--format", "json")
            found = json.loads(done.stdout)["diagnostics"]
            assert [each["code"] for each in found] == ["SWISH001"] * (word == "wrong")
            assert done.exit_code == (word == "wrong")
        assert cli("lint", tmp_path / "wrong.yaml", "--ignore", "SWISH").exit_code == 0
        ignored = code.wrong.replace("layers: |", "layers: |    # lint: ignore SWISH001 in conv1 because of a test")
        (tmp_path / "wrong.yaml").write_text(ignored)
        assert cli("lint", tmp_path / "wrong.yaml").exit_code == 0

    def test_explain_has_its_page(self) -> None:
        assert cli("explain", "swish001").stdout.startswith("## SWISH001 a Swish that begins as a straight line")
        assert "SWISH001  a Swish that begins" in cli("explain").stdout


@pytest.mark.usefixtures("swish")
class TestARecipe:
    """`swish-short`."""

    def test_a_spec_names_it(self) -> None:
        found = recipe(compiled(f"{SPEC}training: {{recipe: swish-short, optim: {{momentum: 0.5}}}}\n"))
        assert found is not None
        config = found.config()

        assert (config.optim.lr, config.optim.momentum, config.schedule.epochs) == (0.05, 0.5, 2.0)
        assert found.source == "an example, of no paper"

    def test_so_does_an_option(self) -> None:
        spec = load_spec("builtin:googlenet_bn_small")
        assert plan(spec, {}, None, other_recipe="swish-short").recipe.config().optim.lr == 0.05
        with pytest.raises(RunError, match="did you mean `swish-short`"):
            plan(spec, {}, None, other_recipe="swish-shrot")


@pytest.mark.usefixtures("swish")
class TestAReader:
    """`pgm:`."""

    @pytest.fixture
    def images(self, tmp_path: Path) -> dict[Path, Any]:
        """Some images, as Pillow writes them; the first pixels are what text would call a blank."""
        drawn = {}
        for number, name in enumerate(["train/a", "train/b", "train/b", "test/a", "test/b"]):
            pixels = np.random.default_rng(number).integers(0, 256, (6, 4), dtype=np.uint8)
            pixels[0] = 32
            file = tmp_path / name / f"{number}.pgm"
            file.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(file)
            drawn[file] = pixels
        return drawn

    def opened(self, open_images: Any, folder: Path, images: dict[Path, Any]) -> None:
        """What a reader gives is what was drawn."""
        for split, labels in (("train", [0, 1, 1]), ("test", [0, 1])):
            reader = open_images(f"pgm:{folder}", split)
            files = [file for file in images if ("train" in file.parts) == (split == "train")]
            assert reader.classes == ["a", "b"]
            assert [int(reader.label(i)) for i in range(len(reader))] == labels
            for i, file in enumerate(files):
                assert reader.read(i).tolist() == [images[file].tolist()]

    def test_it_reads(self, tmp_path: Path, images: dict[Path, Any]) -> None:
        self.opened(open_images, tmp_path, images)
        assert len(open_source(with_setting(Config(), "data.source", f"pgm:{tmp_path}"), "train")) == 3

    def test_a_generated_runner_has_it(
        self, tmp_path: Path, images: dict[Path, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """`support.py`, in a Python that cannot import our package."""
        for name in [name for name in sys.modules if name.partition(".")[0] == "inception_dsl"]:
            monkeypatch.setitem(sys.modules, name, None)
        (tmp_path / "support.py").write_text(SUPPORT, encoding="utf-8")
        spec = spec_from_file_location("support_alone", tmp_path / "support.py")
        assert spec and spec.loader
        module = module_from_spec(spec)
        monkeypatch.setitem(sys.modules, "support_alone", module)
        spec.loader.exec_module(module)

        self.opened(module.open_images, tmp_path, images)

    def test_a_broken_image_is_named(self, tmp_path: Path, images: dict[Path, Any]) -> None:
        first = min(file for file in images if "train" in file.parts)
        first.write_bytes(b"P6 1 1 255 x")
        with pytest.raises(Unreadable, match="is not a binary PGM"):
            open_images(f"pgm:{tmp_path}", "train").read(0)
        with pytest.raises(RunError, match="the split 'train' has no images"):
            open_images("pgm:/nowhere", "train")

    def test_unknown_kinds_know_it(self) -> None:
        with pytest.raises(RunError, match="did you mean `pgm`"):
            open_source(with_setting(Config(), "data.source", "pgmm:x"), "train")


def test_nothing_is_looked_for_where_every_name_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def look() -> Any:
        raise AssertionError("looked for plugins")

    monkeypatch.setattr(offers, "_points", look)
    for spec in ("specs/googlenet.yaml", "specs/bn_inception.yaml", "specs/inception_time.yaml"):
        assert cli("check", spec, "--format", "json").exit_code == 0
    assert find("onnx") is by_name()["onnx"]
    with pytest.raises(AssertionError, match="looked for plugins"):
        loads(SPEC)


def test_a_layer_and_a_backend_of_different_plugins(site: Path, tmp_path: Path) -> None:
    """Neither knows the other: what the backend cannot write is an error at the layer, and never left out."""
    source = """
from inception_dsl.emit.backend import Backend
from inception_dsl.emit.backends import BACKENDS
from inception_dsl.emit.rules import Rules
rules = Rules("Strict")
rules.update(BACKENDS[0].rules)
STRICT = Backend("strict", rules, lambda typed, options, rebuild: {})
"""
    install(tmp_path, "strict-backend", {"backends": {"strict": "strict_backend:STRICT"}}, source)
    with installed(site), installed(tmp_path):
        assert loads(CUBE.replace(" -> cube", "")).emit("strict") == {}
        with pytest.raises(SpecError) as caught:
            loads(CUBE.replace("cube", "swish_beta")).emit("strict")
    (found,) = caught.value.diagnostics
    assert (found.code, str(found.span)) == ("E009", "<spec>:5:21")
    assert found.message.endswith("no rule for `swish_beta`, a layer of the plugin inception-swish 0.1")


def test_the_hooks_are_the_backends_that_compile_writes() -> None:
    assert list(HOOKS) == [*by_name()]


def test_the_page_shows_the_worked_plugin() -> None:
    """Every block is a part of a file of it, and the other tests use these."""
    files = [path.read_text("utf-8") for path in SWISH.rglob("*.*") if path.suffix in (".toml", ".py")]
    shown = [*blocks("docs/plugins.md", "toml"), *blocks("docs/plugins.md", "python")]

    assert len(shown) > 5 and [text for text in shown if not any(text.strip() in file for file in files)] == []
    points = re.findall(r"^\w+ = \"inception_swish.*", (SWISH / "pyproject.toml").read_text(), re.MULTILINE)
    assert len(points) > 3 and all(point in "".join(shown) for point in points)


@pytest.mark.usefixtures("swish")
def test_what_the_page_shows_runs(tmp_path: Path) -> None:
    (spec,) = blocks("docs/plugins.md", "yaml")
    (tmp_path / "plugged.yaml").write_text(spec)
    assert cross_check(compiled(spec), BACKENDS, [(9, 9)]).findings == ()
    for session in blocks("docs/plugins.md", "console"):
        follow(session)
