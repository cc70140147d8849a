"""The cost of a network, row by row: parameters, multiply-adds, depth, memory and receptive field.

Every number is computed from the lowered network, never measured on a running model. All are for one example.
"""

from __future__ import annotations

import math
import warnings
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from inception_dsl.ir.op import Op
from inception_dsl.ir.shapes import Pair, ReceptiveFields, TensorType, Weight
from inception_dsl.ir.typed import Node, Typed, once


class Work(NamedTuple):
    """Sums over ops: trained parameters, those of them that are biases, and multiply-adds.

    `biases` are the trained numbers that stand one per channel: the biases of `conv` and `fc`, and the scale and
    shift of a norm. `params - biases` is the number in tables that count weights only.
    """

    params: int = 0
    biases: int = 0
    macs: int = 0


class RowCost(NamedTuple):
    """The cost of a row or head, or of several together.

    `depth` is the number of layers with weights on the longest path. `activations` are the numbers that the ops
    write in training, and keep for the backward pass: a ReLU that alone reads its input writes over it, a SiLU does
    not, because its gradient needs its input, a view writes nothing, a dropout writes its output; masks, pooling
    indices and workspaces of a framework are not counted.
    `receptive_fields` are those of one output pixel, by height and width.
    """

    out: TensorType
    params: int
    biases: int
    macs: int
    depth: int
    activations: int
    receptive_fields: ReceptiveFields

    @property
    def receptive_field(self) -> Pair:
        """The receptive field in pixels of the network's input, by height and width; may be larger than the image."""
        return self.receptive_fields[0].size, self.receptive_fields[1].size

    @property
    def stride(self) -> tuple[float, float]:
        """Pixels of the network's input between neighbouring output pixels, by height and width; perhaps 0.5."""
        height, width = (field.stride for field in self.receptive_fields)
        return _number(height), _number(width)

    @property
    def field(self) -> Pair:
        """Deprecated: `receptive_field`."""
        warnings.warn("`field` is deprecated: use `receptive_field`", DeprecationWarning, stacklevel=2)
        return self.receptive_field

    @property
    def seen(self) -> ReceptiveFields:
        """Deprecated: `receptive_fields`."""
        warnings.warn("`seen` is deprecated: use `receptive_fields`", DeprecationWarning, stacklevel=2)
        return self.receptive_fields


class Cost(NamedTuple):
    """The cost of a network: by the name of each row and head, of the trunk, and of the trunk with its heads.

    `peak` is the most numbers alive at once in inference: the image and every op's output from the op that writes it
    to the last that reads it, in the order of the nodes, heads left out; weights are not counted.
    """

    rows: Mapping[str, RowCost]
    trunk: RowCost
    total: RowCost
    peak: int


def _number(number: int | Fraction) -> float:
    """A whole number as such."""
    return int(number) if number.denominator == 1 else float(number)


def work(op: Op, types: Sequence[TensorType], weights: Iterable[Weight] | None = None) -> Work:
    """The work of an op for inputs of these shapes; `weights` are its weights for them, if they are known."""
    weights = op.weights(*types).values() if weights is None else weights
    trained = [weight.shape for weight in weights if weight.trained]
    biases = sum(shape[0] for shape in trained if len(shape) == 1)
    return Work(sum(map(math.prod, trained)), biases, op.macs(*types))


@once
def cost(typed: Typed) -> Cost:
    """Count a network, in time linear in its nodes."""
    names = (*typed.trunk, *typed.heads)
    sums = {name: [0, 0, 0, 0] for name in names}
    depth_of = depths(typed, [node.op.layers(*node.types) for node in typed.nodes])
    training = storage(typed.nodes)
    for index, node in enumerate(typed.nodes):
        weights = node.weights.values() if node.use == 1 else ()
        written = node.out.size if training[index] == index else 0
        sums[node.row] = [
            a + b for a, b in zip(sums[node.row], (*work(node.op, node.types, weights), written), strict=True)
        ]

    def row(name: str) -> RowCost:
        params, biases, macs, activations = sums[name]
        return RowCost(typed.out(name), params, biases, macs, depth_of.rows[name], activations, typed.sees(name))

    def together(of: Sequence[str], depth: int) -> RowCost:
        params, biases, macs, activations = (sum(sums[name][i] for name in of) for i in range(4))
        last = typed.trunk[-1]
        return RowCost(typed.out(last), params, biases, macs, depth, activations, typed.sees(last))

    return Cost(
        {name: row(name) for name in names},
        together(typed.trunk, depth_of.trunk),
        together(names, depth_of.total),
        _peak(typed),
    )


class Depths(NamedTuple):
    """The layers with weights on the longest path through every row and head, through the trunk, and with the heads."""

    rows: Mapping[str, int]
    trunk: int
    total: int


def depths(typed: Typed, layers: Sequence[int]) -> Depths:
    """The depth of a network, given what each node adds to it."""
    through: dict[int, int] = {-1: 0}
    within: dict[int, int] = {-1: 0}  # the depth of each node in its own row
    for index, (node, own) in enumerate(zip(typed.nodes, layers, strict=True)):
        through[index] = max(through[i] for i in node.inputs) + own
        before = (within[i] for i in node.inputs if i >= 0 and typed.nodes[i].row == node.row)
        within[index] = max(before, default=0) + own
    ends = typed.ends
    own_end = {name: end >= 0 and typed.nodes[end].row == name for name, end in ends.items()}
    return Depths(
        {name: within[end] if own_end[name] else 0 for name, end in ends.items()},
        max(through[ends[name]] for name in typed.trunk),
        max(through[end] for end in ends.values()),
    )


def storage(nodes: Sequence[Node], inference: bool = False) -> list[int]:
    """For each node, the node that allocated the memory its output lies in; -1 is the network's input."""
    views = [node.op.storage == "view" or (inference and node.op.training_only) for node in nodes]
    value = {-1: -1}  # for each node, the node that computed its output
    for index, node in enumerate(nodes):
        value[index] = value[node.inputs[0]] if views[index] else index
    readers = Counter(value[i] for node, view in zip(nodes, views, strict=True) if not view for i in node.inputs)
    place = {-1: -1}
    for index, node in enumerate(nodes):
        source = value[node.inputs[0]]
        over = node.op.storage == "in_place" and (inference or not node.op.needs_input)
        over = over and readers[source] == 1 and source >= 0
        place[index] = place[source] if over or value[index] != index else index
    return [place[index] for index in range(len(nodes))]


def _peak(typed: Typed) -> int:
    trunk = set(typed.trunk)
    steps = [(i, node) for i, node in enumerate(typed.nodes) if node.row in trunk]
    place = {-1: -1, **dict(enumerate(storage(typed.nodes, inference=True)))}
    last = {place[i]: index for index, node in steps for i in (*node.inputs, index)}
    peak = alive = typed.input.size
    for index, node in steps:
        if place[index] == index:
            alive += node.out.size
            peak = max(peak, alive)
        for done in {place[i] for i in (*node.inputs, index)}:
            if last[done] == index:
                alive -= typed.nodes[done].out.size if done >= 0 else typed.input.size
    return peak
