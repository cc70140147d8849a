"""From an alignment of two networks to deviations, each at the row of the spec that it belongs to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Final

from inception_dsl.audit import spelling
from inception_dsl.audit.align import Alignment
from inception_dsl.audit.differences import differences
from inception_dsl.audit.effects import Count, in_place_of, own_count
from inception_dsl.audit.findings import NOTHING, Deviation
from inception_dsl.audit.replaced import replaced
from inception_dsl.audit.series import Decomposition
from inception_dsl.diagnostics.codes.audit_layers import ACTIVATION, PADDING
from inception_dsl.diagnostics.codes.audit_structure import (
    CLASSES,
    EXTRA_LAYER,
    MISSING_LAYER,
    OPAQUE,
    ORDER,
    REPLACED,
    WIRING,
)
from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.interchange.canonical import LINEAR, Step
from inception_dsl.interchange.graph import INPUT, Graph, GraphNode, Opaque
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.norms import LRN, L2Norm
from inception_dsl.ir.ops.pooling import MaxPool
from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.ir.ops.shaping import Identity

JOINS: Final = ("concat", "add", "mul")


class Comparison:
    """Two graphs, the pairs of their nodes so far, and what differs; heads are compared after the trunk.

    `last` are the spec's last layers with weights, whose width is the number of classes.
    """

    def __init__(self, spec: Graph, target: Graph, last: Sequence[int]) -> None:
        self.spec, self.target, self.last = spec, target, last
        self.pairs: dict[int, int] = {}
        self.deviations: list[Deviation] = []
        self.unpaired: tuple[set[int], set[int]] = set(), set()  # the nodes without a partner, of either side
        self._joined = {each for node in spec.nodes if len(node.inputs) > 1 for each in node.inputs}

    def tell(
        self,
        code: Code,
        what: str,
        texts: tuple[str, str],
        node: int,
        found: str = "",
        edit: Op | Count | Mapping[int, Op] | None = None,
        row: str = "",
    ) -> None:
        """Record a deviation at a node of the spec; `texts` are what the spec and the target have."""
        place = self.spec.nodes[node] if node != INPUT else None
        own, layer = (place.row, place.name) if place else ("", "")
        origin = place.origin if place else None
        self.deviations.append(Deviation(code, what, *texts, row or own, layer, found, origin, node, edit))

    def compare(self, one: Decomposition, two: Decomposition, found: Alignment) -> None:
        """Record what an alignment shows of nodes that were not compared before."""
        before = dict(self.pairs)
        covered: set[int] = set()  # by layers that stand for them together
        for run in replaced(one.steps, two.steps, found):
            own = [one.steps[step].nodes[0] for step in run.spec]
            if not {*own} & before.keys() and len({self.spec.nodes[node].row for node in own}) == 1:
                self._replaced(own, [two.steps[step].nodes[0] for step in run.target])
                covered.update(own)
        for ours, theirs in found.pairs.items():
            step, other = one.steps[ours], two.steps[theirs]
            if step.nodes[0] not in self.pairs:  # a scale of a sum is a step for each of its terms
                self.pairs[step.nodes[0]] = other.nodes[0]
                if step.nodes[0] not in covered:
                    self._pair(step, other)
        for join, order in found.orders.items():
            node = one.steps[join].nodes[0]
            if node not in before:
                self._order(one, join, order, found)
        added = [*self._gaps(two, found)]
        for gap in found.missing:
            nodes = dict.fromkeys(one.steps[step].nodes[0] for step in gap.steps)
            self._missing([node for node in nodes if node not in self.pairs.keys() | self.unpaired[0]], added)
        for near, extra in added:
            at = near if near != INPUT else 0  # where no step has a partner: the first row
            self._extra(one.steps[at].nodes[0] if one.steps else INPUT, extra)

    def _gaps(self, two: Decomposition, found: Alignment) -> Iterator[tuple[int, list[int]]]:
        """The target's nodes without a partner, with the spec's step that they are near to."""
        paired, unpaired = {*self.pairs.values()}, self.unpaired[1]
        for gap in found.extra:
            nodes = [node for step in gap.steps if (node := two.steps[step].nodes[0]) not in paired | unpaired]
            unpaired.update(nodes)
            if nodes:
                yield gap.near, nodes

    def _pair(self, step: Step, other: Step) -> None:
        """Compare two layers."""
        ours, theirs = _node(self.spec, step), _node(self.target, other)
        if step.kind in JOINS:
            if step.kind != other.kind:
                self.tell(ACTIVATION, "join", (step.kind, other.kind), step.nodes[0], place(theirs))
            return
        folded = len(step.nodes) > 1 and step.kind in LINEAR
        padded = self._padded(theirs)
        for each in differences(ours, theirs):
            if folded and each.what == "bias":  # the norm's shift
                continue
            if padded and each.code == PADDING:
                self.tell(PADDING, each.what, (each.spec, padded), step.nodes[0], place(theirs))
                continue
            classes = each.what == "width" and step.nodes[0] in self.last
            code, what = (CLASSES, "classes") if classes else (each.code, each.what)
            self.tell(code, what, (each.spec, each.target), step.nodes[0], place(theirs), each.op)

    def _replaced(self, ours: Sequence[int], theirs: Sequence[int]) -> None:
        """Record layers that stand for others together; the last may also differ in its width or bias."""
        one, two = [self.spec.nodes[node] for node in ours], [self.target.nodes[node] for node in theirs]
        self.unpaired[0].update(ours)
        self.unpaired[1].update(theirs)
        texts = _in_a_row(one), _in_a_row(two)
        self.tell(REPLACED, "layers", texts, _heaviest(self.spec, ours), place(two[0]), in_place_of(one, two))
        for each in differences(one[-1], two[-1]):
            if each.what in ("width", "bias"):
                self.tell(each.code, each.what, (each.spec, each.target), ours[-1], place(two[-1]), each.op)

    def _padded(self, node: GraphNode) -> str:
        """The padding that a layer cannot have itself, and that is a node of its own before it."""
        before = node.inputs[0]
        padding = spelling.padded(self.target.nodes[before], isinstance(node.op, MaxPool)) if before != INPUT else ""
        self.unpaired[1].update([before] if padding else [])
        return padding

    def _order(self, one: Decomposition, join: int, order: Sequence[int], found: Alignment) -> None:
        node = self.spec.nodes[one.steps[join].nodes[0]]
        ends = [one.steps[end].nodes[0] if end != INPUT else INPUT for end in one.steps[join].inputs]
        names = branch_names(node, [self.spec.nodes[end] if end != INPUT else None for end in ends])
        texts = ", ".join(names[i] for i in sorted(order)), ", ".join(names[i] for i in order)
        index = one.steps[join].nodes[0]
        self.tell(ORDER, "order", texts, index, self.target.nodes[self.pairs[index]].name)

    def _missing(self, nodes: Sequence[int], extra: list[tuple[int, list[int]]]) -> None:
        """Record layers that the target lacks, row by row; those that it has elsewhere were moved."""
        for row, group in groupby(nodes, lambda node: self.spec.nodes[node].row):
            lost = [*group]
            self.unpaired[0].update(lost)
            layers = [self.spec.nodes[node] for node in lost]
            text = _in_a_row(layers)
            moved = next((gap for gap in extra if self._is_moved(lost, gap[1])), None)
            if moved:
                extra.remove(moved)
                found = [self.target.nodes[node] for node in moved[1]]
                texts = (
                    f"{text} after {self._after(self.spec, layers[0])}",
                    f"after {self._after(self.target, found[0])}",
                )
                self.tell(WIRING, "place", texts, lost[0], place(found[0]))
                for index, other in zip(lost, found, strict=True):
                    for each in differences(self.spec.nodes[index], other):
                        self.tell(each.code, each.what, (each.spec, each.target), index, place(other), each.op)
                continue
            unclear = next((gap for gap in extra if self._stands_for(gap[1], layers)), None)
            if unclear:
                extra.remove(unclear)
                self._unclear(lost[0], self.target.nodes[unclear[1][0]])
                continue
            self.tell(MISSING_LAYER, "layer", (text, NOTHING), _heaviest(self.spec, lost), "", self._without(lost), row)

    def _without(self, lost: Sequence[int]) -> Count | Mapping[int, Op]:
        """The edit that leaves layers out of a series; of a branch, which goes with its join, what they count."""
        layers = [self.spec.nodes[index] for index in lost]
        if self._joined.isdisjoint(lost) and all(len(node.inputs) == 1 for node in layers):
            return dict.fromkeys(lost, Identity())
        counts = own_count(layers)
        return Count(-counts.params, -counts.macs)

    def _is_moved(self, lost: Sequence[int], nodes: Sequence[int]) -> bool:
        """Whether the target has layers elsewhere: the same or, as a norm without weights, of the same kind."""
        ours, theirs = [self.spec.nodes[index] for index in lost], [self.target.nodes[index] for index in nodes]
        if all(isinstance(node.op, LRN | L2Norm) and not node.weights for node in ours):
            return [node.op.name for node in ours] == [node.op.name for node in theirs]
        return _in_a_row(ours) == _in_a_row(theirs)

    def _stands_for(self, nodes: Sequence[int], layers: Sequence[GraphNode]) -> bool:
        """Whether what the language cannot express is in the place of a layer: a pool, or what gives the same shape."""
        only = self.target.nodes[nodes[0]]
        alone = len(nodes) == len(layers) == 1 and isinstance(only.op, Opaque)
        return alone and (only.out == layers[0].out or bool(spelling.padding_of_pool(layers[0], only)))

    def _unclear(self, index: int, other: GraphNode) -> None:
        """Record what the language cannot express in the place of a layer, or the padding that a pool cannot have."""
        layer = self.spec.nodes[index]
        if texts := spelling.padding_of_pool(layer, other):
            self.tell(PADDING, "padding", texts, index, place(other))
        else:
            assert isinstance(other.op, Opaque)
            texts = spelling.layer(layer), f"{other.op.kind}: {other.op.parameters}"
            self.tell(OPAQUE, "layer", texts, index, place(other))

    def _extra(self, near: int, nodes: Sequence[int]) -> None:
        layers = [self.target.nodes[node] for node in nodes]
        code = OPAQUE if any(isinstance(each.op, Opaque) for each in layers) else EXTRA_LAYER
        self.tell(code, "layer", (NOTHING, self._text(nodes)), near, place(layers[0]), own_count(layers))

    def _text(self, nodes: Sequence[int]) -> str:
        return _in_a_row([self.target.nodes[node] for node in nodes])

    def _after(self, graph: Graph, node: GraphNode) -> str:
        before = node.inputs[0]
        return f"`{place(graph.nodes[before])}`" if before != INPUT else "the input"


def place(node: GraphNode) -> str:
    """What a source calls a layer: the module that has its weights, or that it stands in, or the node."""
    weight = next(iter(node.weights.values()), "")
    return weight.rpartition(".")[0] or node.scope or node.name


def branch_names(join: GraphNode, ends: Sequence[GraphNode | None]) -> list[str]:
    """What the branches of a join are called, by their last layers: the fewest names that tell them apart."""
    within = f"{join.name.rpartition('/')[0]}/"
    paths = [end.name.removeprefix(within).split("/") if end and end.name.startswith(within) else [] for end in ends]
    named = [[part for part in path if not part.isdecimal()] for path in paths]
    for depth in range(1, max(map(len, named), default=0) + 1):
        names = ["/".join(parts[:depth]) if path else "pass" for path, parts in zip(paths, named, strict=True)]
        if all(names) and len({*names}) == len(names):
            return names
    return [f"branch {number}" if path else "pass" for number, path in enumerate(paths, 1)]


def _node(graph: Graph, step: Step) -> GraphNode:
    """The node of a step; scales that are one have the factor of their product."""
    node = graph.nodes[step.nodes[0]]
    return replace(node, op=Scale(dict(step.parameters)["factor"])) if step.kind == Scale.name else node


def _in_a_row(nodes: Sequence[GraphNode]) -> str:
    return spelling.several([*map(spelling.layer, nodes)])


def _heaviest(graph: Graph, nodes: Sequence[int]) -> int:
    """The first node with weights, or the first of all."""
    return next((node for node in nodes if graph.nodes[node].weights), nodes[0])
