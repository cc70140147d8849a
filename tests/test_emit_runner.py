"""The generated `train.py`: what is in it, what is left out, and that it is read by Python and by linters."""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from inception_dsl import compiler
from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.emit.runner import pruning, runner
from inception_dsl.files import output, signature
from inception_dsl.network import load
from inception_dsl.recipes.recipe import Recipe, named, recipe
from inception_dsl.runner import config as settings
from inception_dsl.spec.training_schema import GROUPS, RECIPES

ALL = [path for path in sorted(Path("specs").glob("*.yaml")) if path.stem != "claims"]
SPECS = [path for path in ALL if load(path).program.training]


def emitted(spec: str, **values: dict[str, object]) -> dict[str, str]:
    """A spec's `train.py` and `support.py`, with other values in its recipe."""
    typed = load(spec).typed
    stated = recipe(typed.program)
    assert stated
    return runner.files(typed, stated.with_values(values))


def test_the_settings_of_specs_are_those_of_the_runner() -> None:
    ours = settings.Config()

    assert {group: [*keys] for group, keys in GROUPS.items()} == {
        group: [*vars(part)] for group, part in vars(ours).items()
    }


@pytest.mark.parametrize("name", RECIPES)
def test_a_recipe_is_a_config_of_the_runner(name: str) -> None:
    each = named(name)

    assert each.source
    assert each.config() != settings.Config()
    assert {f"{group}.{key}" for group, keys in each.values.items() for key in keys} == {*each.notes}


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_the_emitted_config_is_the_recipe(spec: Path) -> None:
    stated = recipe(load(spec).program)
    assert stated
    wanted = asdict(stated.config())
    tree = ast.parse(emitted(str(spec))["train.py"])
    classes: list[ast.stmt] = [
        each for each in tree.body if isinstance(each, ast.ClassDef) and each.name.lower() in {*wanted, "config"}
    ]
    made: dict[str, Any] = {"dataclass": dataclass, "field": field}
    exec(compile(ast.Module(classes, []), "train.py", "exec"), made)  # noqa: S102 - what we wrote
    found = asdict(made["Config"]())

    assert found.keys() == wanted.keys()
    for group, values in found.items():
        assert values == {name: wanted[group][name] for name in values}


@pytest.mark.extras
def test_the_emitted_files_pass_a_linter(tmp_path: Path) -> None:
    for spec in SPECS:
        for name, text in emitted(str(spec)).items():
            (tmp_path / f"{spec.stem}_{name}").write_text(text, "utf-8")
    rules = ["--isolated", "--select", "E,F,B,W", "--ignore", "E501"]
    command = [sys.executable, "-m", "ruff", "check", *rules, str(tmp_path)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout[-2000:]


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_the_loop_is_short_enough_to_be_read(spec: Path) -> None:
    assert 450 <= len(emitted(str(spec))["train.py"].splitlines()) <= 650


def test_only_what_the_recipe_uses_is_in_it() -> None:
    sgd = emitted("specs/googlenet_bn_small.yaml")["train.py"]
    rmsprop = emitted("specs/googlenet_bn_small.yaml", optim={"name": "rmsprop"})["train.py"]

    assert "class RMSPropTF" not in sgd
    assert "class RMSPropTF" in rmsprop
    assert "torch.optim.SGD" not in rmsprop


def test_the_reader_of_the_data_is_in_it() -> None:
    folder = emitted("specs/googlenet.yaml")["support.py"]
    tables = emitted("specs/googlenet.yaml", data={"source": "parquet:x"})["support.py"]

    assert "parquet" not in folder
    assert "from pyarrow.parquet import ParquetFile" in tables


TEXTS = ('x"; __import__("os").abort() #', "it's", "a  b", "\\", "\u202e", "end\\", '"""', "{{ x }}", "a\nb")


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_what_a_spec_says_stays_text(text: str) -> None:
    typed = load("specs/googlenet_bn_small.yaml").typed
    stated = recipe(typed.program)
    assert stated
    named = replace(typed, program=replace(typed.program, title=text))
    values: dict[str, dict[str, Any]] = {"data": {"source": f"folder:{text}"}, "loss": {"heads": {text: 0.3}}}
    tree = ast.parse(runner.files(named, stated.with_values(values))["train.py"])
    strings = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}

    assert {text, f"folder:{text}"} <= strings
    calls = {node.func.id for node in ast.walk(tree) if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    assert "__import__" not in calls


def test_no_setting_is_in_it_that_nothing_reads() -> None:
    assert '# of "rmsprop"' not in emitted("specs/googlenet_bn_small.yaml")["train.py"]  # its average has a decay too
    assert "    decay: float" in emitted("specs/inception_v3.yaml")["train.py"]


def test_nothing_of_ours_is_imported() -> None:
    modules = {
        name
        for text in emitted("specs/googlenet.yaml").values()
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names])
    }
    foreign = {name.partition(".")[0] for name in modules} - sys.stdlib_module_names

    assert foreign == {"model", "train", "support", "torch", "PIL"}


def test_an_edited_file_is_not_overwritten(tmp_path: Path) -> None:
    text = emitted("specs/googlenet_bn_small.yaml")["train.py"]
    output.write({"train.py": text.encode()}, tmp_path)
    newer = emitted("specs/googlenet_bn_small.yaml", optim={"lr": 0.123})["train.py"]
    output.write({"train.py": newer.encode()}, tmp_path)  # not edited: it may be
    (tmp_path / "train.py").write_text(newer.replace("0.123", "0.456"))

    with pytest.raises(SpecError) as told:
        output.write({"train.py": text.encode()}, tmp_path)
    assert told.value.diagnostics[0].code == "E404"
    assert "0.456" in (tmp_path / "train.py").read_text()
    output.write({"train.py": text.encode()}, tmp_path, force=True)
    assert (tmp_path / "train.py").read_text() == text


def test_a_file_knows_whether_it_was_edited() -> None:
    signed = signature.signed("a = 1\n", "specs/x.yaml", "abc").encode()

    assert not signature.edited(signed)
    assert signature.edited(signed + b"\n")
    assert not signature.edited(b"a = 1\n")


ONE = '''"""One."""
import os
import re

TABLE = {
    "a": first,
    "b": second,
}


def first() -> None:
    os.remove("x")


def second() -> None:
    re.compile("x")
'''
TWO = '''"""Two."""
from p.one import TABLE


# why
def main() -> None:
    second = TABLE["a"]()
'''


def test_pruning_keeps_what_is_reached() -> None:
    one = pruning.read(ONE, "p")
    two = pruning.read(TWO, "p")
    kept = pruning.prune([one, two], "main", {"TABLE": {"a"}})

    assert [name for _, each in kept for d in each for name in d.defines] == ["TABLE", "first", "main"]
    assert pruning.imports(kept) == (["import os"], [])
    assert kept[1][1][0].text.startswith("# why\n")


def test_the_network_is_known_by_a_hash_of_what_it_is(tmp_path: Path) -> None:
    shutil.copy("specs/googlenet_bn_small.yaml", tmp_path / "other.yaml")
    copy = compiler.at_size(compiler.compile_file(tmp_path / "other.yaml"))
    same = load("specs/googlenet_bn_small.yaml").typed
    other = load("specs/googlenet.yaml").typed

    assert runner.fingerprint(copy) == runner.fingerprint(same) != runner.fingerprint(other)


def test_a_recipe_forgets_the_source_of_what_it_no_longer_says() -> None:
    stated = Recipe("a paper", {"optim": {"lr": 0.1}}, {"optim.lr": "section 1"})

    assert stated.with_values({"optim": {"lr": 0.2}}).notes == {}
    assert stated.with_values({"optim": {"momentum": 0.5}}).notes == {"optim.lr": "section 1"}
