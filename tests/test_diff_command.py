"""The command `diff`: revisions in git, settings, formats, and what it needs."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cli_runner import Run, in_folder
from diff_cases import BASE, ROOT, SCHEMA, commit, git, repository
from markdown_it import MarkdownIt
from safetensors.torch import save_file
from sessions import follow
from test_architecture import loaded
from test_json import enveloped
from test_readme import blocks

from inception_dsl.network import loads


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a repository with a spec and a variant, both changed since they were committed."""
    return repository(tmp_path, monkeypatch)


def test_a_revision_has_its_own_base_files(run: Run) -> None:
    result = run("diff", "specs/variant.yaml@main", "specs/variant.yaml", "--format", "json")
    data = enveloped(result, "diff")["result"]
    SCHEMA.validate(data)

    assert result.exit_code == 0
    assert (data["before"], data["after"]) == (
        {"spec": "specs/variant.yaml@main", "network": "variant"},
        {"spec": "specs/variant.yaml", "network": "variant"},
    )
    assert [(row["after"], row["changes"]) for row in data["rows"]] == [
        ("block1", ["changed"]),
        ("block2", ["affected"]),
    ]
    assert data["rows"][0]["cells"] == [{"name": "c", "before": "12", "after": "16"}]


def test_a_file_that_is_gone_can_be_read_from_a_revision(run: Run) -> None:
    for file in ("variant.yaml", "small.yaml"):
        Path("specs", file).unlink()
    Path("specs").rmdir()

    assert "give the same network" in run("diff", "specs/variant.yaml@main", "specs/variant.yaml@HEAD").stdout


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (
            "specs/small.yaml@man",
            "git knows no revision `man` here\n --> specs/small.yaml@man\n  = help: did you mean `main`?",
        ),
        ("specs/smal.yaml@main", "there is no such file in the revision `main`"),
        ("specs/small.yaml@-main", "`-main` is not a revision"),
        ("specs/small.yaml@main\n", "git knows no revision"),
        ("specs/sm\nall.yaml@main", "there is no such file in the revision `main`"),
        ("../small.yaml@main", "not a git repository"),
        ("none.yaml", "cannot read `none.yaml`"),
    ],
)
def test_a_revision_that_cannot_be_read(spec: str, message: str, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(Path.cwd().parent.parent))
    result = run("diff", spec, "specs/small.yaml")

    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr and "error[E001]" in result.stderr


def test_an_error_in_a_revision_names_it(run: Run) -> None:
    Path("specs/small.yaml").write_text(BASE.replace("conv 3x3/2 8", "conv 3x3/2"), encoding="utf-8")
    git("-c user.name=x -c user.email=x@y commit -q -a -m y")
    result = run("diff", "specs/variant.yaml@HEAD~1", "specs/variant.yaml@HEAD")

    assert result.exit_code == 1
    assert " --> specs/small.yaml@HEAD:13:12" in result.stderr


def test_git_is_not_there(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    result = run("diff", "specs/small.yaml@main", "specs/small.yaml")

    assert result.exit_code == 2 and "git cannot be run" in result.stderr and "install git" in result.stderr


def test_settings_on_either_side(run: Run) -> None:
    spec = Path("specs/wide.yaml")
    spec.write_text(BASE.replace("classes: 10", "settings: {w: 1, d: 1}").replace("conv 3x3/2 8", "conv 3x3/2 {8 * w}"))

    def cells(*options: str) -> list[tuple[str, Any, Any]]:
        data = json.loads(run("diff", spec, spec, *options, "--format", "json").stdout)["result"]
        return [tuple(key.values()) for key in data["keys"]]

    assert cells("--set", "w=2") == []
    assert cells("--set-after", "w=2") == [("settings.w", 1, 2)]
    assert cells("--set-before", "w=2") == [("settings.w", 2, 1)]
    assert cells("--set", "w=2", "--set-after", "w=3", "--set-before", "d=2") == [
        ("settings.w", 2, 3),
        ("settings.d", 2, 1),
    ]
    assert run("diff", spec, spec, "--set-after", "x=2").exit_code == 1


@pytest.mark.parametrize("form", ["text", "json", "github", "sarif", "markdown"])
def test_breaking(form: str, run: Run) -> None:
    words = ("diff", "specs/small.yaml@main", "specs/small.yaml", "--format", form)

    assert run(*words).exit_code == 0
    result = run(*words, "--breaking")
    assert result.exit_code == 1 and "E139" in result.output
    assert run("diff", "specs/small.yaml", "specs/small.yaml", "--breaking", "--format", form).exit_code == 0


def test_the_session_in_the_docs_is_the_real_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    old = (ROOT / "specs/googlenet.yaml").read_text(encoding="utf-8")
    in_folder(tmp_path, monkeypatch, {"specs/googlenet.yaml": old})
    commit()
    save_file(loads(old).build().state_dict(), "old.safetensors")
    wider = old.replace("| 384  | 48          | 128  | 128       |", "| 384  | 64          | 128  | 128       |")
    Path("specs/googlenet.yaml").write_text(wider.replace("inception_4b", "mixed_4b"), "utf-8")
    sessions = blocks("docs/diff.md", "console")

    assert sessions
    for session in sessions:
        follow(session)


def test_the_core_installation_is_enough() -> None:
    assert not loaded("diff", "specs/googlenet.yaml", "specs/bn_inception.yaml") & {"torch", "onnx", "numpy", "jinja2"}


def test_a_name_of_a_file_is_no_markup(run: Run) -> None:
    """The name and the values of a spec are shown literally."""
    Path("a|<b>`.yaml").write_text(
        BASE.replace("network: small", "network: small\ntitle: '<img src=x> | ` @you #1'"), "utf-8"
    )
    shown = run("diff", "specs/small.yaml@main", "a|<b>`.yaml", "--format", "markdown").stdout

    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(shown)
    assert "<img" not in html and "<b>" not in html
    assert html.count("<details>") == html.count("</details>")
