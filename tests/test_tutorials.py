"""The tutorials and other pages, as a newcomer follows them: files are written, and commands print what is shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from cli_runner import cli
from sessions import play, run
from test_readme import FOLLOWED, PAGES

INSTALL = "python3 -m venv .venv && .venv/bin/pip install '.[torch]' && source .venv/bin/activate\n"
"""What the page installs, with an extra that test_readme.py knows; `.ci/run` installs all of them."""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_pages_are_found() -> None:
    assert len(FOLLOWED) >= 3


@pytest.mark.extras
@pytest.mark.parametrize("page", FOLLOWED)
def test_a_page(page: str) -> None:
    commands = play(PAGES[page], known=(INSTALL,))

    assert len(commands) >= 4
    for file in Path.cwd().glob(".github/workflows/*.yml"):
        (job,) = yaml.safe_load(file.read_text("utf-8"))["jobs"].values()
        steps = [step["run"] for step in job["steps"] if step.get("run", "").startswith("inception-dsl")]
        assert steps and [step for step in steps if run(step)[0]] == []


def test_what_is_shown_is_compared() -> None:
    page = "```console\n$ inception-dsl ops conv\n{}```\n"
    shown = cli("ops", "conv").output
    play(page.format(shown))
    for wrong in (shown.replace("conv", "convolution"), shown[1:], shown + "more\n", shown.partition("\n")[2], ""):
        with pytest.raises(AssertionError, match=re.escape("$ inception-dsl ops conv")):
            play(page.format(wrong))
    lines = shown.splitlines(keepends=True)
    play(page.format("".join([lines[0], "...\n", lines[-1]])))
    play(page.format(f"{lines[0][:12]}...\n...\n"))
    play('```text title="x"\na\nb\nc\n```\n```diff title="x"\n a\n-b\n+d\n```\n```console\n$ cat x\na\nd\nc\n```\n')
    play('```text title="x (excerpt)"\n...\nd\nc\n```\n')
    with pytest.raises(AssertionError, match="not printed: `b`"):
        play('```text title="x (excerpt)"\n...\nb\nc\n```\n')
    with pytest.raises(AssertionError, match="has this 0 times"):
        play('```diff title="x"\n-b\n+d\n```\n')
    with pytest.raises(AssertionError, match="what is to be done"):
        play("```yaml\nnetwork: x\n```\n")
