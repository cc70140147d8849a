"""The pre-commit hooks and the GitHub action: their files are valid, and what they run does what they say."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import published_schemas
import pytest
import yaml

ROOT = Path(__file__).parent.parent
HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEP = ACTION["runs"]["steps"][-1]
SCRIPT = ROOT / ".github" / "action.sh"
SPEC = """\
network: small
input: 3x16x16
classes: 16
layers: |
  name | layer                          | output  | params
  conv | conv 3x3 8 same                | 16x16x8 | 216
  fc   | avgpool global -> fc {classes} | 1x1x16  | 144
"""
CLAIMS = """\
claims:
  all:
    {source: a note, sentence: It has 360 parameters., formula: params(small), printed: 360, verdict: exact}
"""
GH = """\
echo "$*" >> gh.log
case "$*" in *--paginate*) cat old.txt ;; esac
for word; do case "$word" in body=@*) cp "${word#body=@}" comment.md ;; esac; done
"""
"""A stand-in for GitHub's `gh`: it notes its calls and the comment, and lists old comments."""
MAKE = shutil.which("make")


CI = (ROOT / "docs/ci.md").read_text(encoding="utf-8")


def test_the_readme_names_inputs_and_hooks_that_are_there() -> None:
    (step,) = yaml.safe_load(re.findall(r"^```yaml\n(- uses: .*?)^```$", CI, re.MULTILINE | re.DOTALL)[0])
    config = yaml.safe_load(re.findall(r"^```yaml\n(repos:.*?)^```$", CI, re.MULTILINE | re.DOTALL)[0])

    assert {*step["with"]} <= {*ACTION["inputs"]}
    published_schemas.valid(config, ".pre-commit-config.yml")
    assert [hook["id"] for repo in config["repos"] for hook in repo["hooks"]] == sorted(
        (hook["id"] for hook in HOOKS),
        key=[f"inception-dsl-{name}" for name in ("fmt", "check", "lint", "compile", "diff", "claims")].index,
    )


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A spec, claims, and the generated files; and a folder of programs, with ours."""
    folder = tmp_path_factory.mktemp("compiled")
    (folder / "specs").mkdir()
    (folder / "specs/small.yaml").write_text(SPEC, encoding="utf-8")
    (folder / "specs/claims.yaml").write_text(CLAIMS, encoding="utf-8")
    run(["compile", "specs/"], folder)
    (folder / "bin").mkdir()
    program(folder / "bin/inception-dsl", f'exec "{sys.executable}" -m inception_dsl "$@"')
    return folder


@pytest.fixture
def repository(compiled: Path, tmp_path: Path) -> Path:
    """A repository of somebody else."""
    return Path(shutil.copytree(compiled, tmp_path / "repository"))


@pytest.fixture
def committed(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same in git, on the branch `main`, with an `origin` that has it too."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "somebody")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "somebody@example.org")
    for line in (
        "init --quiet --initial-branch main",
        "add specs",
        "commit --quiet --message first",
        "clone --quiet --bare . origin.git",
        "remote add origin origin.git",
    ):
        subprocess.run([shutil.which("git") or "git", *line.split()], cwd=repository, check=True)
    return repository


def program(path: Path, text: str) -> None:
    """Write a program of the shell."""
    path.write_text(f"#!/bin/sh\n{text}\n", encoding="utf-8")
    path.chmod(0o755)


def run(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the tool as this Python has it."""
    command = [sys.executable, "-m", "inception_dsl", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_their_files_are_valid() -> None:
    published_schemas.valid(HOOKS, ".pre-commit-hooks.yml")
    published_schemas.valid(ACTION, "GitHub Action")


@pytest.mark.parametrize("hook", HOOKS, ids=[hook["id"] for hook in HOOKS])
def test_a_hook_runs_what_holds_and_fails_on_what_does_not(hook: dict[str, Any], committed: Path) -> None:
    """As pre-commit runs it: the entry, its arguments, and the changed files that it is about."""
    changed = ["specs/claims.yaml", "specs/small.yaml"]
    assert all(re.search(hook["files"], path) for path in changed)
    assert not re.search(hook["files"], "src/specs.py")
    changed = [path for path in changed if not re.search(hook.get("exclude", "^$"), path)]
    words = [*shlex.split(hook["entry"]), *hook.get("args", [])]
    words += changed if hook.get("pass_filenames", True) else []
    path = f"{committed / 'bin'}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(ROOT)}

    def ended() -> int:
        return subprocess.run(words, cwd=committed, env=environment, capture_output=True, check=False).returncode

    assert words[0] in ("inception-dsl", "bash")
    assert ended() == 0
    (committed / "specs/small.yaml").write_text(SPEC.replace("8 same", "9  same"), encoding="utf-8")
    assert ended() == 1


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash, which the action's steps are written in")
class TestAction:
    """Its last step, in a shell as the service starts it."""

    def step(self, repository: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
        """Run it with inputs of a workflow; the others are as they are by default."""
        given = {name: each["default"] for name, each in ACTION["inputs"].items()} | inputs
        names = {name: re.fullmatch(r"\$\{\{ inputs\.(\S+) \}\}", text) for name, text in STEP["env"].items()}
        computed = {"ACTION": str(ROOT), "BASE": given["base"], "COMMENT": "7" if given["comment"] == "true" else ""}
        temporary = repository / "temp"
        (temporary / "inception-dsl").mkdir(parents=True, exist_ok=True)
        if not (package := temporary / "inception-dsl/inception_dsl").exists():
            package.symlink_to(ROOT / "inception_dsl")
        environment = {
            **os.environ,
            **{name: given[match[1]] for name, match in names.items() if match},
            **computed,
            "PATH": f"{repository / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "PYTHON": sys.executable,
            "RUNNER_TEMP": str(temporary),
            "GITHUB_REPOSITORY": "somebody/networks",
            "GITHUB_STEP_SUMMARY": str(repository / "summary.md"),
        }
        assert {name for name, match in names.items() if not match} == {"PYTHON", *computed}
        script = repository / "step.sh"
        script.write_text(STEP["run"], encoding="utf-8")
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
        return subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)

    def test_what_holds(self, repository: Path) -> None:
        done = self.step(repository, command="check\n  compile --check\nclaims\n\nfmt\nlint\n")

        assert done.returncode == 0, done.stdout + done.stderr
        ran = ["check", "compile", "claims", "fmt", "lint"]
        assert re.findall(r"^::notice title=inception-dsl (\w+)::", done.stdout, re.MULTILINE) == ran
        summary = (repository / "summary.md").read_text(encoding="utf-8")
        assert re.findall(r"^### inception-dsl (\w+): nothing is wrong$", summary, re.MULTILINE) == ran

    def test_what_does_not_hold(self, repository: Path) -> None:
        (repository / "specs/small.yaml").write_text(SPEC.replace("216", "217"), encoding="utf-8")
        done = self.step(repository, specs="specs/small.yaml specs/claims.yaml", summary="false")

        assert done.returncode == 1
        assert done.stdout.startswith("::error file=specs/small.yaml,line=6,")
        assert not (repository / "summary.md").exists()

    def test_the_worst_of_several_decides(self, repository: Path) -> None:
        """All of them run, whatever the others found."""
        (repository / "specs/small.yaml").write_text(SPEC.replace("8 same", "9 same"), encoding="utf-8")
        done = self.step(repository, command="check\nlint\nfmt", summary="false")

        assert done.returncode == 1
        assert "::error file=specs/small.yaml,line=6," in done.stdout and "L014" in done.stdout
        assert done.stdout.splitlines()[-1].startswith("::notice title=inception-dsl fmt::")

    def test_diff_compares_with_the_base(self, committed: Path) -> None:
        """In the summary, and in a comment, which a later run replaces."""
        (committed / "specs/small.yaml").write_text(SPEC.replace("8 same", "24 same"), encoding="utf-8")
        (committed / "specs/new.yaml").write_text(SPEC.replace("network: small", "network: new"), encoding="utf-8")
        program(committed / "bin/gh", GH)
        (committed / "old.txt").touch()
        done = self.step(committed, command="diff", base="main", comment="true")

        assert done.returncode == 0, done.stderr
        summary = (committed / "summary.md").read_text(encoding="utf-8")
        assert summary.count("###") == 1 and "`specs/small.yaml@" in summary and "conv" in summary
        comment = (committed / "comment.md").read_text(encoding="utf-8")
        assert comment == f"<!-- inception-dsl diff -->\n{summary}"
        calls = (committed / "gh.log").read_text(encoding="utf-8").splitlines()
        assert [call.partition(" --field")[0] for call in calls[1:]] == [
            "api --method POST repos/somebody/networks/issues/7/comments"
        ]
        (committed / "old.txt").write_text("21\n22\n", encoding="utf-8")
        done = self.step(committed, command="diff", base="main", comment="true", breaking="true")

        assert done.returncode == 1
        last = (committed / "gh.log").read_text(encoding="utf-8").splitlines()[-1]
        assert last.startswith("api --method PATCH repos/somebody/networks/issues/comments/21 ")

    def test_diff_of_what_is_the_same(self, committed: Path) -> None:
        """A comment that cannot be written is a warning; no base is none to compare with."""
        program(committed / "bin/gh", "exit 1")
        done = self.step(committed, command="diff", base="main", comment="true")

        assert done.returncode == 0
        assert (committed / "summary.md").read_text(encoding="utf-8") == "No spec differs from that of main.\n"
        assert done.stdout == "::warning title=inception-dsl diff::cannot comment on the pull request\n"
        assert self.step(committed, command="diff", base="0" * 40).stdout.startswith(
            "::notice title=inception-dsl diff"
        )

    def test_other_commands_are_refused(self, repository: Path) -> None:
        done = self.step(repository, command="check\ncheck; touch gone")

        assert done.returncode == 2
        assert done.stdout.startswith("::error::command must be")
        assert not (repository / "gone").exists()

    def test_no_input_is_part_of_a_script(self) -> None:
        """A workflow's inputs reach the shell as variables: none is pasted into a command."""
        assert all("${{" not in step.get("run", "") for step in ACTION["runs"]["steps"])

    def test_the_script_is_one_that_old_shells_read(self) -> None:
        """Nothing in it needs more than the bash of macOS, which is of 2007."""
        assert not re.search(r"mapfile|readarray|declare -A|\$\{\w+(,,|\^\^|@)|\|&", SCRIPT.read_text(encoding="utf-8"))


def test_workflows_are_valid() -> None:
    for file in (ROOT / ".github" / "workflows").glob("*.yml"):
        workflow = yaml.safe_load(file.read_text(encoding="utf-8"))
        workflow["on"] = workflow.pop(True)  # as YAML 1.1 reads the key `on`
        published_schemas.valid(workflow, "GitHub Workflow")


@pytest.mark.skipif(not MAKE, reason="needs make")
class TestMakefile:
    """What it runs is what CONTRIBUTING.md names, and is there."""

    def made(self, target: str) -> list[str]:
        """The commands of a target."""
        assert MAKE
        done = subprocess.run([MAKE, "-n", target], cwd=ROOT, capture_output=True, text=True, check=True)
        return done.stdout.splitlines()

    def test_check_is_what_contributing_lists(self) -> None:
        text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
        (block,) = re.findall(r"The parts of `make check`:\n\n```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
        script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")

        assert self.made("check") == block.splitlines()
        assert all(line in script for line in block.splitlines())

    def test_every_target_is_listed(self) -> None:
        assert MAKE
        targets = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        listed = subprocess.run([MAKE], cwd=ROOT, capture_output=True, text=True, check=True).stdout

        assert [line.split("\t")[0] for line in listed.splitlines()] == targets
        assert all(self.made(target) for target in targets)
        assert self.made("ci") == [".ci/run"] and (ROOT / ".ci" / "run").exists()
