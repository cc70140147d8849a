"""The MCP server, asked by the client of the same package: it answers as the command line, and reads one folder."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from cli_runner import SMALL, cli
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent

from inception_dsl.cli.in_process import answer
from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.files.confined import confined_to
from inception_dsl.mcp.folder import Folder
from inception_dsl.mcp.server import server
from inception_dsl.mcp.tools import TOOLS, Tools
from inception_dsl.syntax import source

GIT = shutil.which("git") or "git"
ROOT = Path(__file__).parent.parent
SECRET = SMALL.replace("small", "secret")
CLAIMS = """
claims:
  secret:
    source: nowhere
    sentence: it has 5 parameters
    formula: params(link)
    printed: 5
    verdict: exact
"""
VARIANT = "extends: small.yaml\nnetwork: variant\noverride:\n  rows:\n    conv: {layer: conv 3x3 8 same}\n"


def state(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file and folder, with its size and the time of its last change."""
    return {str(path): (path.lstat().st_size, path.lstat().st_mtime_ns) for path in folder.rglob("*")}


def git(folder: Path, *words: str) -> None:
    subprocess.run([GIT, "-C", str(folder), *words], check=True, capture_output=True)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with a spec in two versions and a variant, beside a file that must not be read."""
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret.yaml").write_text(SECRET, encoding="utf-8")
    (root / "small.yaml").write_text(SMALL, encoding="utf-8")
    git(root, "init", "--quiet")
    git(root, "add", ".")
    git(root, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "first")
    (root / "small.yaml").write_text(SMALL.replace("108", "109"), encoding="utf-8")
    (root / "variant.yaml").write_text(VARIANT, encoding="utf-8")
    monkeypatch.chdir(root)
    return root


def text_of(result: CallToolResult) -> str:
    (content,) = result.content
    assert isinstance(content, TextContent)
    return content.text


async def conversation(client: Client) -> dict[str, CallToolResult]:
    """What a client asks in one session."""
    return {
        "check": await client.call_tool("check", {"specs": ["small.yaml"]}),
        "show": await client.call_tool("show", {"spec": "builtin:googlenet", "size": "256"}),
        "diff": await client.call_tool("diff", {"before": "small.yaml@HEAD", "after": "variant.yaml"}),
        "explain": await client.call_tool("explain", {"code": "E204"}),
        "ops": await client.call_tool("ops", {"name": "conv"}),
        "outside": await client.call_tool("check", {"specs": ["../secret.yaml"]}),
        "option": await client.call_tool("show", {"spec": "--help"}),
    }


def test_a_session_over_stdio(folder: Path) -> None:
    """One client, one process: every tool, and nothing is written."""
    before = state(folder.parent)
    command = StdioServerParameters(
        command=sys.executable,
        args=["-m", "inception_dsl", "mcp", "--root", str(folder)],
        env={"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"},
        cwd=folder.parent,
    )

    async def talk() -> tuple[dict[str, CallToolResult], list[Any]]:
        with anyio.fail_after(60):
            async with Client(command) as client:
                return await conversation(client), (await client.list_tools()).tools

    answers, tools = anyio.run(talk)

    assert {tool.name for tool in tools} == {tool.__name__ for tool in TOOLS}
    assert all(tool.annotations.read_only_hint and tool.description for tool in tools)
    assert answers["check"].structured_content["specs"][0]["network"] == "small"
    assert "1 mismatch" in text_of(answers["check"]) and "error[E301]" in text_of(answers["check"])
    assert not answers["check"].is_error, "findings are an answer"
    assert answers["show"].structured_content == json.loads(
        cli("show", "builtin:googlenet", "--size", "256", "--format", "json").stdout
    )
    assert answers["diff"].structured_content["result"]["loads"] is False
    assert text_of(answers["explain"]).startswith("## E204") and "conv KxK/S N" in text_of(answers["ops"])
    assert answers["outside"].is_error and "secret" not in text_of(answers["outside"]).replace("../secret.yaml", "")
    assert answers["option"].is_error and "no such file" in text_of(answers["option"])
    assert state(folder.parent) == before


@contextmanager
def client_of(root: Path) -> Iterator[Any]:
    """Call a tool of a server in this process."""

    def call(name: str, **arguments: Any) -> CallToolResult:
        async def ask() -> CallToolResult:
            async with Client(server(Folder(str(root)), "0", answer)) as client:
                return await client.call_tool(name, arguments)

        return anyio.run(ask)

    yield call


def test_answers_are_those_of_the_command_line(folder: Path) -> None:
    tools = Tools(Folder("."), answer)

    assert tools.check(["small.yaml"]).structured_content == json.loads(
        cli("check", "small.yaml", "--format", "json").stdout
    )
    assert tools.explain("E999").is_error and "unknown code" in text_of(tools.explain("E999"))
    assert tools.ops().structured_content["result"]["layers"]["conv"]
    assert text_of(tools.show("small.yaml", resolved=True)).startswith("network: small")
    halved = tools.show("builtin:mobilenet_v1", settings={"width": 0.5})
    assert halved.structured_content == json.loads(
        cli("show", "builtin:mobilenet_v1", "--set", "width=0.5", "--format", "json").stdout
    )


def test_a_client_that_asks_wrongly_is_told(folder: Path) -> None:
    with client_of(folder) as call:
        assert call("check", specs="small.yaml").is_error
        assert call("show", spec="small.yaml", size="huge").is_error


@pytest.mark.parametrize(
    "path", ["../secret.yaml", "..", "/", "a/../../secret.yaml", "\0", "x\ny", "../secret.yaml@HEAD"]
)
def test_paths_outside_the_folder_are_refused(folder: Path, path: str) -> None:
    found = Tools(Folder("."), answer).check([path])

    assert found.is_error and "error[E001]" in text_of(found) and "secret: " not in text_of(found)


def test_an_absolute_path_inside_is_read(folder: Path) -> None:
    assert Tools(Folder("."), answer).show(str(folder / "small.yaml")).is_error is False


def test_built_in_specs_are_named_not_found(folder: Path) -> None:
    tools = Tools(Folder("."), answer)

    assert not tools.show("builtin:nin").is_error
    assert "there is no built-in spec" in text_of(tools.show("builtin:../../secret"))


@pytest.mark.skipif(os.name != "posix", reason="links need rights elsewhere")
def test_links_that_lead_outside_are_refused(folder: Path) -> None:
    """A link to a file, to a folder, and one that `extends` or a file of claims would follow."""
    (folder / "link.yaml").symlink_to(folder.parent / "secret.yaml")
    (folder / "inner").mkdir()
    (folder / "inner" / "out").symlink_to(folder.parent)
    (folder / "by_base.yaml").write_text("extends: link.yaml\nnetwork: by_base\n", encoding="utf-8")
    (folder / "fine.yaml").symlink_to(folder / "small.yaml")
    (folder / "claims.yaml").write_text(CLAIMS, encoding="utf-8")
    tools = Tools(Folder("."), answer)

    for path in ("link.yaml", "inner", ".", "inner/out/secret.yaml"):
        found = tools.check([path])
        assert found.is_error and "outside" in text_of(found), path
    based = tools.show("by_base.yaml")
    assert "8x8x4" not in text_of(based) and "outside the folder" in text_of(based)
    assert not tools.show("fine.yaml").is_error
    claimed = tools.check(["claims.yaml"])
    assert "it is outside" in text_of(claimed) and "158" not in text_of(claimed)


def test_revisions_are_those_of_a_repository_in_the_folder(folder: Path) -> None:
    inner = folder / "inner"
    inner.mkdir()
    (inner / "small.yaml").write_text(SMALL, encoding="utf-8")

    assert not Tools(Folder("."), answer).diff("small.yaml@HEAD", "small.yaml").is_error
    refused = Tools(Folder(str(inner)), answer).diff(str(inner / "small.yaml@HEAD"), "builtin:nin")
    assert refused.is_error and "its repository is not in" in text_of(refused)
    (inner / ".git").write_text(f"gitdir: {folder / '.git'}\n", encoding="utf-8")
    assert Tools(Folder(str(inner)), answer).diff(str(inner / "small.yaml@HEAD"), "builtin:nin").is_error


def test_reading_is_confined_wherever_a_path_comes_from(folder: Path) -> None:
    with confined_to(str(folder)):
        assert source.read("small.yaml").text and source.read("builtin:nin").text
        with pytest.raises(SpecError, match="it is outside"):
            source.read("../secret.yaml")
        with confined_to(""):
            assert source.read("../secret.yaml").text == SECRET
    assert source.read("../secret.yaml").text == SECRET


def test_the_page_lists_the_tools() -> None:
    page = (ROOT / "docs" / "mcp.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", page, re.MULTILINE)

    assert [name for name, _ in rows] == [tool.__name__ for tool in TOOLS]
    for (_, arguments), tool in zip(rows, TOOLS, strict=True):
        names = tool.__code__.co_varnames[1 : tool.__code__.co_argcount]
        assert tuple(re.findall(r"`(\w+)`", arguments)) == names


def test_a_missing_folder_is_an_error() -> None:
    assert cli("mcp", "--root", "nowhere").exit_code == 2
