"""Diagnostics: what is wrong, where in which file, and how to fix it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate
from typing import Literal, NamedTuple

from inception_dsl.diagnostics.codes.code import Code


class Source:
    """A text, the path of its `file`, and the `name` that generated files cite it by.

    The name is the file and its parent folder; it does not depend on the directory that the command runs in.
    """

    def __init__(self, file: str, text: str, name: str = "") -> None:
        self.file = file
        self.text = text
        self.name = name or file

    @cached_property
    def lines(self) -> list[str]:
        """The lines of the text, as the line numbers of a `Span` count them."""
        return self.text.split("\n")

    @cached_property
    def line_starts(self) -> list[int]:
        """The offset in the text at which each of the lines starts."""
        return list(accumulate((len(line) + 1 for line in self.lines[:-1]), initial=0))

    def __repr__(self) -> str:
        return f"Source({self.file!r})"


class Span(NamedTuple):
    """A range within one line: `line` and `column` count from 1, `end` is the column after the last character."""

    source: Source
    line: int
    column: int
    end: int

    def __str__(self) -> str:
        return f"{self.source.file}:{self.line}:{self.column}"

    @property
    def citation(self) -> str:
        """The place as generated files cite it, `specs/a.yaml:31:3`."""
        return f"{self.source.name}:{self.line}:{self.column}"


class Note(NamedTuple):
    """Another place that a diagnostic refers to, and what is there."""

    span: Span
    message: str


@dataclass(frozen=True)
class Diagnostic:
    """One error or warning: what is wrong (`message`), where (`span` and `label`) and how to fix it (`help`).

    `code` is stable; `inception-dsl explain CODE` prints its rule. E codes are errors. W codes are warnings, which
    never change an exit code. All others are findings of `lint`, which are warnings and cause exit code 1. `span` is
    None if a diagnostic concerns a whole `file`, or no file, such as a missing library. `label` is printed under the
    carets; `notes` are the other places involved.
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
        """The file that it concerns; "" for the installation."""
        return self.span.source.file if self.span else self.file

    def about(self, file: str) -> Diagnostic:
        """The diagnostic with a file, unless it has one or concerns the installation."""
        return self if self.path or self.code.about_installation else replace(self, file=file)


class SpecError(Exception):
    """The only exception that bad input raises: every error of the phase that failed, sorted by place."""

    def __init__(self, diagnostics: Iterable[Diagnostic]) -> None:
        unique = {_sort_key(diagnostic): diagnostic for diagnostic in reversed([*diagnostics])}
        self.diagnostics = tuple(unique[key] for key in sorted(unique))
        super().__init__("\n".join(f"{d.span}: {d.message}" if d.span else d.message for d in self.diagnostics))

    def about(self, file: str) -> SpecError:
        """The same error with a file, as `Diagnostic.about`."""
        return SpecError(diagnostic.about(file) for diagnostic in self.diagnostics)

    @property
    def exit_code(self) -> int:
        """2 if the tool could not run, else 1: the input was read and is wrong."""
        return exit_code(self.diagnostics)


def exit_code(diagnostics: Iterable[Diagnostic]) -> int:
    """2 if one says that the tool could not run, 1 for other errors and findings of `lint`, 0 for W codes alone."""
    return max((diagnostic.code.exit_code for diagnostic in diagnostics), default=0)


class Findings:
    """Collects the errors and warnings of one phase, to report them together."""

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
        """End the phase: raise `SpecError` with everything found if there is an error."""
        if self.diagnostics:
            raise SpecError([*self.diagnostics, *self.warnings])


def _sort_key(diagnostic: Diagnostic) -> tuple[str, int, int, str, str]:
    span = diagnostic.span
    where = (span.line, span.column) if span else (0, 0)
    return (diagnostic.path, *where, diagnostic.code, diagnostic.message)
