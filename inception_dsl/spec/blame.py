"""Prints a spec with the file and line that each part of it was written at."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from inception_dsl.diagnostics.diagnostic import Span
from inception_dsl.spec.network import NetworkSpec
from inception_dsl.spec.printer import as_file
from inception_dsl.syntax.document import YamlNode
from inception_dsl.syntax.yaml_printer import PrintedLine, print_lines


def print_blamed(spec: NetworkSpec) -> str:
    """Print a spec as `print_spec` does, with the origin of each line before it: `googlenet.yaml:32`.

    A row that a variant has edited has several origins; a line that no file contains has none.
    """
    printed = list(print_lines(as_file(spec)))
    places = [_places(_spans(spec, line)) for line in printed]
    width = max(map(len, places))
    return "".join(f"{place:{width}}  {line.text}\n" for place, line in zip(places, printed, strict=True))


def _places(spans: Iterable[Span]) -> str:
    """The lines of spans by file: `googlenet_separable.yaml:9 googlenet.yaml:33,34`."""
    files: dict[str, dict[int, None]] = {}
    for span in spans:
        files.setdefault(span.source.file, {})[span.line] = None
    return " ".join(f"{file}:{','.join(map(str, rows))}" for file, rows in files.items())


def _spans(spec: NetworkSpec, line: PrintedLine) -> Iterator[Span]:
    if line.path == ("layers",) and isinstance(line.part, int):
        if line.part == 0:
            yield from (cell.span for cell in spec.table.header)
        else:
            row = spec.rows[line.part - 1]
            shown = ("name", "layer", *row.args, *row.printed)
            yield from (row.span(column) for column in shown if row.cells[column].text or column in ("name", "layer"))
        return
    try:
        node = spec.document.node(line.path)
    except KeyError:  # in no file
        return
    if line.part == "key":
        yield _first(node)
    elif line.part == "all":
        yield from _all(node)
    else:
        yield node.span


def _first(node: YamlNode) -> Span:
    """The place of a key; for a mapping that a variant's edits made, that of the first key in it."""
    if node.key is None and node.children:
        return _first(next(iter(node.children.values())))
    return node.key or node.span


def _all(node: YamlNode) -> Iterator[Span]:
    if node.key:
        yield node.key
    if not node.children:
        yield node.span
    for child in node.children.values():
        yield from _all(child)
