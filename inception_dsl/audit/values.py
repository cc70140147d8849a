"""The values of a spec's network and of a target on the same weights, row by row, up to where they part.

Weights follow the alignment, and names play no part. A row is compared where the target has the node that ends it, and
all layers up to it take the target's tensors: beyond the first that cannot, nothing is known about values. So is a head
that leaves such a row. A batch norm that the target has in the layer before it takes part, as one that adds a bias.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NamedTuple

from inception_dsl.audit.comparison import place
from inception_dsl.audit.preprocessing import preprocessing
from inception_dsl.crosscheck import probe
from inception_dsl.crosscheck.compare import MOVES, TOLERANCE, relative_difference
from inception_dsl.diagnostics.codes.interchange import NOT_A_GRAPH
from inception_dsl.diagnostics.diagnostic import Diagnostic, SpecError
from inception_dsl.diagnostics.spelling import counted, raised
from inception_dsl.interchange.description import passes
from inception_dsl.interchange.folds import folds
from inception_dsl.interchange.graph import Array, Graph, GraphNode
from inception_dsl.interchange.network import Network
from inception_dsl.interchange.weights import drawn_for, executor, transplanted
from inception_dsl.ir.dataflow import inputs
from inception_dsl.ir.shapes import TensorType
from inception_dsl.ir.typed import Typed
from inception_dsl.lower import lower


class RowValues(NamedTuple):
    """The largest difference of a row's values, and how they move between two images, relative to their range.

    `layer` is what the spec calls the layer that ends the row, and `found` what the target calls its own.
    """

    row: str
    layer: str
    found: str
    apart: float
    moved: float
    is_head: bool = False

    @property
    def equal(self) -> bool:
        """Whether they are equal."""
        return self.apart <= TOLERANCE


@dataclass(frozen=True)
class Values:
    """The rows that were compared, in order and up to the first that differs; `notes` say what was not, and why.

    `drawn` says that the weights were drawn, because the target has none, or because its own show little.
    """

    rows: tuple[RowValues, ...] = ()
    drawn: bool = False
    notes: tuple[str, ...] = ()

    @property
    def parted(self) -> RowValues | None:
        """The first row whose values differ."""
        return next((each for each in self.rows if not each.equal), None)

    @property
    def weak(self) -> bool:
        """Whether a row changes so little between two images that it could hide an error."""
        return any(not each.moved >= MOVES for each in self.rows)

    @property
    def sentences(self) -> list[str]:
        """The result in words; none if no row was compared."""
        if not self.rows:
            return []
        weights = "drawn weights" if self.drawn else "the target's weights"
        agree = [each for each in self.rows if each.equal]
        found = []
        if agree:
            worst = max(each.apart for each in agree)
            text = f", at most {worst:.0e} of their range apart" if worst else " exactly"
            heads = sum(each.is_head for each in agree)
            parts = [counted(number, kind) for number, kind in ((len(agree) - heads, "row"), (heads, "head")) if number]
            found.append(f"With {weights}, the values of {' and '.join(parts)} agree{text}.")
        if self.parted:
            found.append(f"With {weights}, {self.difference}.")
        if self.weak:
            least = min(each.moved for each in self.rows)
            found.append(f"This shows little: a row changes by only {least:.0e} of its range between two images.")
        return found

    @property
    def difference(self) -> str:
        """Where the values part, and how far; "" if they do not."""
        if not (row := self.parted):
            return ""
        return (
            f"values part at `{row.row}`: they differ by {row.apart:.1g} of their range, and {TOLERANCE:g} is allowed"
        )


class _Pairing:
    """What can be compared: rows and heads with the target's nodes that end them, and the tensors that both have."""

    def __init__(self, typed: Typed, spec: Graph, target: Graph, pairs: Mapping[int, int]) -> None:
        self.ends: dict[str, GraphNode] = {}
        self.rows: list[str] = []
        """The rows that can be run on the target's weights, from the first on."""
        self.heads: list[str] = []
        """The heads that can be run on them."""
        self.notes: list[str] = []
        own = preprocessing(target, spec)
        self.prepared = target.nodes[own[-1]].name if own else ""
        """The node of the target that gives the image which the spec's network reads; "" where that is the input."""
        self.folds = dict(folds(spec, target, pairs))
        self.names = {ours: theirs for fold in self.folds.values() for ours, theirs in fold.names.items()}
        """The target's name of a tensor, by the spec's own."""
        self.shapes: dict[str, tuple[int, ...]] = {}
        """The shape of a tensor in the target, by the target's name."""
        self._typed, self._spec = typed, {node.name: node for node in spec.nodes}
        within = {id(node) for fold in self.folds.values() for node in (fold.layer, fold.norm)}
        self._partners = {spec.nodes[index].name: target.nodes[other] for index, other in pairs.items()}
        self._partners |= {fold.norm.name: fold.target for fold in self.folds.values()}
        self._lost: dict[str, GraphNode] = {}  # the first layer of a row whose tensors the target does not have
        for node in spec.nodes:
            other = self._partners.get(node.name)
            if id(node) in within:
                continue
            if other and _exchangeable(node, other):
                self.names |= {ours: other.weights[key] for key, ours in node.weights.items()}
                self.shapes |= {other.weights[key]: shape for key, shape in _tensors(other).items()}
            elif node.weights:
                self._lost.setdefault(node.row, node)
        for row in typed.trunk:
            if why := self._why_not(row):
                self.notes.append(f"values from `{row}` on: {why}")
                break
            self.rows.append(row)
            end, other = self._end(row)
            if other:
                self.ends[row] = other
            elif end is None or not passes(end):
                self.notes.append(f"values of `{row}`, whose last layer has no counterpart in the target")
        for head in typed.heads:
            _, other = self._end(head)
            if other is None:  # left out, or a deviation
                continue
            if why := self._why_not(head):
                self.notes.append(f"values of the head `{head}`: {why}")
            elif _sources(typed, head) <= {*self.rows}:
                self.heads.append(head)
                self.ends[head] = other

    def _end(self, row: str) -> tuple[GraphNode | None, GraphNode | None]:
        """The last node of a row or head in the spec, and its partner."""
        end = self._typed.ends[row]
        name = self._typed.nodes[end].name if end >= 0 else ""
        return self._spec.get(name), self._partners.get(name)

    def _why_not(self, row: str) -> str:
        """Why a row or head cannot be compared; "" where it can."""
        node, other = self._end(row)
        if row in self._lost:
            return f"the target has other weights for `{self._lost[row].name}`, or none"
        different = node and other and _sides(other.out) != _sides(node.out)
        return "it has another shape in the target" if different else ""


def _sources(typed: Typed, head: str) -> set[str]:
    """The rows that a head reads."""
    body = next(each for each in typed.program.heads if each.name == head)
    source, passed = inputs(body.body)
    return {source or body.source, *passed}


def _sides(out: TensorType) -> list[int]:
    """The sides that are not 1: a vector is the same as an image of one pixel."""
    return [side for side in out.shape if side != 1]


def _tensors(node: GraphNode) -> Mapping[str, tuple[int, ...]]:
    """The shapes of a node's tensors, by the op's names; only those that it has."""
    shapes = node.op.weights(*node.types)
    return {name: shapes[name].shape for name in node.weights if name in shapes}


def _exchangeable(node: GraphNode, other: GraphNode) -> bool:
    """Whether one can have the other's tensors: a fully connected layer has those of a convolution with one place."""
    ours, theirs = _tensors(node), _tensors(other)
    vectors = any(len(tensors.get("weight", ())) == 2 for tensors in (ours, theirs))
    return _rows(ours) == _rows(theirs) if vectors else ours == theirs


def _rows(tensors: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, int]]:
    """The shapes of tensors as matrices, with a row for every output."""
    return {name: (shape[0], math.prod(shape[1:])) for name, shape in tensors.items()}


def compare_values(typed: Typed, spec: Graph, target: Network, pairs: Mapping[int, int]) -> Values:
    """Run both on two images with the target's weights, or with drawn ones where it has none.

    A module's own weights are replaced by drawn ones too, where they show little: those that torch draws fade over many
    layers, until an error is lost in them.
    """
    pairing = _Pairing(typed, spec, target.graph, pairs)
    if not pairing.ends:
        return Values(notes=tuple(pairing.notes))
    try:
        found = _compare(typed, target, pairing, drawn=False)
        if found.weak and not found.drawn and not target.is_file:
            with suppress(ValueError):  # of tensors that cannot be replaced: its own weights stay
                again = _compare(typed, target, pairing, drawn=True)
                found = again if again.parted or not found.parted else found
    except ValueError as error:  # of tensors that cannot be replaced, where it has no values of its own
        return Values(notes=(f"values: the target cannot be run on these weights: {error}",))
    return replace(found, notes=tuple(pairing.notes))


def _compare(typed: Typed, target: Network, pairing: _Pairing, drawn: bool) -> Values:
    """Compare row by row, and end at the first that differs."""
    weights = None if drawn else transplanted(target.graph, typed, pairing.names)
    given: dict[str, Array] = {}
    if drawn := weights is None:
        weights, given = drawn_for(target.graph, typed, pairing.names)
    for fold in pairing.folds.values():
        replaced = given.keys() >= {*fold.target.weights.values()}
        given |= fold.folded(weights) if replaced else {}
        weights |= {} if replaced else fold.plain
    given = {name: values.reshape(pairing.shapes.get(name, values.shape)) for name, values in given.items()}
    images = probe.images(typed.input.shape, 2, probe.level(typed))
    tapped = [node.name for node in pairing.ends.values()]
    theirs = _tapped(target, images, given, [pairing.prepared, *tapped] if pairing.prepared else tapped)
    images = _like(images, theirs[pairing.prepared]) if pairing.prepared else images
    part = _part(typed, pairing.rows, pairing.heads)
    run = executor(target, typed)
    run.load({**weights})
    rows: list[RowValues] = []
    names = [*pairing.rows, *pairing.heads]
    for _, (row, ours) in zip(names, run.at(part)(images), strict=False):  # without the whole output again
        if row not in pairing.ends:
            continue
        node = pairing.ends[row]
        values = _like(ours, theirs[node.name])
        apart, moved = relative_difference(ours, values, values), relative_difference(values[0], values[1], values)
        layer = typed.nodes[typed.ends[row]].name
        rows.append(RowValues(row, layer, place(node), apart, moved, row in pairing.heads))
        if not rows[-1].equal:
            break
    return Values(tuple(rows), drawn)


def _like(ours: Array, values: Array) -> Array:
    """Values of a source in the shape of ours: it may keep channels last, or have more axes in their place."""
    last = values.ndim in (3, 4) and (ours.ndim == 2 or values.shape[-1] == ours.shape[1])
    if values.shape != ours.shape and last:
        values = values.transpose(0, -1, *range(1, values.ndim - 1))
    return values.reshape(ours.shape)


def _tapped(target: Network, images: Array, given: Mapping[str, Array], nodes: Sequence[str]) -> Mapping[str, Array]:
    try:
        return target.tap(images, given, nodes)
    except ValueError:
        raise
    except Exception as error:  # noqa: BLE001 - the code of the target runs here
        message = f"`{target.name}` cannot be run: {raised(error)}"
        hint = "leave out `--values` to compare the structure alone"
        raise SpecError([Diagnostic(NOT_A_GRAPH, message, help=hint, file=target.name)]) from None


def _part(typed: Typed, rows: Sequence[str], heads: Sequence[str]) -> Typed:
    """The network up to the last row that is compared, and some of its heads."""
    kept = tuple(each for each in typed.program.heads if each.name in heads)
    program = replace(typed.program, rows=typed.program.rows[: len(rows)], heads=kept)
    return lower(program, typed.input.image if typed.input.image != program.input.image else None)
