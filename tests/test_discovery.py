"""Folders of specs: those below are read too, hidden ones are not, links do not loop, and outputs lie side by side."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cli_runner import Run, in_folder

from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.files import folders
from inception_dsl.spec import discovery

NETWORK = "network: {}\ninput: 3x8x8\nlayers: |\n  name | layer      | output\n  conv | conv 1x1 4 | 8x8x4\n"
CLAIMS = "claims:\n  {}: {{source: a test, sentence: s, formula: params({}), printed: 12, verdict: exact}}\n"
FILES = {
    "specs/b.yaml": NETWORK.format("b"),
    "specs/a.yml": NETWORK.format("a"),
    "specs/claims.yaml": CLAIMS.format("deep", "d"),
    "specs/notes.txt": "not a spec",
    "specs/zoo/c.yaml": NETWORK.format("c"),
    "specs/zoo/deep/d.yaml": NETWORK.format("d"),
    "specs/zoo/deep/claims.yaml": CLAIMS.format("beside", "d"),
    "specs/empty/notes.txt": "",
    "specs/.hidden/e.yaml": NETWORK.format("e"),
    "specs/zoo/.f.yaml": NETWORK.format("f"),
}
FOUND = ["specs/a.yml", "specs/b.yaml", "specs/zoo/c.yaml", "specs/zoo/deep/d.yaml"]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs a command in a folder with specs in folders."""
    return in_folder(tmp_path, monkeypatch, FILES)


def found(*paths: str) -> list[str]:
    return [str(path) for path in discovery.find_specs(paths)]


def test_a_folder_is_read_with_those_below(run: Run) -> None:
    assert found("specs") == FOUND
    assert found("specs/zoo/") == FOUND[2:]
    assert found("specs/zoo", "specs", "specs/b.yaml") == [*FOUND[2:], *FOUND[:2]]
    with pytest.raises(SpecError, match="there is no spec in `specs/empty`"):
        found("specs/empty")


def test_links_do_not_loop(run: Run) -> None:
    """A folder is entered once, by the first way to it; a broken link is no file."""
    for link, target in (("zoo/up", ".."), ("zoo/deep/self", "."), ("again", "zoo/deep"), ("broken.yaml", "nothing")):
        Path("specs", link).symlink_to(target)

    assert found("specs") == ["specs/a.yml", "specs/b.yaml", "specs/again/d.yaml", "specs/zoo/c.yaml"]


def test_a_folder_that_cannot_be_read_is_named(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = os.scandir

    def refused(path: str) -> object:
        if os.fspath(path).endswith("deep"):
            raise PermissionError(13, "Permission denied", os.fspath(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", refused)
    result = run("check", "specs")

    assert result.exit_code == 2
    assert "error[E001]: cannot read `specs/zoo/deep`: permission denied" in result.stderr


def test_files_are_relative_and_in_order(run: Run) -> None:
    names = [*folders.walk("specs")]

    assert names == [*map(str, names)] and not any("\\" in name or ".." in name for name in names)
    assert names[:4] == ["a.yml", "b.yaml", "claims.yaml", "notes.txt"]


def test_outputs_lie_side_by_side(run: Run) -> None:
    """A network is found by its name, whichever folder its spec is in and however the command named it."""
    assert run("compile", "specs").exit_code == 0
    assert sorted(path.name for path in Path("generated").iterdir()) == ["a", "b", "c", "d"]
    content = Path("generated/d/model.py").read_text(encoding="utf-8")
    assert run("compile", "specs/zoo/deep/d.yaml").exit_code == 0
    assert Path("generated/d/model.py").read_text(encoding="utf-8") == content
    assert "# Do not edit. Rebuild: inception-dsl compile specs/zoo/deep/d.yaml" in content


def test_two_networks_of_one_name_are_an_error(run: Run) -> None:
    Path("specs/zoo/other.yaml").write_text(NETWORK.format("b"), encoding="utf-8")
    for command in ("check", "compile"):
        result = run(command, "specs")
        assert result.exit_code == 1
        assert "error[E114]: `specs/zoo/other.yaml` and `specs/b.yaml` are both called `b`" in result.stderr


def test_a_part_of_the_specs_leaves_the_others_alone(run: Run) -> None:
    """A network is orphaned if its spec would lie in the folder that is compiled."""
    assert run("compile", "specs").exit_code == 0
    for folder in ("specs", "specs/zoo"):
        assert run("compile", "--check", folder).exit_code == 0
        assert run("compile", folder).stderr == ""
    Path("specs/zoo/c.yaml").unlink()
    for folder, orphaned in (("specs/zoo", True), ("specs", True), ("specs/zoo/deep", False)):
        result = run("compile", "--check", folder)
        assert result.exit_code == orphaned
        assert ("`generated/c/model.py` is orphaned" in result.stderr) == orphaned
        assert "generated/a" not in result.stderr
        assert ("`generated/c` is orphaned" in run("compile", folder).stderr) == orphaned


def test_claims_measure_networks_of_all_folders(run: Run) -> None:
    alone, all_ = run("claims"), run("claims", "specs")

    assert (alone.exit_code, all_.exit_code) == (0, 0), alone.stderr + all_.stderr
    assert "deep" in alone.stdout and "beside" not in alone.stdout
    assert [line.partition(":")[0] for line in all_.stdout.splitlines()] == [
        "specs/claims.yaml",
        "specs/zoo/deep/claims.yaml",
    ]
    none = run("claims", "specs/empty")
    assert none.exit_code == 2 and "error[E007]: there is no file of claims in `specs/empty`" in none.stderr


def test_the_nearest_of_two_files_with_one_name_is_measured(run: Run) -> None:
    Path("specs/d.yaml").write_text(NETWORK.format("d").replace("1x1 4 | 8x8x4", "1x1 5 | 8x8x5"), encoding="utf-8")

    assert "15" in run("claims").stderr
    assert run("claims", "specs/zoo/deep/claims.yaml").exit_code == 0
