"""Plugins: what other distributions add by entry points, the worked one in `inception_swish`, and those that fail."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from cli_runner import cli
from hypothesis import given, settings
from plugin_sites import SWISH, install, install_swish, installed
from strategies import specs
from test_readme import blocks
from test_roundtrip import check_program, check_spec, parse

from inception_dsl.compiler import compile_source
from inception_dsl.crosscheck.crosscheck import cross_check
from inception_dsl.diagnostics.diagnostic import Source, SpecError
from inception_dsl.emit.backends import BACKENDS, by_name, find
from inception_dsl.ir.program import Program
from inception_dsl.network import load, loads
from inception_dsl.plugins import offers
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.plugins import HOOKS
from inception_dsl.spec.vocabulary.words import WORDS

SPEC = """
network: swish
input: 3x9x9
classes: 10
defaults:
  fc: act=swish_beta start=0.5
settings: {act: {default: swish_beta, type: layer}}
layers: |
  name | layer
  a    | conv 3x3/2 8 same bn swish_beta start=2
  b    | [ pass | conv 1x1 4 act={act} ] -> {act}
  c    | swish_beta start=3 -> [ pass * [ avgpool global -> swish_beta ] ]
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


def codes(text: str) -> list[tuple[str, str]]:
    """What is wrong with a spec."""
    with pytest.raises(SpecError) as caught:
        loads(text).cost()
    return [(diagnostic.code, diagnostic.message) for diagnostic in caught.value.diagnostics]


def test_its_names_mean_nothing_where_it_is_not_installed() -> None:
    ((code, message),) = codes(SPEC)

    assert (code, message) == ("E125", "the setting `act` cannot be swish_beta")


@pytest.mark.usefixtures("swish")
class TestAnOp:
    """`swish_beta`, and its word `start`."""

    def test_the_backends_agree(self) -> None:
        report = cross_check(compiled(SPEC), BACKENDS, [(9, 9)])

        assert report.findings == ()
        assert all(0 < (comparison.difference or 0) < 1e-5 for comparison in report.comparisons)

    def test_its_values_are_those_of_its_formula(self) -> None:
        net = loads("network: one\ninput: 4x5x6\nlayers: |\n  name | layer\n  a | swish_beta start=1.5\n").build()
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
        assert "self.swish_beta = SwishBeta(out_channels, start=start)" in source

    @pytest.mark.parametrize("name", ["swish_beta", "conv_bn_swish_beta"])
    def test_a_class_of_the_network_keeps_its_name(self, name: str) -> None:
        """No class of the plugin replaces the network's, or that of a module."""
        modules = f"modules: {{{name}: {{graph: conv 1x1 4 bn act=swish_beta}}}}\nlayers:"
        called = SPEC.replace("layers:", modules, 1).replace("| swish_beta start=3 ->", f"| {name} ->")
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
        assert [message for _, message in codes(SPEC.replace("| swish_beta start=3", "| swish_bta"))] == [
            "unknown layer or module `swish_bta`"
        ]
        with pytest.raises(SpecError) as caught:
            loads(SPEC.replace("| swish_beta start=3", "| swish_bta"))
        assert caught.value.diagnostics[0].help == "did you mean `swish_beta`?"
        assert codes(SPEC.replace("act={act}", "act=none start=2"))[0] == (
            "E220",
            "`start` has nothing to act on: this layer has no `swish_beta`",
        )

    def test_ops_says_where_it_comes_from(self) -> None:
        shown = cli("ops", "swish_beta").stdout
        assert "(1710.05941)" in shown and "From inception-swish 0.1: swish_beta\n" in shown
        entry = json.loads(cli("ops", "start", "--format", "json").stdout)["result"]["words"]["start"]
        assert (entry["plugin"], [*entry["defaults"]]) == ("inception-swish 0.1", ["conv", "fc", "swish_beta"])
        listed = json.loads(cli("ops", "--format", "json").stdout)["result"]["layers"]
        assert {name for name, layer in listed.items() if layer["plugin"]} == {"swish_beta"}
        assert cli("ops").stdout.endswith("Backends: PyTorch, ONNX, Mermaid (inception-swish 0.1)\n")


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


def test_nothing_is_looked_for_where_every_name_is_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    def look() -> Any:
        raise AssertionError("looked for plugins")

    monkeypatch.setattr(offers, "_points", look)
    for spec in ("specs/googlenet.yaml", "specs/bn_inception.yaml", "specs/inception_time.yaml"):
        assert cli("check", spec, "--format", "json").exit_code == 0
    assert find("onnx") is by_name()["onnx"]
    with pytest.raises(AssertionError, match="looked for plugins"):
        loads(SPEC)


OP = """
from inception_dsl.ir.op import Op
from inception_dsl.spec.vocabulary.entry import LayerEntry, Word
from inception_dsl.spec.vocabulary.plugins import PluginLayer, PluginWord

class Cube(Op):
    name = "cube"

def rule(op, *site):
    return "nn.Identity()"

ENTRY = LayerEntry("cube", (Cube,))
LAYER = PluginLayer(ENTRY, {"pytorch": rule, "onnx": rule})
WORD = PluginWord(Word("adds a cube after it", "act", op=Cube), ("conv",))
"""
SPOILT = {
    "import": ("import no_such_module", "`bad_plugin:LAYER` cannot be loaded: ModuleNotFoundError: No module named"),
    "exit": ("raise SystemExit(3)", "`bad_plugin:LAYER` cannot be loaded: SystemExit: 3"),
    "object": ("del LAYER", "`bad_plugin:LAYER` cannot be loaded: AttributeError: module 'bad_plugin' has no"),
    "type": ("LAYER = 3", "it is of type `int`, not a `PluginLayer`"),
    "class": ("LAYER = Cube", "it is a class, not a `PluginLayer`"),
    "entry": ("LAYER = LAYER._replace(entry=3)", "of its `entry`, it is of type `int`, not a `LayerEntry`"),
    "ops": ("LAYER = LAYER._replace(entry=ENTRY._replace(ops=(3,)))", "its `ops` must be one class that extends `Op`"),
    "name": ("Cube.name = 'square'", "its op must have the `name` of the layer, not 'square'"),
    "hook": ("del LAYER.rules['onnx']", "its `rules` lack the hook `onnx`, the function that writes `Cube` for that"),
    "rule": ("LAYER.rules['onnx'] = 3", "its rule for the backend `onnx` is not a function"),
    "words": (
        "LAYER = LAYER._replace(entry=ENTRY._replace(words=frozenset(['edge'])))",
        "its `words` have `edge`, which is not one of ours; a word of a plugin names its layers itself",
    ),
}
CUBE = "network: cubed\ninput: 3x8x8\nlayers: |\n  name | layer\n  a | conv 1x1 4 -> cube\n"
POINTS = {"layers": {"cube": "bad_plugin:LAYER"}, "words": {"cube": "bad_plugin:WORD"}}


@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_plugin_that_fails_is_named_and_skipped(spoilt: str, tmp_path: Path) -> None:
    code, problem = SPOILT[spoilt]
    install(tmp_path, "bad-plugin", POINTS, f"{OP}\n{code}\n")
    with installed(tmp_path):
        (found,) = codes(CUBE)
        ours = loads(CUBE.replace(" -> cube", "")).cost()
        listing, plugins = cli("ops"), cli("plugins")

    assert found[0] == "E009"
    assert found[1].startswith(f"the plugin bad-plugin 1.0 cannot give the layer `cube`: {problem}")
    assert ours.trunk.params == 12
    assert listing.exit_code == 0 and "conv KxK/S" in listing.stdout and "cube" not in listing.stdout
    assert f"warning[W009]: {found[1]}\n" in listing.stderr
    assert plugins.exit_code == 1 and "warning[W009]" in plugins.stderr


def test_a_plugin_that_is_right_is_not_left_out(tmp_path: Path) -> None:
    """What the other tests spoil."""
    install(tmp_path, "bad-plugin", POINTS, OP)
    with installed(tmp_path):
        assert loads(CUBE).cost().trunk.params == 12
        assert cli("plugins").exit_code == 0


def clashing(site: Path) -> None:
    """Two plugins that offer the same layer, and one of these a layer and a word of ours."""
    for name in ("one", "other"):
        install(site, name, {"layers": {"cube": f"{name}:LAYER"}}, OP)
    install(site, "third", {"layers": {"conv": "third:LAYER"}, "words": {"same": "third:WORD"}}, OP)


def test_a_name_that_two_have_is_nobody_s(tmp_path: Path) -> None:
    """Which plugin is meant would else depend on the order of installation; and ours is always meant."""
    clashing(tmp_path)
    conv = LAYERS["conv"]
    with installed(tmp_path):
        ((code, message),) = codes(CUBE)
        shown = json.loads(cli("plugins", "--format", "json").stdout)
        assert LAYERS["conv"] is conv and WORDS["same"].slot == "padding"

    assert code == "E009" and message.endswith("` offers one of that name too")
    problems = {each["name"]: each["problem"] for each in shown["result"]["plugins"]}
    assert problems["conv"] == problems["same"] == "inception-dsl has one of that name"
    assert shown["summary"]["exit_code"] == 1 and [each["code"] for each in shown["diagnostics"]] == ["W009"] * 3


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("B = 3", "it is of type `int`, not a `Backend`"),
        ("B = Backend('other', Rules('Draw'), print)", "its `name` is `other`"),
        ("B = Backend('draw', {}, print)", "of its `rules`, it is of type `dict`, not a table of `Rules`"),
        ("B = Backend('draw', Rules('Draw'), print)", "it has no rule for `conv`, `fc`, "),
    ],
)
def test_a_backend_that_fails_is_named(source: str, problem: str, tmp_path: Path) -> None:
    imports = "from inception_dsl.emit.backend import Backend\nfrom inception_dsl.emit.rules import Rules\n"
    install(tmp_path, "drawing", {"backends": {"draw": "drawing:B"}}, imports + source)
    with installed(tmp_path):
        with pytest.raises(SpecError, match=re.escape(problem)) as caught:
            find("draw")
        assert "warning[W009]" in cli("ops").stderr
        assert cli("compile", "specs/googlenet.yaml", "--backend", "draw", "--out", tmp_path).exit_code == 2
        assert cli("check", "specs/googlenet.yaml", "--against", "draw").exit_code == 2
    assert caught.value.diagnostics[0].code == "E009"


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
        for command, shown in re.findall(r"^\$ inception-dsl (.*)\n((?:[^$].*\n)*)", session, re.MULTILINE):
            done = cli(*command.split())
            assert done.exit_code == 0 and (not shown or done.stdout == shown)
