"""YAML syntax errors in plain words: each is reported as the mistake that most likely caused it.

The mistake is found in the text, at the two places that PyYAML reports. PyYAML's own wording is never read: it differs
between versions, and with and without libyaml.
"""

from __future__ import annotations

import re
from typing import Final

import yaml

from inception_dsl.diagnostics.codes.yaml import INVALID_YAML, UNSUPPORTED_YAML
from inception_dsl.diagnostics.diagnostic import Diagnostic, Note, Source, Span
from inception_dsl.syntax.blocks import block_error

QUOTE: Final = "put the whole value in double quotes"

_KEY_LIMIT: Final = 1024  # characters of a key, by YAML 1.2.2, section 7.4
_QUOTED: Final = re.compile(r"""\"(?:[^"\\]|\\.)*+\"|'(?:[^']|'')*+'""", re.DOTALL)
_PROPERTIES: Final = {"&": "anchors and aliases are", "*": "anchors and aliases are", "!": "tags are"}


def span_of_marks(source: Source, start: yaml.Mark, end: yaml.Mark) -> Span:
    """The span between two marks, as far as it is on the line of the first."""
    line = min(start.line, len(source.lines) - 1)
    length = len(source.lines[line])
    column = min(start.column, length)
    stop = min(end.column, length) if end.line == start.line else length
    return Span(source, line + 1, column + 1, max(column, stop) + 1)


def explain_yaml_error(error: yaml.MarkedYAMLError, source: Source, bracket: Span | None) -> Diagnostic:
    """The diagnostic of a syntax error; `bracket` is the innermost `[` or `{` that was open when it arose."""
    mark, begun = error.problem_mark or error.context_mark, error.context_mark
    at = here(source, mark)
    if tabs := re.match(r" *\t", source.lines[at.line - 1]):
        span = at._replace(column=tabs.end(), end=tabs.end() + 1)
        return Diagnostic(INVALID_YAML, "YAML does not allow tabs as indentation", span, help="indent with spaces")
    # where the parser began to read; libyaml may report the place of the problem here too
    start = here(source, begun) if begun and mark and begun.index < mark.index else None
    scanning = isinstance(error, yaml.scanner.ScannerError)
    if scanning and start and (fault := _in_quotes(start, at)):
        return fault
    if bracket and (fault := _in_brackets(at, bracket, starts_nothing=scanning and start is None)):
        return fault
    if fault := block_error(source, (start or at).line) or block_error(source, at.line):
        return fault
    if scanning:
        return _scanned(at, start, mark.index - begun.index) if start and mark and begun else _unexpected(at)
    return _parsed(at, start, in_file=begun is None)


def unreadable_number(at: Span) -> Diagnostic:
    """The diagnostic of a number that PyYAML without libyaml cannot read: in a directive, or in an escape."""
    return _directive(at) if at.source.lines[at.line - 1].startswith("%") else bad_escape(at)


def bad_escape(at: Span) -> Diagnostic:
    """The diagnostic of an unknown escape in double quotes; its backslash is at `at` or a little before."""
    column = at.source.lines[at.line - 1].rfind("\\", 0, at.column) + 1 or at.column
    span = at._replace(column=column, end=column + 2)
    advice = "write `\\\\` for a backslash, or use single quotes"
    return Diagnostic(INVALID_YAML, "unknown escape in double quotes", span, help=advice)


def _in_quotes(start: Span, at: Span) -> Diagnostic | None:
    """The diagnostic of a quoted string, if that is what the parser was reading."""
    if (quote := _under(start)) not in ("'", '"'):
        return None
    lines = at.source.lines
    closed = _QUOTED.match("\n".join(lines[start.line - 1 :]), start.column - 1)
    length = sum(len(line) + 1 for line in lines[start.line - 1 : at.line - 1]) + at.column - 1
    if closed and closed.end() <= length:
        return None
    if closed and not (at.column == 1 and lines[at.line - 1].startswith(("---", "..."))):
        return bad_escape(at)
    message = f"unterminated quoted string: missing `{quote}`"
    return Diagnostic(
        INVALID_YAML, message, start, "opened here", help="close it, or double a quote inside single quotes"
    )


def _unexpected(at: Span) -> Diagnostic:
    """The diagnostic of a character that cannot start a value."""
    match _under(at):
        case ":":
            return _colon(at.source, at)
        case "-":
            message, advice = "a list cannot start on this line", "write each `- ` item on a line of its own"
        case "?":
            message, advice = "a value cannot start with `? ` unless it is quoted", QUOTE
        case "\t":
            message, advice = "a value cannot start with a tab", "use spaces instead"
        case character:
            message, advice = f"a value cannot start with `{character}` unless it is quoted", QUOTE
    return Diagnostic(INVALID_YAML, message, at, help=advice)


def _scanned(at: Span, start: Span, length: int) -> Diagnostic:
    """The diagnostic of a token that could not be read from `start` to its end, `length` characters later."""
    opener = _under(start)
    if opener == "%":
        return _directive(at)
    if opener in "|>":
        message = f"the text of a block starts on the line after its `{opener}`"
        return Diagnostic(INVALID_YAML, message, at, help="move it to the next line")
    same_line = at.line == start.line and length <= _KEY_LIMIT
    if same_line and (what := _PROPERTIES.get(opener)):
        return Diagnostic(UNSUPPORTED_YAML, f"{what} not supported in a spec", at, help=QUOTE)
    if same_line and _under(at) == ":":
        return Diagnostic(INVALID_YAML, "missing space after `:`", at, help=f"write `: `, or {QUOTE}")
    return _no_colon(at.source, start)


def _parsed(at: Span, start: Span | None, in_file: bool) -> Diagnostic:
    """The diagnostic of something out of place in the value that starts at `start`, or in the whole file."""
    stands, above = _under(at), at.source.lines[: at.line]
    if what := _PROPERTIES.get(stands):
        return Diagnostic(UNSUPPORTED_YAML, f"{what} not supported in a spec", at, help=QUOTE)
    if (
        in_file
        and any(line.startswith("%") for line in above)
        and not any(line.startswith("---") for line in above[:-1])
    ):
        return _directive(at)
    if start and re.match(r"-(\s|$)", start.source.lines[start.line - 1][start.column - 1 :]):
        return Diagnostic(
            INVALID_YAML,
            "this line of a list does not start with `- `",
            at,
            help="start the line with `- `, or indent it",
        )
    if start or in_file:
        return _misplaced(at.source, at, start or Span(at.source, 1, 1, 2))
    words = {":": "missing key", "]": "`]` is never opened", "}": "`}` is never opened"}
    return Diagnostic(INVALID_YAML, words.get(stands, "missing value"), at, help=QUOTE)


def _directive(at: Span) -> Diagnostic:
    return Diagnostic(UNSUPPORTED_YAML, "this directive is not supported in a spec", at, help="delete the line")


def _under(span: Span) -> str:
    return span.source.lines[span.line - 1][span.column - 1 : span.column]


def here(source: Source, mark: yaml.Mark | None) -> Span:
    """The character at a mark; where the text of the file ends for a mark beyond it."""
    if mark is None:
        return Span(source, 1, 1, 2)
    text = source.text.rstrip()
    line, column = text.count("\n") + 1, len(text) - text.rfind("\n")
    if (mark.line + 1, mark.column + 1) > (line, column):
        return Span(source, line, column, column + 1)
    span = span_of_marks(source, mark, mark)
    return span._replace(end=span.column + 1)


# A `#` that starts a comment for YAML and a string for its author: no space follows it.
_COMMENT: Final = re.compile(r"(?<![^\s\[\]{},])#[^\s,\]}]+")


def _in_brackets(at: Span, bracket: Span, starts_nothing: bool) -> Diagnostic | None:
    """The diagnostic of brackets that are not closed, or that contain an unquoted string."""
    source, text = bracket.source, bracket.source.lines[bracket.line - 1]
    opener = text[bracket.column - 1]
    closer = "]" if opener == "[" else "}"
    notes = (Note(bracket, f"`{opener}` opened here"),)
    for number in range(bracket.line, at.line + 1):
        line = source.lines[number - 1]
        start = bracket.column if number == bracket.line else 0
        if comment := _COMMENT.search(line, start):
            span = Span(source, number, comment.start() + 1, comment.end() + 1)
            message, advice = "an unquoted `#` starts a comment, even inside brackets", f'write `"{comment[0]}"`'
            return Diagnostic(INVALID_YAML, message, span, "the rest of the line is a comment", notes, advice)
    if starts_nothing and _under(at) not in ":-?" and (at.line == bracket.line or _under(at) in "@`%"):
        return None
    advice = f"close it with `{closer}`; quote a string that contains any of `, : [ ] {{ }}`"
    return Diagnostic(INVALID_YAML, f"expected `,` or `{closer}`", at, notes=notes, help=advice)


_GLUED: Final = re.compile(r"\s*(?:- )?([^\s:#\"']+):(?=[^\s:/])")


def _colon(source: Source, at: Span) -> Diagnostic:
    """The diagnostic of a `:` where there cannot be a key."""
    line = source.lines[at.line - 1]
    if re.search(r":\s", line[: at.column - 1]):
        message = "two `: ` on one line"
        return Diagnostic(INVALID_YAML, message, at, help=QUOTE)
    above = source.lines[at.line - 2] if at.line > 1 else ""
    if _GLUED.match(above) or re.match(r"[^\s:#-][^:]*$", above):
        return _no_colon(source, Span(source, at.line - 1, 1, 2))
    start = len(line) - len(line.lstrip())
    span = Span(source, at.line, start + 1, max(at.column, start + 2))
    message, advice = "the indentation of this key matches no block above", "align it with the other keys of its block"
    return Diagnostic(INVALID_YAML, message, span, help=advice)


def _no_colon(source: Source, at: Span) -> Diagnostic:
    """The diagnostic of a line without `: ` among `key: value` lines."""
    line = source.lines[at.line - 1]
    if glued := _GLUED.match(line):
        span = Span(source, at.line, glued.end(), glued.end() + 1)
        return Diagnostic(INVALID_YAML, "missing space after `:`", span, help=f"write `{glued[1]}: ...`")
    span = at._replace(end=len(line.rstrip()) + 1)
    return Diagnostic(
        INVALID_YAML, "this line has no `key:`", span, help="write `key: value`, or indent it if it continues a value"
    )


def _misplaced(source: Source, at: Span, block: Span) -> Diagnostic:
    """The diagnostic of something that belongs to no block."""
    line = source.lines[at.line - 1]
    if line[: at.column - 1].strip():
        message, advice = "unexpected text after the end of a value", QUOTE
        return Diagnostic(INVALID_YAML, message, at._replace(end=len(line.rstrip()) + 1), help=advice)
    notes = (Note(block, "the block above starts here"),)
    message, advice = "the indentation of this line matches no block above", "align it with the lines it belongs to"
    return Diagnostic(
        INVALID_YAML, message, at._replace(end=max(at.end, len(line.rstrip()) + 1)), notes=notes, help=advice
    )
