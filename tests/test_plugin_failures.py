"""Plugins that fail: each is named, left out where things are listed, and an error where it is needed."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from cli_runner import cli
from plugin_sites import CUBE, codes, install, installed

from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.emit.backends import find
from inception_dsl.network import loads
from inception_dsl.runner.base.settings import RunError
from inception_dsl.runner.readers.readers import open_images
from inception_dsl.spec.vocabulary.layers import LAYERS
from inception_dsl.spec.vocabulary.words import WORDS

READING = {
    "import": ("import no_such_module", "the plugin reading cannot be loaded: ModuleNotFoundError: No module named"),
    "call": ("R = 3", "cannot be read as odd: TypeError: 'int' object is not callable"),
    "items": ("R = lambda path, split: 3", "cannot be read as odd: TypeError: 'int' object is not iterable"),
}


@pytest.mark.parametrize("source", READING)
def test_a_reader_that_fails_is_named(source: str, tmp_path: Path) -> None:
    code, problem = READING[source]
    install(tmp_path, "reading", {"readers": {"odd": "reading:R", "folder": "reading:R"}}, code)
    with installed(tmp_path):
        with pytest.raises(RunError, match=re.escape(problem)):
            open_images("odd:x", "train")
        shown = cli("plugins").stderr
    assert "cannot give the reader `folder`: inception-dsl has one of that name" in shown


def test_two_readers_of_one_kind_are_none(tmp_path: Path) -> None:
    for name in ("one", "other"):
        install(tmp_path, name, {"readers": {"odd": f"{name}:R"}}, "R = list")
    with installed(tmp_path), pytest.raises(RunError, match="the plugins one and other both offer it"):
        open_images("odd:x", "train")


LINTING = "from inception_dsl.diagnostics.codes.code import Code\nfrom inception_dsl.lint.rule import Rule"
OFFERED = {
    "recipes": {
        "R = 'text'": "it is of type `str`, not the `Path` of a file",
        "import pathlib; R = pathlib.Path('/nowhere.yaml')": "/nowhere.yaml: cannot read",
        "import pathlib; R = pathlib.Path(__file__).with_suffix('.yaml'); R.write_text('optim: {lr: much}')": (
            "offering.yaml:1:13: `lr` must be a number"
        ),
    },
    "lint": {
        "R = 3": "it is of type `int`, not a `Rule`",
        f"{LINTING}\nR = Rule('ODD001', print)": "its `code` is 'ODD001'",
        f"{LINTING}\nR = Rule(Code('ODD001', 'odd', ''), 3)": "of its `check`, it is of type `int`, not a function",
    },
}


@pytest.mark.parametrize(("kind", "source"), [(kind, source) for kind, of in OFFERED.items() for source in of])
def test_a_recipe_or_rule_that_fails_is_named(kind: str, source: str, tmp_path: Path) -> None:
    install(tmp_path, "offering", {kind: {"ODD001": "offering:R"}}, source)
    with installed(tmp_path):
        done = cli("plugins")
        assert done.exit_code == 1 and OFFERED[kind][source] in " ".join(done.stderr.split())
        if kind == "recipes":
            ((code, message),) = codes(f"{CUBE.replace('-> cube', '-> fc {classes}')}training: {{recipe: ODD001}}\n")
            assert code == "E009" and OFFERED[kind][source] in message
        else:
            assert "warning[W009]" in cli("lint", "specs/googlenet.yaml").stderr


@pytest.mark.parametrize(("body", "problem"), [("1 / 0", "ZeroDivisionError"), ("yield 3", "it is of type `int`")])
def test_a_rule_that_fails_on_a_network_is_named(body: str, problem: str, tmp_path: Path) -> None:
    rule = f"def check(subject):\n    {body}\nR = Rule(Code('ODD001', 'odd', ''), check)"
    install(tmp_path, "offering", {"lint": {"ODD001": "offering:R"}}, f"{LINTING}\n{rule}")
    with installed(tmp_path):
        done = cli("lint", "specs/googlenet.yaml", "specs/alexnet.yaml")
    assert done.exit_code == 0
    assert done.stderr.count("the plugin offering") == 1 and problem in done.stderr


OP = """
from inception_dsl.emit.onnx.node import OnnxNode
from inception_dsl.ir.op import Op
from inception_dsl.spec.vocabulary.entry import LayerEntry, Word
from inception_dsl.spec.vocabulary.plugins import PluginLayer, PluginWord

class Cube(Op):
    name = "cube"

def rule(op, *place):
    return "nn.Identity()"

def node(op, site):
    return OnnxNode("Identity")

ENTRY = LayerEntry("cube", (Cube,))
LAYER = PluginLayer(ENTRY, {"pytorch": rule, "onnx": node})
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
    "class name": (
        "Cube.__name__ = 'Conv'",
        "its op must have a class name of its own: `Conv` is that of another op",
    ),
    "hook": ("del LAYER.rules['onnx']", "its `rules` lack the hook `onnx`, the function that writes `Cube` for that"),
    "rule": ("LAYER.rules['onnx'] = 3", "its rule for the backend `onnx` is not a function"),
    "words": (
        "LAYER = LAYER._replace(entry=ENTRY._replace(words=frozenset(['edge'])))",
        "its `words` have `edge`, which is not one of ours; a word of a plugin names its layers itself",
    ),
}
POINTS = {"layers": {"cube": "bad_plugin:LAYER"}, "words": {"cube": "bad_plugin:WORD"}}


@pytest.mark.parametrize("spoilt", SPOILT)
def test_a_plugin_that_fails_is_named_and_skipped(spoilt: str, tmp_path: Path) -> None:
    code, problem = SPOILT[spoilt]
    install(tmp_path, "bad-plugin", POINTS, f"{OP}\n{code}\n")
    with installed(tmp_path):
        (found,) = codes(CUBE)
        with pytest.raises(SpecError) as caught:
            loads(f"{CUBE}settings: {{act: {{default: cube, type: layer}}}}\n")
        ours = loads(CUBE.replace(" -> cube", "")).cost()
        listing, plugins = cli("ops"), cli("plugins")

    assert found[0] == "E009" and caught.value.diagnostics[0].label == found[1]
    assert found[1].startswith(f"the plugin bad-plugin 1.0 cannot give the layer `cube`: {problem}")
    assert ours.trunk.params == 12
    assert listing.exit_code == 0 and "conv KxK/S" in listing.stdout and "cube" not in listing.stdout
    assert f"warning[W009]: {found[1]}\n" in listing.stderr
    assert plugins.exit_code == 1 and "warning[W009]" in plugins.stderr


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("Cube.infer = lambda op, *inputs: 1 / 0", ["check"]),
        ("rule.__code__ = (lambda op, *place: 1 / 0).__code__", ["compile"]),
        ("DRAW = Backend('draw', Rules('Draw', default=rule), lambda *given: 1 / 0)", ["compile", "--backend", "draw"]),
    ],
)
def test_an_exception_in_a_plugin_is_not_ours(source: str, words: list[str], tmp_path: Path) -> None:
    """Whatever raises it: a shape, a rule, a backend."""
    imports = "from inception_dsl.emit.backend import Backend\nfrom inception_dsl.emit.rules import Rules\n"
    install(tmp_path, "bad-plugin", {**POINTS, "backends": {"draw": "bad_plugin:DRAW"}}, f"{imports}{OP}\n{source}\n")
    (tmp_path / "cubed.yaml").write_text(CUBE)
    with installed(tmp_path):
        done = cli(*words, *(["--out", tmp_path] if words[0] == "compile" else []), tmp_path / "cubed.yaml")

    assert done.exit_code == 2
    assert "error[E009]: the plugin bad-plugin raises ZeroDivisionError: division by zero" in done.stderr


def test_a_rule_that_returns_something_else_is_named(tmp_path: Path) -> None:
    install(tmp_path, "bad-plugin", POINTS, f"{OP}\nLAYER.rules['onnx'] = rule\n")
    with installed(tmp_path), pytest.raises(SpecError) as caught:
        loads(CUBE).onnx()
    assert caught.value.diagnostics[0].message == (
        "the plugin bad-plugin 1.0 cannot give the layer `cube`: its rule for ONNX returns a `str`, not `OnnxNode`"
    )


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
        ("B = Backend('draw', Rules('Draw'), print)", "it has no rule for `conv`, `conv_transpose`, `fc`, "),
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


def test_a_backend_does_not_replace_our_files(tmp_path: Path) -> None:
    imports = "from inception_dsl.emit.backend import Backend\nfrom inception_dsl.emit.rules import Rules\n"
    drawn = "B = Backend('draw', Rules('Draw', default=print), lambda *given: {'model.py': b''})"
    install(tmp_path, "drawing", {"backends": {"draw": "drawing:B"}}, imports + drawn)
    (tmp_path / "cubed.yaml").write_text(CUBE.replace(" -> cube", ""))
    with installed(tmp_path):
        done = cli("compile", tmp_path / "cubed.yaml", "--backend", "draw", "--out", tmp_path / "out")

    assert done.exit_code == 2 and not (tmp_path / "out").exists()
    assert "error[E009]: the backend `draw` writes `model.py`, which is a file of another backend" in done.stderr
