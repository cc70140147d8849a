"""The generated `train.py` and `support.py`: what is in them, and that they are read by Python and by linters."""

from __future__ import annotations

import ast
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from inception_dsl import compiler
from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.emit.python import single_line
from inception_dsl.emit.runner import runner
from inception_dsl.files import output, signature
from inception_dsl.network import load
from inception_dsl.recipes.recipe import Recipe, named, recipe
from inception_dsl.runner.base import config as settings
from inception_dsl.spec.training_model import GROUPS, RECIPES

ALL = [path for path in sorted(Path("specs").glob("*.yaml")) if path.stem != "claims"]
SPECS = [path for path in ALL if load(path).program.training]


Changes = Mapping[str, tuple[str, str]]
Changed = Callable[[Changes], dict[str, str]]


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
    tree = ast.parse(emitted(str(spec))["train.py"])
    (config,) = (
        node.value for node in tree.body if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "CONFIG"
    )

    assert eval(compile(ast.Expression(config), "train.py", "eval"), vars(settings)) == stated.config()  # noqa: S307


@pytest.mark.parametrize("spec", SPECS, ids=lambda path: path.stem)
def test_each_number_of_a_recipe_stands_beside_its_source(spec: Path) -> None:
    stated = recipe(load(spec).program)
    assert stated
    lines = emitted(str(spec))["train.py"].partition("CONFIG = ")[2].partition("\n)\n")[0]
    text = " ".join(lines.replace("#", "").split())

    for key, note in stated.notes.items():
        assert " ".join(single_line(note).split()) in text, key
    assert max(map(len, lines.splitlines())) <= 120


def test_one_support_file_serves_every_network() -> None:
    (support,) = {emitted(str(spec))["support.py"] for spec in SPECS}

    assert not any(load(spec).program.title in support for spec in SPECS)


def test_the_two_files_are_all_modules_of_the_runner_as_they_are() -> None:
    files = emitted("specs/googlenet.yaml")
    for path in sorted(runner.FOLDER.rglob("[!_]*.py")):
        source = path.read_text("utf-8")
        last = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)][-1]
        code = "\n".join(source.splitlines()[last.end_lineno :]).strip("\n")
        assert sum(f"\n\n{code}\n" in text for text in files.values()) == 1, path


REFACTORING = {
    "learning/optim.py": (
        "return RMSPropTF(groups, lr, optim.decay,",
        "given = optim\n    return RMSPropTF(groups, lr, given.decay,",
    ),
    "learning/average.py": ("def ema(", "if True:\n    SMALLEST = 0.0\n\n\ndef ema("),
    "learning/schedule.py": ('    "constant": constant,\n    "exponential"', '    "constant": constant, "exponential"'),
}


@pytest.fixture
def changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Changed]:
    """Emits GoogLeNet's runner from modules of which some have another text in the place of one, the first time."""
    shutil.copytree(runner.FOLDER, tmp_path / "runner")
    monkeypatch.setattr(runner, "FOLDER", tmp_path / "runner")

    def emit(changes: Changes) -> dict[str, str]:
        for name, (before, after) in changes.items():
            path = tmp_path / "runner" / name
            assert before in path.read_text("utf-8")
            path.write_text(path.read_text("utf-8").replace(before, after, 1), "utf-8")
        runner.bundles.cache_clear()
        return emitted("specs/googlenet.yaml")

    yield emit
    runner.bundles.cache_clear()


def test_a_change_of_style_in_the_runner_loses_nothing(changed: Changed) -> None:
    text = changed(REFACTORING)["train.py"]

    assert all(after in text for _, after in REFACTORING.values())


@pytest.mark.parametrize("name", ["learning/loss.py", "images/data.py"])
def test_a_name_that_two_modules_define_is_an_error_of_the_compiler(name: str, changed: Changed) -> None:
    with pytest.raises(ValueError, match="`learning_rate` is defined in"):
        changed({name: ("\n\n\n", "\n\n\nlearning_rate = 1\n\n\n")})


def test_nothing_in_the_support_file_may_need_the_other(changed: Changed) -> None:
    line = "from inception_dsl.runner.base.settings import RunError\n"
    wrong = f"{line}from inception_dsl.runner.learning.schedule import learning_rate\n"
    with pytest.raises(ValueError, match=r"import learning_rate from those of `train\.py`"):
        changed({"base/tensor_files.py": (line, wrong)})


@pytest.mark.extras
def test_the_emitted_files_pass_a_linter(tmp_path: Path) -> None:
    for spec in SPECS:
        for name, text in emitted(str(spec)).items():
            (tmp_path / f"{spec.stem}_{name}").write_text(text, "utf-8")
    rules = ["--isolated", "--select", "E,F,B,W", "--ignore", "E501"]
    command = [sys.executable, "-m", "ruff", "check", *rules, str(tmp_path)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)

    assert checked.returncode == 0, checked.stdout[-2000:]


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


def test_torch_is_all_that_is_imported_at_the_start() -> None:
    found: dict[bool, set[str]] = {True: set(), False: set()}
    for text in emitted("specs/googlenet.yaml").values():
        tree = ast.parse(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                names = [node.module or ""] if isinstance(node, ast.ImportFrom) else [name.name for name in node.names]
                found[node in tree.body] |= {name.partition(".")[0] for name in names} - sys.stdlib_module_names

    assert found == {
        True: {"model", "support", "torch"},
        False: {"PIL", "mlflow", "numpy", "pyarrow", "torch", "torchvision", "wandb"},
    }


def test_openmp_is_told_how_to_wait_before_torch_is_loaded() -> None:
    """It reads the variable once, when torch loads it; a value of the user's stays."""
    for spec in SPECS:
        text = emitted(str(spec))["train.py"]
        assert text.index('os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")') < text.index("\nimport torch\n")


def test_an_edited_file_is_not_overwritten(tmp_path: Path) -> None:
    text = emitted("specs/googlenet_bn_small.yaml")["train.py"]
    output.write({"train.py": text.encode()}, tmp_path)
    newer = emitted("specs/googlenet_bn_small.yaml", optim={"lr": 0.123})["train.py"]
    output.write({"train.py": newer.encode()}, tmp_path)  # not edited: it may be
    (tmp_path / "train.py").write_text(newer.replace("0.123", "0.456"))

    with pytest.raises(SpecError) as raised:
        output.write({"train.py": text.encode()}, tmp_path)
    assert raised.value.diagnostics[0].code == "E404"
    assert "0.456" in (tmp_path / "train.py").read_text()
    output.write({"train.py": text.encode()}, tmp_path, force=True)
    assert (tmp_path / "train.py").read_text() == text


def test_a_file_knows_whether_it_was_edited() -> None:
    signed = signature.signed("a = 1\n", "from specs/x.yaml", {"Rebuild": "it"}).encode()

    assert not signature.edited(signed)
    assert signature.edited(signed + b"\n")
    assert not signature.edited(b"a = 1\n")


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


def test_a_script_says_on_a_terminal_that_it_imports_torch() -> None:
    """Only there: nothing is in the log of a job."""
    script = Path("generated", "googlenet_bn_small", "train.py")
    code = f"import sys; sys.modules['torch'] = None; sys.argv = ['train.py']; exec(open({str(script)!r}).read())"
    ours, theirs = pty.openpty()
    for stream in (theirs, subprocess.PIPE):
        done = subprocess.run([sys.executable, "-c", code], stderr=stream, check=False)
        assert done.returncode == 1 and b"importing torch ..." not in (done.stderr or b"")
    os.close(theirs)
    assert os.read(ours, 80).startswith(b"importing torch ...")
    os.close(ours)
