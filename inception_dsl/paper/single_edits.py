"""Single edits of a row that would give the numbers that its paper prints.

Many edits fit one cell by chance; an edit that fits every cell of a row is worth checking in the paper.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from itertools import islice
from typing import Final, NamedTuple

from inception_dsl.analysis.cost import RowCost, Work, cost, work
from inception_dsl.diagnostics.spelling import listing
from inception_dsl.ir.op import Op, concrete
from inception_dsl.ir.ops.linear import Conv, LinearLayer
from inception_dsl.ir.program import Column
from inception_dsl.ir.shapes import Pair, ShapeError, TensorType, Window
from inception_dsl.ir.typed import Node, Typed
from inception_dsl.paper.verdicts import MEASURES, Verdict, agreement, column_of, parse_cell

KERNELS: Final[tuple[Pair, ...]] = (*((k, k) for k in (1, 3, 5, 7)), (1, 3), (3, 1), (1, 5), (5, 1), (1, 7), (7, 1))
INPUTS: Final = range(8, 2048 + 1, 8)
MULTIPLIERS: Final = range(1, 21 + 1)
WIDTH_STEP: Final = 4
"""The step of the widths that are tried, up to twice the present width and to `MAX_TRIED_WIDTH`."""
MAX_TRIED_WIDTH: Final = 8192
MOST_VISITS: Final = 200_000
"""Nodes visited by the edits of all rows together, `EDIT_OVERHEAD` more for each edit; each row has its share."""
EDIT_OVERHEAD: Final = 10
MOST_SUGGESTIONS: Final = 3
"""Suggestions for one row, the smallest edits first."""


class Suggestion(NamedTuple):
    """An edit that fits the printed `cells` of a row, as a sentence; no cells where no edit does."""

    row: str
    cells: tuple[str, ...]
    sentence: str


class Edit(NamedTuple):
    """One change of a row: `ops` replace the nodes at these indices, `input` replaces the input of the row.

    `change` is its relative size.
    """

    what: str
    change: float
    ops: Mapping[int, tuple[Op, ...]]
    input: TensorType | None = None


class PrintedCell(NamedTuple):
    """A printed cell of a row, and how its column counts."""

    name: str
    text: str
    column: Column

    def fits(self, row: RowCost) -> bool:
        """Whether the cell is right for a row of this cost."""
        computed = MEASURES[self.column.measure].of(row, self.column)
        return agreement(_printed(self.text, self.column), computed, self.column.rounding) is not None


_printed = lru_cache(maxsize=1000)(parse_cell)  # each cell is compared with every edit of its row


def single_edits(typed: Typed, verdicts: Sequence[Verdict]) -> tuple[Suggestion, ...]:
    """Suggest edits for every row whose parameters or multiply-adds are wrong, erratum or not, in the order printed.

    These are tried, one at a time: how a column counts (biases, units of 1000 or 1024, rounding); then, with and
    without biases, the input channels of the row, a kernel, a width, and a depthwise separable convolution. None of
    them changes the depth of a row.
    """
    cells: dict[str, list[PrintedCell]] = {}
    nodes: dict[str, dict[int, Node]] = {}
    for verdict in verdicts:
        claim, column = verdict.claim, column_of(typed.program.published, verdict.claim.column)
        if column.measure in ("params", "ops") and claim.row in typed.ends:
            cells.setdefault(claim.row, []).append(PrintedCell(claim.column, claim.text, column))
            if verdict.verdict in ("erratum", "MISMATCH"):
                nodes[claim.row] = {}
    for index, node in enumerate(typed.nodes):
        if node.row in nodes:
            nodes[node.row][index] = node
    costs = cost(typed).rows
    suggestions: list[Suggestion] = []
    visits = MOST_VISITS
    wrong = [row for row in cells if row in nodes]
    for number, row in enumerate(wrong):
        visits_per_edit = EDIT_OVERHEAD + len(nodes[row])
        most = visits // (len(wrong) - number) // visits_per_edit
        row_suggestions, tried = _suggest(row, cells[row], nodes[row], costs[row], most)
        visits -= tried * visits_per_edit
        suggestions += row_suggestions
    return tuple(suggestions)


def _suggest(
    row: str, cells: list[PrintedCell], nodes: Mapping[int, Node], now: RowCost, most: int
) -> tuple[list[Suggestion], int]:
    """The suggestions for a row, and how many edits were tried, at most `most`."""
    fits: list[tuple[float, str]] = []
    fitted_alone: set[str] = set()

    def fit(counted: list[PrintedCell], new: RowCost) -> bool:
        fitted = {cell.name for cell in counted if cell.fits(new)}
        fitted_alone.update(fitted)
        return len(fitted) == len(cells)

    fits += [(0.0, how) for how, recounted in _recounts(cells) if fit(recounted, now)]
    how, other = _biases(cells)
    tried = 0
    for edit in islice(_edits(nodes), most):
        tried += 1
        if new := _edited(nodes, edit, now):
            what = edit.what if str(new.out) == str(now.out) else f"{edit.what}; the output would then be {new.out}"
            if fit(cells, new):
                fits.append((edit.change, what))
            elif fit(other, new):
                fits.append((edit.change, f"{what}, {how}"))

    names = tuple(cell.name for cell in cells)
    if fits:
        smallest = sorted(fits, key=lambda fit: fit[0])[:MOST_SUGGESTIONS]
        return [Suggestion(row, names, f"{listing(names)} fit {what}") for _, what in smallest], tried
    never = [cell.name for cell in cells if cell.name not in fitted_alone] if len(cells) > 1 else []
    rest = f", and none {listing(never, 'or')} alone" if never else ""
    which = "no single edit" if tried < most else f"none of the {tried:,} edits tried"
    return [Suggestion(row, (), f"{which} fits {listing(names)}{rest}")], tried


def _recounts(cells: list[PrintedCell]) -> Iterator[tuple[str, list[PrintedCell]]]:
    """Other ways to count one of the columns, and the cells counted so."""
    for index, cell in enumerate(cells):
        unit = 1000 if cell.column.unit % 1024 == 0 else 1024
        ways = {f"{cell.name} in units of {unit}": cell.column._replace(unit=unit)}
        if cell.column.measure == "params":
            ways[_biases([cell])[0]] = cell.column._replace(bias=not cell.column.bias)
        if cell.column.rounding != "either":
            ways[f"{cell.name} rounded the other way"] = cell.column._replace(rounding="either")
        for how, column in ways.items():
            yield how, [*cells[:index], cell._replace(column=column), *cells[index + 1 :]]


def _biases(cells: list[PrintedCell]) -> tuple[str, list[PrintedCell]]:
    """The cells with biases counted if they are not, and the other way round."""
    counted = any(cell.column.bias for cell in cells if cell.column.measure == "params")
    other = [cell._replace(column=cell.column._replace(bias=not counted)) for cell in cells]
    return f"biases {'not ' if counted else ''}counted", other


def _edits(nodes: Mapping[int, Node]) -> Iterator[Edit]:
    if not nodes:
        return
    arriving = next(iter(nodes.values())).types[0]  # a row's first node reads the row's input
    for channels, change in _others(INPUTS, arriving.channels):
        what = f"{channels} input channels (now {arriving.channels})"
        yield Edit(what, change, {}, TensorType((channels, *arriving.shape[1:])))
    for indices, node in _layers(nodes):
        where = "/".join(_part(nodes, indices[0]))
        at = f" in `{where}`" if where else ""
        if isinstance(node.op, Conv):
            yield from _kernels(node.op, {i: nodes[i].types[0].channels for i in indices}, at)
        if isinstance(node.op, LinearLayer):
            now = concrete(node.op.width)
            for width, change in _others(range(WIDTH_STEP, min(2 * now, MAX_TRIED_WIDTH) + 1, WIDTH_STEP), now):
                what = f"a width of {width}{at} (now {now})"
                yield Edit(what, change, dict.fromkeys(indices, (replace(node.op, width=width),)))


def _part(nodes: Mapping[int, Node], index: int) -> tuple[str, ...]:
    """The path inside its row of the layer that a node belongs to."""
    node = nodes[index]
    beside = [nodes[other] for other in (index - 1, index + 1) if other in nodes]
    composed = any((other.path[:-1], other.origin) == (node.path[:-1], node.origin) for other in beside)
    return node.path[1:-1] if composed else node.path[1:]


def _others(numbers: Iterable[int], now: int) -> Iterator[tuple[int, float]]:
    return ((number, abs(number / now - 1)) for number in numbers if number != now)


def _kernels(op: Conv, channels: Mapping[int, int], at: str) -> Iterator[Edit]:
    """Other kernels for the nodes whose indices are the keys of `channels`; the values are their input channels."""
    now = op.window.kernel
    for kernel in KERNELS:
        if kernel != now:
            change = abs(math.prod(kernel) / math.prod(now) - 1)
            what = f"a {kernel[0]}x{kernel[1]} kernel{at} (now {now[0]}x{now[1]})"
            yield Edit(what, change, dict.fromkeys(channels, (replace(op, window=replace(op.window, kernel=kernel)),)))
    if op.groups == 1 and now != (1, 1) and min(channels.values()) > 1:
        pointwise = replace(op, window=Window((1, 1)))
        for multiplier in MULTIPLIERS:
            depthwise = {i: Conv(n * multiplier, op.window, groups=n) for i, n in channels.items()}
            what = f"a depthwise separable {now[0]}x{now[1]}{at} with multiplier {multiplier} (now dense)"
            yield Edit(what, 1.0, {i: (first, pointwise) for i, first in depthwise.items()})


def _layers(nodes: Mapping[int, Node]) -> Iterator[tuple[list[int], Node]]:
    """The layers with weights of a row; the copies that `4 of a` makes count as one layer, as in the spec."""
    layers: dict[object, list[int]] = {}
    for index, node in nodes.items():
        if isinstance(node.op, LinearLayer):
            layers.setdefault((node.origin, node.op) if node.origin else index, []).append(index)
    for indices in layers.values():
        yield indices, nodes[indices[0]]


def _edited(nodes: Mapping[int, Node], edit: Edit, now: RowCost) -> RowCost | None:
    """The cost of a row after an edit, from what the edit changes; None where the shapes no longer fit."""
    arrives = next(iter(nodes.values())).inputs[0]
    outs: dict[int, TensorType] = {}  # of the nodes that the edit reaches
    added = Work()
    try:
        for index, node in nodes.items():
            types = tuple(
                edit.input if edit.input and i == arrives else outs.get(i, x)
                for i, x in zip(node.inputs, node.types, strict=True)
            )
            ops = edit.ops.get(index, (node.op,))
            if types == node.types and index not in edit.ops:
                continue
            shared = () if node.use > 1 else None  # weights that are counted already
            added = _sum(added, work(node.op, node.types, shared), -1)
            for op in ops:
                added = _sum(added, work(op, types, shared))
                types = (op.infer(*types),)
            outs[index] = types[0]
    except ShapeError:
        return None
    params, biases, macs = _sum(Work(now.params, now.biases, now.macs), added)
    return now._replace(out=outs.get(max(nodes), now.out), params=params, biases=biases, macs=macs)


def _sum(a: Work, b: Work, sign: int = 1) -> Work:
    return Work(a.params + sign * b.params, a.biases + sign * b.biases, a.macs + sign * b.macs)
