"""The README tells the truth: its commands run, its examples are real output, the files it names are there."""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
GOOGLENET = (ROOT / "specs/googlenet.yaml").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """The fenced blocks of a language."""
    return [text for fence, text in BLOCKS if fence == language]


SETUP, SETUP_DEV, *USES = blocks("sh")  # `.ci/run` runs the first two, on a clean copy of the tree
(TRAINING,) = [block for block in USES if "inception-dsl train" in block]  # and that one, which takes minutes
COMMANDS = [line.partition("  #")[0].strip() for block in USES if block != TRAINING for line in block.splitlines()]


def run(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run `inception-dsl ...` as this Python has it."""
    program, *arguments = shlex.split(command)
    assert program == "inception-dsl"
    return subprocess.run(
        [sys.executable, "-m", "inception_dsl", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with the specs and what is generated from them."""
    for name in ("specs", "generated"):
        shutil.copytree(ROOT / name, tmp_path / name)
    return tmp_path


def test_the_first_command_sets_up_and_compiles() -> None:
    *_, last = SETUP.strip().split(" && ")

    assert last == ".venv/bin/inception-dsl compile specs/googlenet.yaml"
    assert "[" not in SETUP, "the core install takes no extra"


def test_ci_runs_the_blocks_that_are_left_to_it() -> None:
    """The blocks that set up, and the one that trains, are taken from the README as they stand."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (function,) = re.findall(r"^readme\(\) .*", script, re.MULTILINE)
    asked = re.findall(r"\$\((readme .*?)\)[\"\n]", script)
    lines = [["bash", "-c", f"{function}\n{each}"] for each in asked]
    taken = {subprocess.run(each, cwd=ROOT, capture_output=True, text=True, check=True).stdout for each in lines}

    assert taken == {SETUP, SETUP_DEV, TRAINING}


def test_every_command_is_run() -> None:
    """What a block shows is run here, by test_readme_weights.py, which takes the session, or in CI."""
    shown = [
        line.partition("  #")[0].strip()
        for _, block in BLOCKS
        for line in block.splitlines()
        if re.match(r"(- run: |\$ |.* \.venv/bin/)?(inception-dsl|pytest|python) ", line)
    ]
    steps = [line for block in blocks("yaml") if block.startswith("- run:") for line in block.splitlines()]
    (session,) = blocks("console")
    trained = [line.partition("  #")[0].strip() for line in TRAINING.splitlines()]
    run = [*COMMANDS, *steps, *session.splitlines(), *trained, SETUP.strip(), SETUP_DEV.strip()]

    assert not [line for line in shown if line not in run]
    assert len(shown) > 25
    assert 'blocks("console")' in (ROOT / "tests" / "test_readme_weights.py").read_text(encoding="utf-8")


def test_the_second_command_sets_up_and_tests() -> None:
    assert SETUP_DEV.strip().endswith(".venv/bin/pip install -e '.[dev]' && .venv/bin/pytest -n auto")


@pytest.mark.parametrize(
    "command",
    [pytest.param(each, marks=pytest.mark.extras) if "--against" in each else each for each in COMMANDS],
)
def test_a_command_runs(command: str, copy: Path) -> None:
    done = run(command, copy)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout


def excerpt(shown: str, whole: str) -> None:
    """Every piece of an excerpt (pieces stand between lines of `...`) is in the whole, in order."""
    lines = [line.rstrip() for line in whole.splitlines()]
    text, at = "\n".join(lines) + "\n", 0
    for piece in shown.split("...\n"):
        found = text.find(piece, at)
        assert found >= 0, piece
        at = found + len(piece)


def test_the_spec_is_the_real_one() -> None:
    excerpt(blocks("yaml")[0], GOOGLENET)


def test_the_verdicts_are_the_real_ones() -> None:
    excerpt(blocks("text")[0], run("inception-dsl check specs/googlenet.yaml", ROOT).stdout)


def test_the_claims_are_the_real_ones() -> None:
    excerpt(blocks("text")[2], run("inception-dsl claims", ROOT).stdout)


def test_the_compile_line_names_what_is_written() -> None:
    """The command's comment lists every file of the network's folder."""
    (line,) = (line for line in README.splitlines() if line.startswith("inception-dsl compile specs/googlenet.yaml"))
    (names,) = re.findall(r"generated/googlenet/\{(.*)\}", line)

    assert sorted(names.split(",")) == sorted(path.name for path in (ROOT / "generated/googlenet").iterdir())


def test_numbers_in_the_prose() -> None:
    """What its sentences count is what there is."""
    (errata, printed), *_ = re.findall(r"(\w+) of the (\d+) numbers printed for GoogLeNet", README)
    shown = run("inception-dsl check specs/googlenet.yaml", ROOT).stdout
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]
    lines = {
        len((folder / "train.py").read_text().splitlines())
        for folder in (ROOT / "generated").iterdir()
        if (folder / "train.py").exists()
    }

    assert (errata, f"{printed} printed numbers" in shown, ", 12 errata," in shown) == ("twelve", True, True)
    assert "The core install is five small libraries and `onnx`" in " ".join(README.split())
    assert len(dependencies) == 6 and any(each.startswith("onnx>") for each in dependencies)
    assert "in fewer than 600 lines" in " ".join(README.split())
    assert lines and all(500 < count < 600 for count in lines)


def test_the_generated_code_is_the_real_one() -> None:
    (shown,) = blocks("python")
    excerpt(shown, (ROOT / "generated/googlenet/model.py").read_text(encoding="utf-8"))


def test_the_diagnostic_is_the_real_one(copy: Path) -> None:
    broken = GOOGLENET.replace("maxpool 3x3/1 same", "maxpool 3x3/1 valid")
    (copy / "specs/googlenet.yaml").write_text(broken, encoding="utf-8")
    done = run("inception-dsl check specs/googlenet.yaml", copy)

    assert done.returncode == 1
    assert done.stderr == blocks("text")[1]


def test_a_3x3_in_the_5x5_branch_is_found(copy: Path) -> None:
    wrong = GOOGLENET.replace("conv 5x5 {#5x5}", "conv 3x3 {#5x5}")
    (copy / "specs/googlenet.yaml").write_text(wrong, encoding="utf-8")
    done = run("inception-dsl check specs/googlenet.yaml", copy)

    assert done.returncode == 1
    assert "`inception_3a` prints params 159K, 4.7% higher than the computed 151.9K" in done.stderr


def test_the_annotations_are_commands_that_run(copy: Path) -> None:
    (steps,) = (block for block in blocks("yaml") if block.startswith("- run:"))

    for line in steps.splitlines():
        assert run(line.removeprefix("- run: "), copy).returncode == 0


@pytest.mark.extras
def test_the_python_examples_give_what_they_show(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks("pycon")), {}, "README", "README.md", 0)
    failed = doctest.DocTestRunner().run(test)

    assert failed.attempted
    assert not failed.failed


def test_the_verdicts_are_explained() -> None:
    assert re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)[:4] == ["exact", "rounds", "erratum", "MISMATCH"]


@pytest.mark.parametrize("path", sorted({*re.findall(r"`((?:inception_dsl|tests|specs|\.ci)/[\w./]+)`", README)}))
def test_a_file_it_names_is_there(path: str) -> None:
    assert (ROOT / path).exists()
