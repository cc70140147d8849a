"""The tools of the server: verbs of the command line that only read."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

from mcp_types import CallToolResult, TextContent
from pydantic import Field

from inception_dsl.diagnostics import render
from inception_dsl.diagnostics.diagnostic import SpecError
from inception_dsl.files.confined import confined_to
from inception_dsl.mcp.folder import Folder


class Answer(NamedTuple):
    """What a verb answers: its exit code, its JSON (docs/json.md), and its text for people."""

    exit_code: int
    data: Any
    text: str


Run = Callable[[Sequence[str]], Answer]
"""Runs a command line."""

Spec = Annotated[
    str,
    Field(
        description="A spec file, relative to the served folder; builtin:NAME; or FILE@REVISION of git, where stated."
    ),
]
Specs = Annotated[
    list[str], Field(description="Spec files, files of claims, or folders of them; `builtin:` is all built-in specs.")
]
Settings = Annotated[
    dict[str, int | float | str], Field(description='Values of settings, by name, as in {"width": 0.5}.')
]


class Tools:
    """The tools; every public method is one, and its docstring is what clients show."""

    def __init__(self, folder: Folder, run: Run) -> None:
        self._folder = folder
        self._run = run

    def check(self, specs: Specs, settings: Settings | None = None, explain: bool = False) -> CallToolResult:
        """Check the numbers that a paper prints against the network that its spec describes.

        Gives a verdict on every printed number, and diagnostics with places and hints. `explain` looks for single edits
        of the spec that would explain wrong numbers. Exit code 1 in the summary means that something does not hold.
        """
        return self._answer(["check", *_settings("--set", settings), *(["--explain"] if explain else [])], specs)

    def show(
        self, spec: Spec, settings: Settings | None = None, size: str = "", resolved: bool = False
    ) -> CallToolResult:
        """Show the table of a spec: for every row its output shape, parameters, multiply-adds and receptive field.

        `size` is another image size, such as 224 or 224x320. `resolved` prints the spec itself instead, with the edits
        of a variant applied to its base.
        """
        options = [*_settings("--set", settings), *([f"--size={size}"] if size else [])]
        return self._answer(["show", *options, *(["--resolved"] if resolved else [])], [spec])

    def diff(
        self,
        before: Spec,
        after: Spec,
        settings_before: Settings | None = None,
        settings_after: Settings | None = None,
    ) -> CallToolResult:
        """Compare two specs, or one at two revisions of git (`specs/x.yaml@main`).

        Gives rows that were edited, renamed or moved, shapes, costs, printed numbers, and the weights that a checkpoint
        would lose or gain.
        """
        options = [*_settings("--set-before", settings_before), *_settings("--set-after", settings_after)]
        return self._answer(["diff", *options], [before, after])

    def explain(self, code: str) -> CallToolResult:
        """Explain the code of a diagnostic, such as E204, with a wrong and a right example."""
        return self._answer(["explain"], paths=[], words=[code])

    def ops(self, name: str = "") -> CallToolResult:
        """Describe the language: one layer, word, operator or key by its name, or all of them without one."""
        return self._answer(["ops"], paths=[], words=[name] if name else [])

    def _answer(self, verb: Sequence[str], paths: Sequence[str], words: Sequence[str] = ()) -> CallToolResult:
        """Run a verb on paths in the folder; what is wrong with a path is an error that the client can read."""
        try:
            checked = [self._folder.inside(path) for path in paths]
        except SpecError as error:
            found = {"diagnostics": render.diagnostics_data(error.diagnostics)}
            return _result(render.text(error.diagnostics), found, is_error=True)
        with confined_to(self._folder.root):
            answer = self._run([*verb, "--", *checked, *words])
        return _result(answer.text, answer.data, is_error=answer.exit_code == 2)


TOOLS = (Tools.check, Tools.show, Tools.diff, Tools.explain, Tools.ops)


def _settings(option: str, values: Mapping[str, int | float | str] | None) -> list[str]:
    return [f"{option}={name}={value}" for name, value in (values or {}).items()]


def _result(text: str, data: Any, is_error: bool) -> CallToolResult:
    return CallToolResult(content=[TextContent(text=text)], structured_content=data, is_error=is_error)
