"""Edits of a source: what replaces which part of its text. The formatter, fixes and editors share them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from inception_dsl.diagnostics.diagnostic import Source, Span


class Edit(NamedTuple):
    r"""The `text` that replaces what stands at `span`.

    A span without width inserts. A span lies within one line, whose line break counts as its last character: with
    `Edit.line`, a line goes as a whole. Line breaks in `text` are `\n`, as in every source.
    """

    span: Span
    text: str

    @classmethod
    def line(cls, source: Source, line: int, text: str = "") -> Edit:
        """Replace a line, counted from 1, and its line break; with the default, delete it."""
        return cls(Span(source, line, 1, len(source.lines[line - 1]) + 2), text)

    @classmethod
    def insert(cls, source: Source, line: int, column: int, text: str) -> Edit:
        """Insert a text before a character."""
        return cls(Span(source, line, column, column), text)


class OverlappingEditsError(ValueError):
    """Two edits of one source replace the same characters: `first` and `second`, in the order of their places."""

    def __init__(self, first: Edit, second: Edit) -> None:
        self.first = first
        self.second = second
        super().__init__(f"the edits at {first.span} and at {second.span} overlap")


def apply(source: Source, edits: Iterable[Edit]) -> str:
    """The text of a source after edits of it, all of which refer to the text as it is.

    Insertions at one place follow each other as given, and stand before what replaces the character there. Raises
    `OverlappingEditsError` for two edits that replace the same characters or for an insertion inside such a part, and
    `ValueError` for an edit of another source or of a place that the source does not have.
    """
    kept: list[str] = []
    last: Edit | None = None
    at = 0
    for start, end, edit in sorted(((*_offsets(source, edit), edit) for edit in edits), key=lambda found: found[:2]):
        if last is not None and start < at:
            raise OverlappingEditsError(last, edit)
        kept += [source.text[at:start], edit.text]
        last, at = edit, end
    return "".join([*kept, source.text[at:]])


def _offsets(source: Source, edit: Edit) -> tuple[int, int]:
    """The offsets in the text of a source between which an edit replaces it."""
    span = edit.span
    if span.source is not source:
        raise ValueError(f"the edit at {span} is of another source than {source.file}")
    starts = source.line_starts
    if not 1 <= span.line <= len(starts) or not 1 <= span.column <= span.end:
        raise ValueError(f"{source.file} has no place {span}")
    end = starts[span.line - 1] + span.end - 1
    if end > (starts[span.line] if span.line < len(starts) else len(source.text) + 1):
        raise ValueError(f"{source.file} has no {span.end - 1} characters on line {span.line}")
    return starts[span.line - 1] + span.column - 1, min(end, len(source.text))
