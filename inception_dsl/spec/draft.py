"""The parts of a spec while a variant edits them: data, the places they were written at, and the cells of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any, Final

from inception_dsl.diagnostics.codes.syntax import OUT_OF_BOUNDS
from inception_dsl.diagnostics.diagnostic import Findings, Span
from inception_dsl.spec.models import Spec
from inception_dsl.spec.network import Base, NetworkSpec, build
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

NO_COLUMNS: Final = ("name", "layer", "totals", "errata")
"""What stands among the columns, or where they are declared, and is none that can be edited."""

MOST_CELLS: Final = 10**6
"""Of a table: each column that one row adds is a cell of all rows."""


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
        self.header = {cell.text: cell for cell in spec.table.header}
        self.rows = {row["name"].text: dict(row) for row in spec.table.rows}
        self.order = [*self.rows]
        published = kept.program.published
        for claim in published.dropped:
            if claim.row == TOTALS:
                self.take("totals", claim.column)
        errata = {f"{each.row}.{each.column}" for each in published.errata}
        for cell in self.known("errata"):
            if cell not in errata:
                self.take("errata", cell)

    def spec(self, document: Document) -> NetworkSpec:
        """The spec that the parts make, as one that `document` says.

        Raises `SpecError`: E117 for a table of too many cells, and as `spec.build` does.
        """
        findings = Findings()
        if (cells := len(self.header) * len(self.rows)) > MOST_CELLS:
            last = list(self.header.values())[-1]
            message = f"a table of {len(self.rows):,} rows and {len(self.header):,} columns has {cells:,} cells"
            findings.error(OUT_OF_BOUNDS, message, last.span, f"the limit is {MOST_CELLS:,}")
        findings.stop()
        for kind in ("totals", "errata", "columns", "modules", "heads", "defaults", "settings", "init"):
            *above, key = PLACES[kind]
            data, node = self.at(*above)
            if not data.get(key, True):
                del data[key], node.children[key]
        self.root.children["extends"] = document.root.children["extends"]  # a place to tell of, and no data
        merged = Document(document.source, self.data, self.root, self.names)
        header = tuple(self.header.values())
        empty = {cell.text: Cell("", 0, cell.within) for cell in header}
        table = Table(
            header, tuple({column: row.get(column, empty[column]) for column in empty} for row in self._rows())
        )
        return build(merged, Spec.model_validate(self.data), table, self.base)

    def _rows(self) -> Iterator[dict[str, Cell]]:
        return (self.rows[name] for name in self.order)

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
            return [*self.order]
        known = list(self.at(*PLACES[kind])[0])
        if kind == "columns":
            return [each for each in dict.fromkeys((*self.header, *known)) if each not in NO_COLUMNS]
        return known

    def has(self, kind: str, name: str) -> bool:
        """Whether there is a part of a kind and name."""
        if kind == "rows":
            return name in self.rows
        if kind == "columns" and name in self.header:
            return name not in NO_COLUMNS
        return name in self.at(*PLACES[kind])[0] and not (kind == "columns" and name in NO_COLUMNS)

    def declares(self, column: str) -> bool:
        """Whether it is said how a column counts."""
        return column in self.at(*PLACES["columns"])[0]

    def place(self, kind: str, name: str) -> Span:
        """Where a part that there is stands."""
        if kind == "rows":
            return self.rows[name]["name"].span
        if kind == "columns" and name in self.header:
            return self.header[name].span
        node = self.at(*PLACES[kind])[1].children[name]
        return node.key or node.span

    def add_column(self, name: str, span: Span) -> None:
        """Add a column to the table, empty in every row, if it has none of the name."""
        self.header.setdefault(name, Cell(name, 0, Fragment(name, span)))

    def take(self, kind: str, name: str) -> None:
        """Take a part out."""
        if kind == "rows":
            del self.rows[name]
            self.order.remove(name)
            return
        if kind == "columns" and name in self.header:
            del self.header[name]
            for row in self.rows.values():
                row.pop(name, None)
        data, node = self.at(*PLACES[kind])
        data.pop(name, None)
        node.children.pop(name, None)

    def put(self, kind: str, name: str, value: Any, node: Node, among: Node) -> None:
        """Put a part in the place of the one of its name, or after the last.

        `among` is where the edits of its kind stand, and so does the kind as a whole where the base has none of it.
        """
        data, parent = self.at(*PLACES[kind])
        parent.key = parent.key or among.key
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

    def part(self, kind: str, name: str, node: Node, among: Node) -> tuple[dict[str, Any], Node]:
        """A part that is a mapping, and its node; a column that was not declared is now, at `node`."""
        data, parent = self.at(*PLACES[kind])
        if name not in data:
            made = Node(node.span)
            made.key = node.key
            self.put(kind, name, {}, made, among)
        return data[name], parent.children[name]

    def add_row(self, name: Cell, anchor: str, before: bool) -> None:
        """Add a row after or before another, with a name and empty cells."""
        self.order.insert(self.order.index(anchor) + (not before), name.text)
        self.rows[name.text] = {column: Cell("", 0, name.within) for column in self.header} | {"name": name}

    def rename_rows(self, cells: Mapping[str, Cell]) -> None:
        """Give rows other names, and follow them in the heads that leave after them."""
        for name, cell in cells.items():
            self.rows[name]["name"] = cell
        self.order = [self.rows[name]["name"].text for name in self.order]
        self.rows = {row["name"].text: row for row in self.rows.values()}
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
