"""Comments that say why a finding is right as it is: `# lint: ignore L011 because ...`."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Collection, Iterator, Sequence
from typing import Final, NamedTuple

from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.diagnostics.diagnostic import Diagnostic, Source, Span
from inception_dsl.diagnostics.spelling import did_you_mean, listing
from inception_dsl.edit.edit import Edit
from inception_dsl.lint.rule import Finding
from inception_dsl.syntax.yaml_tokens import tokens

INVALID_IGNORE: Final = Code(
    "L091",
    "comment of lint that cannot be read",
    """\
The comment is `# lint: ignore L011 because ...`, with the reason, for one code or several with commas between them. At
the end of a line it applies to what the line starts, such as a module or the table; on a line of its own, to what the
next line starts. Tables and formulas take no comments, so a comment at `layers: |` may name the rows that it is for:
`# lint: ignore L011 in pool1, pool2 because ...`.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |    # lint: ignore L014
  name  | layer
  conv1 | conv 3x3 16 same
""",
    right="""\
network: tiny
input: 3x32x32
layers: |    # lint: ignore L014 in conv1 because the sensor has 30 outputs
  name  | layer
  conv1 | conv 3x3 30 same
  conv2 | conv 3x3 32 same
""",
)

UNUSED_IGNORE: Final = Code(
    "L092",
    "comment of lint that ignores nothing",
    """\
The rule finds nothing at the place of this comment, perhaps because the spec has changed since. It would hide a later
finding whose reason may be another.
""",
    wrong="""\
network: tiny
input: 3x32x32
layers: |    # lint: ignore L014 in conv1 because the sensor has 30 outputs
  name  | layer
  conv1 | conv 3x3 32 same
""",
    right="""\
network: tiny
input: 3x32x32
layers: |
  name  | layer
  conv1 | conv 3x3 32 same
""",
)

CODES: Final = (INVALID_IGNORE, UNUSED_IGNORE)

_COMMENT: Final = re.compile(r"(?:^|(?<=\s))#\s*lint\s*:(?P<rest>.*)$", re.IGNORECASE)
_IGNORE: Final = re.compile(
    r"\s*ignore\s+(?P<codes>\w+(?:\s*,\s*\w+)*)"
    r"(?:\s+in\s+(?P<names>\w+(?:\s*,\s*\w+)*))?"
    r"\s+because\s+(?P<reason>.*\w.*)"
)


class Ignore(NamedTuple):
    """A comment: the codes that it ignores on lines `first` to `last`, or on those that start with one of `names`."""

    span: Span
    codes: tuple[str, ...]
    names: tuple[str, ...]
    first: int
    last: int
    reason: str

    def covers(self, diagnostic: Diagnostic) -> bool:
        """Whether it is about a finding."""
        span = diagnostic.span
        if span is None or span.source is not self.span.source or diagnostic.code not in self.codes:
            return False
        if not self.first <= span.line <= self.last or not self.names:
            return self.first <= span.line <= self.last
        start = re.match(r"\W*(\w+)", span.source.lines[span.line - 1])
        return start is not None and start[1] in self.names


def read_ignores(source: Source, known: Collection[str]) -> tuple[list[Ignore], list[Finding]]:
    """The comments of a file, and findings about those that cannot be read; `known` are the codes of all rules."""
    ignores: list[Ignore] = []
    findings: list[Finding] = []
    for number, comment in _comments(source):
        line = comment.string
        span = Span(source, number, comment.start() + 1, len(line.rstrip()) + 1)
        if not (read := _IGNORE.fullmatch(comment["rest"].rstrip())):
            message = "a comment of lint gives a reason" if "because" not in line else "this comment cannot be read"
            hint = "write `# lint: ignore L011 because ...`, with the code and the reason"
            findings.append(Finding(Diagnostic(INVALID_IGNORE, message, span, help=hint)))
            continue
        codes, names = _split(read["codes"].upper()), _split(read["names"] or "")
        unknown = [code for code in codes if code not in known]
        for code in unknown:
            hint = did_you_mean(code, known) or "`inception-dsl explain` lists the codes of lint"
            findings.append(Finding(Diagnostic(INVALID_IGNORE, f"lint has no rule `{code}`", span, help=hint)))
        first = number if line[: comment.start()].strip() else _next_line(source.lines, number)
        last = _last_line(source.lines, first)
        if not unknown:
            ignores.append(Ignore(span, codes, names, first, last, read["reason"].strip()))
    return ignores, findings


def _comments(source: Source) -> Iterator[tuple[int, re.Match[str]]]:
    """The lines with a comment of lint, and the comment; texts that look like one inside a value are none."""
    found = [(number, comment) for number, line in enumerate(source.lines, 1) if (comment := _COMMENT.search(line))]
    scalars = [token for token in tokens(source) if token.kind == "scalar"] if found else []
    starts = [token.start for token in scalars]
    for number, comment in found:
        at = source.line_starts[number - 1] + comment.start()
        before = scalars[bisect(starts, at) - 1] if scalars and starts[0] < at else None
        # the header of a block, as in `layers: |    # ...`, is a part of its value
        if before is None or at >= before.end or (before.line == number - 1 and source.text[before.start] in "|>"):
            yield number, comment


def unused(ignores: Sequence[Ignore], used: Collection[tuple[int, str]], ran: Collection[str]) -> Iterator[Finding]:
    """Findings about comments that ignore nothing, as far as the rules that `ran` can say.

    `used` are the lines of those that ignore something, with the code that they ignore.
    """
    for ignore in ignores:
        idle = [code for code in ignore.codes if (ignore.span.line, code) not in used and code in ran]
        if idle:
            message = f"nothing to ignore here: {listing(idle, 'and')}"
            rest = [code for code in ignore.codes if code not in idle]
            hint = "delete the comment" if not rest else f"keep {listing(rest)}"
            yield Finding(Diagnostic(UNUSED_IGNORE, message, ignore.span, help=hint), (_without(ignore, rest),))


def _without(ignore: Ignore, rest: Sequence[str]) -> Edit:
    """The edit that leaves only some codes in a comment, or deletes it, with its line where it stands alone."""
    source, number = ignore.span.source, ignore.span.line
    line = source.lines[number - 1]
    before = line[: ignore.span.column - 1]
    if rest:
        places = f" in {', '.join(ignore.names)}" if ignore.names else ""
        return Edit(ignore.span, f"# lint: ignore {', '.join(rest)}{places} because {ignore.reason}")
    if not before.strip():
        return Edit.line(source, number)
    return Edit(Span(source, number, len(before.rstrip()) + 1, len(line) + 1), "")


def _split(words: str) -> tuple[str, ...]:
    return tuple(word.strip() for word in words.split(",") if word.strip())


def _next_line(lines: Sequence[str], number: int) -> int:
    """The next line with content, below the comment on a line."""
    below = (i for i in range(number, len(lines)) if lines[i].strip() and not lines[i].lstrip().startswith("#"))
    return next(below, number - 1) + 1


def _last_line(lines: Sequence[str], first: int) -> int:
    """The last line of what starts on a line: those below it that are indented more."""
    indent = len(lines[first - 1]) - len(lines[first - 1].lstrip())
    last = first
    for i in range(first, len(lines)):
        line = lines[i]
        if line.strip() and len(line) - len(line.lstrip()) <= indent:
            break
        last = i + 1
    return last
