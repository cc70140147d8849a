"""One run of a command: it collects what the command finds, prints it in one format, and sets the exit code."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import click

from inception_dsl.cli import faults, streams
from inception_dsl.cli.outcome import File, Outcome, SpecResult
from inception_dsl.cli.waiting import Waiting
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError, exit_code
from inception_dsl.text.terminal import columns, visible_lines

if TYPE_CHECKING:
    from inception_dsl.ir.results import Result
    from inception_dsl.paper.claims import ClaimVerdict

FORMATS: Final = ("text", "json", "github", "sarif", "markdown")

COMMAND_LINE: Final = "command_line"
TRACEBACK: Final = "traceback"
"""Keys of a click context's `meta`: the whole command line, and whether it asks for tracebacks."""

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


class CommandRun:
    """What a command finds, and how it is printed."""

    def __init__(self, form: str) -> None:
        self.form = form
        self.diagnostics: list[Diagnostic] = []
        self.asked = 0
        self.specs: list[SpecResult] = []
        self.claims: list[ClaimVerdict] = []
        self.files: list[File] = []
        self.result: Any = None
        self.body = ""
        self.table: Sequence[Sequence[str]] = ()
        self.reported: Sequence[Result] = ()
        self.exit_code = 0
        self.waiting = Waiting()

    @contextmanager
    def step(self, spec: str | Path = "", file: str | Path = "", failure: int = 0) -> Iterator[None]:
        """Take one step, perhaps about a spec. An exception in it is recorded as diagnostics, and ends the command.

        Diagnostics without a file are about `file`, by default the spec; a terminal shows that name after a while.
        `failure` is the exit code where the step fails, if that is another than its diagnostics give.
        """
        try:
            with self.waiting.on(str(file or spec)):
                yield
        except (click.ClickException, click.exceptions.Exit, Stopped):
            raise
        except Exception as error:  # noqa: BLE001 - what no input should cause is a diagnostic too (E901)
            self.record_failure(error, spec, file)
            self.exit_code = failure or self.exit_code
            raise Stopped from None

    def attempt(self, action: Callable[[], T], spec: str | Path = "", file: str | Path = "") -> T | None:
        """Take a step after which the command goes on even if it fails; None if it does."""
        try:
            with self.step(spec, file):
                return action()
        except Stopped:
            return None

    def record_failure(self, error: Exception, spec: str | Path = "", file: str | Path = "") -> None:
        """Record the diagnostics of an exception."""
        context = click.get_current_context(silent=True)
        meta = context.meta if context else {}
        origin = error.__cause__ if isinstance(error, SpecError) else error
        if meta.get(TRACEBACK) and origin:
            import traceback

            traceback.print_exception(origin)
        found = faults.diagnose(error, meta.get(COMMAND_LINE, ""), str(spec)).diagnostics
        self.diagnostics += [diagnostic.about(str(file or spec)) for diagnostic in found]

    def record_written(self, paths: Iterable[Path]) -> None:
        """Record files that were written, and print their names."""
        for path in paths:
            self.files.append(File(str(path), "written"))
            self.echo(f"wrote {path}")

    def print_result(self, key: str, text: str) -> None:
        """Print a text that is the command's result; `key` names it in the JSON."""
        self.result = {key: text}
        self.echo(text.removesuffix("\n"))

    def echo(self, text: str) -> None:
        """Print for people; silent in the formats for machines."""
        if self.form == "text":
            self.waiting.restart()
            click.echo(visible_lines(text, streams.coloured(sys.stdout)), color=True)

    def finish(self) -> NoReturn:
        """Print the diagnostics, and exit."""
        # an error in a base recurs in its variants: print it once
        unique: dict[tuple[str, ...], Diagnostic] = {}
        for diagnostic in self.diagnostics:
            key = (diagnostic.path, str(diagnostic.span), diagnostic.code, diagnostic.message)
            unique.setdefault(key, diagnostic)
        diagnostics = tuple(unique.values())
        code = self.exit_code or exit_code(diagnostics)
        if self.form != "text":
            from inception_dsl.cli.formats import FORMATTERS

            context = click.get_current_context(silent=True)
            outcome = Outcome(
                context.command_path.partition(" ")[2] if context else "",
                *(code, diagnostics, self.asked, self.specs, self.claims, self.files),
                *(self.result, self.table, self.reported, self.body),
            )
            click.echo(FORMATTERS[self.form](outcome))
        elif diagnostics:
            from inception_dsl.diagnostics import render

            text = render.text(diagnostics, streams.coloured(sys.stderr), columns(sys.stderr))
            click.echo(text, err=True, color=True)
        sys.exit(code)

    @property
    def errors(self) -> list[Diagnostic]:
        """The diagnostics that are not warnings."""
        return [diagnostic for diagnostic in self.diagnostics if diagnostic.severity == "error"]


class Stopped(Exception):
    """A step failed, and its diagnostics are recorded."""


def output_formats(*formats: str) -> Callable[[F], F]:
    """Give a command the option `--format` and, as its first argument, the `CommandRun` that prints in that format.

    The run ends when the command returns.
    """
    option = click.option(
        "--format", "form", type=click.Choice(formats), default="text", show_default=True, help="Output format."
    )

    def decorate(command: F) -> F:
        @wraps(command)
        def run_command(*, form: str, **options: Any) -> NoReturn:
            run = CommandRun(form)
            run.attempt(lambda: command(run, **options))
            run.finish()

        return option(run_command)  # type: ignore[return-value]

    return decorate
