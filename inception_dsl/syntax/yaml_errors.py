"""YAML syntax errors in plain words: what PyYAML reports, told as the slip that most likely caused it."""

from __future__ import annotations

import re
from typing import Final

import yaml

from inception_dsl.diagnostics import Diagnostic, Note, Source, Span

QUOTE: Final = "put the whole value in double quotes"

# (what PyYAML says, with libyaml or without; ours; help)
_WORDS: Final = (
    ("unknown escape", "unknown escape in double quotes", "write `\\\\` for a backslash, or use single quotes"),
    ("comment or (a )?line break", "the text of a block starts on the line after its `|`", "move it to the next line"),
    ("directive|incompatible YAML", "this directive is not supported in a spec", "delete the line"),
    ("sequence entries", "a list cannot start in this line", "write each `- ` item on a line of its own"),
    ("mapping keys", "a value cannot start with `? ` unless it is quoted", QUOTE),
    ("scanning an (anchor|alias)", "anchors and aliases are not supported in a spec", QUOTE),
    ("scanning a tag|parsing a tag|undefined tag", "tags are not supported in a spec", QUOTE),
)


def span_of_marks(source: Source, start: yaml.Mark, end: yaml.Mark) -> Span:
    """Make a span of two marks, as far as it is on the first one's line."""
    line = min(start.line, len(source.lines) - 1)
    length = len(source.lines[line])
    column = min(start.column, length)
    stop = min(end.column, length) if end.line == start.line else length
    return Span(source, line + 1, column + 1, max(column, stop) + 1)


def explain(error: yaml.MarkedYAMLError, source: Source, bracket: Span | None) -> Diagnostic:
    """Tell a syntax error; `bracket` is the innermost `[` or `{` that was open when it arose."""
    context, problem = error.context or "", error.problem or "not valid YAML"
    mark = error.problem_mark or error.context_mark
    at = _here(source, mark)
    line = source.lines[at.line - 1]
    if re.match(r" *\t", line):
        column = line.index("\t") + 1
        span = Span(source, at.line, column, column + 1)
        return Diagnostic("E101", "a tab cannot indent YAML", span, help="indent with spaces")
    if "quoted scalar" in context and re.search("unexpected (end|document)", problem):
        span = _here(source, error.context_mark)
        quote = source.lines[span.line - 1][span.column - 1]
        message = f"a text in quotes is not closed: `{quote}` is missing"
        return Diagnostic("E101", message, span, "opened here", help="close it, or double a quote inside single quotes")
    if bracket and "escape" not in problem and (fault := _in_brackets(problem, at, bracket)):
        return fault
    if "mapping values are not allowed" in problem:
        return _colon(source, at)
    if "could not find expected ':'" in problem:
        return _no_colon(source, _here(source, error.context_mark))
    if "cannot start any token" in problem:
        character = line[at.column - 1 : at.column]
        return Diagnostic("E101", f"a value cannot start with `{character}` unless it is quoted", at, help=QUOTE)
    if "block collection" in context:
        return Diagnostic("E101", "a line without `- ` in a list", at, help="start the line with `- `, or indent it")
    if re.search("expected key|block end|document start", problem):
        return _misplaced(source, at, _here(source, error.context_mark))
    if "node content" in problem:
        character = line[at.column - 1 : at.column]
        message = f"`{character}` closes nothing" if character else "a value is missing"
        return Diagnostic("E101", message, at, help=QUOTE)
    for pattern, message, advice in _WORDS:
        if re.search(pattern, f"{context} {problem}"):
            code = "E106" if "not supported" in message else "E101"
            return Diagnostic(code, message, at, help=advice)
    return Diagnostic("E101", f"not valid YAML: {problem}", at)


def _here(source: Source, mark: yaml.Mark | None) -> Span:
    """Point at the character at a mark; what is missing at the end of the file is told where its text ends."""
    if mark is None:
        return Span(source, 1, 1, 2)
    text = source.text.rstrip()
    line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
    if (mark.line + 1, mark.column + 1) > (line, column):
        return Span(source, line, column, column + 1)
    span = span_of_marks(source, mark, mark)
    return span._replace(end=span.column + 1)


# A `#` that YAML takes for a comment and its author for the start of a text: no space follows it.
_COMMENT: Final = re.compile(r"(?<![^\s\[\]{},])#[^\s,\]}]+")


def _in_brackets(problem: str, at: Span, bracket: Span) -> Diagnostic | None:
    source, text = bracket.source, bracket.source.lines[bracket.line - 1]
    opener = text[bracket.column - 1]
    closer = "]" if opener == "[" else "}"
    notes = (Note(bracket, f"`{opener}` opened here"),)
    for number in range(bracket.line, at.line + 1):
        line = source.lines[number - 1]
        start = bracket.column if number == bracket.line else 0
        if comment := _COMMENT.search(line, start):
            span = Span(source, number, comment.start() + 1, comment.end() + 1)
            message, advice = "an unquoted `#` starts a comment, here inside brackets", f'write `"{comment[0]}"`'
            return Diagnostic("E101", message, span, "the rest of the line is not read", notes, advice)
    stands = source.lines[at.line - 1][at.column - 1 : at.column]
    if "cannot start any token" in problem and (at.line == bracket.line or stands in "@`%"):
        return None
    advice = f"close it with `{closer}`; quote a text that contains any of `, : [ ] {{ }}`"
    return Diagnostic("E101", f"expected `,` or `{closer}`", at, notes=notes, help=advice)


_GLUED: Final = re.compile(r"\s*(?:- )?([^\s:#\"']+):(?=[^\s:/])")


def _colon(source: Source, at: Span) -> Diagnostic:
    """Tell of a `:` where no key can be."""
    line = source.lines[at.line - 1]
    if re.search(r":\s", line[: at.column - 1]):
        message = "a second `: ` in one line"
        return Diagnostic("E101", message, at, help=QUOTE)
    above = source.lines[at.line - 2] if at.line > 1 else ""
    if _GLUED.match(above) or re.match(r"[^\s:#-][^:]*$", above):
        return _no_colon(source, Span(source, at.line - 1, 1, 2))
    start = len(line) - len(line.lstrip())
    span = Span(source, at.line, start + 1, max(at.column, start + 2))
    message, advice = "this key is indented like nothing above it", "align it with the other keys of its block"
    return Diagnostic("E101", message, span, help=advice)


def _no_colon(source: Source, at: Span) -> Diagnostic:
    """Tell of a line among `key: value` lines that has no `: `."""
    line = source.lines[at.line - 1]
    if glued := _GLUED.match(line):
        span = Span(source, at.line, glued.end(), glued.end() + 1)
        return Diagnostic("E101", "a space is missing after `:`", span, help=f"write `{glued[1]}: ...`")
    span = at._replace(end=len(line.rstrip()) + 1)
    return Diagnostic(
        "E101", "a line without `key:`", span, help="write `key: value`, or indent it if it continues a text"
    )


def _misplaced(source: Source, at: Span, block: Span) -> Diagnostic:
    """Tell of something that belongs to no block."""
    line = source.lines[at.line - 1]
    if line[: at.column - 1].strip():
        message, advice = "something follows a value that had ended", QUOTE
        return Diagnostic("E101", message, at._replace(end=len(line.rstrip()) + 1), help=advice)
    notes = (Note(block, "the block above starts here"),)
    message, advice = "this line is indented like nothing above it", "align it with the lines it belongs to"
    return Diagnostic("E101", message, at._replace(end=max(at.end, len(line.rstrip()) + 1)), notes=notes, help=advice)
