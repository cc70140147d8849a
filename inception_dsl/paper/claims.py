"""Compares numbers that papers state in sentences with a formula over specs, and gives each a verdict.

Formulas are evaluated in fractions, so that only the paper's rounding counts.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from typing import Any, Final, Literal, NamedTuple

from inception_dsl.diagnostics.codes.modules import CANNOT_EVALUATE
from inception_dsl.diagnostics.codes.paper import UNKNOWN_SUBJECT, VERDICT_CHANGED
from inception_dsl.diagnostics.codes.syntax import UNREADABLE_CELL
from inception_dsl.diagnostics.diagnostic import Diagnostic, Findings, Note, Span, SpecError
from inception_dsl.diagnostics.spelling import listing
from inception_dsl.ir.program import Column
from inception_dsl.ir.values import (
    FUNCTIONS,
    OPERATORS,
    Function,
    Measurement,
    Name,
    Number,
    Operation,
    Value,
    ValueFault,
)
from inception_dsl.paper.measurements import Measured, Subject, measure, subject
from inception_dsl.paper.verdicts import Judgement, Printed, agreement, parse_cell
from inception_dsl.spec.claims import DIFFERS, Sentence, measurements

_STATED: Final = re.compile(r"(?:(under|over)\s+)?([-\u2212+]?)\s*(.*?)\s*([x\u00d7%]?)")

MAX_RESULT: Final = 10**18
"""The largest result of a formula."""

ClaimAgreement = Literal["exact", "rounds", "differs"]


class Stated(NamedTuple):
    """A number in a sentence: `12x`, `44.9%`, `112.9M`; `bound` is "under", "over" or ""."""

    number: Printed
    bound: str = ""

    @property
    def value(self) -> Fraction:
        """Its value: `33%` is 33/100."""
        return Fraction(self.number.digits * self.number.unit, 10**self.number.decimals)


class ClaimVerdict(NamedTuple):
    """A sentence and the value of its formula, `shown` in the unit of the sentence."""

    sentence: Sentence
    computed: Fraction
    shown: str
    agreement: ClaimAgreement

    @property
    def is_current(self) -> bool:
        """Whether the recorded verdict is still right."""
        return self.sentence.verdict in (DIFFERS if self.agreement == "differs" else (self.agreement,))

    @property
    def word(self) -> str:
        """The recorded verdict, or `MISMATCH` where it is no longer right."""
        return self.sentence.verdict if self.is_current else "MISMATCH"

    @property
    def judgement(self) -> Judgement:
        """The verdict on a printed cell that is like it: a recorded difference, with its reason, is an erratum."""
        if not self.is_current:
            return "MISMATCH"
        return "erratum" if self.agreement == "differs" else self.agreement

    def data(self) -> dict[str, Any]:
        """The claim and its verdict as JSON values."""
        sentence, number = self.sentence, self.computed
        return {
            "id": sentence.id,
            "source": sentence.source,
            "sentence": sentence.sentence,
            "formula": sentence.written,
            "printed": sentence.printed,
            "computed": number.numerator if number.denominator == 1 else float(number),
            "shown": self.shown,
            "verdict": self.word,
            "recorded": sentence.verdict,
            "reason": sentence.reason,
        }


class Examination(NamedTuple):
    """The verdicts on the sentences whose formulas have a value, and the findings about all sentences."""

    verdicts: tuple[ClaimVerdict, ...]
    findings: tuple[Diagnostic, ...]


def subjects(sentences: Sequence[Sentence]) -> dict[Subject, Span]:
    """What some sentences measure, in their order, each with the place of its first measurement."""
    found: dict[Subject, Span] = {}
    for sentence in sentences:
        for measurement in measurements(sentence.formula):
            with suppress(ValueFault):  # reported with the sentence
                found.setdefault(subject(measurement), sentence.text.span(*measurement.at))
    return found


def compare_sentences(
    sentences: Sequence[Sentence], networks: Mapping[Subject, Measured], known: Collection[str]
) -> Examination:
    """Evaluate every formula and compare it with the printed number.

    `known` are the names of the existing networks, `networks` those that are measured and compile; sentences about
    others that exist are skipped. Findings: E116 a number that cannot be read, E207 arithmetic without a result, E310 a
    recorded verdict that is no longer right, E311 an unknown network or part.
    """
    verdicts, findings = [], Findings()
    for sentence in sentences:
        try:
            measured = list(measurements(sentence.formula))
            if any(about.network in known and about not in networks for about in map(subject, measured)):
                continue
            values = {measurement: measure(measurement, networks, known) for measurement in measured}
            verdict = _verdict(sentence, evaluate_formula(sentence.formula, values))
        except ValueFault as fault:
            findings.error(fault.code, fault.message, sentence.text.span(*fault.at), help=fault.help)
        except SpecError as error:
            findings.diagnostics += error.diagnostics
        else:
            verdicts.append(verdict)
            if not verdict.is_current:
                findings.diagnostics.append(_stale(verdict))
    return Examination(tuple(verdicts), tuple(findings.diagnostics))


def evaluate_formula(
    formula: Value, measured: Mapping[Measurement, Fraction], values: Mapping[str, Fraction] | None = None
) -> Fraction:
    """Evaluate a formula exactly, except for `round`, `ceil` and `floor`; `measured` are the values that it measures.

    `values` are those of names, of which the formulas of claims have none. Raises `ValueFault` E207 for arithmetic
    without a result, E311 for a name outside a measure.
    """
    match formula:
        case Number(number):
            return Fraction(str(number))  # 0.1 as written, not the nearest binary number
        case Measurement():
            return measured[formula]
        case Function(name, arguments):
            return _applied(
                FUNCTIONS[name][0], [evaluate_formula(argument, measured, values) for argument in arguments], formula.at
            )
        case Operation(operator, left, right):
            return _applied(
                OPERATORS[operator], [evaluate_formula(side, measured, values) for side in (left, right)], formula.at
            )
        case Name(name) if values and name in values:
            return values[name]
        case Name(name):
            raise ValueFault(
                UNKNOWN_SUBJECT,
                f"`{name}` is a network, not a number",
                formula.at,
                help=f"measure it: `params({name})`",
            )
        case _:
            raise TypeError(formula)


def _applied(function: Callable[..., Any], numbers: Sequence[Fraction], at: tuple[int, int]) -> Fraction:
    try:
        result = Fraction(function(*numbers))
    except ZeroDivisionError:
        raise ValueFault(CANNOT_EVALUATE, "this divides by 0", at) from None
    if abs(result) > MAX_RESULT:
        raise ValueFault(CANNOT_EVALUATE, f"the result exceeds {MAX_RESULT:,}", at)
    return result


def parse_stated(text: str) -> Stated:
    """Read a number in a sentence. Raises `ValueError` with the expected form."""
    match = _STATED.fullmatch(text.strip())
    assert match  # each of its parts may be empty
    bound, sign, digits, unit = match.groups(default="")
    try:
        number = parse_cell(digits, Column("params"))
    except ValueError:
        raise ValueError("write a number such as `112.9M`, `44.9%`, `12x`, `-3.45%` or `under 25M`") from None
    assert isinstance(number, Printed)
    if sign in ("-", "\u2212"):
        number = number._replace(digits=-number.digits)
    if unit:
        number = number._replace(
            suffix=number.suffix + unit, unit=number.unit * (Fraction(1, 100) if unit == "%" else 1)
        )
    return Stated(number, bound)


def _verdict(sentence: Sentence, computed: Fraction) -> ClaimVerdict:
    stated = _stated(sentence, "printed", sentence.printed)
    within = _stated(sentence, "within", sentence.within).value if sentence.within else None
    number = stated.number
    if within is not None:  # `0.94x` says more of `1x` within 1% than `0.9x` does
        number = number._replace(digits=number.digits * 10, decimals=number.decimals + 1)
    shown = number.show(int(computed) if computed.denominator == 1 else computed)
    if computed == stated.value and not stated.bound:
        shown = sentence.printed
    return ClaimVerdict(sentence, computed, shown, _agreement(stated, computed, sentence.rounding, within))


def _stated(sentence: Sentence, key: str, text: str) -> Stated:
    try:
        return parse_stated(text)
    except ValueError as error:
        message = f"`{text}` cannot be read as a number"
        raise SpecError([Diagnostic(UNREADABLE_CELL, message, sentence.span(key), help=str(error))]) from None


def _agreement(stated: Stated, computed: Fraction, rounding: str, within: Fraction | None) -> ClaimAgreement:
    value = stated.value
    if stated.bound:
        return "exact" if (computed < value if stated.bound == "under" else computed > value) else "differs"
    if computed == value:
        return "exact"
    if within is not None:
        return "rounds" if abs(computed - value) <= abs(value) * within else "differs"
    return "rounds" if agreement(stated.number, computed, rounding) else "differs"


def _stale(verdict: ClaimVerdict) -> Diagnostic:
    sentence, found = verdict.sentence, verdict.agreement
    label = {"exact": "it is exact", "rounds": "it is right when rounded", "differs": "it is another number"}[found]
    hint = f"record `{found}`" if found != "differs" else f"record {listing(DIFFERS, 'or')}, with a `reason`"
    return Diagnostic(
        VERDICT_CHANGED,
        f"`{sentence.id}` is recorded as `{sentence.verdict}`: {sentence.printed} is printed, {verdict.shown} computed",
        sentence.span("verdict"),
        label,
        (Note(sentence.span("printed"), "printed here"),),
        hint,
    )
