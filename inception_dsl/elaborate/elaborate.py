"""NetworkSpec -> Program: names resolved, defaults added, modules made templates.

A module becomes one template for each structure that it is called with (strides, words, layers left out). Its widths
stay symbolic; the calls bind them.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace

from inception_dsl.diagnostics.codes.layers import WRONG_LAYER_ARGUMENTS
from inception_dsl.diagnostics.codes.modules import CANNOT_EVALUATE, NETWORK_TOO_LARGE
from inception_dsl.diagnostics.diagnostic import Findings, Span
from inception_dsl.diagnostics.spelling import listing
from inception_dsl.elaborate.about import check_heads, paper, training_places
from inception_dsl.elaborate.ambiguous import check_factor, check_gates
from inception_dsl.elaborate.arguments import argument, arguments, known, widths
from inception_dsl.elaborate.cells import cell_values, report_unused
from inception_dsl.elaborate.layers import Layers
from inception_dsl.elaborate.modules import Modules
from inception_dsl.elaborate.reading import explaining, value_of, with_operands
from inception_dsl.elaborate.references import AGAIN, Given, check_again
from inception_dsl.elaborate.scope import Fault, Scope, describe_value
from inception_dsl.elaborate.size import MOST_LAYERS, TooLarge, layers, too_large
from inception_dsl.elaborate.unknown import unknown
from inception_dsl.ir.dataflow import references, used_names
from inception_dsl.ir.ops.joins import Mul
from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.ir.program import (
    Body,
    Call,
    Dropped,
    Head,
    Join,
    Layer,
    Part,
    Program,
    Reference,
    Repeat,
    Row,
    Sequence,
    Template,
)
from inception_dsl.ir.shapes import TensorType
from inception_dsl.ir.values import MODULE_IN, Name, Scalar, Width, is_reference, substitute
from inception_dsl.spec.init import init
from inception_dsl.spec.network import HeadSpec, NetworkSpec
from inception_dsl.spec.published import published
from inception_dsl.spec.rows import RowSpec
from inception_dsl.spec.vocabulary.operators import JOINS
from inception_dsl.spec.vocabulary.plugins import is_layer
from inception_dsl.syntax import terms
from inception_dsl.syntax.terms import Branches, Chain, Labelled, Repeated, Scaled, Term, Use

MOST_REPEATS = 10_000
MOST_ARGUMENTS = 4 * MOST_LAYERS
"""The limit on the arguments of all calls together: a call counts as one layer for each column of its module."""


def elaborate(spec: NetworkSpec, free: Collection[str] = ()) -> Program:
    """Resolve a spec. Raises `SpecError` with every error in its names, values and words.

    The settings in `free` stay names in the widths, and have their values in the program's `env`: widths are then never
    taken for empty, and a free setting that is used for anything else is an error.
    """
    findings = Findings()
    elaborator = _Elaborator(spec, findings, free)
    rows = tuple(elaborator.row(row, elaborator.rows[:i]) for i, row in enumerate(spec.rows))
    heads = tuple(elaborator.head(head) for head in spec.heads)
    check_heads(spec, findings)
    claims = published(spec, findings)
    initial = init(spec.init, spec.document, elaborator.constants, findings)
    findings.stop()
    return Program(
        spec.network,
        spec.file,
        spec.title,
        paper(spec.paper),
        TensorType(spec.input),
        {"classes": spec.classes, **{name: spec.settings[name].value for name in free}},
        elaborator.templates,
        rows,
        heads,
        claims,
        initial,
        spec.training,
        spec.reported,
        tuple(dict.fromkeys((*spec.warnings, *findings.warnings))),
        dict(training_places(spec)),
        spec.base.spec.network if spec.base else "",
    )


class _Elaborator:
    def __init__(self, spec: NetworkSpec, findings: Findings, free: Collection[str]) -> None:
        self.spec = spec
        self.findings = findings
        self.templates: dict[str, Template] = {}
        self.layers: dict[str, int] = {}
        self.rows = tuple(row.name for row in spec.rows)
        self.surplus = self.arguments = 0  # layers beyond one per row, and arguments of calls, so far
        self.template_names: dict[int, str] = {}
        known = {name: setting.value for name, setting in spec.settings.items() if name not in free}
        self.constants: dict[str, Scalar | None] = {**known, "classes": spec.classes}
        self.bound_at_lowering: dict[str, Width] = {name: Name(name) for name in ("classes", *free)}
        self.modules = Modules(spec.modules, self.constants, findings)
        self.vocabulary = Layers(spec, self.constants, findings)

    def row(self, row: RowSpec, before: tuple[str, ...]) -> Row:
        """A row; its cells are the values of its formula and the arguments of the modules that it calls."""
        known, symbolic = cell_values(row, self.constants, self.bound_at_lowering, self.findings)
        given = Given(before, self.rows)
        symbols = {"in": Name("in"), **self.bound_at_lowering, **symbolic}
        scope = Scope(row.layer, {**self.constants, **known}, symbols, row, given)
        report_unused(row, self.spec, self.findings)
        body = self._bounded(row.name, scope, row.span("name"))
        return Row(row.name, body, row.layer.text, origin=row.span("name"))

    def head(self, head: HeadSpec) -> Head:
        """A head, which has no row to take values from."""
        rows = self.rows
        given = Given(rows[: rows.index(head.source) + 1] if head.source in rows else rows, rows)
        scope = Scope(head.graph, self.constants, {"in": Name("in"), **self.bound_at_lowering}, given=given)
        body = self._bounded(head.name, scope, head.origin)
        return Head(head.name, head.source, head.loss_weight, body, origin=head.origin)

    def _bounded(self, name: str, scope: Scope, origin: Span) -> Body:
        """The body of a row or head; reports E107 where it nests too deeply, stops with E214 where it is too large."""
        term = scope.formula.term
        if self.modules.too_deep(name, term, origin):
            return Dropped()
        count = None
        try:
            body = self.whole(scope)
            self.surplus += layers(body, self.layers) - 1
            if self.surplus <= MOST_LAYERS:
                return body
            count = self.surplus
        except TooLarge:
            pass
        hint = "repeat less: nested counts and modules multiply"
        self.findings.error(NETWORK_TOO_LARGE, too_large(name, count), origin, help=hint)
        self.findings.stop()
        return Dropped()

    def whole(self, scope: Scope) -> Body:
        """The tree of a whole formula."""
        body = self.body(scope.formula.term, scope)
        try:
            check_again(body, explaining(scope, scope.formula.term.at))
        except Fault as fault:
            self.findings.diagnostics.append(fault.diagnostic)
        return body

    def body(self, term: Term, scope: Scope) -> Body:
        """A term as a tree of the program; a term with a fault is reported and skipped."""
        try:
            return self._body(term, scope)
        except Fault as fault:
            self.findings.diagnostics.append(fault.diagnostic)
            return Dropped()

    def _body(self, term: Term, scope: Scope) -> Body:
        origin = scope.span(term.at)
        match term:
            case Use():
                return self._use(term, scope)
            case terms.Reference(name):
                return value_of(name, scope, term.at)
            case Chain(steps):
                check_gates(steps, scope, self.findings)
                return Sequence(tuple(self._parts(steps, scope)), origin=origin)
            case Branches(join, branches):
                scope.check_labels(branches, self.findings)
                op = JOINS[join]()
                return Join(op, tuple(self._part(branch, scope) for branch in branches), origin=origin)
            case Scaled(factor, scaled):
                number = scope.known(factor)
                if is_reference(number) or is_layer(number):  # a product, whose first operand a value names
                    named = Use(factor, at=factor.at)
                    return Join(Mul(), tuple(self._part(branch, scope) for branch in (named, scaled)), origin=origin)
                if not isinstance(number, int | float):
                    raise scope.bad(CANNOT_EVALUATE, factor, f"a factor must be a number, not {describe_value(number)}")
                check_factor(factor, self.modules.has_weights(scaled), scope, self.findings)
                step = Part("", Layer((Scale(float(number)),), origin=scope.span(factor.at)))
                return Sequence((*self._parts([scaled], scope), step), origin=origin)
            case Repeated(count, repeated):
                times = scope.integer(count, "a count", 0, MOST_REPEATS)
                scope.given.repeats += times > 1
                body = self.body(repeated, scope) if times else Dropped(origin=origin)
                scope.given.repeats -= times > 1
                return Repeat(times, body, origin=origin) if times else body
            case Labelled():
                return Sequence((self._part(term, scope),), origin=origin)
            case _:
                raise TypeError(term)

    def _parts(self, steps: Iterable[Term], scope: Scope) -> Iterable[Part]:
        """Steps as parts; the parts of a chain without a label take its place."""
        steps = list(steps)
        scope.check_labels(steps, self.findings)
        for step in steps:
            part = self._part(step, scope)
            if isinstance(part.body, Sequence) and not part.label:
                yield from part.body.parts
            else:
                yield part

    def _part(self, term: Term, scope: Scope) -> Part:
        if isinstance(term, Labelled):
            body = self.body(term.term, scope)
            scope.given.record(term.label, body)
            return Part(term.label, body)
        return Part("", self.body(term, scope))

    def _use(self, use: Use, scope: Scope) -> Body:
        name = use.name if isinstance(use.name, str) else scope.known(use.name)
        if isinstance(use.name, str) and name in self.spec.modules:
            return self._call(use, self.spec.modules[use.name].columns, scope)
        if name == AGAIN:
            label = scope.text(use.at).removeprefix(AGAIN).strip()
            again = scope.given.again(label, scope.formula.labels, explaining(scope, use.at))
            return replace(again, origin=scope.span(use.at))
        if isinstance(name, str) and is_reference(name):
            if use != Use(use.name):
                message, hint = f"`{name}` is a value, not a layer", "write `->` and a layer after it"
                raise scope.fault(WRONG_LAYER_ARGUMENTS, message, use.at, help=hint)
            return value_of(name[1:], scope, use.at)
        if is_layer(name):
            assert isinstance(name, str)
            return with_operands(self.vocabulary.layer(name, use, scope), use, scope)
        raise unknown(use, name, scope, self.spec)

    def _call(self, use: Use, columns: tuple[str, ...], scope: Scope) -> Body:
        assert isinstance(use.name, str)
        if any(size is not None for size in use.sizes):
            named = listing([f"{column}=..." for column in columns]) if columns else ""
            hint = f"pass its columns by name: {named}" if named else "delete it"
            raise scope.fault(
                WRONG_LAYER_ARGUMENTS, f"the module `{use.name}` takes no kernel or width", use.size_at, help=hint
            )
        given = arguments(use, columns, scope)
        values = known(given, scope)
        places = {word.text: word.at for word in use.words}
        tensors = {
            column: value_of(value[1:], scope, places.get(column, use.at), "" if column in places else column)
            for column, value in values.items()
            if isinstance(value, str) and is_reference(value)
        }
        values |= {column: f"@{{{column}}}" for column in tensors}  # whatever it reads, the module is the same
        bound = widths(use, given, self.modules.structural(use.name), scope)
        key = self.modules.structure(use.name, values)
        if key not in self.template_names:
            self.template_names[key] = self._template(use.name, values, scope)
        self.arguments += len(given)
        if self.arguments > MOST_ARGUMENTS:
            raise TooLarge
        template = self.templates[self.template_names[key]]
        bound |= {name: substitute(Name(name), scope.symbols) for name in self.bound_at_lowering}
        args = tuple((param, argument(param, bound, use, scope)) for param in template.params)
        passed = tuple((column, tensors[column]) for column in template.tensors)
        return Call(template.name, args, passed, origin=scope.span(use.at))

    def _template(self, module: str, values: Mapping[str, Scalar | None], scope: Scope) -> str:
        spec = self.spec.modules[module]
        structural = self.modules.structural(module)
        symbols: dict[str, Width] = {column: Name(column) for column in spec.columns if column not in structural}
        inner = Scope(
            spec.graph,
            {**self.constants, **values},
            {**symbols, **{name: Name(name) for name in ("in", MODULE_IN)}, **self.bound_at_lowering},
            scope.row,
            Given((), self.rows, spec.columns),
        )
        name = self.modules.name_structure(module, values, self.templates)
        self.templates[name] = Template(
            name, module, (), Dropped()
        )  # before the templates of the modules that it calls
        body = self.whole(inner)
        del self.templates[name]
        used = used_names(body)
        params = tuple(name for name in (*spec.columns, *self.bound_at_lowering) if name in used)
        read = {reference.name for reference in references(body) if isinstance(reference, Reference)}
        tensors = tuple(column for column in spec.columns if column in read and is_reference(values.get(column)))
        self.templates[name] = Template(name, module, params, body, spec.doc, tensors, origin=spec.origin)
        # a call counts at least one layer for each column, even where one layer reads them all
        self.layers[name] = max(layers(body, self.layers), len(spec.columns))
        return name
