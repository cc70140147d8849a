"""Where in a file something stands, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Final, Literal, NamedTuple


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

    code: str
    message: str
    span: Span | None = None
    label: str = ""
    notes: tuple[Note, ...] = ()
    help: str = ""
    file: str = ""

    @property
    def severity(self) -> Literal["error", "warning"]:
        """What its code makes it."""
        return "warning" if self.code.startswith("W") else "error"

    @property
    def path(self) -> str:
        """The file that it is about; "" for what is true of the installation."""
        return self.span.source.file if self.span else self.file

    def about(self, file: str) -> Diagnostic:
        """The same of a file, where it names none and is not about the installation."""
        return self if self.path or self.code in OF_NO_FILE else replace(self, file=file)


OF_NO_FILE: Final = frozenset({"E005"})
"""The codes of what is wrong with the installation."""


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
    """2 where one says that the tool could not run (codes E0xx and E9xx), 1 for other errors, 0 for none."""
    return max((2 if each.code[1] in "09" else 1 for each in diagnostics if each.severity == "error"), default=0)


class Findings:
    """Collects the errors and warnings of one phase, so that all of them are reported at once."""

    def __init__(self) -> None:
        self.diagnostics: list[Diagnostic] = []
        self.warnings: list[Diagnostic] = []

    def error(
        self,
        code: str,
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
        code: str,
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


COMPARED: Final = 20
"""Words that one word is compared with. Of more, only those that differ from it by a letter or two are."""

LONGEST: Final = 40
"""Letters of a word that are compared."""

LISTED: Final = 20
"""Words that a listing names."""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Suggest the known words that look like `word`, as a help line; empty where none does."""
    return suggestion(alike(word, known))


def suggestion(words: Iterable[str]) -> str:
    """The help line that suggests some words; empty for none."""
    said = listing(words, "or")
    return f"did you mean {said}?" if said else ""


def sentence(text: str) -> str:
    """A help line as a sentence after another one: with a capital."""
    return text[:1].upper() + text[1:]


def alike(word: str, known: Iterable[str]) -> list[str]:
    """The known words that look like `word`, two at most, the nearest first.

    Of many known words an index is kept, so that thousands of misspelt words take no longer each than one alone.
    """
    from difflib import get_close_matches

    spelled, index = _index(tuple(known))
    folded = word.casefold()[:LONGEST]
    near = {each: None for part in _parts(folded) for each in index.get(part, ())} if index else spelled
    return [spelled[match] for match in get_close_matches(folded, near, n=2, cutoff=0.7)]


@lru_cache(maxsize=4)
def _index(known: tuple[str, ...]) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Words by themselves without case; where they are many, also by what is left of them without any one letter."""
    spelled = {each.casefold()[:LONGEST]: each for each in known}
    index: dict[str, list[str]] = {}
    for word in spelled if len(spelled) > COMPARED else ():
        for part in _parts(word):
            alike = index.setdefault(part, [])
            if len(alike) < COMPARED:
                alike.append(word)
    return spelled, index


def _parts(word: str) -> Iterator[str]:
    """A word, and what is left of it without any one letter."""
    yield word
    yield from (word[:i] + word[i + 1 :] for i in range(len(word)))


def listing(words: Iterable[str], conjunction: str = "and") -> str:
    """Join words as a sentence does: `a`, `b` and `c`; of many, the first and how many more there are.

    With a comma for conjunction: `a`, `b`, `c`.
    """
    words = list(words)
    shown, more = (words, 0) if len(words) <= LISTED else (words[: LISTED - 1], len(words) - LISTED + 1)
    quoted = [f"`{word}`" for word in shown] + ([f"{more:,} more"] if more else [])
    last = ", " if conjunction == "," else f" {conjunction} "
    return last.join([", ".join(quoted[:-1]), quoted[-1]] if len(quoted) > 1 else quoted)


def _position(diagnostic: Diagnostic) -> tuple[str, int, int, str, str]:
    span = diagnostic.span
    where = (span.line, span.column) if span else (0, 0)
    return (diagnostic.path, *where, diagnostic.code, diagnostic.message)
