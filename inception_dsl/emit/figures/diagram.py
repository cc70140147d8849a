"""Typed -> Figure: the rows with their shapes and verdicts, or one module with its symbolic widths."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Final

from inception_dsl.diagnostics.spelling import counted
from inception_dsl.emit.citation import citation
from inception_dsl.emit.figures import words
from inception_dsl.emit.figures.model import Box, Element, Figure, Fork, Frame, Head, Row, Steps, Trunk
from inception_dsl.ir import program
from inception_dsl.ir.dataflow import references, steps_read
from inception_dsl.ir.op import Op
from inception_dsl.ir.program import TOTALS, Again, Body, Call, Join, Layer, Part, Reference, Repeat, Template
from inception_dsl.ir.program import Sequence as Chain
from inception_dsl.ir.shapes import TensorType
from inception_dsl.ir.typed import Node, Typed
from inception_dsl.ir.values import MODULE_IN, Scalar, Width, evaluate
from inception_dsl.paper.verdicts import WORDING, Verdict, column_of, compare_cells
from inception_dsl.text.terminal import shortened

LONGEST_TITLE: Final = 90
LONGEST_SUBTITLE: Final = 300
"""Characters of a title, and of the line below it; the rest is left out."""

LONGEST_LABEL: Final = 30
"""Characters of the name of a branch."""

MOST_CLOSED: Final = 4
"""Layers of a row that are drawn as one box, at the level of rows."""


def network_figure(typed: Typed, opened: bool = False, first: str = "", last: str = "") -> Figure:
    """The trunk from row `first` to row `last`, with the heads that leave it; modules are opened if `opened`."""
    rows, verdicts = typed.program.rows, _by_row(compare_cells(typed))
    names = [row.name for row in rows]
    begin = names.index(first) if first else 0
    end = names.index(last) if last else len(rows) - 1
    shown, drawn = {*names[begin : end + 1]}, []
    for row in rows[begin : end + 1]:
        read = [one.name for one in references(row.body) if isinstance(one, Reference) and one.kind == "row"]
        drawn.append(_row(typed, row, opened, verdicts.get(row.name, []), read, shown))
    leaving = [head for head in typed.program.heads if head.source in shown]
    heads = [Head(_row(typed, head, opened, [], [], shown), head.source) for head in leaving]
    start = Box("input", "value", out=str(typed.input), source=True)
    if begin:
        start = Box(names[begin - 1], "value", out=str(typed.out(names[begin - 1])), source=True)
    title = shortened(typed.program.title or typed.program.name, LONGEST_TITLE)
    description = f"{title}: {counted(len(drawn), 'row')} from {start.title} {start.out} to {typed.out(names[end])}"
    if heads:
        description += f", and {counted(len(heads), 'head')} aside"
    cells = [cell for name in shown for cell in verdicts.get(name, [])]
    subtitle = shortened(citation(typed.program.paper._replace(arxiv="")), LONGEST_SUBTITLE)
    totals = [] if first or last else verdicts.get(TOTALS, [])
    legend = _legend([*cells, *totals], _marks(totals))
    return Figure(title, subtitle, f"{description}.", (Trunk(start, tuple(drawn), tuple(heads)),), legend)


def module_figure(network: program.Program, module: str, opened: bool = False) -> Figure:
    """A module alone, with symbolic widths, as papers draw it; those that it calls are opened if `opened`.

    A module that is specialised has its forms side by side; the name of a form draws that one.
    """
    forms = [one for one in network.templates.values() if module in (one.module, one.name)]
    return forms_figure(network, module, forms, opened)


def forms_figure(network: program.Program, title: str, forms: Sequence[Template], opened: bool = False) -> Figure:
    """Some forms of a module side by side."""
    doc, trunks = forms[0].doc, []
    for form in forms:
        steps, _ = _Drawing(network.templates, opened).walk(form.body, None, {})
        row = Row(form.name, Frame("", steps or (Box("pass", "other"),)))
        trunks.append(Trunk(Box("input", "value", source=True), (row,), caption=form.name if len(forms) > 1 else ""))
    description = f"The module {title}: {doc}" if doc else f"The module {title}."
    if len(forms) > 1:
        description += f" {len(forms)} forms."
    return Figure(title, shortened(doc, LONGEST_SUBTITLE), description, tuple(trunks))


def _row(
    typed: Typed,
    row: program.Row | program.Head,
    opened: bool,
    cells: Sequence[Verdict],
    read: Sequence[str],
    shown: set[str],
) -> Row:
    """A row: one box if it is a few layers in a chain or a closed module, else a frame."""
    drawing = _Drawing(typed.program.templates, opened, typed, list(typed.of(row.name)))
    source = row.source if isinstance(row, program.Head) else _before(typed, row.name)
    steps, _ = drawing.walk(row.body, typed.out(source) if source else typed.input, typed.program.env)
    out, marks = _marked(typed, row.name, cells)
    if isinstance(row, program.Head):
        marks = f"loss weight {row.loss_weight:g}"
    closed = all(isinstance(step, Box) for step in steps) and (not opened or len(steps) < 2)
    element: Element
    if closed and len(steps) <= MOST_CLOSED:
        lines = [line for step in steps if isinstance(step, Box) for line in (step.title, *step.detail)] or ["pass"]
        kinds = [step.kind for step in steps if isinstance(step, Box) and step.kind not in ("value", "other")]
        alone = lines[1:] if lines[0] == row.name else lines  # a module's row that has the module's name
        source_only = bool(steps) and isinstance(steps[0], Box) and steps[0].source
        element = Box(row.name, kinds[0] if kinds else "other", (*alone, *words.wrapped(marks)), out, source_only)
    elif len(steps) == 1 and isinstance(only := steps[0], Frame):
        title = () if only.title == row.name else (only.title,)
        element = Frame(row.name, only.inner, (*title, *only.detail, *words.wrapped(marks)), out)
    else:
        element = Frame(row.name, steps, words.wrapped(marks), out)
    return Row(row.name, element, tuple(dict.fromkeys(name for name in read if name in shown)))


def _before(typed: Typed, name: str) -> str:
    """The row before a row; "" for the first."""
    at = typed.trunk.index(name)
    return typed.trunk[at - 1] if at else ""


def _by_row(verdicts: Sequence[Verdict]) -> dict[str, list[Verdict]]:
    found: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        found.setdefault(verdict.claim.row, []).append(verdict)
    return found


def _marked(typed: Typed, name: str, cells: Sequence[Verdict]) -> tuple[str, str]:
    """The output shape with the mark of its printed cell, and a line of the other printed numbers with theirs."""
    shapes = [cell for cell in cells if column_of(typed.program.published, cell.claim.column).measure == "output"]
    out = " ".join([str(typed.out(name)), *(WORDING[cell.verdict].mark for cell in shapes)])
    return out, _marks([cell for cell in cells if cell not in shapes])


def _marks(cells: Sequence[Verdict]) -> str:
    """Printed numbers with their marks; no-break spaces keep the two on one line."""
    marks = [f"{cell.claim.column} {cell.claim.text} {WORDING[cell.verdict].mark}" for cell in cells]
    return " ".join(mark.replace(" ", "\u00a0") for mark in marks)


def _legend(cells: Sequence[Verdict], totals: str) -> tuple[str, ...]:
    """The printed totals, and what the marks mean, of those that are drawn."""
    used = {cell.verdict for cell in cells}
    parts = [f"{wording.mark} {wording.one}" for verdict, wording in WORDING.items() if verdict in used]
    printed = f"Printed numbers: {', '.join(parts)}" if parts else ""
    return tuple(filter(None, (f"Totals: {totals}".replace("\u00a0", " ") if totals else "", printed)))


# --- bodies -----------------------------------------------------------------------------------------------------------


@dataclass
class _Drawing:
    """Walks a body in the order in which it was lowered, so that every op meets its node; a module has no nodes."""

    templates: Mapping[str, Template]
    opened: bool
    typed: Typed | None = None
    nodes: list[Node] = field(default_factory=list)
    at: int = 0
    values: dict[tuple[str, str], TensorType | None] = field(default_factory=dict)
    labelled: dict[str, Body] = field(default_factory=dict)
    read: frozenset[str] = frozenset()
    numbers: dict[str, int] = field(default_factory=dict)
    """Of the labelled steps of the body that is walked."""
    given: Iterator[int] = field(default_factory=lambda: count(1))
    inside: bool = False
    """Whether the walk is inside a closed module, of which only what leaves it is drawn."""

    def walk(
        self, body: Body, arriving: TensorType | None, env: Mapping[str, Scalar]
    ) -> tuple[Steps, TensorType | None]:
        """The elements of a row's or module's own body, and what leaves it."""
        outer = self.labelled, self.read, self.numbers
        self.labelled, self.read, self.numbers = {}, steps_read(body), {}
        steps, out = self._walk(body, arriving, env)
        self.labelled, self.read, self.numbers = outer
        return tuple(steps), out

    def _walk(
        self, body: Body, arriving: TensorType | None, env: Mapping[str, Scalar]
    ) -> tuple[list[Element], TensorType | None]:
        match body:
            case Layer(ops, tensors):
                return self._layer(ops, _given(tensors))
            case Chain(parts):
                elements: list[Element] = []
                for part in parts:
                    found, arriving = self._part(part, arriving, env)
                    elements += found
                return elements, arriving
            case Join(op, branches):
                drawn = [tuple(self._part(part, arriving, env)[0]) for part in branches]
                _, out = self._next(op)
                names = ["" if part.label in self.read else part.label for part in branches]  # else a box has it
                labels = tuple(shortened(name, LONGEST_LABEL) for name in names)
                return [Fork(tuple(drawn), Box(words.join_sign(op), "join", out=_shown(out)), labels)], out
            case Repeat(times, inner):
                first, arriving = self._walk(inner, arriving, env)
                for _ in range(times - 1 if self.typed else 0):  # the other turns have nodes of their own
                    _, arriving = self._walk(inner, arriving, env)
                return [_repeated(times, first, _shown(arriving))], arriving
            case Call():
                return self._call(body, arriving, env)
            case Reference(name, kind):
                out = self._value(kind, name)
                title = name if kind == "argument" else f"@{name}"
                number = self.numbers.get(name, 0) if kind == "step" else 0
                return [Box(title, "value", out=_shown(out), source=True, step=number)], out
            case Again(label):
                found, out = self._walk(self.labelled[label], arriving, env)
                applied = found[0].kind if len(found) == 1 and isinstance(found[0], Box) else "module"
                return [Box(f"again {label}", applied, out=_shown(out))], out
            case _:
                raise TypeError(f"{body} cannot be drawn: a pass should have removed it")

    def _part(
        self, part: Part, arriving: TensorType | None, env: Mapping[str, Scalar]
    ) -> tuple[list[Element], TensorType | None]:
        elements, out = self._walk(part.body, arriving, env)
        if part.label:
            self.values["step", part.label] = out
            self.labelled[part.label] = part.body
            if part.label in self.read:
                self.numbers[part.label] = next(self.given)
                elements = [*elements, Box(part.label, "value", out=_shown(out), step=self.numbers[part.label])]
        return elements, out

    def _layer(self, ops: tuple[Op, ...], given: str) -> tuple[list[Element], TensorType | None]:
        out: TensorType | None = None
        bound = ops
        if self.typed:
            if words.flattens_first(ops, self.nodes[self.at].op):
                ops = ops[1:]
            found = [self._next(op) for op in ops]
            bound, out = tuple(op for op, _ in found), found[-1][1]
        if self.inside:
            return [], out
        title, detail = words.layer_words(bound)
        return [Box(title, words.kind_of(bound), words.wrapped(detail, given), _shown(out))], out

    def _next(self, op: Op) -> tuple[Op, TensorType | None]:
        """An op as lowered, and its output; in a module alone, the op itself."""
        if not self.typed:
            return op, None
        node = self.nodes[self.at]
        self.at += 1
        return node.op, node.out

    def _call(
        self, call: Call, arriving: TensorType | None, env: Mapping[str, Scalar]
    ) -> tuple[list[Element], TensorType | None]:
        template = self.templates[call.template]
        args: list[tuple[str, Width | Scalar]] = [(name, value) for name, value in call.args if name != "classes"]
        bound: dict[str, Scalar] = {}
        if self.typed and arriving:
            here = {**env, "in": arriving.channels}
            known = {name: evaluate(value, here) for name, value in call.args}
            bound = {name: number for name, number in known.items() if number is not None}
            bound[MODULE_IN] = arriving.channels
            args = [(name, bound[name]) for name, _ in args if name in bound]
        passed = {("argument", name): self._value(value.kind, value.name) for name, value in call.tensors}
        outer = self.values, self.inside
        self.values, self.inside = passed, not self.opened
        inner, out = self.walk(template.body, arriving, bound)
        self.values, self.inside = outer
        given = _given(call.tensors)
        if self.opened:  # its boxes have the widths
            return [Frame(template.module, inner, words.wrapped(given), _shown(out))], out
        detail = words.wrapped(words.width_words(args), given)
        return [Box(template.module, "module", detail, _shown(out))], out

    def _value(self, kind: str, name: str) -> TensorType | None:
        if kind == "row":
            return self.typed.out(name) if self.typed else None
        return self.values.get((kind, name))


def _given(tensors: Sequence[tuple[str, Reference]]) -> str:
    """The values given before that a call or a layer reads, with the names that it has for them."""
    return ", ".join(f"{name}={'@' * (read.kind != 'argument')}{read.name}" for name, read in tensors)


def _shown(out: TensorType | None) -> str:
    return str(out) if out else ""


def _repeated(count: int, elements: list[Element], out: str) -> Element:
    """`4 of` a body: on the box or frame of a module, else a frame of its own."""
    match elements:
        case [Box(kind="module") | Frame() as only]:
            return replace(only, title=f"{count} of {only.title}", out=out)
        case _:
            return Frame(f"{count} times", tuple(elements), out=out)
