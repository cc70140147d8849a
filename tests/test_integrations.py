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
from cli_runner import SMALL

ROOT = Path(__file__).parent.parent
HOOKS: list[dict[str, Any]] = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
STEP = ACTION["runs"]["steps"][-1]
SPEC = SMALL.lstrip()
CLAIMS = """\
claims:
  all:
    {source: a note, sentence: It has 158 parameters., formula: params(small), printed: 158, verdict: exact}
"""


CI = (ROOT / "docs/ci.md").read_text(encoding="utf-8")


def test_the_readme_names_inputs_and_hooks_that_are_there() -> None:
    (step,) = yaml.safe_load(re.findall(r"^```yaml\n(- uses: .*?)^```$", CI, re.MULTILINE | re.DOTALL)[0])
    config = yaml.safe_load(re.findall(r"^```yaml\n(repos:.*?)^```$", CI, re.MULTILINE | re.DOTALL)[0])

    assert {*step["with"]} <= {*ACTION["inputs"]}
    published_schemas.valid(config, ".pre-commit-config.yml")
    assert [hook["id"] for repo in config["repos"] for hook in repo["hooks"]] == sorted(
        (hook["id"] for hook in HOOKS),
        key=["inception-dsl-fmt", "inception-dsl-check", "inception-dsl-compile", "inception-dsl-claims"].index,
    )


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of somebody else, with a spec, claims, and the generated files."""
    (tmp_path / "specs").mkdir()
    (tmp_path / "specs/small.yaml").write_text(SPEC, encoding="utf-8")
    (tmp_path / "specs/claims.yaml").write_text(CLAIMS, encoding="utf-8")
    run(["compile", "specs/"], tmp_path)
    return tmp_path


def run(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the tool as this Python has it."""
    command = [sys.executable, "-m", "inception_dsl", *words]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_their_files_are_valid() -> None:
    published_schemas.valid(HOOKS, ".pre-commit-hooks.yml")
    published_schemas.valid(ACTION, "GitHub Action")


@pytest.mark.parametrize("hook", HOOKS, ids=[hook["id"] for hook in HOOKS])
def test_a_hook_runs_what_holds_and_fails_on_what_does_not(hook: dict[str, Any], repository: Path) -> None:
    """As pre-commit runs it: the entry, its arguments, and the changed files that it is about."""
    changed = ["specs/claims.yaml", "specs/small.yaml"]
    assert all(re.search(hook["files"], path) for path in changed)
    assert not re.search(hook["files"], "src/specs.py")
    program, *words = shlex.split(hook["entry"])
    words += [*hook.get("args", []), *(changed if hook.get("pass_filenames", True) else [])]

    assert program == "inception-dsl"
    assert run(words, repository).returncode == 0
    (repository / "specs/small.yaml").write_text(SPEC.replace("4 same", "5  same"), encoding="utf-8")
    assert run(words, repository).returncode == 1


@pytest.mark.skipif(not shutil.which("bash"), reason="needs bash, which the action's steps are written in")
class TestAction:
    """Its last step, in a shell as the service starts it."""

    def step(self, repository: Path, **inputs: str) -> subprocess.CompletedProcess[str]:
        """Run it with inputs of a workflow; the others are as they are by default."""
        given = {name: each["default"] for name, each in ACTION["inputs"].items()} | inputs
        names = {name: re.fullmatch(r"\$\{\{ inputs\.(\S+) \}\}", text) for name, text in STEP["env"].items()}
        temporary = repository / "temp"
        (temporary / "inception-dsl").mkdir(parents=True, exist_ok=True)
        if not (package := temporary / "inception-dsl/inception_dsl").exists():
            package.symlink_to(ROOT / "inception_dsl")
        environment = {
            **os.environ,
            **{name: given[match[1]] for name, match in names.items() if match},
            "PYTHON": sys.executable,
            "RUNNER_TEMP": str(temporary),
            "GITHUB_STEP_SUMMARY": str(repository / "summary.md"),
        }
        assert {name for name, match in names.items() if not match} == {"PYTHON"}
        script = repository / "step.sh"
        script.write_text(STEP["run"], encoding="utf-8")
        command = ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)]
        return subprocess.run(command, cwd=repository, env=environment, capture_output=True, text=True, check=False)

    @pytest.mark.parametrize("command", ["check", "compile --check", "claims"])
    def test_what_holds(self, command: str, repository: Path) -> None:
        done = self.step(repository, command=command)

        assert done.returncode == 0, done.stdout + done.stderr
        assert done.stdout.startswith(f"::notice title=inception-dsl {command.split(maxsplit=1)[0]}::")
        assert "nothing is wrong" in (repository / "summary.md").read_text(encoding="utf-8")

    def test_what_does_not_hold(self, repository: Path) -> None:
        (repository / "specs/small.yaml").write_text(SMALL.replace("108", "107"), encoding="utf-8")
        done = self.step(repository, specs="specs/small.yaml specs/claims.yaml", summary="false")

        assert done.returncode == 1
        assert done.stdout.startswith("::error file=specs/small.yaml,line=6,")
        assert not (repository / "summary.md").exists()

    def test_other_commands_are_refused(self, repository: Path) -> None:
        done = self.step(repository, command="check; touch gone")

        assert done.returncode == 2
        assert done.stdout.startswith("::error::command must be")
        assert not (repository / "gone").exists()

    def test_no_input_is_part_of_a_script(self) -> None:
        """A workflow's inputs reach the shell as variables: none is pasted into a command."""
        assert all("${{" not in step.get("run", "") for step in ACTION["runs"]["steps"])
