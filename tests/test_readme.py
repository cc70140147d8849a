"""The README and the pages of docs/ are true: their commands run, their examples are real output, their files exist."""

from __future__ import annotations

import doctest
import re
import shlex
import shutil
import subprocess
import tomllib
from contextlib import chdir
from functools import cache
from pathlib import Path

import pytest
from cli_runner import cli
from click.testing import Result

ROOT = Path(__file__).parent.parent
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
}
README = PAGES["README.md"]
GOOGLENET = (ROOT / "specs/googlenet.yaml").read_text(encoding="utf-8")


def blocks(page: str, language: str) -> list[str]:
    """The fenced blocks of a language in a page."""
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGES[page], re.DOTALL | re.MULTILINE)


(SETUP,) = [block for block in blocks("README.md", "sh") if "pip install . " in block]
(SETUP_DEV,) = [block for block in blocks("README.md", "sh") if "pip install -e" in block]
(TRAINING,) = [block for block in blocks("README.md", "sh") if "inception-dsl train" in block]
BY_CI = (SETUP, SETUP_DEV, TRAINING)
"""Blocks that `.ci/run` runs, on a clean copy of the tree, because they take minutes."""

OF_TRAINING = {f"docs/{page}.md" for page in ("training", "data", "devices", "fine-tuning", "ablations")}
"""Pages whose commands train for hours; test_docs.py parses them."""

FOLLOWED = [page for page, text in PAGES.items() if ' title="' in text]
"""Pages that write files, which test_tutorials.py follows from their beginning to their end."""

SHELL = [block for page in PAGES if page not in FOLLOWED for block in blocks(page, "sh") if block not in BY_CI]
STEPS = [block for page in PAGES for block in blocks(page, "yaml") if block.startswith("- run:")]
COMMANDS = sorted({line.partition("  #")[0].strip() for block in SHELL for line in block.splitlines()})
OURS = [command for command in COMMANDS if command.startswith("inception-dsl ")]
IMAGES = ROOT / "docs/images"
IMAGE = re.compile(r"docs/images/[\w.]+")


@cache
def run(command: str, folder: Path) -> Result:
    """Run `inception-dsl ...` in a folder."""
    program, *arguments = shlex.split(command)
    assert program == "inception-dsl"
    with chdir(folder):
        return cli(*arguments)


NAMED = {name for line in COMMANDS for name in re.findall(r"specs/([\w/]+)\.yaml", line)}
"""The specs that commands name; commands for a whole folder have these, and `.ci/run` runs them on all specs."""


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """A folder with the specs that commands name, what is generated from them, tables of papers, and the recipes."""
    wanted = [path for name in sorted(NAMED) if (path := ROOT / f"specs/{name}.yaml").exists()]
    for path in wanted:  # which grows by what they extend
        wanted += [
            path.parent / base
            for base in re.findall(r"^extends: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            if path.parent / base not in wanted
        ]
        spec = tmp_path / path.relative_to(ROOT)
        spec.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, spec)
        shutil.copytree(ROOT / "generated" / path.stem, tmp_path / "generated" / path.stem)
    shutil.copytree(ROOT / "tests/data/tables", tmp_path / "tests/data/tables")
    recipes = "inception_dsl/recipes"
    shutil.copytree(ROOT / recipes, tmp_path / recipes, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    return tmp_path


def test_the_first_command_sets_up_and_compiles() -> None:
    *_, last = SETUP.strip().split(" && ")

    assert last == ".venv/bin/inception-dsl compile specs/googlenet.yaml"
    assert "[" not in SETUP, "the core install takes no extra"


def test_ci_runs_the_blocks_that_are_left_to_it() -> None:
    """CI takes the blocks that set up, and the one that trains, from the README itself."""
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (function,) = re.findall(r"^readme\(\) .*", script, re.MULTILINE)
    asked = re.findall(r"\$\((readme .*?)\)[\"\n]", script)
    calls = [["bash", "-c", f"{function}\n{line}"] for line in asked]
    taken = {subprocess.run(call, cwd=ROOT, capture_output=True, text=True, check=True).stdout for call in calls}

    assert taken == {*BY_CI}


def test_ci_names_tests_that_exist() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    names = [name for group in re.findall(r"tests/test_\{([\w,]+)\}\.py", script) for name in group.split(",")]

    assert len(names) > 10
    assert not [name for name in names if not (ROOT / "tests" / f"test_{name}.py").exists()]


def test_every_command_is_run() -> None:
    """Every command in a block runs in this file, in one that runs the sessions of a page, or in CI."""
    for page, text in PAGES.items():
        if page in {*OF_TRAINING, *FOLLOWED}:
            continue
        for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE):
            for line in block.splitlines():
                command = line.partition("  #")[0].strip()
                if re.match(r"(- run: |\$ |.* \.venv/bin/)?(inception-dsl|pytest|python|ruff|mypy) ", command):
                    run_here = command in COMMANDS or block in BY_CI or block in STEPS
                    assert run_here or language == "console", (page, line)
    assert len(OURS) >= 20
    sessions = [page for page in PAGES if blocks(page, "console") and page not in {*OF_TRAINING, *FOLLOWED}]
    tests = [path.read_text(encoding="utf-8") for path in (ROOT / "tests").glob("*.py")]
    assert sessions
    assert not [page for page in sessions if not any(f'blocks("{page}", "console")' in text for text in tests)]


def test_the_second_command_sets_up_and_tests() -> None:
    assert SETUP_DEV.strip().endswith(".venv/bin/pip install -e '.[dev]' && .venv/bin/pytest -n auto")


@pytest.mark.parametrize(
    "command",
    [pytest.param(line, marks=pytest.mark.extras) if "--against" in line else line for line in OURS],
)
def test_a_command_runs(command: str, copy: Path) -> None:
    done = run(command, ROOT if command == "inception-dsl claims" else copy)  # claims are about all specs

    assert done.exit_code == 0, done.stdout + done.stderr
    assert done.stdout
    for image in IMAGE.findall(command):
        assert (copy / image).read_bytes() == (ROOT / image).read_bytes(), f"run `{command}`"


def test_a_command_draws_every_image_that_a_page_shows() -> None:
    drawn = {image for command in OURS for image in IMAGE.findall(command)}
    shown = {image for page in PAGES.values() for image in re.findall(r"!\[.+?\]\((?:docs/)?(images/.*?\.svg)\)", page)}

    assert len(shown) >= 2
    assert (
        drawn == {f"docs/{image}" for image in shown} == {f"docs/images/{path.name}" for path in IMAGES.glob("*.svg")}
    )


def excerpt(shown: str, whole: str) -> None:
    """Every piece of an excerpt (pieces stand between lines of `...`) is in the whole, in order."""
    lines = [line.rstrip() for line in whole.splitlines()]
    text, at = "\n".join(lines) + "\n", 0
    for piece in shown.split("...\n"):
        found = text.find(piece, at)
        assert found >= 0, piece
        at = found + len(piece)


def test_the_spec_is_the_real_one() -> None:
    excerpt(blocks("README.md", "yaml")[0], GOOGLENET)


def test_the_variant_is_the_real_one() -> None:
    (variant,) = [block for block in blocks("README.md", "yaml") if block.startswith("extends:")]
    excerpt(variant, (ROOT / "specs/googlenet_separable.yaml").read_text(encoding="utf-8"))


def test_the_claim_is_the_real_one() -> None:
    reported, claim = blocks("docs/papers.md", "yaml")
    excerpt(reported, (ROOT / "specs/googlenet.yaml").read_text(encoding="utf-8"))
    excerpt(claim, (ROOT / "specs/claims.yaml").read_text(encoding="utf-8"))


def test_the_verdicts_are_the_real_ones() -> None:
    excerpt(blocks("README.md", "text")[0], run("inception-dsl check specs/googlenet.yaml", ROOT).stdout)


def test_the_claims_are_the_real_ones() -> None:
    excerpt(blocks("docs/papers.md", "text")[0], run("inception-dsl claims", ROOT).stdout)


def test_the_files_of_a_network_are_named() -> None:
    """The sentence about what `compile` writes lists every file of the network's folder."""
    (names,) = re.findall(r"writes `generated/googlenet/`: (.*?)\.\n\n", README, re.DOTALL)

    files = {path.name for path in (ROOT / "generated/googlenet").iterdir() if path.is_file()}
    assert {*re.findall(r"`(.*?)`", names)} == files


def test_numbers_in_the_prose() -> None:
    """What its sentences count is what there is."""
    (errata, printed), *_ = re.findall(r"(\w+) of the (\d+) numbers printed for GoogLeNet", README)
    shown = run("inception-dsl check specs/googlenet.yaml", ROOT).stdout
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["dependencies"]

    assert (errata, f"{printed} printed numbers" in shown, ", 12 errata," in shown) == ("twelve", True, True)
    assert "The core installation has five small libraries and `onnx`" in " ".join(PAGES["docs/ci.md"].split())
    assert len(dependencies) == 6 and any(name.startswith("onnx>") for name in dependencies)


def test_the_parts_of_an_op_are_the_real_ones() -> None:
    files = [path.read_text("utf-8") for path in (ROOT / "inception_dsl").rglob("*.py")]
    shown = blocks("docs/adding-an-op.md", "python")

    assert len(shown) == 4
    assert [part for part in shown if sum(part in file for file in files) != 1] == []


def test_the_generated_code_is_the_real_one() -> None:
    (shown,) = blocks("README.md", "python")
    excerpt(shown, (ROOT / "generated/googlenet/model.py").read_text(encoding="utf-8"))


def test_a_3x3_in_the_5x5_branch_is_found(copy: Path) -> None:
    wrong = GOOGLENET.replace("conv 5x5 {#5x5}", "conv 3x3 {#5x5}")
    (copy / "specs/googlenet.yaml").write_text(wrong, encoding="utf-8")
    done = run("inception-dsl check specs/googlenet.yaml", copy)

    assert done.exit_code == 1
    assert "`inception_3a` prints params 159K, 4.7% higher than the computed 151.9K" in done.stderr


@pytest.mark.parametrize("line", sorted({line for block in STEPS for line in block.splitlines()}))
def test_the_annotations_are_commands_that_run(line: str, copy: Path) -> None:
    assert run(line.removeprefix("- run: "), copy).exit_code == 0


@pytest.mark.extras
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "pycon")])
def test_the_python_examples_give_what_they_show(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    test = doctest.DocTestParser().get_doctest("\n".join(blocks(page, "pycon")), {}, page, page, 0)
    failed = doctest.DocTestRunner().run(test)

    assert failed.attempted
    assert not failed.failed


def test_the_verdicts_are_explained() -> None:
    text = PAGES["docs/papers.md"]
    assert re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)[:4] == ["exact", "rounds", "erratum", "MISMATCH"]


def named_files(page: str) -> list[str]:
    """The paths in a page that start at the repository's root, or in CONTRIBUTING.md at the package's."""
    text = re.sub(r"^```console\n.*?^```$", "", PAGES[page], flags=re.DOTALL | re.MULTILINE)
    folders = r"inception_dsl|tests|specs|docs|benchmarks|generated|\.ci|\.github"
    paths = re.findall(rf"`((?:{folders})/[\w./-]*)`", text)
    if page == "CONTRIBUTING.md":
        (pipeline,) = blocks(page, "text")
        rooms = re.findall(r"`((?:\w+/)+(?:\w+\.py)?)`", text) + re.findall(r"\b(\w+/|\w+\.py)(?=[ ,]|$)", pipeline)
        paths += [room if (ROOT / room).exists() else f"inception_dsl/{room}" for room in rooms]
    return sorted({path for path in paths if not re.search(r"\b(NAME|NETWORK|FILE)\b", path)})


@pytest.mark.parametrize(("page", "path"), [(page, path) for page in PAGES for path in named_files(page)])
def test_a_file_it_names_is_there(page: str, path: str) -> None:
    assert (ROOT / path).exists(), page


@pytest.mark.parametrize("page", PAGES)
def test_its_links_lead_somewhere(page: str) -> None:
    links = re.findall(r"\]\(([^)#]+)(#[^)]*)?\)", PAGES[page])
    files = [link for link, _ in links if not link.startswith("https://")]
    assert not [link for link in files if not ((ROOT / page).parent / link).exists()]


def test_every_page_is_listed() -> None:
    """The README links to every page of docs/."""
    assert not [page for page in PAGES if page != "README.md" and f"]({page})" not in README]
