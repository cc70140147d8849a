"""Somebody's network as a spec that a person could have written, proven equal."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from inception_dsl.adopt.names import valid
from inception_dsl.adopt.spec import Adopted, adopted
from inception_dsl.adopt.values import Comparison, compare
from inception_dsl.adopt.write import text_of
from inception_dsl.compiler import at_size, compile_source
from inception_dsl.diagnostics.codes.interchange import NOT_A_GRAPH, NOT_EQUAL, NOT_EXPRESSED
from inception_dsl.diagnostics.diagnostic import Diagnostic, Source, SpecError
from inception_dsl.diagnostics.spelling import counted
from inception_dsl.interchange.canonical import canonical
from inception_dsl.interchange.graph import Graph, GraphNode, Opaque
from inception_dsl.interchange.network import Network
from inception_dsl.interchange.of_spec import of_spec
from inception_dsl.interchange.target import stem_of
from inception_dsl.ir.typed import Typed


@dataclass(frozen=True)
class Adoption:
    """A network as a spec: its text, its structure, the network compiled from it, and what comparing them showed.

    `same` says that both have one canonical form; `values` is None where they were not compared.
    """

    name: str
    text: str
    spec: Adopted
    typed: Typed = field(repr=False)
    same: bool
    values: Comparison | None = None
    unsaid: Mapping[str, str] = field(default_factory=dict)
    """The outputs that need layers which the language cannot express, with the kinds of these."""
    uncompared: str = ""
    """Why the values could not be compared."""

    @property
    def findings(self) -> list[Diagnostic]:
        """E143 where the spec does not compute what its source computes, or cannot be shown to."""
        if self.values is not None and not self.values.equal:
            return [Diagnostic(NOT_EQUAL, self.values.sentence)]
        if not self.same:
            return [Diagnostic(NOT_EQUAL, "the graph of the spec has another canonical form than its source's")]
        if self.uncompared:
            advice = "`--no-values` asks for the graphs alone"
            return [Diagnostic(NOT_EQUAL, f"the values cannot be compared: {self.uncompared}", help=advice)]
        return []

    @property
    def sentences(self) -> list[str]:
        """What was written and what holds, in words."""
        rows, modules = len(self.spec.rows), len(self.spec.modules.found)
        nodes = len(self.spec.network.graph.nodes)
        found = [f"{counted(nodes, 'node')} in {counted(rows, 'row')} and {counted(modules, 'module')}"]
        found += self.spec.network.graph.notes
        found += [f"{counted(number, 'weight')}: {what}, first `{first}`" for what, number, first in self.computed]
        if self.spec.left_out:
            names = ", ".join(self.spec.left_out)
            found.append(f"left out: {names}: a head shares no weights with others, and no value inside a step")
        found += [f"left out: {name}: no word says its {kinds}" for name, kinds in self.unsaid.items()]
        if self.same:
            found.append("the spec compiles to the same graph")
        if self.values is not None and self.values.equal:
            found.append(self.values.sentence)
        return found

    @property
    def computed(self) -> list[tuple[str, int, str]]:
        """What weights of the spec are that the source has under no name: for every kind how many, and the first."""
        kinds: defaultdict[str, list[str]] = defaultdict(list)
        for name, what in self.spec.network.graph.computed.items():
            kinds[what].append(name)
        return [(what, len(names), names[0]) for what, names in kinds.items()]

    def data(self) -> dict[str, Any]:
        """The result as JSON gives it."""
        values = self.values
        return {
            "network": self.name,
            "text": self.text,
            "rows": [row.name for row in self.spec.rows],
            "modules": list(self.spec.modules.found),
            "heads": [head.name for head in self.spec.heads],
            "left_out": [*self.spec.left_out, *self.unsaid],
            "computed": [{"what": what, "count": number, "first": first} for what, number, first in self.computed],
            "same_graph": self.same,
            "values": {"apart": values.apart, "moved": values.moved, "drawn": values.drawn} if values else None,
            "uncompared": self.uncompared,
        }


def adopt(target: Network, name: str = "", values: bool = True) -> Adoption:
    """Write the spec of a network, compile it, and compare the two; `values` runs both on the same weights.

    Raises `SpecError` E142 for layers that the language cannot express and for a network beyond its limits, E140 for
    one without layers.
    """
    unsaid = target.graph.unsaid
    if next(iter(target.graph.outputs)) in unsaid:
        raise SpecError(not_expressed(target.graph))
    outputs = {output: index for output, index in target.graph.outputs.items() if output not in unsaid}
    target = replace(target, graph=replace(target.graph, outputs=outputs))
    if not canonical(target.graph).steps:
        message = f"`{target.name}` has no layers: its output is its input"
        raise SpecError([Diagnostic(NOT_A_GRAPH, message, file=target.name)])
    name = valid(name or stem_of(target.name))
    spec = adopted(target.graph)
    try:
        text = text_of(spec, name, target.name)
        typed = at_size(compile_source(Source(f"{name}.yaml", text)))
    except SpecError as error:  # it is beyond the limits on rows, layers and lengths
        message = f"no spec can say `{target.name}`: {error.diagnostics[0].message}"
        raise SpecError([Diagnostic(NOT_EXPRESSED, message, file=target.name)]) from error
    theirs = [name for name in target.graph.outputs if name not in spec.left_out]
    same = _together(of_spec(typed)) == _together(target.graph, theirs)
    kinds = {
        output: ", ".join(dict.fromkeys(str(getattr(node.op, "kind", "")) for node in nodes))
        for output, nodes in unsaid.items()
    }
    found = Adoption(name, text, spec, typed, same, unsaid=kinds)
    try:
        return replace(found, values=compare(target, spec, typed)) if values else found
    except ValueError as error:
        return replace(found, uncompared=str(error))


def _together(graph: Graph, outputs: Sequence[str] = ()) -> str:
    """A hash of what the outputs of a graph compute, or some of them, in their order, and of the weights they share."""
    ends = tuple(graph.outputs[name] for name in outputs or graph.outputs)
    types = tuple(map(graph.type_of, ends))
    end = GraphNode("outputs", Opaque("outputs", "", types[0]), ends, types, types[0])
    return canonical(replace(graph, nodes=(*graph.nodes, end), outputs={"": len(graph.nodes)})).digest


def not_expressed(graph: Graph) -> list[Diagnostic]:
    """The layers of a graph that the language cannot express: E142 for every kind, with its number."""
    kinds: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for node in graph.nodes:
        if isinstance(node.op, Opaque):
            kinds[node.op.kind, node.op.parameters].append(node.name)
    texts = (
        f"{counted(len(names), f'{kind} node')}, first `{names[0]}`: {why}" for (kind, why), names in kinds.items()
    )
    return [Diagnostic(NOT_EXPRESSED, text, file=graph.source) for text in texts]
