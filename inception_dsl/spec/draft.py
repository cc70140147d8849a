"""The parts of a spec while a variant edits them: data, the places they were written at, and the cells of the table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from typing import Any, Final

from inception_dsl.diagnostics import Span
from inception_dsl.spec import Base, NetworkSpec, build
from inception_dsl.spec.published import TOTALS
from inception_dsl.syntax.document import Document, Node
from inception_dsl.syntax.source import Fragment
from inception_dsl.syntax.table import Cell, Table

PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    **{kind: (kind,) for kind in ("modules", "heads", "defaults", "settings", "init")},
    **{kind: ("published", kind) for kind in ("totals", "errata")},
    "columns": ("published",),
}
"""Where a document holds the parts of a kind, and what it says of weights by path; rows stand in its table."""


class Draft:
    """A copy of a spec's parts that can be edited, and read as a spec again.

    Totals and errata that the base has not kept from its own base are no parts of it. Cells stay, whatever they print:
    an edit is of a cell also where that is empty.
    """

    def __init__(self, base: Base) -> None:
        self.base = base
        spec, kept = base
        self.data: dict[str, Any] = deepcopy(spec.document.data)
        self.root = _copy(spec.document.root)
        self.names = dict(spec.document.names)
        self.header = list(spec.table.header)
        self.rows = [dict(row) for row in spec.table.rows]
        published = kept.program.published
        for claim in published.dropped:
            if claim.row == TOTALS:
                self.take("totals", claim.column)
        errata = {f"{each.row}.{each.column}" for each in published.errata}
        for cell in self.known("errata"):
            if cell not in errata:
                self.take("errata", cell)

    def spec(self, document: Document) -> NetworkSpec:
        """The spec that the parts make, as one that `document` says. Raises `SpecError` as `spec.build` does."""
        for kind in ("totals", "errata", "columns", "modules", "heads", "defaults", "settings", "init"):
            *above, key = PLACES[kind]
            data, node = self.at(*above)
            if not data.get(key, True):
                del data[key], node.children[key]
        self.root.children["extends"] = document.root.children["extends"]  # a place to tell of, and no data
        merged = Document(document.source, self.data, self.root, self.names)
        return build(merged, self.data, Table(tuple(self.header), tuple(self.rows)), self.base)

    def at(self, *place: str) -> tuple[dict[str, Any], Node]:
        """The mapping at a place, empty where there is none yet, and its node."""
        data, node = self.data, self.root
        for key in place:
            data = data.setdefault(key, {})
            node = node.children.setdefault(key, Node(self.root.span))
        return data, node

    def known(self, kind: str) -> list[str]:
        """The names of the parts of a kind that there are."""
        if kind == "rows":
            return [row["name"].text for row in self.rows]
        known = list(self.at(*PLACES[kind])[0])
        if kind == "columns":
            known = [*(cell.text for cell in self.header), *known]
            return [each for each in dict.fromkeys(known) if each not in ("name", "layer", "totals", "errata")]
        return known

    def place(self, kind: str, name: str) -> Span:
        """Where a part that there is stands."""
        cells = [row["name"] for row in self.rows] if kind == "rows" else self.header
        if kind in ("rows", "columns") and (found := [cell.span for cell in cells if cell.text == name]):
            return found[0]
        node = self.at(*PLACES[kind])[1].children[name]
        return node.key or node.span

    def row(self, name: str) -> dict[str, Cell]:
        """The cells of a row."""
        return next(row for row in self.rows if row["name"].text == name)

    def add_column(self, name: str, span: Span) -> None:
        """Add a column to the table, empty in every row, if it has none of the name."""
        if name in (cell.text for cell in self.header):
            return
        fragment = Fragment(name, span)
        self.header.append(Cell(name, 0, fragment))
        for row in self.rows:
            row[name] = Cell("", 0, fragment)

    def take(self, kind: str, name: str) -> None:
        """Take a part out."""
        if kind == "rows":
            self.rows = [row for row in self.rows if row["name"].text != name]
            return
        if kind == "columns":
            self.header = [cell for cell in self.header if cell.text != name]
            for row in self.rows:
                row.pop(name, None)
        data, node = self.at(*PLACES[kind])
        data.pop(name, None)
        node.children.pop(name, None)

    def put(self, kind: str, name: str, value: Any, node: Node) -> None:
        """Put a part in the place of the one of its name, or after the last."""
        data, parent = self.at(*PLACES[kind])
        data[name] = value
        parent.children[name] = node

    def rekey(self, kind: str, names: Mapping[str, str], place: Callable[[str], Span | None]) -> None:
        """Give parts other names, in the same order; `place` is where the name of one is given."""
        data, node = self.at(*PLACES[kind])
        parts = [(old, data[old], node.children[old]) for old in data]
        data.clear()
        for old, value, child in parts:
            new = names.get(old, old)
            data[new], node.children[new] = value, child
            if old in names:
                child.key = place(old) or child.key

    def part(self, kind: str, name: str, node: Node) -> tuple[dict[str, Any], Node]:
        """A part that is a mapping, and its node; a column that was not declared is now, at `node`."""
        data, parent = self.at(*PLACES[kind])
        if name not in data:
            data[name], parent.children[name] = {}, Node(node.span)
            parent.children[name].key = node.key
        return data[name], parent.children[name]

    def add_row(self, name: Cell, anchor: str, before: bool) -> None:
        """Add a row after or before another, with a name and empty cells."""
        at = self.known("rows").index(anchor) + (not before)
        self.rows.insert(at, {cell.text: Cell("", 0, name.within) for cell in self.header} | {"name": name})

    def rename_rows(self, cells: Mapping[str, Cell]) -> None:
        """Give rows other names, and follow them in the heads that leave after them."""
        for row in self.rows:
            row["name"] = cells.get(row["name"].text, row["name"])
        for head in self.at("heads")[0].values():
            head["from"] = cells[head["from"]].text if head["from"] in cells else head["from"]

    def rename_calls(self, names: Mapping[str, str]) -> None:
        """Have every formula of the files so far call modules by other names."""
        base: Base | None = self.base
        while base:
            source = base.spec.document.source
            before = self.names.get(source, {})
            self.names[source] = {**names, **{old: names.get(new, new) for old, new in before.items()}}
            base = base.spec.base


def cell_at(document: Document, path: tuple[str | int, ...]) -> Cell:
    """A cell that stands in a document as a text or a number, or as nothing."""
    fragment = document.text(path)
    value: Any = document.data
    for key in path:
        value = value[key]
    if value is None:
        return Cell("", 0, fragment)
    text = fragment.text.strip()
    return Cell(text, fragment.text.index(text), fragment)


def _copy(node: Node) -> Node:
    copied = Node(node.span, node.text, node.literal)
    copied.key = node.key
    copied.children = {key: _copy(child) for key, child in node.children.items()}
    return copied
