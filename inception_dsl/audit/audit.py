"""The audit: a network that was not written here, compared with a spec, and every deviation at its row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from inception_dsl.audit.align import Aligner
from inception_dsl.audit.assignment import assign
from inception_dsl.audit.comparison import Comparison
from inception_dsl.audit.effects import Count, count, own_count
from inception_dsl.audit.findings import NOTHING, Finding, grouped
from inception_dsl.audit.preprocessing import preprocessing, without
from inception_dsl.audit.series import Contents, Decomposition
from inception_dsl.audit.values import Values
from inception_dsl.diagnostics.codes.audit_structure import HEAD, IMAGE, UNLOCATED
from inception_dsl.interchange.canonical import LINEAR, canonical
from inception_dsl.interchange.graph import INPUT, Graph, GraphNode, needed
from inception_dsl.interchange.of_spec import of_spec
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.norms import BatchNorm
from inception_dsl.ir.ops.regularisation import Dropout, DropPath
from inception_dsl.ir.typed import Typed


@dataclass(frozen=True)
class Audit:
    """What an audit found; `notes` say what could not be compared.

    `pairs` gives the node of the target for nodes of the spec's graph. `totals` are the parameters and multiply-adds of
    the spec's trunk, and of what the target's main output needs. `values` is None where they were not compared.
    """

    typed: Typed
    spec: Graph
    target: Graph
    findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    pairs: Mapping[int, int]
    totals: tuple[Count, Count]
    values: Values | None = None

    @cached_property
    def in_common(self) -> float:
        """The share of the layers with weights, those of both, that have a partner with weights of the same shape.

        It is 1 for a file of weights, which has no layers.
        """
        ours, theirs = ([node for node in graph.nodes if node.weights] for graph in (self.spec, self.target))
        pairs = ((self.spec.nodes[one], self.target.nodes[other]) for one, other in self.pairs.items())
        alike = sum(bool(one.weights) and _weight(one) == _weight(other) for one, other in pairs)
        return 2 * alike / max(len(ours) + len(theirs), 1) if theirs else float(not self.target.nodes)

    @property
    def holds(self) -> bool:
        """Whether the target is the network of the spec."""
        return not self.findings and not (self.values and self.values.parted)


def audit(typed: Typed, target: Graph, heads: bool = True, inference: bool = False) -> Audit:
    """Compare a network with a spec, in time polynomial in their sizes.

    `heads=False` leaves the heads out. `inference` says that the target may have been prepared for inference: where its
    heads, its dropouts or the batch norms after its convolutions are all gone, that is a note and no finding.
    """
    return _Auditor(typed, target, inference).run(heads)


class _Auditor:
    def __init__(self, typed: Typed, target: Graph, inference: bool) -> None:
        self.typed, self.target = typed, target
        self.spec = of_spec(typed)
        self.notes = [*target.notes]
        if own := preprocessing(target, self.spec):
            self.target = target = without(target, own)
            self.notes.append("it scales and shifts its images itself, which a spec leaves to their preprocessing")
        self.heads_left_out = inference and len(target.outputs) == 1
        self.folded = inference and _norms(self.spec) > 0 == _norms(target)
        self.undropped = inference and self._lacks(Dropout)
        self.lost_paths = self._lacks(DropPath)
        if self.folded:
            self.notes.append("its batch norms are folded into the layers before them: their eps is not seen")
        if self.undropped:
            self.notes.append("it has no dropouts, as it was prepared for inference: they are not compared")
        if self.lost_paths:
            self.notes.append("stochastic depth leaves no trace in it: `drop_path` is not compared")
        self.training = (*(() if self.undropped else (Dropout,)), *(() if self.lost_paths else (DropPath,)))
        self.aligner, self.contents = Aligner(), Contents()
        last = [_last_layer(self.spec, end) for end in self.spec.outputs.values()]
        self.comparison = Comparison(self.spec, target, last)

    def run(self, heads: bool) -> Audit:
        """Compare the main outputs, then the heads."""
        if self.spec.input != self.target.input:
            texts = str(self.spec.input), str(self.target.input)
            self.comparison.tell(IMAGE, "input", texts, INPUT)
        self._compare(self.spec.output, self.target.output)
        if heads and len(self.spec.outputs) > 1 and self.heads_left_out:
            self.notes.append("it has one output, as it was prepared for inference: the heads are not compared")
        elif heads:
            self._compare_heads()
        if not self.comparison.deviations and self._digest(self.spec) != self._digest(self.target):
            self.comparison.tell(UNLOCATED, "structure", ("equal layers", "another network"), self.spec.output)
        findings = grouped(self.typed.program, self.spec, self.comparison.deviations)
        totals = count(self.spec), count(self.target)
        return Audit(self.typed, self.spec, self.target, findings, tuple(self.notes), self.comparison.pairs, totals)

    def _lacks(self, kind: type[Op]) -> bool:
        """Whether the spec has ops of a kind, and the target none."""
        spec, target = (any(isinstance(node.op, kind) for node in graph.nodes) for graph in (self.spec, self.target))
        return spec and not target

    def _digest(self, graph: Graph) -> str:
        return canonical(graph, fold_norms=self.folded).digest

    def _decomposed(self, graph: Graph, end: int, nested: bool = False) -> Decomposition:
        of_end = replace(graph, outputs={"": end})
        form = canonical(of_end, fold_norms=self.folded, training=self.training, nested=nested)
        return Decomposition(form, self.contents)

    def _compare(self, end: int, other: int) -> None:
        """Compare what two outputs need: with joins of joins as one, or as written where fewer edits are left then."""

        def forms(nested: bool) -> tuple[Decomposition, Decomposition]:
            return self._decomposed(self.spec, end, nested), self._decomposed(self.target, other, nested)

        def cost(pair: tuple[Decomposition, Decomposition]) -> float:
            return self.aligner.cost(pair[0].whole, pair[1].whole)

        chosen = forms(nested=False)
        if cost(chosen):
            chosen = min(chosen, forms(nested=True), key=cost)
        one, two = chosen
        self.comparison.compare(one, two, self.aligner.align(one.whole, two.whole))

    def _compare_heads(self) -> None:
        """Pair the heads at the least cost, and compare them."""
        (_, *ours), (_, *theirs) = self.spec.outputs.items(), self.target.outputs.items()
        wholes = [
            [self._decomposed(graph, end).whole for _, end in heads]
            for graph, heads in ((self.spec, ours), (self.target, theirs))
        ]
        costs = [[self.aligner.cost(one, two) for two in wholes[1]] for one in wholes[0]]
        chosen = assign(costs, *([whole.price for whole in side] for side in wholes))
        for (name, end), j in zip(ours, chosen, strict=True):
            if j is not None:
                self._compare(end, theirs[j][1])
                self._compare_sources(name, end, theirs[j][1])
                continue
            own = [self.spec.nodes[node] for node in _only(self.spec, end)]
            counts = own_count(own)
            edit = Count(-counts.params, -counts.macs)
            self.comparison.tell(HEAD, "head", (name, NOTHING), end, "", edit)
        for j, (name, end) in enumerate(theirs):
            if j not in chosen:
                own = [self.target.nodes[node] for node in _only(self.target, end)]
                near = self.spec.output
                self.comparison.tell(HEAD, "head", (NOTHING, f"output {name}"), near, name, own_count(own))

    def _compare_sources(self, name: str, end: int, other: int) -> None:
        """Compare the rows that a head and its partner leave."""
        partners = {theirs: ours for ours, theirs in self.comparison.pairs.items()}
        ours, theirs = _source(self.spec, end), _source(self.target, other)
        while theirs not in partners and theirs != INPUT:
            theirs = self.target.nodes[theirs].inputs[0]
        rows = [
            self.spec.nodes[node].row if node != INPUT else "the input" for node in (ours, partners.get(theirs, INPUT))
        ]
        if rows[0] != rows[1]:
            self.comparison.tell(HEAD, "source of the head", (rows[0], rows[1]), end)


def _weight(node: GraphNode) -> tuple[str, tuple[int, ...]]:
    """The kind of a layer, and the shape of its weight."""
    return node.op.name, next((each.shape for each in node.op.weights(*node.types).values()), ())


def _source(graph: Graph, end: int) -> int:
    """The last node of the trunk that an output depends on; in inference, a dropout is what it reads."""
    inputs = [node.inputs for node in graph.nodes]
    source = max({*needed(inputs, [graph.output])} & {*needed(inputs, [end])}, default=INPUT)
    while source != INPUT and graph.nodes[source].op.training_only:
        source = inputs[source][0]
    return source


def _norms(graph: Graph) -> int:
    """The batch norms that can be folded: those after a convolution or fully connected layer."""
    return sum(
        isinstance(node.op, BatchNorm) and node.inputs[0] != INPUT and graph.nodes[node.inputs[0]].op.name in LINEAR
        for node in graph.nodes
    )


def _last_layer(graph: Graph, end: int) -> int:
    """The last node with weights before an output."""
    while end != INPUT and not graph.nodes[end].weights:
        end = graph.nodes[end].inputs[0]
    return end


def _only(graph: Graph, end: int) -> list[int]:
    """The nodes that an output needs and the main one does not."""
    inputs = [node.inputs for node in graph.nodes]
    main = {*needed(inputs, [graph.output])}
    return [node for node in needed(inputs, [end]) if node not in main]
