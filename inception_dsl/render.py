"""Diagnostics as text for people and as JSON, workflow commands and SARIF for machines."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final
from unicodedata import category, combining, east_asian_width

from inception_dsl.diagnostics import Diagnostic, Span

SHOWN: Final = 20
"""How many diagnostics are printed in full."""

COLUMNS: Final = 100
LONGEST: Final = 1000
"""The columns of a source line, and the characters of a message, that are shown."""

TAB: Final = 4

RED: Final = "\x1b[1;31m"
YELLOW: Final = "\x1b[1;33m"
BLUE: Final = "\x1b[1;34m"
BOLD: Final = "\x1b[1m"
PLAIN: Final = "\x1b[0m"

Paint = Callable[[str, str], str]


def text(diagnostics: Sequence[Diagnostic], colour: bool = False) -> str:
    """Print diagnostics for a terminal, each with its source lines, then how many there are; "" for none.

    Control, invisible and bidirectional characters of a file are shown as escapes: no file can write to the terminal.
    """
    if not diagnostics:
        return ""

    def paint(code: str, words: str) -> str:
        return f"{code}{words}{PLAIN}" if colour and words else words

    blocks = ["\n".join(_block(diagnostic, paint)) for diagnostic in diagnostics[:SHOWN]]
    if rest := diagnostics[SHOWN:]:
        blocks.append(f"... and {_counted(rest, 'more ')}")
    return "\n\n".join([*blocks, paint(BOLD, _counted(diagnostics))])


def _counted(diagnostics: Sequence[Diagnostic], more: str = "") -> str:
    """How many diagnostics there are: `2 errors, 1 warning`."""
    counts = Counter(diagnostic.severity for diagnostic in diagnostics)
    return ", ".join(
        f"{count} {more}{severity}" + "s" * (count != 1)
        for severity in ("error", "warning")
        if (count := counts[severity])
    )


def _block(diagnostic: Diagnostic, paint: Paint) -> Iterator[str]:
    colour = YELLOW if diagnostic.severity == "warning" else RED
    yield paint(colour, f"{diagnostic.severity}[{diagnostic.code}]") + paint(BOLD, f": {_visible(diagnostic.message)}")
    notes = diagnostic.notes
    width = max((len(str(span.line)) for span in (diagnostic.span, *(n.span for n in notes)) if span), default=1)
    bar = paint(BLUE, " " * (width + 1) + "|")
    if diagnostic.span:
        yield paint(BLUE, " " * width + "-->") + f" {_place(diagnostic.span)}"
        yield bar
        yield from _snippet(diagnostic.span, diagnostic.label, width, colour, paint)
    for note in notes:
        yield paint(BLUE, " " * (width + 1) + ":::") + f" {_place(note.span)}"
        yield from _snippet(note.span, note.message, width, BLUE, paint)
    for i, line in enumerate(diagnostic.help.splitlines()):
        lead = paint(BLUE, " " * (width + 1) + "= ") + paint(BOLD, "help:") if i == 0 else " " * (width + 8)
        yield f"{lead} {_visible(line)}"


def _place(span: Span) -> str:
    return f"{_visible(span.source.file)}:{span.line}:{span.column}"


def _snippet(span: Span, label: str, width: int, colour: str, paint: Paint) -> Iterator[str]:
    line, before, under = _excerpt(span)
    yield (paint(BLUE, f"{span.line:>{width}} |") + f" {line}").rstrip()
    carets = paint(colour, f"{'^' * under} {_visible(label)}".rstrip())
    yield paint(BLUE, " " * (width + 1) + "|") + " " * (before + 1) + carets


def _excerpt(span: Span) -> tuple[str, int, int]:
    """Show a span's line as far as it fits: the line, the columns before the span and those under it."""
    lines = span.source.lines
    line = lines[span.line - 1] if 1 <= span.line <= len(lines) else ""
    start = min(max(span.column - 1, 0), len(line))
    stop = min(max(span.end - 1, start), len(line))
    # a line may have millions of characters: look only at those that could be shown
    first = max(0, start - COLUMNS)
    cells = list(_cells(line[first : start + 2 * COLUMNS]))
    start, stop = start - first, min(stop - first, len(cells))
    widths = [width for _, width in cells]
    left, right = 0, len(cells)
    cut_left, cut_right = first > 0, first + len(cells) < len(line)
    if sum(widths) > COLUMNS or cut_left or cut_right:
        # a third of the room for what stands before the span, and all of it where little follows
        while left < start and sum(widths[left:start]) > max(COLUMNS // 3, COLUMNS - sum(widths[start:]) - 2):
            left += 1
        while right > left and sum(widths[left:right]) > COLUMNS - 2:
            right -= 1
    cut_left, cut_right = cut_left or left > 0, cut_right or right < len(cells)
    shown = "…" * cut_left + "".join(cell for cell, _ in cells[left:right]) + "…" * cut_right
    before = sum(widths[left:start]) + cut_left
    return shown, before, max(sum(widths[start : min(stop, right)]), 1)


def _cells(line: str) -> Iterator[tuple[str, int]]:
    """Each character as it is shown, with the columns it takes."""
    at = 0
    for character in line:
        if character == "\t":
            cell = " " * (TAB - at % TAB)
            width = len(cell)
        elif (cell := _escaped(character)) != character:
            width = len(cell)
        elif combining(character) or category(character) in ("Mn", "Me"):
            width = 0
        else:
            width = 2 if east_asian_width(character) in "WF" else 1
        at += width
        yield cell, width


def _escaped(character: str) -> str:
    if character.isprintable():
        return character
    number = ord(character)
    return f"\\x{number:02x}" if number < 0x80 else f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def _visible(words: str) -> str:
    if len(words) > LONGEST:
        words = f"{words[: LONGEST // 2]}…{words[-LONGEST // 2 :]}"
    return words if words.isprintable() else "".join(map(_escaped, words))


def as_json(diagnostics: Sequence[Diagnostic]) -> list[dict[str, Any]]:
    """Give diagnostics as plain data; what has no place in a file has None for it. Columns count characters from 1."""
    return [
        {
            "code": diagnostic.code,
            "severity": diagnostic.severity,
            "message": diagnostic.message,
            **_where(diagnostic.span),
            "label": diagnostic.label,
            "notes": [{"message": note.message, **_where(note.span)} for note in diagnostic.notes],
            "help": diagnostic.help,
        }
        for diagnostic in diagnostics
    ]


def _where(span: Span | None) -> dict[str, Any]:
    if span is None:
        return {"file": None, "line": None, "column": None, "end_column": None}
    return {"file": span.source.file, "line": span.line, "column": span.column, "end_column": span.end}


def _paragraph(diagnostic: Diagnostic) -> str:
    """Join message, label and help for what shows one text only."""
    help_ = f"help: {diagnostic.help}" if diagnostic.help else ""
    return "\n".join(filter(None, [diagnostic.message, diagnostic.label, help_]))


def github(diagnostics: Sequence[Diagnostic]) -> str:
    """Print workflow commands, which GitHub Actions shows at the lines they name."""
    return "\n".join(map(_command, diagnostics))


def _command(diagnostic: Diagnostic) -> str:
    properties: dict[str, object] = {}
    if span := diagnostic.span:
        properties = {"file": span.source.file, "line": span.line, "col": span.column, "endColumn": span.end}
    properties["title"] = diagnostic.code
    # https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
    data = "%0A".join(_visible(line).replace("%", "%25") for line in _paragraph(diagnostic).splitlines())
    escaped = {
        name: _visible(str(value)).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
        for name, value in properties.items()
    }
    return f"::{diagnostic.severity} {','.join(f'{name}={value}' for name, value in escaped.items())}::{data}"


def sarif(diagnostics: Sequence[Diagnostic]) -> dict[str, Any]:
    """Give diagnostics as a SARIF 2.1.0 log, for code scanning."""
    codes = sorted({diagnostic.code for diagnostic in diagnostics})
    return {
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [
            {
                "tool": {"driver": {"name": "inception-dsl", "rules": [{"id": code} for code in codes]}},
                "columnKind": "unicodeCodePoints",
                "results": [_result(diagnostic, codes.index(diagnostic.code)) for diagnostic in diagnostics],
            }
        ],
    }


def _result(diagnostic: Diagnostic, rule: int) -> dict[str, Any]:
    result: dict[str, Any] = {
        "ruleId": diagnostic.code,
        "ruleIndex": rule,
        "level": diagnostic.severity,
        "message": {"text": _paragraph(diagnostic)},
    }
    if diagnostic.span:
        result["locations"] = [_location(diagnostic.span)]
    if diagnostic.notes:
        result["relatedLocations"] = [
            {"id": number, **_location(note.span), "message": {"text": note.message}}
            for number, note in enumerate(diagnostic.notes)
        ]
    return result


def _location(span: Span) -> dict[str, Any]:
    from urllib.parse import quote

    # a name of bytes that are not UTF-8 has surrogates
    path = quote(span.source.file, errors="surrogatepass")
    return {
        "physicalLocation": {
            "artifactLocation": {"uri": f"file://{path}" if path.startswith("/") else path},
            "region": {"startLine": span.line, "startColumn": span.column, "endColumn": span.end},
        }
    }


FORMATS: Final[dict[str, Callable[[Sequence[Diagnostic]], str]]] = {
    "text": text,
    "json": lambda diagnostics: json.dumps(as_json(diagnostics), indent=2),
    "github": github,
    "sarif": lambda diagnostics: json.dumps(sarif(diagnostics), indent=2),
}
"""What `--format` prints: by name, diagnostics to text."""
