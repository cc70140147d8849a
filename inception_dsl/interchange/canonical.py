"""The canonical form of a graph: two graphs have the same form if they compute the same function of input and weights.

It keeps what the main output needs in inference. Names, and ways to write the same thing, are gone: padding is counted
in pixels on the image at hand, sums of sums are one sum, what passes its input through is left out. What remains
different computes something else, or needs weights of another shape.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from inception_dsl.interchange.description import Parameters, describe, moving, passes
from inception_dsl.interchange.graph import INPUT, Graph, GraphNode, flattened, needed
from inception_dsl.interchange.recognise.activations import ACTIVATIONS
from inception_dsl.ir.op import Op, single
from inception_dsl.ir.ops.activations import LeakyReLU
from inception_dsl.ir.ops.joins import Add, Concat, Mul
from inception_dsl.ir.ops.norms import BatchNorm
from inception_dsl.ir.ops.scaling import Affine, Scale
from inception_dsl.ir.ops.shaping import AXES, Permute

COMMUTATIVE: Final = (Add.name, Mul.name)
"""The kinds whose inputs have no order."""

ASSOCIATIVE: Final = (Add.name, Mul.name, Concat.name)
"""The kinds whose nesting has no effect."""

MOST_TERMS: Final = 512
"""A sum that others read too is a part of one with up to this many terms: their number could double with every node."""

FUNCTIONS: Final = frozenset((Scale.name, LeakyReLU.name, *(op.name for op in ACTIVATIONS)))
"""The kinds that are functions of single elements, without weights."""

LINEAR: Final = ("conv", "conv_transpose", "fc")
"""The kinds into which a batch norm after them can be folded."""


@dataclass(frozen=True)
class Step:
    """One computation: its kind, the parameters that matter, and the indices of earlier steps that it reads.

    `nodes` are the nodes of the graph that it stands for; the first of them has its weights.
    """

    kind: str
    parameters: Parameters
    inputs: tuple[int, ...]
    nodes: tuple[int, ...]


@dataclass(frozen=True)
class Canonical:
    """The steps that the main output needs, in order, and the index of the one that gives it."""

    graph: Graph
    steps: tuple[Step, ...]
    output: int

    @property
    def digest(self) -> str:
        """A hash that equal forms have in common, whatever the order and the names of their nodes."""
        plain = self._digests(["" for _ in self.steps])
        sharing: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
        for index, step in enumerate(self.steps):
            node = self.graph.nodes[step.nodes[0]]
            # exporters store equal tensors once: batch norms that nobody has trained only seem to share theirs
            if node.weights and not isinstance(node.op, BatchNorm):
                sharing[tuple(node.weights.values())].append(index)
        marks = ["" for _ in self.steps]
        for group in sharing.values():
            if len(group) > 1:
                together = _sha256(sorted(plain[other] for other in group))
                for index in group:
                    marks[index] = together
        digests = self._digests(marks) if any(marks) else plain
        end = digests[self.output] if self.output != INPUT else "input"
        read = {each for step in self.steps for each in step.inputs if not self._is_part(step, each)} - {INPUT}
        return _sha256([end, *sorted(digests[index] for index in {*read, self.output} - {INPUT})])

    def _digests(self, marks: Sequence[str]) -> list[str]:
        found: list[str] = []
        given = {INPUT: _sha256(["input", str(self.graph.input.shape)])}
        terms: dict[int, Terms] = {}
        for index, (step, mark) in enumerate(zip(self.steps, marks, strict=True)):
            read = [given[each] for each in step.inputs]
            if step.kind in ASSOCIATIVE:
                own = [
                    terms[each] if self._is_part(step, each) else (int(digest, 16), VARIABLE)
                    for each, digest in zip(step.inputs, read, strict=True)
                ]
                terms[index] = _together(step.kind, own)
                read = [*map(str, terms[index])]
            given[index] = _sha256([step.kind, repr(step.parameters), mark, *read])
            found.append(given[index])
        return found

    def _is_part(self, step: Step, index: int) -> bool:
        """Whether a join reads another one of its kind."""
        return index != INPUT and step.kind in ASSOCIATIVE and self.steps[index].kind == step.kind


def canonical(
    graph: Graph, fold_norms: bool = False, training: tuple[type[Op], ...] = (), nested: bool = False
) -> Canonical:
    """The canonical form of a graph; with `fold_norms`, batch norms are part of the layers before them.

    Tools fold them when they prepare a network for inference: the layer then has other weights, and a bias; where no
    layer can take it, a norm is an `Affine`. `training` are the ops that stay, though they act in training only. With
    `nested`, joins of joins stay as the source has them, so that the form is not canonical in this.
    """
    steps: list[Step] = []
    given = {INPUT: INPUT}  # the step that gives the value of a node
    kept = needed([node.inputs for node in graph.nodes], [graph.output])
    readers = Counter(each for index in kept for each in graph.nodes[index].inputs)
    for index in kept:
        node = graph.nodes[index]
        inputs = tuple(given[each] for each in node.inputs)
        if passes(node) and not isinstance(node.op, training):
            given[index] = inputs[0]
        elif fold_norms and readers[node.inputs[0]] == 1 and (layer := _folded(node, index, inputs[0], steps)):
            steps[inputs[0]] = layer
            given[index] = inputs[0]
        elif fold_norms and isinstance(node.op, BatchNorm):  # as a tool leaves one that it cannot fold
            steps.append(Step(*describe(replace(node, op=Affine())), inputs, (index,)))
            given[index] = len(steps) - 1
        elif _cancels(step := _scaled(Step(*describe(node), inputs, (index,)), steps)):
            given[index] = step.inputs[0]
        else:
            steps.append(step)
            given[index] = len(steps) - 1
    form = _spread(_exchanged(_pruned(graph, steps, given[graph.output])))
    return form if nested else _joined(form)


def _folded(node: GraphNode, index: int, before: int, steps: Sequence[Step]) -> Step | None:
    """The layer before a batch norm with the norm in it, which gives it a bias; None for other nodes."""
    layer = steps[before] if before != INPUT else None
    if not isinstance(node.op, BatchNorm) or layer is None or layer.kind not in LINEAR:
        return None
    if layer.nodes[-1] != node.inputs[0]:
        return None
    biased = tuple((name, name == "bias" or value) for name, value in layer.parameters)
    return Step(layer.kind, biased, layer.inputs, (*layer.nodes, index))


def _scaled(step: Step, steps: Sequence[Step]) -> Step:
    """A scale of a scale as one."""
    if step.kind != Scale.name or step.inputs[0] == INPUT or (inner := steps[step.inputs[0]]).kind != Scale.name:
        return step
    factor = single(dict(step.parameters)["factor"] * dict(inner.parameters)["factor"])
    return Step(step.kind, (("factor", factor),), inner.inputs, (*step.nodes, *inner.nodes))


def _exchanged(form: Canonical) -> Canonical:
    """The form in which axes are exchanged once in a row, and after the functions of single elements that alone follow.

    Exchanges that cancel are left out.
    """
    readers = Counter((form.output, *(each for step in form.steps for each in step.inputs)))
    steps: list[Step] = []
    given = {INPUT: INPUT}
    for index, old in enumerate(form.steps):
        step = replace(old, inputs=tuple(given[each] for each in old.inputs))
        inner = steps[step.inputs[0]] if step.inputs and step.inputs[0] != INPUT else None
        before = inner if inner and inner.kind == Permute.name else None
        if before and step.kind == Permute.name:
            step = _composed(form.graph, before, step)
        elif before and step.kind in FUNCTIONS and readers[old.inputs[0]] == 1:
            steps.append(_scaled(replace(step, inputs=before.inputs), steps))
            step = replace(before, inputs=(len(steps) - 1,))
        if step.kind == Permute.name and dict(step.parameters)["axes"] == AXES:
            given[index] = step.inputs[0]
        else:
            steps.append(step)
            given[index] = len(steps) - 1
    return _pruned(form.graph, steps, given[form.output])


def _composed(graph: Graph, first: Step, then: Step) -> Step:
    """Two exchanges of axes in a row as one."""
    order = (dict(first.parameters)["axes"][AXES.index(axis)] for axis in dict(then.parameters)["axes"])
    parameters = (("axes", moving("".join(order), graph.nodes[first.nodes[0]].types[0])),)
    return Step(then.kind, parameters, first.inputs, (*first.nodes, *then.nodes))


def _spread(form: Canonical) -> Canonical:
    """The form in which a scale of a sum is a sum of scales: sources write either. A sum that others read too stays."""
    readers = Counter(each for step in form.steps for each in step.inputs)
    steps: list[Step] = []
    given = {INPUT: INPUT}

    def is_sum(index: int) -> bool:
        return index != INPUT and form.steps[index].kind == Add.name and readers[index] == 1 and index != form.output

    for index, step in enumerate(form.steps):
        if step.kind == Scale.name and is_sum(step.inputs[0]):
            terms: list[int] = []
            sums: list[int] = []
            waiting = [step.inputs[0]]
            while waiting:
                at = waiting.pop()
                (sums if is_sum(at) else terms).append(at)
                waiting += reversed(form.steps[at].inputs) if is_sum(at) else ()
            scaled = [_scaled(replace(step, inputs=(given[term],)), steps) for term in terms]
            inputs = []
            for each in scaled:
                steps += [] if _cancels(each) else [each]
                inputs.append(each.inputs[0] if _cancels(each) else len(steps) - 1)
            nodes = (*(node for each in sums for node in form.steps[each].nodes), *step.nodes)
            steps.append(replace(form.steps[sums[0]], inputs=tuple(inputs), nodes=nodes))
        else:
            steps.append(replace(step, inputs=tuple(given[each] for each in step.inputs)))
        given[index] = len(steps) - 1
    return _pruned(form.graph, steps, given[form.output])


def _joined(form: Canonical) -> Canonical:
    """The form whose joins of joins are one: first those that nothing else reads, then others as far as they are short.

    Which are short depends neither on the order of the inputs nor on how the source nests them.
    """
    steps = form.steps
    readers = Counter(each for step in steps for each in step.inputs)
    readers[form.output] += 1

    def is_part(outer: int, inner: int) -> bool:
        return steps[outer].kind == steps[inner].kind in ASSOCIATIVE and readers[inner] == 1

    merged: list[Step] = []
    for step, (inputs, parts) in zip(steps, flattened([step.inputs for step in steps], is_part), strict=True):
        nodes = (*step.nodes, *(node for part in parts for node in steps[part].nodes))
        merged.append(_with_short(Step(step.kind, step.parameters, inputs, nodes), merged))
    return _pruned(form.graph, merged, form.output)


def _with_short(step: Step, steps: Sequence[Step]) -> Step:
    """A join with the joins of its kind that it reads in it, if it has few terms then."""
    inner = {each: steps[each] for each in step.inputs if each != INPUT and steps[each].kind == step.kind}
    if step.kind not in ASSOCIATIVE or not inner:
        return step
    if sum(len(inner[each].inputs) if each in inner else 1 for each in step.inputs) > MOST_TERMS:
        return step
    parts = [(inner[each].inputs, inner[each].nodes) if each in inner else ((each,), ()) for each in step.inputs]
    inputs = tuple(each for own, _ in parts for each in own)
    return Step(step.kind, step.parameters, inputs, (*step.nodes, *(each for _, nodes in parts for each in nodes)))


def _cancels(step: Step) -> bool:
    """Whether a step is a product with 1, as scales may be together."""
    return step.kind == Scale.name and math.isclose(dict(step.parameters)["factor"], 1, rel_tol=1e-6)


def _pruned(graph: Graph, steps: Sequence[Step], output: int) -> Canonical:
    """Without the steps that were merged into others and that nothing else reads."""
    kept = needed([step.inputs for step in steps], [output])
    new = {INPUT: INPUT, **{old: at for at, old in enumerate(kept)}}
    renumbered = tuple(
        Step(step.kind, step.parameters, tuple(new[each] for each in step.inputs), step.nodes)
        for step in (steps[index] for index in kept)
    )
    return Canonical(graph, renumbered, new[output])


Terms = tuple[int, int]
"""The terms of a join, however nested: a polynomial of their digests, and the power of its variable after them."""

PRIME: Final = 2**255 - 19
VARIABLE: Final = 2**200 - 3
"""The polynomial's modulus and its variable."""


def _together(kind: str, parts: Sequence[Terms]) -> Terms:
    """The terms of several, one after the other; of a sum or a product, in any order."""
    value, power = 0, 1
    for own, after in parts:
        value = (value * (1 if kind in COMMUTATIVE else after) + own) % PRIME
        power = power * after % PRIME
    return value, power


def _sha256(parts: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
