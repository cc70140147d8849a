"""Diagnostics as text for people, and as plain data and workflow commands for machines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from inception_dsl.diagnostics.diagnostic import Diagnostic, Span
from inception_dsl.text.aligned import Paint
from inception_dsl.text.terminal import cells, visible

MAX_DIAGNOSTICS_SHOWN: Final = 20
"""The most diagnostics that are printed in full."""

MAX_COLUMNS_SHOWN: Final = 100
"""The most columns of a source line that are shown."""

RED: Final = "\x1b[1;31m"
YELLOW: Final = "\x1b[1;33m"
BLUE: Final = "\x1b[1;34m"
BOLD: Final = "\x1b[1m"
PLAIN: Final = "\x1b[0m"


def text(diagnostics: Sequence[Diagnostic], colour: bool = False, room: int | None = None) -> str:
    """Format diagnostics for a terminal, each with its source lines, then their number; "" for none.

    Source lines are cut to `room` columns. Control, invisible and bidirectional characters are shown as escapes, so
    that no file can control the terminal.
    """
    if not diagnostics:
        return ""

    def paint(code: str, words: str) -> str:
        return f"{code}{words}{PLAIN}" if colour and words else words

    blocks = ["\n".join(_block(diagnostic, paint, room)) for diagnostic in diagnostics[:MAX_DIAGNOSTICS_SHOWN]]
    if rest := diagnostics[MAX_DIAGNOSTICS_SHOWN:]:
        blocks.append(f"... and {counted(rest, 'more ')}")
    return "\n\n".join([*blocks, paint(BOLD, counted(diagnostics))])


def counted(diagnostics: Sequence[Diagnostic], more: str = "") -> str:
    """The number of diagnostics: `2 errors, 1 warning`."""
    counts = Counter(diagnostic.severity for diagnostic in diagnostics)
    return ", ".join(
        f"{count} {more}{severity}" + "s" * (count != 1)
        for severity in ("error", "warning")
        if (count := counts[severity])
    )


def _block(diagnostic: Diagnostic, paint: Paint, room: int | None) -> Iterator[str]:
    colour = YELLOW if diagnostic.severity == "warning" else RED
    yield paint(colour, f"{diagnostic.severity}[{diagnostic.code}]") + paint(BOLD, f": {visible(diagnostic.message)}")
    notes = diagnostic.notes
    width = max((len(str(span.line)) for span in (diagnostic.span, *(n.span for n in notes)) if span), default=1)
    most = max(min(MAX_COLUMNS_SHOWN, (room or MAX_COLUMNS_SHOWN + width + 3) - width - 3), 20)
    bar = paint(BLUE, " " * (width + 1) + "|")
    if diagnostic.path:
        yield paint(BLUE, " " * width + "-->") + f" {place(diagnostic)}"
    if diagnostic.span:
        yield bar
        yield from _snippet(diagnostic.span, diagnostic.label, (width, most), colour, paint)
    for note in notes:
        yield paint(BLUE, " " * (width + 1) + ":::") + f" {visible(str(note.span))}"
        yield from _snippet(note.span, note.message, (width, most), BLUE, paint)
    for i, line in enumerate(diagnostic.help.splitlines()):
        lead = paint(BLUE, " " * (width + 1) + "= ") + paint(BOLD, "help:") if i == 0 else " " * (width + 8)
        yield f"{lead} {visible(line)}"


def place(diagnostic: Diagnostic) -> str:
    """Where it is, as far as known: `specs/a.yaml:31:3`, `specs/a.yaml`, or "" without a file."""
    return visible(str(diagnostic.span or diagnostic.file))


def _snippet(span: Span, label: str, widths: tuple[int, int], colour: str, paint: Paint) -> Iterator[str]:
    """The line of a span and the carets below it; `widths` are those of the line number and of the line."""
    width, most = widths
    line, before, under = _excerpt(span, most)
    yield (paint(BLUE, f"{span.line:>{width}} |") + f" {line}").rstrip()
    carets = paint(colour, f"{'^' * under} {visible(label)}".rstrip())
    yield paint(BLUE, " " * (width + 1) + "|") + " " * (before + 1) + carets


def _excerpt(span: Span, most: int) -> tuple[str, int, int]:
    """Cut a span's line to `most` columns; returns it, the columns before the span and the columns under it."""
    lines = span.source.lines
    line = lines[span.line - 1] if 1 <= span.line <= len(lines) else ""
    start = min(max(span.column - 1, 0), len(line))
    stop = min(max(span.end - 1, start), len(line))
    # a line may have millions of characters: look only at those that could be shown
    first = max(0, start - most)
    shown = list(cells(line[first : start + 2 * most]))
    start, stop = start - first, min(stop - first, len(shown))
    widths = [width for _, width in shown]
    left, right = 0, len(shown)
    cut_left, cut_right = first > 0, first + len(shown) < len(line)
    if sum(widths) > most or cut_left or cut_right:
        # a third of the room for the text before the span, and more if little follows
        while left < start and sum(widths[left:start]) > max(most // 3, most - sum(widths[start:]) - 2):
            left += 1
        while right > left and sum(widths[left:right]) > most - 2:
            right -= 1
    cut_left, cut_right = cut_left or left > 0, cut_right or right < len(shown)
    line = "…" * cut_left + "".join(cell for cell, _ in shown[left:right]) + "…" * cut_right
    before = sum(widths[left:start]) + cut_left
    return line, before, max(sum(widths[start : min(stop, right)]), 1)


def diagnostics_data(diagnostics: Sequence[Diagnostic]) -> list[dict[str, Any]]:
    """Diagnostics as plain data; places that are unknown are None. Columns count characters from 1."""
    return [
        {
            "code": diagnostic.code,
            "severity": diagnostic.severity,
            "message": diagnostic.message,
            **_where(diagnostic.span, diagnostic.path),
            "label": diagnostic.label,
            "notes": [
                {"message": note.message, **_where(note.span, note.span.source.file)} for note in diagnostic.notes
            ],
            "help": diagnostic.help,
        }
        for diagnostic in diagnostics
    ]


def _where(span: Span | None, file: str) -> dict[str, Any]:
    line, column, end = (span.line, span.column, span.end) if span else (None, None, None)
    return {"file": file or None, "line": line, "column": column, "end_column": end}


def paragraph(diagnostic: Diagnostic) -> str:
    """Message, label and help in one text."""
    help_ = f"help: {diagnostic.help}" if diagnostic.help else ""
    return "\n".join(filter(None, [diagnostic.message, diagnostic.label, help_]))


def github(diagnostics: Sequence[Diagnostic]) -> str:
    """Workflow commands, which GitHub Actions shows at the lines that they name."""
    return "\n".join(map(_command, diagnostics))


def _command(diagnostic: Diagnostic) -> str:
    properties: dict[str, object] = {"file": diagnostic.path} if diagnostic.path else {}
    if span := diagnostic.span:
        properties |= {"line": span.line, "col": span.column, "endColumn": span.end}
    return command(diagnostic.severity, paragraph(diagnostic), {**properties, "title": diagnostic.code})


def command(name: str, words: str, properties: Mapping[str, object]) -> str:
    """One workflow command: `::error file=a.yaml,title=E204::words`."""
    # https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
    data = "%0A".join(visible(line).replace("%", "%25") for line in words.splitlines())
    escaped = {
        key: visible(str(value)).replace("%", "%25").replace(":", "%3A").replace(",", "%2C")
        for key, value in properties.items()
    }
    return f"::{name} {','.join(f'{key}={value}' for key, value in escaped.items())}::{data}"
