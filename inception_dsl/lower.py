"""Program -> Typed: expands every call, binds every width and infers every shape."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from inception_dsl.diagnostics.codes.syntax import OUT_OF_BOUNDS
from inception_dsl.diagnostics.codes.values import WEIGHTS_DO_NOT_FIT
from inception_dsl.diagnostics.diagnostic import Diagnostic, Findings, Note, Span
from inception_dsl.diagnostics.spelling import listing
from inception_dsl.ir.advice import keep_size
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.joins import Concat
from inception_dsl.ir.ops.linear import Conv, ConvTranspose, LinearLayer
from inception_dsl.ir.ops.shaping import Flatten
from inception_dsl.ir.program import Again, Body, Call, Join, Layer, Part, Program, Reference, Repeat, Sequence
from inception_dsl.ir.shapes import INPUT_PIXEL, Pair, ReceptiveFields, ShapeError, TensorType, joined_receptive_field
from inception_dsl.ir.typed import Node, PartPath, Typed
from inception_dsl.ir.values import MODULE_IN, Scalar, ValueFault, evaluate

if TYPE_CHECKING:
    from inception_dsl.ir.tape import Tape

MOST_NUMBERS = 2**63 - 1
"""The limit on the elements of a tensor and the pixels of a receptive field: 64-bit integers everywhere."""

LONGEST_PATH = 200
"""The limit on the characters of a layer's path, which every file repeats; nested labels add up."""

MOST_NOTES = 8
"""The limit on the layers that a diagnostic points at."""

INPUT = -1
"""The index of the network's input."""

FAILED_NODE = -2
"""The index of a node with an error; nodes that read it are not reported again."""


def lower(program: Program, image: Pair | None = None, tape: Tape | None = None) -> Typed:
    """Lower a program, at its own input size or at another height and width; a tape records how.

    Raises `SpecError` with every layer that cannot take its input.
    """
    size = TensorType((program.input.channels, *image)) if image else program.input
    lowering = _Lowering(program, size, tape)
    ends = lowering.ends
    index = INPUT
    for row in program.rows:
        lowering.enter(row.name, row.origin)
        index = ends[row.name] = lowering.expand(row.body, (row.name,), index, program.env)
        if index == FAILED_NODE:
            break
    for head in program.heads:
        lowering.enter(head.name, head.origin)
        source = ends.get(head.source, FAILED_NODE)
        ends[head.name] = lowering.expand(head.body, (head.name,), source, program.env)
    lowering.findings.stop()
    lowering.name_alike()
    return Typed(program, size, tuple(lowering.nodes), ends, lowering.arriving)


Bindings = Mapping[str, Scalar]


@dataclass
class _Lowering:
    program: Program
    input: TensorType
    tape: Tape | None
    nodes: list[Node] = field(default_factory=list)
    findings: Findings = field(default_factory=Findings)
    ends: dict[str, int] = field(default_factory=dict)
    row: str = ""
    origin: Span | None = None
    within: str = ""
    """The module that is expanded, or the row."""
    values: dict[tuple[str, str], int] = field(default_factory=dict)
    """The values of labelled steps and arguments that the body being expanded can read, by kind and name."""
    steps: dict[str, tuple[Part, PartPath, int]] = field(default_factory=dict)
    """Its labelled steps, each with the path of its owner and the index of its first node."""
    again: tuple[Again, int] | None = None
    """The step that is applied again, and how far its nodes lie behind those of the first time."""
    uses: Counter[PartPath] = field(default_factory=Counter)
    """The nodes of every path: several, where a layer is applied again."""
    arriving: dict[PartPath, int] = field(default_factory=dict)
    joins: dict[PartPath, int] = field(default_factory=dict)
    linear: dict[int, list[int]] = field(default_factory=dict)
    """The nodes of each fully connected layer that is alone in its layer, by the layer's identity."""
    flattening: set[int] = field(default_factory=set)
    """The fully connected layers that flatten an image in at least one of their places."""

    def enter(self, row: str, origin: Span | None) -> None:
        """Start a row or head."""
        self.row, self.origin, self.within = row, origin, row
        self.values, self.steps = {}, {}

    def expand(self, body: Body, path: PartPath, index: int, env: Bindings) -> int:
        """The index of a body's output, given that of its input."""
        if index == FAILED_NODE:
            return FAILED_NODE
        if isinstance(body, Layer | Call):
            self.arriving.setdefault(path, self.type_of(index).channels)
        match body:
            case Layer():
                return self._layer(body, path, index, env)
            case Sequence(parts):
                for part in parts:
                    index = self._part(part, path, index, env)
                return index
            case Join(op, branches):
                ends = [self._part(part, path, index, env) for part in branches]
                return self._join(body, op, path, index, ends)
            case Repeat(count, inner):
                for i in range(count):
                    self.arriving.setdefault((*path, str(i)), self.type_of(index).channels)
                    index = self.expand(inner, (*path, str(i)), index, env)
                return index
            case Call(template):
                return self._call(body, template, path, index, env)
            case Reference(name, kind):
                return self.ends[name] if kind == "row" else self.values[kind, name]
            case Again():
                return self._again(body, index, env)
            case _:
                raise TypeError(f"{body} cannot be lowered: a pass should have removed it")

    def _part(self, part: Part, path: PartPath, index: int, env: Bindings) -> int:
        first = len(self.nodes)
        index = self.expand(part.body, _under(path, part), index, env)
        if part.label:
            self.values["step", part.label] = index
            self.steps[part.label] = part, path, first
        return index

    def _again(self, again: Again, index: int, env: Bindings) -> int:
        part, path, first = self.steps[again.label]
        if self.values["step", again.label] == FAILED_NODE:
            return FAILED_NODE
        outer, self.again = self.again, (again, len(self.nodes) - first)
        index = self.expand(part.body, _under(path, part), index, env)
        self.again = outer
        return index

    def _layer(self, layer: Layer, path: PartPath, index: int, env: Bindings) -> int:
        ops, beside = layer.ops, [self.expand(value, path, index, env) for _, value in layer.tensors]
        if isinstance(ops[0], Flatten) and len(ops) > 1:
            if len(self.type_of(index).shape) > 1:
                self.flattening.add(id(layer))
            else:  # a vector already
                ops = ops[1:]
                if len(ops) == 1:
                    self.linear.setdefault(id(layer), []).append(len(self.nodes))
        composed = len(ops) > 1 or (isinstance(ops[0], Conv | ConvTranspose) and ops[0].uneven)
        here = {**env, "in": self.type_of(index).channels}
        arriving = index
        for op in ops:
            inputs, beside = (index, *beside), []
            if FAILED_NODE in inputs:
                return FAILED_NODE
            types = tuple(map(self.type_of, inputs))
            name = (*path, op.name) if composed else path
            try:
                bound = op.bind(here)
                out = bound.infer(*types)
                field = bound.receptive_field_of(types, [self._receptive_field(each) for each in inputs])
            except (ShapeError, ValueFault) as error:
                return self._fail(error, layer.origin)
            index = self._add(Node(name, bound, inputs, types, out, field, self.row, layer.origin))
            if self.tape and index != FAILED_NODE:
                self.tape.place(op, env, arriving, index)
        return index

    def name_alike(self) -> None:
        """Give a fully connected layer the same name in all its places, where it flattens an image in one of them."""
        for layer in self.linear.keys() & self.flattening:
            for index in self.linear[layer]:
                node = self.nodes[index]
                self.nodes[index] = replace(node, path=(*node.path, node.op.name))

    def _join(self, join: Join, op: Op, path: PartPath, index: int, ends: list[int]) -> int:
        if FAILED_NODE in ends:
            return FAILED_NODE
        types = tuple(self.type_of(end) for end in ends)
        field = joined_receptive_field([self._receptive_field(end) for end in ends], types)
        name = (*path, op.name)
        number = self.joins[name] = self.joins.get(name, 0) + 1
        name = name if number == 1 else (*path, f"{op.name}_{number}")
        try:
            out = op.infer(*types)
        except ShapeError as error:
            return self._disagree(error, join, index, ends)
        return self._add(Node(name, op, tuple(ends), types, out, field, self.row, join.origin))

    def _call(self, call: Call, name: str, path: PartPath, index: int, env: Bindings) -> int:
        here = {**env, "in": self.type_of(index).channels}
        try:
            values = {param: evaluate(width, here) for param, width in call.args}
        except ValueFault as error:
            return self._fail(error, call.origin)
        bound = {param: number for param, number in values.items() if number is not None}
        bound[MODULE_IN] = here["in"]
        if self.tape:
            self.tape.enter(call, env, bound, index, len(self.nodes))
        template = self.program.templates[name]
        outer = self.within, self.values, self.steps
        self.values = {("argument", name): self.expand(value, path, index, env) for name, value in call.tensors}
        self.within, self.steps = template.module, {}
        end = self.expand(template.body, path, index, bound)
        self.within, self.values, self.steps = outer
        return end

    def type_of(self, index: int) -> TensorType:
        """The shape of a node, or of the input."""
        return self.nodes[index].out if index >= 0 else self.input

    def _receptive_field(self, index: int) -> ReceptiveFields:
        return self.nodes[index].receptive_field if index >= 0 else INPUT_PIXEL

    def _add(self, node: Node) -> int:
        if max([node.out.size, *(math.prod(weight.shape) for weight in node.weights.values())]) > MOST_NUMBERS:
            message = "a tensor has more elements than 64 bits can count"
            return self._fail(ShapeError(OUT_OF_BOUNDS, message), node.origin)
        if max(field.size for field in node.receptive_field) > MOST_NUMBERS:
            message = "a receptive field has more pixels than 64 bits can count"
            return self._fail(ShapeError(OUT_OF_BOUNDS, message), node.origin)
        if sum(map(len, node.path)) + len(node.path) - 1 > LONGEST_PATH:
            hint = "shorten the labels here and around this layer"
            message = f"the full name of a layer has more than {LONGEST_PATH} characters"
            return self._fail(ShapeError(OUT_OF_BOUNDS, message, help=hint), node.origin)
        if self.again:
            again, behind = self.again
            first = self.nodes[len(self.nodes) - behind]
            node = replace(node, path=first.path, use=self.uses[first.path] + 1)
            if (type(node.op), node.weights) != (type(first.op), first.weights):
                hint = "give it the width that the step reads at first"
                label, here, fits = again.label, node.types[0], first.types[0]
                message = f"`again {label}` reads {here} here, and the weights of `{label}` fit {fits}"
                return self._fail(ShapeError(WEIGHTS_DO_NOT_FIT, message, hint), node.origin)
        self.uses[node.path] += 1
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _fail(self, error: ShapeError | ValueFault, origin: Span | None) -> int:
        places = [place for place in (self.again and self.again[0].origin, origin) if place]
        if self.origin and places and not _same_line(places[0], self.origin):
            places = [self.origin, *places]
        span, notes = places[0] if places else None, tuple(Note(place, "here") for place in places[1:])
        self.findings.diagnostics.append(
            Diagnostic(error.code, f"`{self.row}`: {error}", span, notes=notes, help=error.help)
        )
        return FAILED_NODE

    def _disagree(self, error: ShapeError, join: Join, source: int, ends: list[int]) -> int:
        """Report branches that cannot be joined: the shape of each, and the layers that make some differ."""
        types = [self.type_of(end) for end in ends]
        by_image = not error.help
        shown = [
            "x".join(map(str, shape.image)) if by_image and isinstance(join.op, Concat) else shape.described
            for shape in types
        ]
        given: dict[str, list[str]] = {}
        for number, (branch, shape) in enumerate(zip(join.branches, shown, strict=True), 1):
            given.setdefault(shape, []).append(_branch_name(branch, number))
        label = ", ".join(f"{listing(some)} give{'s' * (len(some) == 1)} {shape}" for shape, some in given.items())
        usual = max(given, key=lambda shape: len(given[shape]))
        odd = [self._cause(source, end, by_image) for end, shape in zip(ends, shown, strict=True) if shape != usual]
        notes = list(dict.fromkeys(Note(node.origin, "here") for node in odd if node and node.origin))[:MOST_NOTES]
        where = self.origin if self.origin and join.origin and not _same_line(self.origin, join.origin) else join.origin
        hint = error.help or keep_size(odd)
        self.findings.error(error.code, error.message.format(self.within), where, label, notes, hint)
        return FAILED_NODE

    def _cause(self, source: int, end: int, by_image: bool) -> Node | None:
        """The last node of a branch that changes the image size, or else sets the width."""
        index = end
        while index not in (source, INPUT):
            node = self.nodes[index]
            resizes = node.types[0].shape[1:] != node.out.shape[1:]
            if resizes if by_image else isinstance(node.op, LinearLayer):
                return node
            index = node.inputs[0]
        return self.nodes[end] if end not in (source, INPUT) else None


def _branch_name(branch: Part, number: int) -> str:
    passes = isinstance(branch.body, Sequence) and not branch.body.parts
    return branch.label or ("pass" if passes else f"branch {number}")


def _under(path: PartPath, part: Part) -> PartPath:
    return (*path, part.name) if part.name else path


def _same_line(a: Span, b: Span) -> bool:
    return (a.source, a.line) == (b.source, b.line)
