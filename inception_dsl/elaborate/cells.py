"""The cells of a row: the values of its formula and the arguments of the modules that it calls."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from inception_dsl.diagnostics.codes.modules import WRONG_MODULE_ARGUMENTS
from inception_dsl.diagnostics.diagnostic import Findings, Note, Source
from inception_dsl.diagnostics.spelling import listing
from inception_dsl.elaborate.scope import Fault, Scope
from inception_dsl.ir.values import Scalar, Value, names
from inception_dsl.spec.network import NetworkSpec
from inception_dsl.spec.rows import RowSpec
from inception_dsl.spec.vocabulary.plugins import is_layer
from inception_dsl.syntax.terms import Use, value_names, walk
from inception_dsl.syntax.yaml_printer import flow


def cell_values(
    row: RowSpec, constants: Mapping[str, Scalar | None], free: Collection[str], findings: Findings
) -> tuple[dict[str, Scalar | None], dict[str, Value]]:
    """The values of a row's arguments by column, None for an empty cell and after adding an error to `findings`.

    Cells that use a name in `free` which is not among the constants have no value yet: they are the second result.
    """
    cells: dict[str, Scalar | None] = {}
    symbolic: dict[str, Value] = {}
    for column, value in row.args.items():
        if isinstance(value, Value) and any(name.name in free and name.name not in constants for name in names(value)):
            symbolic[column] = value
        elif isinstance(value, Value):
            try:
                cells[column] = Scope(row.layer, constants, {}, row).known(value)
            except Fault as fault:
                findings.error(fault.diagnostic.code, str(fault), row.span(column), help=fault.diagnostic.help)
                cells[column] = None
        else:
            cells[column] = value
    return cells, symbolic


def report_unused(row: RowSpec, spec: NetworkSpec, findings: Findings) -> None:
    """Report E216 for cells that the layer of a row does not use."""
    used = {name.name for name in value_names(row.layer.term)}
    for term in walk(row.layer.term):
        if not isinstance(term, Use) or not isinstance(term.name, str):
            continue
        if term.name in spec.modules:
            used |= set(spec.modules[term.name].columns)
        elif not is_layer(term.name):
            return  # reported as an unknown layer
    unused = [column for column, value in row.args.items() if value not in (None, 0) and column not in used]
    _report(row, unused, spec.document.source, findings)


def _report(row: RowSpec, unused: Sequence[str], own: Source, findings: Findings) -> None:
    """Report cells that the layer of a row would ignore; `own` is the file that the layer is from.

    Where a variant gives the row another layer, the cells of the base are reported together.
    """
    new_layer = row.cells["layer"].within.source is own
    inherited = [column for column in unused if new_layer and row.cells[column].within.source is not own]
    if inherited:
        message = f"the new layer of `{row.name}` does not use the cells that the base has for {listing(inherited)}"
        notes = [Note(row.span(inherited[0]), "this cell would be ignored")]
        empty = ", ".join(f"{flow(column)}: null" for column in inherited)
        hint = f"remove them: add `{empty}` to the cells of the row"
        findings.error(WRONG_MODULE_ARGUMENTS, message, row.span("layer"), notes=notes, help=hint)
    for column in unused:
        if column not in inherited:
            message = f"the layer of `{row.name}` does not use `{column}`"
            label, hint = "this cell would be ignored", f"empty it, or write `{{{column}}}` where it belongs"
            findings.error(WRONG_MODULE_ARGUMENTS, message, row.span(column), label, help=hint)
