"""A spec file as written: `NetworkSpec`, read from a `Document`; no name resolved, no default added."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from inception_dsl import names
from inception_dsl.diagnostics import Findings, Note, Span, did_you_mean, listing
from inception_dsl.spec.schema import LARGEST_INPUT, MEASURES, input_size, validate
from inception_dsl.syntax import algebra, table
from inception_dsl.syntax.algebra_errors import SyntaxFault
from inception_dsl.syntax.formula import Formula, formula_of
from inception_dsl.syntax.source import Fragment
from inception_dsl.syntax.terms import Word, value_names
from inception_dsl.syntax.yaml import Document
from inception_dsl.values import Scalar, Value

LAYERS: Final = frozenset("conv maxpool avgpool lrn bn relu dropout fc softmax flatten pass".split())
"""The words of the language that are layers; any other names a module."""

BUILT_IN: Final = frozenset({"in", "classes"})
"""The names every value may use."""


@dataclass(frozen=True)
class ModuleSpec:
    """A module: its formula, and the columns that its calls fill, in order."""

    name: str
    columns: tuple[str, ...]
    graph: Formula
    doc: str
    origin: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class RowSpec:
    """A row of the table: `args` are its cells by argument column (None where empty), `printed` its printed cells."""

    name: str
    layer: Formula
    args: Mapping[str, Scalar | Value | None]
    printed: Mapping[str, str]
    cells: Mapping[str, table.Cell] = field(compare=False, repr=False)
    table: Fragment = field(compare=False, repr=False)

    def span(self, column: str) -> Span:
        """The place of its cell in a column."""
        cell = self.cells[column]
        return self.table.span(cell.start, cell.end)


@dataclass(frozen=True)
class HeadSpec:
    """A classifier that leaves the trunk after the row `source`."""

    name: str
    source: str
    loss_weight: float
    graph: Formula
    origin: Span = field(compare=False, repr=False)
    source_origin: Span = field(compare=False, repr=False)


@dataclass(frozen=True)
class NetworkSpec:
    """One spec file. `paper` and `published` hold their keys as validated by `schema`."""

    network: str
    title: str
    paper: Mapping[str, Any]
    input: tuple[int, int, int]
    classes: int
    settings: Mapping[str, int | float]
    defaults: Mapping[str, tuple[Word, ...]]
    modules: Mapping[str, ModuleSpec]
    rows: tuple[RowSpec, ...]
    heads: tuple[HeadSpec, ...]
    published: Mapping[str, Any]
    document: Document = field(compare=False, repr=False)


def read(document: Document) -> NetworkSpec:
    """Read a document as a spec.

    Raises `SpecError` with everything that is wrong in the keys, or, where those are right, in names, formulas and
    the table.
    """
    data = validate(document)
    findings = Findings()
    network = _name(data["network"], document.value_span(("network",)), findings)
    modules = {name: _module(name, module, document, findings) for name, module in data.get("modules", {}).items()}
    for name in data.get("settings", {}):
        _setting(name, document.key_span(("settings", name)), findings)
    rows = _Rows(document, data, modules, findings).read()
    heads = tuple(_head(name, head, document, findings) for name, head in data.get("heads", {}).items())
    spec = NetworkSpec(
        network,
        data.get("title", network),
        data.get("paper", {}),
        _input(data["input"], document.value_span(("input",)), findings),
        data.get("classes", 1000),
        data.get("settings", {}),
        {layer: _default(layer, words, document, findings) for layer, words in data.get("defaults", {}).items()},
        {name: module for name, module in modules.items() if module},
        rows,
        tuple(head for head in heads if head),
        data.get("published", {}),
        document,
    )
    findings.stop()
    return spec


def _name(name: str, span: Span, findings: Findings) -> str:
    if problem := names.problem(name):
        legal = names.from_column(name)
        hint = "" if names.problem(legal) else f"`{legal}` could be one"
        findings.error("E108", f"`{name}` cannot be a name", span, problem, help=hint)
    return name


def _setting(name: str, span: Span, findings: Findings) -> None:
    if not names.IDENTIFIER.fullmatch(name) or name in BUILT_IN:
        rule = "a name is a letter, then letters, digits and `_`"
        problem = "every value has that name already" if name in BUILT_IN else rule
        findings.error("E108", f"`{name}` cannot name a setting", span, problem)


def _formula(path: tuple[str | int, ...], document: Document, findings: Findings) -> Formula | None:
    return formula_of(document.text(path), findings)


def _module(name: str, data: dict[str, Any], document: Document, findings: Findings) -> ModuleSpec | None:
    span = document.key_span(("modules", name))
    _name(name, span, findings)
    if name in LAYERS:
        findings.error("E108", f"a module cannot be called `{name}`", span, "the language has a layer of that name")
    graph = _formula(("modules", name, "graph"), document, findings)
    if graph is None:
        return None
    used = list(dict.fromkeys(each.name for each in value_names(graph.term)))
    used = [each for each in used if each not in BUILT_IN and each not in document.data.get("settings", {})]
    columns = [" ".join(column.split()) for column in data.get("columns", used)]
    unknown = [each for each in used if each not in columns]
    for i, column in enumerate(columns):
        place = document.value_span(("modules", name, "columns", i)) if "columns" in data else span
        if column in columns[:i]:
            findings.error("E114", f"`{name}` has two columns `{column}`", place, help="delete one, or rename it")
        elif column not in used and not did_you_mean(column, unknown):  # else the misspelling is told below
            hint = f"delete it, or write `{{{column}}}` where it belongs"
            findings.error("E206", f"the graph of `{name}` never uses its column `{column}`", place, help=hint)
    for each in value_names(graph.term):
        if each.name in used and each.name not in columns:
            hint = did_you_mean(each.name, columns) or f"add it to the columns of `{name}`"
            findings.error("E206", f"`{name}` has no column `{each.name}`", graph.span(each.at), help=hint)
            columns.append(each.name)
    return ModuleSpec(name, tuple(columns), graph, data.get("doc", ""), span)


def _head(name: str, data: dict[str, Any], document: Document, findings: Findings) -> HeadSpec | None:
    path = ("heads", name)
    _name(name, document.key_span(path), findings)
    graph = _formula((*path, "graph"), document, findings)
    if graph is None:
        return None
    weight = float(data.get("loss_weight", 1.0))
    return HeadSpec(name, data["from"], weight, graph, document.key_span(path), document.value_span((*path, "from")))


def _default(layer: str, words: str, document: Document, findings: Findings) -> tuple[Word, ...]:
    if layer not in LAYERS:
        hint = did_you_mean(layer, LAYERS) or f"defaults are for layers: {listing(sorted(LAYERS))}"
        findings.error("E201", f"there is no layer `{layer}`", document.key_span(("defaults", layer)), help=hint)
    fragment = document.text(("defaults", layer))
    try:
        return algebra.words(words)
    except SyntaxFault as fault:
        findings.error(fault.code, fault.message, fragment.span(*fault.at), fault.label, help=fault.help)
        return ()


def _input(text: str, span: Span, findings: Findings) -> tuple[int, int, int]:
    size = input_size(text)
    if size is None:
        hint = f"write channels, height and width, each from 1 to {LARGEST_INPUT:,}, such as `3x224x224`"
        findings.error("E105", f"`{text}` is no input size", span, help=hint)
    return size or (1, 1, 1)


class _Rows:
    """Reads the table: which columns are arguments, which are printed, and every row."""

    def __init__(
        self,
        document: Document,
        data: dict[str, Any],
        modules: Mapping[str, ModuleSpec | None],
        findings: Findings,
    ) -> None:
        self.fragment = document.text(("layers",))
        self.findings = findings
        self.arguments = {column for module in modules.values() if module for column in module.columns}
        self.broken = None in modules.values()
        published = data.get("published", {})
        self.printed = {*MEASURES[:4], *(key for key in published if key not in ("totals", "errata"))}

    def read(self) -> tuple[RowSpec, ...]:
        if "|" in self.fragment.text and "\n" not in self.fragment.text.strip() and not self.fragment.literal:
            hint = "write `layers: |`, and the table on the lines below it"
            self.findings.error("E112", "YAML reads this table as one line", self.fragment.span(0, 1), help=hint)
            return ()
        read = table.read(self.fragment, self.findings)
        if read is None:
            return ()
        formulas = [self._formula(cells["layer"]) for cells in read.rows]
        self.arguments |= {name.name for formula in formulas if formula for name in value_names(formula.term)}
        self._check_columns(read.header)
        rows: list[RowSpec] = []
        seen: dict[str, Span] = {}
        for cells, formula in zip(read.rows, formulas, strict=True):
            name, span = cells["name"].text, self._span(cells["name"])
            if name in seen:
                note = Note(seen[name], "here first")
                self.findings.error("E114", f"two rows are called `{name}`", span, notes=[note], help="rename one")
            elif not name:
                self.findings.error("E108", "this row has no name", span, help="name it as the paper does")
            else:
                _name(name, span, self.findings)
                seen[name] = span
            if formula:
                rows.append(self._row(name, cells, formula))
        return tuple(rows)

    def _span(self, cell: table.Cell) -> Span:
        return self.fragment.span(cell.start, cell.end)

    def _formula(self, cell: table.Cell) -> Formula | None:
        if not cell.text:
            self.findings.error("E110", "this row has no layer", self._span(cell), help="`pass` is the input itself")
            return None
        return formula_of(self.fragment, self.findings, cell.start, cell.end)

    def _check_columns(self, header: tuple[table.Cell, ...]) -> None:
        known = self.arguments | self.printed | {"name", "layer"}
        for cell in header:
            if cell.text not in known and not self.broken:
                hint = (
                    did_you_mean(cell.text, known) or "delete it; if the paper prints it, declare it under `published:`"
                )
                message = f"no module and no formula uses the column `{cell.text}`"
                self.findings.error("E115", message, self._span(cell), help=hint)
            elif cell.text in self.arguments & self.printed:
                message = f"`{cell.text}` is a column the paper prints, and a layer uses it as an argument"
                hint = "rename the argument, here and in its module"
                self.findings.error("E115", message, self._span(cell), help=hint)

    def _row(self, name: str, cells: dict[str, table.Cell], formula: Formula) -> RowSpec:
        args = {column: self._argument(column, cell) for column, cell in cells.items() if column in self.arguments}
        printed = {column: cell.text for column, cell in cells.items() if column in self.printed and cell.text}
        return RowSpec(name, formula, args, printed, cells, self.fragment)

    def _argument(self, column: str, cell: table.Cell) -> Scalar | Value | None:
        text = cell.text
        if not text:
            return None
        if re.fullmatch(rf"[0-9]{{1,{algebra.DIGITS}}}", text):
            return int(text)
        if text.startswith("{"):
            try:
                return algebra.value(text)
            except SyntaxFault as fault:
                span = self.fragment.span(cell.start + fault.at[0], cell.start + fault.at[1])
                self.findings.error(fault.code, fault.message, span, fault.label, help=fault.help)
                return None
        if re.fullmatch(r"[0-9]{1,9}\.[0-9]{1,9}", text):
            return float(text)
        if not re.fullmatch(r"[^\W\d]\w{0,50}", text):
            hint = "a cell holds a number, the name of a layer, a value in braces, or nothing"
            self.findings.error("E105", f"`{text}` is no value for `{column}`", self._span(cell), help=hint)
        return text
