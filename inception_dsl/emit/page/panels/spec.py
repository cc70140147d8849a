"""The spec, with the files that it extends, and the lines that every row comes from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from inception_dsl.diagnostics.diagnostic import Source, Span
from inception_dsl.emit.page.highlight import spec_lines
from inception_dsl.emit.page.panels.listing import listed
from inception_dsl.emit.page.subject import Subject
from inception_dsl.ir.dataflow import within
from inception_dsl.ir.program import Call, Head, Program, Row, Template


def context(subject: Subject) -> Mapping[str, Any]:
    """The files as listings, the spec's own first."""
    program = subject.typed.program
    lines: dict[Source, dict[str, set[int]]] = {span.source: {} for span in _spans(program)}
    for entry in program.entries:
        for span in _of_row(subject, entry):
            lines.setdefault(span.source, {}).setdefault(entry.name, set()).add(span.line)
    sources = sorted(lines, key=lambda source: not program.file.startswith(source.name))
    return {
        "listings": [
            listed(
                source.name,
                spec_lines(source),
                {row: _ranges(sorted(found)) for row, found in lines[source].items()},
            )
            for source in sources
        ]
    }


def _of_row(subject: Subject, entry: Row | Head) -> Iterator[Span]:
    """Where a row was written: its line, the layers of the modules that it calls, its printed numbers and errata."""
    program = subject.typed.program
    published = program.published
    places = [entry.origin, *(node.origin for node in subject.typed.of(entry.name))]
    places += [template.origin for template in called(program, entry)]
    places += [claim.origin for claim in published.claims if claim.row == entry.name]
    places += [erratum.origin for erratum in published.errata if erratum.row == entry.name]
    yield from filter(None, places)


def called(program: Program, entry: Row | Head) -> Iterator[Template]:
    """The templates that a row calls, and those that they call, outer before inner."""
    waiting, found = [entry.body], dict[str, Template]()
    while waiting:
        for body in within(waiting.pop(0)):
            if isinstance(body, Call) and body.template not in found:
                found[body.template] = program.templates[body.template]
                waiting.append(found[body.template].body)
    yield from found.values()


def _spans(program: Program) -> Iterator[Span]:
    """Places of all files that a program comes from."""
    published = program.published
    yield from (part.origin for part in (*program.entries, *published.claims) if part.origin)
    yield from (erratum.origin for erratum in published.errata if erratum.origin)
    yield from program.training_places.values()


def _ranges(lines: list[int]) -> list[tuple[int, int]]:
    """Sorted numbers as ranges: `[1, 2, 3, 7]` is `[(1, 3), (7, 7)]`."""
    ranges: list[tuple[int, int]] = []
    for line in lines:
        if ranges and ranges[-1][1] == line - 1:
            ranges[-1] = ranges[-1][0], line
        else:
            ranges.append((line, line))
    return ranges
