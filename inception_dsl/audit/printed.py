"""What deviations mean for the numbers that a paper prints: a port may deviate exactly where its paper errs."""

from __future__ import annotations

from typing import NamedTuple

from inception_dsl.analysis.cost import Work, work
from inception_dsl.audit.audit import Audit
from inception_dsl.audit.effects import Count
from inception_dsl.diagnostics.spelling import counted
from inception_dsl.ir.program import TOTALS, Column
from inception_dsl.ir.shapes import TensorType
from inception_dsl.paper.verdicts import Computed, Printed, agreement, column_of, compare_cells, parse_cell


class Cell(NamedTuple):
    """A printed cell: what the spec and the target give in its unit, and whether either fits it."""

    row: str
    column: str
    printed: str
    spec: str
    target: str
    spec_fits: bool
    target_fits: bool


def printed_cells(audit: Audit) -> list[Cell]:
    """The printed parameters, multiply-adds and shapes of rows, beside what the spec and the target give.

    What the target has more than the spec belongs to the row at which it is reported.
    """
    works = _works(audit)
    published = audit.typed.program.published
    cells = []
    for verdict in compare_cells(audit.typed):
        claim = verdict.claim
        column = column_of(published, claim.column)
        computed = _computed(audit, works, claim.row, column)
        if computed is None:
            continue
        number = parse_cell(claim.text, column)
        shown = number.show(computed) if isinstance(number, Printed) and isinstance(computed, int) else str(computed)
        fits = agreement(number, computed, column.rounding) is not None
        own = verdict.verdict in ("exact", "rounds")
        cells.append(Cell(claim.row, claim.column, claim.text, verdict.shown, shown, own, fits))
    return cells


def _works(audit: Audit) -> dict[str, Work]:
    """The work of the target's layers by the row that they belong to."""
    works = {row: Work() for row in audit.typed.ends}
    for ours, theirs in audit.pairs.items():
        node = audit.target.nodes[theirs]
        works[audit.spec.nodes[ours].row] = _plus(works[audit.spec.nodes[ours].row], work(node.op, node.types))
    for deviation in (each for finding in audit.findings for each in finding.deviations):
        more = deviation.edit
        if isinstance(more, Count) and more.params >= 0 <= more.macs and deviation.row in works:
            works[deviation.row] = _plus(works[deviation.row], Work(more.params, 0, more.macs))
    return works


def _plus(one: Work, other: Work) -> Work:
    return Work(*(a + b for a, b in zip(one, other, strict=True)))


def _computed(audit: Audit, works: dict[str, Work], row: str, column: Column) -> Computed | None:
    """What the target has in place of a printed number; None for what an audit does not count."""
    trunk = [works[name] for name in audit.typed.trunk]
    match column.measure:
        case "params":
            rows = trunk if row == TOTALS else [works[row]]
            return sum(each.params - (0 if column.bias else each.biases) for each in rows)
        case "ops":
            return sum(each.macs for each in trunk) if row == TOTALS else works[row].macs
        case "output" if row != TOTALS:
            return _output(audit, row)
    return None


def _output(audit: Audit, row: str) -> TensorType | None:
    """The shape of the last layer of a row that the target has."""
    own = [index for index, node in enumerate(audit.spec.nodes) if node.row == row and index in audit.pairs]
    return audit.target.nodes[audit.pairs[own[-1]]].out if own else None


def sentences(cells: list[Cell]) -> list[str]:
    """How many printed numbers fit, and the cells that fit only one of the two."""
    spec, target = sum(cell.spec_fits for cell in cells), sum(cell.target_fits for cell in cells)
    found = [f"Of {counted(len(cells), 'printed number')}, {spec} fit the spec and {target} the target."]
    only = {
        "target": [cell for cell in cells if cell.target_fits and not cell.spec_fits],
        "spec": [cell for cell in cells if cell.spec_fits and not cell.target_fits],
    }
    return found + [_only(which, of_one) for which, of_one in only.items() if of_one]


def _only(which: str, cells: list[Cell]) -> str:
    texts = [f"{cell.row}.{cell.column} ({cell.printed}; target {cell.target})" for cell in cells]
    return f"Only the {which} fits: {', '.join(texts)}."
