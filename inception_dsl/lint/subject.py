"""A compiled network as rules see it: the spec as written, the network that it gives, and where they meet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cached_property

from inception_dsl.analysis.cost import Cost, cost
from inception_dsl.diagnostics.diagnostic import Source, Span
from inception_dsl.ir.typed import Node, Typed
from inception_dsl.ir.values import Scalar, Value, ValueFault, evaluate
from inception_dsl.spec.network import NetworkSpec
from inception_dsl.spec.rows import RowSpec
from inception_dsl.syntax.formula import Formula
from inception_dsl.syntax.terms import Use, walk


class Subject:
    """What a rule examines: a spec, and its network at its own image size."""

    def __init__(self, spec: NetworkSpec, typed: Typed) -> None:
        self.spec = spec
        self.typed = typed

    @property
    def source(self) -> Source:
        """The spec's own file, without those that it extends."""
        return self.spec.document.source

    @cached_property
    def cost(self) -> Cost:
        """The cost of the network."""
        return cost(self.typed)

    @cached_property
    def rows(self) -> Mapping[str, RowSpec]:
        """The rows of the spec, by name."""
        return {row.name: row for row in self.spec.rows}

    @cached_property
    def formulas(self) -> tuple[Formula, ...]:
        """The formulas of all rows, heads and modules."""
        graphs = (*(head.graph for head in self.spec.heads), *(module.graph for module in self.spec.modules.values()))
        return (*(row.layer for row in self.spec.rows), *graphs)

    @cached_property
    def uses(self) -> Mapping[Span, tuple[Use, Formula]]:
        """Every use of a layer or module by its place, which is the `origin` of the nodes that it becomes."""
        return {
            formula.span(term.at): (term, formula)
            for formula in self.formulas
            for term in walk(formula.term)
            if isinstance(term, Use)
        }

    @cached_property
    def times_used(self) -> Counter[str]:
        """How many times formulas, cells and settings name each layer or module."""
        uses = [use for use, _ in self.uses.values()]
        named: list[object] = [use.name for use in uses]
        named += [word.value for use in uses for word in use.words]
        named += [value for row in self.spec.rows for value in row.args.values()]
        named += [setting.value for setting in self.spec.settings.values()]
        return Counter(name for name in named if isinstance(name, str))

    @cached_property
    def constants(self) -> Mapping[str, Scalar | None]:
        """The values that have one name everywhere: the settings, and `classes`."""
        return {"classes": self.spec.classes, **{name: setting.value for name, setting in self.spec.settings.items()}}

    def cell(self, node: Node, number: int) -> Span | None:
        """The cell of the table that gives a number to a node; None if its formula or module does."""
        row = self.rows.get(node.row)
        for column, value in row.args.items() if row else ():
            try:
                if evaluate(value, self.constants) == number if isinstance(value, Value) else value == number:
                    return row.span(column) if row else None
            except ValueFault:  # it depends on `in`
                continue
        return None
