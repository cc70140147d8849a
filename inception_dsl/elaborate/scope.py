"""The values of the names in a formula, at one place of use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.diagnostics.codes.modules import CANNOT_EVALUATE, UNDEFINED_NAME
from inception_dsl.diagnostics.codes.syntax import DUPLICATE_NAME
from inception_dsl.diagnostics.codes.yaml import INVALID_NAME
from inception_dsl.diagnostics.diagnostic import Diagnostic, Findings, Note, Span
from inception_dsl.diagnostics.spelling import did_you_mean, listing
from inception_dsl.elaborate.references import Given
from inception_dsl.ir.names import label_problem
from inception_dsl.ir.values import (
    MODULE_IN,
    Function,
    Name,
    Number,
    Operation,
    Scalar,
    Value,
    ValueFault,
    Width,
    evaluate,
    names,
    spell,
    substitute,
)
from inception_dsl.spec.rows import RowSpec
from inception_dsl.syntax.formula import Formula
from inception_dsl.syntax.terms import Dimensions, Labelled, Term, WordTerm

MAX_CHANNELS = 1_000_000
"""The limit on the channels of a layer."""


class Fault(Exception):
    """An error in a part of a formula; its layer is skipped, and the rest is still read."""

    def __init__(self, code: Code, message: str, span: Span | None, **more: object) -> None:
        super().__init__(message)
        self.diagnostic = Diagnostic(code, message, span, **more)  # type: ignore[arg-type]  # label, notes, help


@dataclass(frozen=True)
class Scope:
    """A formula and the values of its names.

    `values` are the names whose value is known (None: an empty cell); `symbols` maps those that stay symbolic to what
    they become in the tree. `row` is the row of the table that uses the formula, `given` what its references can read.
    """

    formula: Formula
    values: Mapping[str, Scalar | None]
    symbols: Mapping[str, Width]
    row: RowSpec | None = None
    given: Given = field(default_factory=Given, compare=False)

    def span(self, at: tuple[int, int]) -> Span:
        """The position of a part of the formula."""
        return self.formula.span(at)

    def text(self, at: tuple[int, int]) -> str:
        """The text of a part of the formula."""
        return self.formula.fragment.text[slice(*at)]

    def fault(self, code: Code, message: str, at: tuple[int, int], **more: object) -> Fault:
        """An error at a part of the formula."""
        return Fault(code, message, self.span(at), **more)

    def known(self, value: Value) -> Scalar | None:
        """The result of a value that shapes the structure. Raises `Fault` where it is unknown or undefined."""
        for name in names(value):
            if name.name not in self.values and name.name in self.symbols:
                hint = "only widths and groups can depend on it: write a number, or name a column"
                raise self.fault(CANNOT_EVALUATE, f"`{name.name}` cannot be used here", name.at, help=hint)
        try:
            return evaluate(value, self.values)
        except ValueFault as fault:
            raise self._explain(fault) from None

    def integer(self, value: Value, what: str, low: int, high: int) -> int:
        """A whole number from `low` to `high`. Raises `Fault` E207."""
        number = self.known(value)
        if not isinstance(number, int) or not low <= number <= high:
            message = f"{what} must be a whole number from {low} to {high:,}, not {describe_value(number)}"
            raise self.bad(CANNOT_EVALUATE, value, message, self.rounded(value, number, low))
        return number

    def real(self, word: WordTerm) -> float:
        """The number of a `key=value`. Raises `Fault` E207."""
        number = self.known(word.value) if isinstance(word.value, Value) else None
        if not isinstance(number, int | float):
            raise self.fault(CANNOT_EVALUATE, f"`{word.text}` must be a number", word.at)
        return float(number)

    def width(self, value: Value | Dimensions | str | None, what: str = "a width") -> Width | None:
        """A number of channels or groups, perhaps symbolic; None where it is empty or 0. Raises `Fault`."""
        if not isinstance(value, Value):
            raise Fault(
                CANNOT_EVALUATE, "a number of channels must be one number", self.formula.span(self.formula.term.at)
            )
        known = [name.name for name in names(value) if name.name in self.values]
        if any(self.values[name] is None for name in known):
            return None
        if len(known) == sum(1 for _ in names(value)):
            number = self.known(value)
            if number is None or number == 0:
                return None
            if not isinstance(number, int) or not 0 < number <= MAX_CHANNELS:
                message = f"{what} must be a whole number from 1 to {MAX_CHANNELS:,}, not {describe_value(number)}"
                raise self.bad(CANNOT_EVALUATE, value, message, self.rounded(value, number))
        try:
            return substitute(value, self._known_or_symbolic(value))
        except ValueFault as fault:
            raise self._explain(fault) from None

    def rounded(self, value: Value, number: Scalar | None, low: int = 1) -> str:
        """A hint to round a computed value that is not a whole number."""
        text = self.text(value.at)
        cell = self.row.args.get(value.name) if self.row and isinstance(value, Name) else None
        if isinstance(cell, Value):
            value, text = cell, spell(cell)
        if not isinstance(number, float) or number + 0.5 < low or not isinstance(value, Operation | Function):
            return ""
        return f"write `{{round({text})}}`"

    def check_labels(self, terms: Iterable[Term], findings: Findings) -> None:
        """Report labels that cannot be names (E108), and two equal ones (E114)."""
        seen: dict[str, Labelled] = {}
        for term in terms:
            if not isinstance(term, Labelled):
                continue
            span = self.span((term.at[0], term.at[0] + len(term.label)))
            if problem := label_problem(term.label):
                findings.error(INVALID_NAME, f"`{term.label}` is not a valid label", span, problem)
            elif term.label in seen:
                findings.error(DUPLICATE_NAME, f"two parts here are labelled `{term.label}`", span, help="rename one")
            seen[term.label] = term

    def _known_or_symbolic(self, value: Value) -> dict[str, Width]:
        known: dict[str, Width] = {}
        for name in names(value):
            if name.name in self.symbols:
                known[name.name] = self.symbols[name.name]
            elif name.name in self.values:
                number = self.values[name.name]
                if not isinstance(number, int | float):
                    message = f"a width needs numbers, but `{name.name}` is {describe_value(number)}"
                    raise self.bad(CANNOT_EVALUATE, name, message)
                known[name.name] = number if isinstance(number, int) else Number(number)
            else:
                raise self._explain(ValueFault(UNDEFINED_NAME, f"undefined name `{name.name}`", name.at, name.name))
        return known

    def bad(self, code: Code, value: Value, message: str, hint: str = "") -> Fault:
        """An error in a value, at the cell that it comes from, or at the row that uses the formula."""
        used, row = self.span(value.at), self.row
        if row and isinstance(value, Name) and value.name in row.args:
            place = row.span(value.name)
        elif row and row.layer is not self.formula and any(names(value)):
            place = row.span("name")
        else:
            place = used
        notes = (Note(used, "used here"),) if place.line != used.line else ()
        return Fault(code, message, place, notes=notes, help=hint)

    def _explain(self, fault: ValueFault) -> Fault:
        known = sorted({*self.values, *self.symbols})
        if fault.name == MODULE_IN:
            return self.fault(fault.code, "`module.in` is a name of modules", fault.at, help="write `in`")
        hint = did_you_mean(fault.name, known) or f"the names here are {listing(known)}" if fault.name else ""
        return self.fault(fault.code, fault.message, fault.at, help=hint)


def describe_value(value: object) -> str:
    """A value in a message."""
    if isinstance(value, float):
        return f"{value:.10g}" + ".0" * (value.is_integer() and abs(value) < 1e10)
    return "empty" if value is None else f"`{value}`" if isinstance(value, str) else str(value)
