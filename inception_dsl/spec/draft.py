"""The parts of a spec while a variant edits them: the data, where it was written, and the cells of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from typing import Any, Final

from inception_dsl.diagnostics.codes.syntax import OUT_OF_BOUNDS
from inception_dsl.diagnostics.diagnostic import Findings, Span
from inception_dsl.ir.program import TOTALS
from inception_dsl.spec.input_size import input_size
from inception_dsl.spec.models import Spec
from inception_dsl.spec.network import Base, NetworkSpec, build_spec
from inception_dsl.spec.training_model import in_proportion
from inception_dsl.syntax.document import Document, YamlNode
from inception_dsl.syntax.source import Fragment
from inception_dsl.syntax.table import Cell, Table

PLACES: Final[Mapping[str, tuple[str, ...]]] = {
    **{kind: (kind,) for kind in ("modules", "heads", "defaults", "settings", "init")},
    **{kind: ("published", kind) for kind in ("totals", "errata")},
    "columns": ("published",),
}
"""The path of the parts of a kind in a document, and of `init`. Rows are in the table."""

NOT_COLUMNS: Final = ("name", "layer", "totals", "errata")
"""Names in the header or under `published` that are not columns which a variant can edit."""

MOST_CELLS: Final = 10**6
"""The most cells of a table: a column that one row adds is a cell of every row."""


class Draft:
    """An editable copy of the parts of a spec, which can be read as a spec again.

    Results are not copied, nor are totals and errata that the base dropped from its own base. Cells are, even those
    whose printed numbers were dropped, so that they can be edited.
    """

    def __init__(self, base: Base) -> None:
        self.base = base
        spec, kept = base
        self.data: dict[str, Any] = deepcopy(spec.document.data)
        self.root = _copy(spec.document.root)
        self.data.pop("reported", None)  # a variant is another network than the one that was measured
        self.root.children.pop("reported", None)
        self.names = dict(spec.document.names)
        self.header = {cell.text: cell for cell in spec.table.header}
        self.rows = {row["name"].text: dict(row) for row in spec.table.rows}
        self.order = [*self.rows]
        published = kept.program.published
        for claim in published.dropped:
            if claim.row == TOTALS:
                self.remove("totals", claim.column)
        errata = {f"{erratum.row}.{erratum.column}" for erratum in published.errata}
        for cell in self.known("errata"):
            if cell not in errata:
                self.remove("errata", cell)

    def spec(self, document: Document) -> NetworkSpec:
        """The spec that the parts make; `document` is the variant's.

        Raises `SpecError`: E117 for a table of too many cells, and the errors of `network.build`.
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
        self._scale_resize()
        self.root.children["extends"] = document.root.children["extends"]  # a place for diagnostics, without data
        merged = Document(document.source, self.data, self.root, self.names)
        header = tuple(self.header.values())
        empty = {cell.text: Cell("", 0, cell.within) for cell in header}
        table = Table(
            header, tuple({column: row.get(column, empty[column]) for column in empty} for row in self._rows())
        )
        return build_spec(merged, Spec.model_validate(self.data), table, self.base)

    def _scale_resize(self) -> None:
        """Scale an inherited `augment.resize`, which is in pixels, to the variant's input."""
        base, node = self.base.spec, self.root.children.get("training")
        given = base.document.root.children.get("training")
        augment, size = self.data.get("training", {}).get("augment", {}), input_size(self.data["input"])
        inherited = node is not None and given is not None and node.span == given.span
        if inherited and "resize" in augment and size:
            augment["resize"] = in_proportion(augment["resize"], max(base.input[1:]), max(size[1:]))

    def _rows(self) -> Iterator[dict[str, Cell]]:
        return (self.rows[name] for name in self.order)

    def at(self, *path: str) -> tuple[dict[str, Any], YamlNode]:
        """The mapping at a path, created empty if missing, and its node."""
        data, node = self.data, self.root
        for key in path:
            data = data.setdefault(key, {})
            node = node.children.setdefault(key, YamlNode(self.root.span))
        return data, node

    def known(self, kind: str) -> list[str]:
        """The names of all parts of a kind."""
        if kind == "rows":
            return [*self.order]
        known = list(self.at(*PLACES[kind])[0])
        if kind == "columns":
            return [name for name in dict.fromkeys((*self.header, *known)) if name not in NOT_COLUMNS]
        return known

    def has(self, kind: str, name: str) -> bool:
        """Whether a part exists."""
        if kind == "rows":
            return name in self.rows
        if kind == "columns" and name in self.header:
            return name not in NOT_COLUMNS
        return name in self.at(*PLACES[kind])[0] and not (kind == "columns" and name in NOT_COLUMNS)

    def declares(self, column: str) -> bool:
        """Whether `published` declares how a column counts."""
        return column in self.at(*PLACES["columns"])[0]

    def place(self, kind: str, name: str) -> Span:
        """The place of a part."""
        if kind == "rows":
            return self.rows[name]["name"].span
        if kind == "columns" and name in self.header:
            return self.header[name].span
        node = self.at(*PLACES[kind])[1].children[name]
        return node.key or node.span

    def add_column(self, name: str, span: Span) -> None:
        """Add an empty column to the table, unless it has one of that name."""
        self.header.setdefault(name, Cell(name, 0, Fragment(name, span)))

    def remove(self, kind: str, name: str) -> None:
        """Remove a part."""
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

    def put(self, kind: str, name: str, value: Any, node: YamlNode, among: YamlNode) -> None:
        """Replace the part of that name, or append one.

        `among` is the node of all edits of that kind; it is the place of the kind where the base has no such parts.
        """
        data, parent = self.at(*PLACES[kind])
        parent.key = parent.key or among.key
        data[name] = value
        parent.children[name] = node

    def rename_parts(self, kind: str, names: Mapping[str, str], place: Callable[[str], Span | None]) -> None:
        """Rename parts, keeping their order; `place` gives the span of the new name of a part."""
        data, node = self.at(*PLACES[kind])
        parts = [(old, data[old], node.children[old]) for old in data]
        data.clear()
        for old, value, child in parts:
            new = names.get(old, old)
            data[new], node.children[new] = value, child
            if old in names:
                child.key = place(old) or child.key

    def part(self, kind: str, name: str, node: YamlNode, among: YamlNode) -> tuple[dict[str, Any], YamlNode]:
        """A part that is a mapping, and its node; an undeclared column is declared at `node`."""
        data, parent = self.at(*PLACES[kind])
        if name not in data:
            mapping = YamlNode(node.span)
            mapping.key = node.key
            self.put(kind, name, {}, mapping, among)
        return data[name], parent.children[name]

    def add_row(self, name: Cell, anchor: str, before: bool) -> None:
        """Insert a row of empty cells after or before another."""
        self.order.insert(self.order.index(anchor) + (not before), name.text)
        self.rows[name.text] = {column: Cell("", 0, name.within) for column in self.header} | {"name": name}

    def rename_rows(self, cells: Mapping[str, Cell]) -> None:
        """Rename rows, also where heads and references read them."""
        read = {f"@{old}": f"@{cell.text}" for old, cell in cells.items()}
        self.rename_calls(read)
        for row in self.rows.values():
            row |= {
                column: cell._replace(text=read[cell.text])
                for column, cell in row.items()
                if cell.text in read and column not in ("name", "layer")
            }
        for name, cell in cells.items():
            self.rows[name]["name"] = cell
        self.order = [self.rows[name]["name"].text for name in self.order]
        self.rows = {row["name"].text: row for row in self.rows.values()}
        for head in self.at("heads")[0].values():
            head["from"] = cells[head["from"]].text if head["from"] in cells else head["from"]

    def rename_calls(self, names: Mapping[str, str]) -> None:
        """Rename modules, and rows as `@row`, in every formula of the files so far."""
        base: Base | None = self.base
        while base:
            source = base.spec.document.source
            before = self.names.get(source, {})
            self.names[source] = {**names, **{old: names.get(new, new) for old, new in before.items()}}
            base = base.spec.base


def cell_at(document: Document, path: tuple[str | int, ...]) -> Cell:
    """The cell that a document gives as a string, a number or null."""
    fragment = document.text(path)
    value: Any = document.data
    for key in path:
        value = value[key]
    if value is None:
        return Cell("", 0, fragment)
    text = fragment.text.strip()
    return Cell(text, fragment.text.index(text), fragment)


def _copy(node: YamlNode) -> YamlNode:
    copied = YamlNode(node.span, node.text, node.literal)
    copied.key = node.key
    copied.children = {key: _copy(child) for key, child in node.children.items()}
    return copied
