"""The values of a spec that have a notation of their own: tables, formulas, and the words of defaults."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

from inception_dsl.diagnostics.diagnostic import Findings
from inception_dsl.formatting.graph import graph_lines
from inception_dsl.formatting.table import table_lines
from inception_dsl.formatting.tokens import one_line
from inception_dsl.spec import reported
from inception_dsl.syntax import algebra, table
from inception_dsl.syntax.algebra_errors import SyntaxFault
from inception_dsl.syntax.document import Document, KeyPath
from inception_dsl.syntax.formula import formula_of
from inception_dsl.syntax.source import Fragment

_TABLES: Final = {form.key: form for form in (table.LAYERS, reported.FORM)}
_FORMULAS: Final = {"modules": "graph", "heads": "graph", "rows": "layer"}
"""The key of a formula, in parts of a kind."""

_NOT_PLAIN: Final = re.compile(r":( |$)| #")
"""What YAML does not take for a part of a string without quotes."""


class Notations(NamedTuple):
    """Values in their notation: what they mean, by path, and how they are printed, by the offset at which they start.

    `blocks` has the lines of block scalars: for every line, those that take its place. `texts` has scalars on one line,
    with their quotes.
    """

    values: dict[KeyPath, object]
    blocks: dict[int, list[list[str]]]
    texts: dict[int, str]


def read_notations(document: Document) -> Notations:
    """Read and format the values of a spec or a variant that have a notation.

    Raises `SpecError` with all errors of their syntax: E107, E110 to E114, E117.
    """
    findings = Findings()
    found = Notations({}, {}, {})
    for path, value in _values(document.data):
        if not isinstance(value, str):
            continue
        fragment, span = document.text(path), document.value_span(path)
        start = document.source.line_starts[span.line - 1] + span.column - 1
        if len(path) == 1:
            found.values[path], lines = _table(str(path[0]), fragment, findings)
        else:
            found.values[path] = formula = _formula(path, fragment, findings)
            lines = graph_lines(fragment.text) if formula else []
        if fragment.literal:
            found.blocks[start] = lines
        elif len(path) > 1:
            written = document.source.lines[span.line - 1][span.column - 1 : span.end - 1]
            found.texts[start] = _scalar(written, fragment.text)
    findings.stop()
    return found


def _values(data: Mapping[str, Any]) -> Iterator[tuple[KeyPath, Any]]:
    """What may have a notation, of whatever type it is, with its path."""
    yield from (((key,), data[key]) for key in _TABLES if key in data)
    for place, kinds in (((), data), *(((edits,), data.get(edits)) for edits in ("override", "insert"))):
        for kind, parts in _items(kinds):
            for name, part in _items(parts):
                path = (*place, kind, name)
                if kind == "defaults":
                    yield path, part
                elif (key := _FORMULAS.get(str(kind))) and isinstance(part, dict) and key in part:
                    yield (*path, key), part[key]


def _items(value: Any) -> Iterable[tuple[str | int, Any]]:
    return value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()


def _table(key: str, fragment: Fragment, findings: Findings) -> tuple[object, list[list[str]]]:
    """The cells of a table, and its lines; errors are added to `findings`."""
    cells = table.read(fragment, findings, _TABLES[key])
    if cells is None:
        return None, []
    formulas = table.LAYERS.required[1] if key == table.LAYERS.key else ""
    rows: list[dict[str, object]] = [{name: cell.text for name, cell in row.items()} for row in cells.rows]
    for row, read in zip(cells.rows, rows, strict=True):
        if formulas and row[formulas].text:
            read[formulas] = formula_of(row[formulas].fragment, findings)
    return rows, table_lines(fragment.text, cells, formulas)


def _formula(path: KeyPath, fragment: Fragment, findings: Findings) -> object:
    """A formula, or the words of a default; errors are added to `findings`."""
    if "defaults" not in path[:-1]:
        return formula_of(fragment, findings)
    try:
        return algebra.parse_words(fragment.text)
    except SyntaxFault as fault:
        findings.error(fault.code, fault.message, fragment.span(*fault.at), fault.label, help=fault.help)
        return None


def _scalar(written: str, text: str) -> str:
    """A scalar on one line with its formula formatted, where it is written as it is, perhaps in quotes."""
    formatted = one_line(text)
    if written == text:
        return written if _NOT_PLAIN.search(formatted) else formatted
    return f"{written[0]}{formatted}{written[-1]}" if written[1:-1] == text else written
