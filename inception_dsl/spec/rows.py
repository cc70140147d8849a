"""Reads the rows of a spec: the cells of its table as formulas, arguments and printed numbers."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from inception_dsl.diagnostics.codes.syntax import DUPLICATE_NAME, INVALID_FORMULA, UNUSED_COLUMN
from inception_dsl.diagnostics.codes.yaml import INVALID_NAME, INVALID_VALUE
from inception_dsl.diagnostics.diagnostic import Findings, Note, Source, Span
from inception_dsl.diagnostics.spelling import did_you_mean
from inception_dsl.ir import names
from inception_dsl.ir.values import Scalar, Value
from inception_dsl.spec.fields import COLUMN_MEASURES
from inception_dsl.spec.vocabulary.words import ADDED
from inception_dsl.syntax import algebra
from inception_dsl.syntax.algebra_errors import SyntaxFault
from inception_dsl.syntax.building import DIGITS
from inception_dsl.syntax.formula import Formula, formula_of
from inception_dsl.syntax.table import Cell, Table
from inception_dsl.syntax.terms import value_names
from inception_dsl.syntax.yaml_printer import flow


@dataclass(frozen=True)
class RowSpec:
    """A row of the table: `args` are its arguments by column (None where empty), `printed` its printed numbers."""

    name: str
    layer: Formula
    args: Mapping[str, Scalar | Value | None]
    printed: Mapping[str, str]
    cells: Mapping[str, Cell] = field(compare=False, repr=False)

    def span(self, column: str) -> Span:
        """The place of its cell in a column."""
        return self.cells[column].span


def checked_name(name: str, span: Span, findings: Findings, problem_of: Callable[[str], str] = names.problem) -> str:
    """The name itself, after reporting E108 if a network, row, module or head cannot have it."""
    if problem := problem_of(name):
        legal = names.from_column(name)
        legal = f"{legal}_" if problem_of(legal) else legal
        hint = "" if problem_of(legal) else f"try `{legal}`"
        findings.error(INVALID_NAME, f"`{name}` is not a valid name", span, problem, help=hint)
    return name


class RowReader:
    """Reads the rows of a table.

    `arguments` are the columns of the modules, to which those of the rows' formulas are added. `broken` is true if
    the columns of some modules are unknown. `declared` are the keys of `published`. A printed column may have the name
    of one of the `settings`, which is what formulas then mean.
    """

    def __init__(
        self,
        arguments: Iterable[str],
        broken: bool,
        declared: Iterable[str],
        settings: Collection[str],
        renamed: Mapping[Source, Mapping[str, str]],
        findings: Findings,
    ) -> None:
        self.arguments = {*arguments}
        self.broken = broken
        self.printed = {*COLUMN_MEASURES[:4], *(key for key in declared if key not in ("totals", "errata"))}
        self.settings = settings
        self.renamed = renamed
        self.findings = findings

    def read(self, cells: Table) -> tuple[RowSpec, ...]:
        """All rows; errors are added to `findings`."""
        formulas = [self._formula(row["layer"]) for row in cells.rows]
        used = {name.name for formula in formulas if formula for name in value_names(formula.term)}
        self.arguments |= used - self.printed.intersection(self.settings)
        self._check_columns(cells.header)
        rows: list[RowSpec] = []
        seen: dict[str, Span] = {}
        for row, formula in zip(cells.rows, formulas, strict=True):
            name, span = row["name"].text, row["name"].span
            if name in seen:
                note = Note(seen[name], "first defined here")
                self.findings.error(DUPLICATE_NAME, f"duplicate row `{name}`", span, notes=[note], help="rename one")
            elif not name:
                self.findings.error(
                    INVALID_NAME,
                    "this row has no name",
                    span,
                    help="name it as the paper does; each row is one line",
                )
            else:
                checked_name(name, span, self.findings)
                seen[name] = span
            if formula:
                rows.append(self._row(name, row, formula))
        return tuple(rows)

    def _formula(self, cell: Cell) -> Formula | None:
        if not cell.text:
            self.findings.error(
                INVALID_FORMULA, "this row has no layer", cell.span, help="write `pass` for the input itself"
            )
            return None
        fragment = cell.fragment
        return formula_of(fragment, self.findings, self.renamed.get(fragment.source))

    def _check_columns(self, header: tuple[Cell, ...]) -> None:
        known = self.arguments | self.printed | {"name", "layer"}
        for cell in header:
            if cell.text not in known and not self.broken:
                inserted = cell.within is not header[0].within  # by a variant, which has no table
                there = f"`insert: {{columns: {{{flow(cell.text)}: ...}}}}`" if inserted else "`published:`"
                hint = did_you_mean(cell.text, known) or f"delete it; if the paper prints it, declare it under {there}"
                message = f"no module or formula uses the column `{cell.text}`"
                self.findings.error(UNUSED_COLUMN, message, cell.span, help=hint)
            elif cell.text in self.arguments & self.printed:
                message = f"`{cell.text}` is a column that the paper prints, but a layer uses it as an argument"
                hint = "rename the argument, here and in its module"
                self.findings.error(UNUSED_COLUMN, message, cell.span, help=hint)

    def _row(self, name: str, cells: dict[str, Cell], formula: Formula) -> RowSpec:
        args = {column: self._argument(column, cell) for column, cell in cells.items() if column in self.arguments}
        printed = {column: cell.text for column, cell in cells.items() if column in self.printed and cell.text}
        return RowSpec(name, formula, args, printed, cells)

    def _argument(self, column: str, cell: Cell) -> Scalar | Value | None:
        text = cell.text
        if not text:
            return None
        if re.fullmatch(rf"[0-9]{{1,{DIGITS}}}", text):
            return int(text)
        if text.startswith("{"):
            try:
                return algebra.parse_braced(text)
            except SyntaxFault as fault:
                self.findings.error(
                    fault.code, fault.message, cell.fragment.span(*fault.at), fault.label, help=fault.help
                )
                return None
        if re.fullmatch(r"[0-9]{1,9}\.[0-9]{1,9}", text):
            return float(text)
        if not re.fullmatch(r"[^\W\d]\w{0,50}|@\w{1,60}", text):
            hint = "a cell holds a number, the name of a layer, `@row`, a value in braces, or nothing"
            if (found := re.fullmatch(r"(\w+)[ =]+([0-9.]+)", text)) and found[1] in ADDED:
                hint = f"write `{found[1]}={{{column}}}` in the formula, and {found[2]} here"
            self.findings.error(INVALID_VALUE, f"`{text}` is not a value for `{column}`", cell.span, help=hint)
        return text
