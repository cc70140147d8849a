"""The two networks of a comparison, and their rows and heads as they are compared."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from inception_dsl import compiler
from inception_dsl.analysis.cost import Cost, RowCost, cost
from inception_dsl.diff.align import Part
from inception_dsl.ir.dataflow import within
from inception_dsl.ir.op import Op
from inception_dsl.ir.program import Body, Call
from inception_dsl.ir.shapes import TensorType
from inception_dsl.ir.typed import Node, Typed
from inception_dsl.lower import INPUT
from inception_dsl.paper.inherited import resolved
from inception_dsl.spec.network import HeadSpec, NetworkSpec
from inception_dsl.spec.printer import print_cell, print_cells
from inception_dsl.syntax.revision import reader


@dataclass(frozen=True)
class Layer:
    """A layer of a row, with the norm and activation that its words add: its nodes, and its name as in a state_dict.

    The name stands below that of the row; it is "" where the layer is the row, and ends in the number of its use where
    it is applied again. `end` is the index of its last node. `reads` says what it reads: layers of the row, what
    arrives at the row, the input, and other rows as `@row`.
    """

    name: str
    nodes: tuple[Node, ...]
    end: int
    reads: tuple[str, ...]

    @property
    def ops(self) -> tuple[Op, ...]:
        """Its operations, in order."""
        return tuple(node.op for node in self.nodes)


class Entry(NamedTuple):
    """A row or head: its cells as written, what the paper prints of it, its layers and its cost.

    It reads the output of the node `source`, of shape `arrives`; -1 is the network's input. `definition` is what it and
    the modules that it uses are made of, whatever arrives.
    """

    kind: Literal["row", "head"]
    name: str
    cells: Mapping[str, str]
    printed: Mapping[str, str]
    layers: tuple[Layer, ...]
    cost: RowCost
    source: int
    arrives: TensorType
    definition: Sequence[Body]

    @property
    def part(self) -> Part:
        """The entry as a part of a sequence: its layers tell it from others if they have weights."""
        content = tuple((layer.name, layer.ops) for layer in self.layers)
        return Part(self.name, content, any(node.weights for layer in self.layers for node in layer.nodes))


class Side:
    """A network to be compared: `label` is what messages call it, a file with its revision and settings."""

    def __init__(self, spec: NetworkSpec, typed: Typed, label: str = "") -> None:
        self.label = label or spec.file
        self.file = spec.document.source.file
        self.spec = resolved(spec, typed.program.published)
        self.typed = typed
        self.cost: Cost = cost(typed)
        self._bodies = {entry.name: entry.body for entry in typed.program.entries}
        self._layers: dict[str, list[list[int]]] = {name: [] for name in typed.ends}
        for index, node in enumerate(typed.nodes):
            layers = self._layers[node.row]
            if layers and _is_one_layer(typed.nodes[layers[-1][-1]], node):
                layers[-1].append(index)
            else:
                layers.append([index])

    @classmethod
    def load(cls, path: str, settings: Mapping[str, str] | None = None, outside: bool = False) -> Side:
        """Compile a spec file, or one as of a revision in git. Raises `SpecError`."""
        file, read = reader(path)
        spec = compiler.load(file, settings, outside, read)
        words = "".join(f" --set {name}={value}" for name, value in (settings or {}).items())
        return cls(spec, compiler.at_size(compiler.compile_spec(spec)), f"{path}{words}")

    @property
    def rows(self) -> list[Entry]:
        """The rows, in order."""
        source, entries = INPUT, []
        for row in self.spec.rows:
            cells = {column: text for column, text in print_cells(row).items() if column not in (*row.printed, "name")}
            entries.append(self._entry("row", row.name, cells, row.printed, source))
            source = self.typed.ends[row.name]
        return entries

    @property
    def heads(self) -> list[Entry]:
        """The heads, in order."""
        return [
            self._entry("head", head.name, dict(_cells(head)), {}, self.typed.ends[head.source])
            for head in self.spec.heads
        ]

    def _entry(
        self,
        kind: Literal["row", "head"],
        name: str,
        cells: Mapping[str, str],
        printed: Mapping[str, str],
        source: int,
    ) -> Entry:
        nodes = self.typed.nodes
        names = {layer[-1]: _name(nodes[layer[0]], composed=len(layer) > 1) for layer in self._layers[name]}
        named = {INPUT: "the input", **names, source: "what arrives"}

        def layer(indices: list[int]) -> Layer:
            first, *_, last = indices[0], indices[-1]
            reads = tuple(named.get(i) or f"@{nodes[i].row}" for i in nodes[first].inputs)
            return Layer(names[last], tuple(nodes[i] for i in indices), last, reads)

        arrives = nodes[source].out if source >= 0 else self.typed.input
        layers = tuple(map(layer, self._layers[name]))
        return Entry(kind, name, cells, printed, layers, self.cost.rows[name], source, arrives, self._definition(name))

    def _definition(self, name: str) -> Sequence[Body]:
        """The body of a row or head, and those of the modules that it uses, each once."""
        templates, found = self.typed.program.templates, [self._bodies[name]]
        used: dict[str, None] = {}
        for body in found:
            calls = [inner.template for inner in within(body) if isinstance(inner, Call)]
            found += [templates[template].body for template in dict.fromkeys(calls) if template not in used]
            used.update(dict.fromkeys(calls))
        return found


def _is_one_layer(before: Node, node: Node) -> bool:
    """Whether a node was added by a word of the layer that the node before it belongs to."""
    same = (before.path[:-1], before.use, before.origin) == (node.path[:-1], node.use, node.origin)
    return same and node.origin is not None and (before.op.name, node.op.name) == (before.path[-1], node.path[-1])


def _name(node: Node, composed: bool) -> str:
    path = node.path[1:-1] if composed else node.path[1:]
    return ".".join(path) + (f":{node.use}" if node.use > 1 else "")


def _cells(head: HeadSpec) -> Iterator[tuple[str, str]]:
    """What a head says, as cells."""
    yield "from", head.source
    yield "loss_weight", f"{head.loss_weight:g}"
    yield "graph", print_cell(head.graph.term)
