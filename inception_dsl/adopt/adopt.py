"""Somebody's network as a spec that a person could have written, proven equal."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
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
from inception_dsl.interchange.graph import Graph, Opaque
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

    @property
    def findings(self) -> list[Diagnostic]:
        """E143 where the spec does not compute what its source computes."""
        if self.values is not None and not self.values.equal:
            return [Diagnostic(NOT_EQUAL, self.values.sentence)]
        if not self.same:
            return [Diagnostic(NOT_EQUAL, "the graph of the spec has another canonical form than its source's")]
        return []

    @property
    def sentences(self) -> list[str]:
        """What was written and what holds, in words."""
        rows, modules = len(self.spec.rows), len(self.spec.modules.found)
        nodes = len(self.spec.network.graph.nodes)
        found = [f"{counted(nodes, 'node')} in {counted(rows, 'row')} and {counted(modules, 'module')}"]
        found += self.spec.network.graph.notes
        if self.spec.left_out:
            found.append(f"left out: {', '.join(self.spec.left_out)}, which no row ends before")
        if self.same:
            found.append("the spec compiles to the same graph")
        if self.values is not None and self.values.equal:
            found.append(self.values.sentence)
        return found

    def data(self) -> dict[str, Any]:
        """The result as JSON gives it."""
        values = self.values
        return {
            "network": self.name,
            "text": self.text,
            "rows": [row.name for row in self.spec.rows],
            "modules": list(self.spec.modules.found),
            "heads": [head.name for head in self.spec.heads],
            "left_out": list(self.spec.left_out),
            "same_graph": self.same,
            "values": {"apart": values.apart, "moved": values.moved, "drawn": values.drawn} if values else None,
        }


def adopt(target: Network, name: str = "", values: bool = True) -> Adoption:
    """Write the spec of a network, compile it, and compare the two; `values` runs both on the same weights.

    Raises `SpecError` E142 for layers that the language cannot express and for a network beyond its limits, E140 for
    one without layers.
    """
    if opaque := unsaid(target.graph):
        raise SpecError(opaque)
    form = canonical(target.graph)
    if not form.steps:
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
    same = canonical(of_spec(typed)).digest == form.digest
    return Adoption(name, text, spec, typed, same, compare(target, spec, typed) if values else None)


def unsaid(graph: Graph) -> list[Diagnostic]:
    """The layers of a graph that the language cannot express: E142 for every kind, with its number."""
    kinds: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for node in graph.nodes:
        if isinstance(node.op, Opaque):
            kinds[node.op.kind, node.op.parameters].append(node.name)
    texts = (
        f"{counted(len(names), f'{kind} node')}, first `{names[0]}`: {why}" for (kind, why), names in kinds.items()
    )
    return [Diagnostic(NOT_EXPRESSED, text, file=graph.source) for text in texts]
