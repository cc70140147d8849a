"""The formulas of a sweep: conditions on its variants, and the objectives of its front.

They are the formulas of claims about the one network, in which settings are names too: `params(x.conv2) / width`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from operator import eq, ge, gt, le, lt, ne
from typing import Any, Final

from inception_dsl.diagnostics.codes.tool import INVALID_SWEEP
from inception_dsl.diagnostics.diagnostic import Diagnostic, Source, Span, SpecError
from inception_dsl.diagnostics.spelling import did_you_mean, listing
from inception_dsl.ir.program import Column
from inception_dsl.ir.values import MEASURE_FUNCTIONS, Function, Name, Operation, Value, ValueFault
from inception_dsl.paper.claims import evaluate_formula, parse_stated
from inception_dsl.paper.measurements import Measured, Subject, measure, subject
from inception_dsl.paper.verdicts import MEASURES
from inception_dsl.spec.claims import measurements
from inception_dsl.spec.network import NetworkSpec
from inception_dsl.sweeps.variant import Variant
from inception_dsl.syntax import algebra
from inception_dsl.syntax.algebra_errors import SyntaxFault

COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "<=": le,
    ">=": ge,
    "==": eq,
    "!=": ne,
    "<": lt,
    ">": gt,
}

_COMPARISON: Final = re.compile("|".join(COMPARISONS))


class Formula:
    """A formula of a sweep, of which `text` is all or from `start` to `end`; `option` is where it was given.

    A measure alone, such as `ops`, is that of the network, unless a setting has the name. Raises `SpecError` with what
    is wrong in it.
    """

    def __init__(self, spec: NetworkSpec, option: str, text: str, start: int = 0, end: int | None = None) -> None:
        self._source, self._start, self._network = Source(option, text), start, spec.network
        self.text = text[start:end].strip()
        try:
            self._formula = algebra.parse_claim(text[start:end])
        except SyntaxFault as fault:
            raise self._error(fault.message, fault.at, fault.help) from None
        self._measured = [*dict.fromkeys(measurements(self._formula))]
        for measured in self._measured:
            try:
                about = subject(measured)
            except ValueFault as fault:
                raise self._error(fault.message, fault.at, fault.help) from None
            if about != Subject(spec.network):
                hint = f"measure `{spec.network}` or one of its rows, without settings: they are those of the variant"
                raise self._error(f"this does not measure a variant of `{spec.network}`", measured.place.at, hint)
        used = [*_names(self._formula)]
        numbers = {name for name, setting in spec.settings.items() if setting.type != "layer"}
        for name in used:
            if name.name not in numbers and name.name not in MEASURE_FUNCTIONS:
                raise self._error(f"undefined name `{name.name}`", name.at, _advice(name.name, spec.network, numbers))
        self._settings = {name.name: spec.settings[name.name].value for name in used if name.name in numbers}
        self._totals = [name.name for name in used if name.name not in numbers]

    def __call__(self, variant: Variant) -> Fraction:
        """Its value for a variant. Raises `SpecError` for arithmetic without a result, and for an unknown row."""
        given = variant.settings if self._settings else {}
        values = {name: Fraction(str(given.get(name, default))) for name, default in self._settings.items()}
        values |= {name: Fraction(total(variant, name)) for name in self._totals}
        try:
            measured = {}
            if self._measured:
                network = {Subject(self._network): Measured(variant.cost.program, lambda: variant.cost)}
                measured = {each: measure(each, network, [self._network]) for each in self._measured}
            return evaluate_formula(self._formula, measured, values)
        except ValueFault as fault:
            raise self._error(fault.message, fault.at, fault.help) from None

    def _error(self, message: str, at: tuple[int, int], hint: str) -> SpecError:
        start, end = (self._start + offset for offset in at)
        span = Span(self._source, 1, start + 1, max(end, start + 1) + 1)
        return SpecError([Diagnostic(INVALID_SWEEP, message, span, help=hint)])


def total(variant: Variant, measure: str) -> int:
    """A measure of a whole variant, such as `ops`."""
    found = MEASURES[measure].of(variant.cost.trunk, Column(measure))
    assert isinstance(found, int)
    return found


def _names(value: Value) -> Sequence[Name]:
    """The names in a formula, from left to right, except those of what is measured."""
    match value:
        case Name():
            return [value]
        case Operation(_, left, right):
            return [*_names(left), *_names(right)]
        case Function(_, arguments):
            return [name for argument in arguments for name in _names(argument)]
        case _:
            return []


def _advice(name: str, network: str, settings: set[str]) -> str:
    if re.fullmatch(r"[0-9]+[KMBG]", name):
        return f"write {int(parse_stated(name).value):,}".replace(",", "")
    if name == "macs":
        return "multiply-adds are `ops`"
    known = [*sorted(settings), *MEASURE_FUNCTIONS]
    return did_you_mean(name, known) or f"the names are {listing(known)}; a row is measured as `ops({network}.row)`"


def condition(spec: NetworkSpec, text: str, option: str = "--where") -> Callable[[Variant], bool]:
    """Whether a variant satisfies a comparison of formulas, such as `1e6 <= params < 2e6`. Raises `SpecError`."""
    text = text.replace("\n", " ")
    found = [*_COMPARISON.finditer(text)]
    if not found:
        source = Source(option, text)
        span = Span(source, 1, 1, len(text) + 1)
        hint = f"compare two formulas with {listing(COMPARISONS, 'or')}: `params <= 5e6`"
        raise SpecError([Diagnostic(INVALID_SWEEP, "this is not a comparison", span, help=hint)])
    starts, ends = [0, *(sign.end() for sign in found)], [*(sign.start() for sign in found), len(text)]
    formulas = [Formula(spec, option, text, start, end) for start, end in zip(starts, ends, strict=True)]
    compare = [COMPARISONS[sign.group()] for sign in found]

    def holds(variant: Variant) -> bool:
        values = [formula(variant) for formula in formulas]
        return all(sign(*pair) for sign, *pair in zip(compare, values, values[1:], strict=False))

    return holds


def quantity(text: str) -> Fraction | None:
    """The number that a text such as `600M`, `1,000` or `4.2e6` writes; None where it writes none."""
    with suppress(ValueError):
        return parse_stated(text).value
    return Fraction(text) if re.fullmatch(r"[0-9]+(\.[0-9]+)?[eE][-+]?[0-9]{1,2}", text) else None


def at_most(measure: str, most: float | Fraction) -> Callable[[Variant], bool]:
    """Whether a measure of a whole variant is at most a number."""
    return lambda variant: total(variant, measure) <= most


class Objective:
    """What the front minimises, or maximises: a measure of the network, such as `ops`, or a formula."""

    def __init__(self, spec: NetworkSpec, text: str, maximise: bool = False) -> None:
        self.text, self.maximise = " ".join(text.split()), maximise
        is_total = self.text in MEASURE_FUNCTIONS and self.text not in spec.settings
        self._formula = None if is_total else Formula(spec, "--maximise" if maximise else "--minimise", self.text)

    def value(self, variant: Variant) -> int | Fraction:
        """Its value for a variant. Raises `SpecError` where it has none."""
        return self._formula(variant) if self._formula else total(variant, self.text)

    def __str__(self) -> str:
        return f"{'most' if self.maximise else 'least'} {self.text}"
