"""Where in a file something stands, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal, NamedTuple

from inception_dsl.diagnostics.codes.code import Code


class Source:
    """A text, the `file` its reader knows it by, and the `name` generated files cite it by.

    The name is the file and the folder it lies in, whatever the folder the tool was started in.
    """

    def __init__(self, file: str, text: str, name: str = "") -> None:
        self.file = file
        self.text = text
        self.name = name or file

    @cached_property
    def lines(self) -> list[str]:
        """The text by lines, as the line numbers of a `Span` count them."""
        return self.text.split("\n")

    def __repr__(self) -> str:
        return f"Source({self.file!r})"


class Span(NamedTuple):
    """A stretch of one line: `line` and `column` count from 1, `end` is the column after the last character."""

    source: Source
    line: int
    column: int
    end: int

    def __str__(self) -> str:
        return f"{self.source.file}:{self.line}:{self.column}"

    @property
    def citation(self) -> str:
        """The place as generated files cite it."""
        return f"{self.source.name}:{self.line}:{self.column}"


class Note(NamedTuple):
    """A second place that a diagnostic speaks of."""

    span: Span
    message: str


@dataclass(frozen=True)
class Diagnostic:
    """One finding: what is (`message`), where (`span`, with a `label` under its carets), what to do (`help`).

    `code` is stable; `inception-dsl explain CODE` prints its rule. E codes are errors, W codes are warnings, which
    never change an exit code. `span` is None for what is true of a whole `file`, and of none, such as a missing
    library; `notes` are the other places involved.
    """

    code: Code
    message: str
    span: Span | None = None
    label: str = ""
    notes: tuple[Note, ...] = ()
    help: str = ""
    file: str = ""

    @property
    def severity(self) -> Literal["error", "warning"]:
        """The severity of its code."""
        return self.code.severity

    @property
    def path(self) -> str:
        """The file that it is about; "" for what is true of the installation."""
        return self.span.source.file if self.span else self.file

    def about(self, file: str) -> Diagnostic:
        """The same of a file, where it names none and is not about the installation."""
        return self if self.path or self.code.about_installation else replace(self, file=file)


class SpecError(Exception):
    """The only exception that bad input raises: every error of the phase that failed, in the order of the file."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        told = {_position(diagnostic): diagnostic for diagnostic in reversed([*diagnostics])}  # each place once
        self.diagnostics = tuple(told[position] for position in sorted(told))
        super().__init__("\n".join(f"{d.span}: {d.message}" if d.span else d.message for d in self.diagnostics))

    def about(self, file: str) -> SpecError:
        """The same of a file, as `Diagnostic.about`."""
        return SpecError(each.about(file) for each in self.diagnostics)

    @property
    def exit_code(self) -> int:
        """2 where the tool could not run, else 1: the input was read and does not hold."""
        return exit_code(self.diagnostics)


def exit_code(diagnostics: Iterable[Diagnostic]) -> int:
    """2 where one says that the tool could not run, 1 for other errors, 0 for none."""
    return max((diagnostic.code.exit_code for diagnostic in diagnostics), default=0)


class Findings:
    """Collects the errors and warnings of one phase, so that all of them are reported at once."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []

    def error(
        self,
        code: Code,
        message: str,
        span: Span | None = None,
        label: str = "",
        notes: Iterable[Note] = (),
        help: str = "",  # noqa: A002 - what the printed line is called
    ) -> None:
        """Record one error."""
        self.diagnostics.append(Diagnostic(code, message, span, label, tuple(notes), help))

    def warn(
        self,
        code: Code,
        message: str,
        span: Span,
        label: str = "",
        notes: Iterable[Note] = (),
        help: str = "",  # noqa: A002 - what the printed line is called
    ) -> None:
        """Record one warning; the phase goes on."""
        self.warnings.append(Diagnostic(code, message, span, label, tuple(notes), help))

    def stop(self) -> None:
        """End the phase: raises `SpecError`, with the warnings too, if it found an error."""
        if self.diagnostics:
            raise SpecError([*self.diagnostics, *self.warnings])


def _position(diagnostic: Diagnostic) -> tuple[str, int, int, str, str]:
    span = diagnostic.span
    where = (span.line, span.column) if span else (0, 0)
    return (diagnostic.path, *where, diagnostic.code, diagnostic.message)
