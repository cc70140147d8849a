"""Validates a file against the model of its kind, and reports what is wrong in the language's own words.

pydantic says which value is wrong and by which rule; the words come from the type that the model gives to the value.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any, Final, NamedTuple, TypeVar

from pydantic import ValidationError

from inception_dsl.diagnostics.codes.syntax import OUT_OF_BOUNDS
from inception_dsl.diagnostics.codes.yaml import INVALID_VALUE, MISSING_KEY, UNKNOWN_KEY
from inception_dsl.diagnostics.diagnostic import Findings
from inception_dsl.diagnostics.spelling import did_you_mean, listing
from inception_dsl.runner.base.settings import Range
from inception_dsl.spec import elsewhere
from inception_dsl.spec.error_places import ErrorPlace, error_place
from inception_dsl.spec.fields import Section
from inception_dsl.syntax.document import Document, KeyPath
from inception_dsl.syntax.yaml import type_name

SectionT = TypeVar("SectionT", bound=Section)
Advice = Callable[[KeyPath, Any], str]
"""The help for an error about the value at a path; empty where the usual help serves."""

MAX_KEYS_LISTED: Final = 20
"""The most keys that are listed where one is not known."""

BOUNDS: Final = {"greater_than", "greater_than_equal", "less_than", "less_than_equal", "value_error"}
"""The rules about the size of a number, and about the order of two."""


def validate(document: Document, model: type[SectionT], advise: Advice = lambda _path, _value: "") -> SectionT:
    """The data of a document as a model.

    Raises `SpecError`: E103 for an unknown key, E104 for a missing one, E105 for a value of another type, E117 for a
    number out of bounds.
    """
    try:
        return model.model_validate(document.data)
    except ValidationError as error:
        report = _Report(document, advise)
        errors = error.errors(include_url=False)
        report.add(_Error(details["type"], error_place(model, details["loc"])) for details in errors)
        report.findings.stop()
        raise AssertionError("an invalid document has errors") from error


class _Error(NamedTuple):
    """A rule that a value breaks, and the place of the value."""

    rule: str
    place: ErrorPlace


class _Report:
    """The findings about one document."""

    def __init__(self, document: Document, advise: Advice) -> None:
        self.document = document
        self.advise = advise
        self.findings = Findings()

    def add(self, errors: Iterable[_Error]) -> None:
        """Report errors: one for each value, and none for a missing key that is there but misspelt."""
        unknown: dict[KeyPath, list[str]] = {}
        missing: list[ErrorPlace] = []
        wrong: dict[KeyPath, tuple[ErrorPlace, set[str]]] = {}
        for rule, place in errors:
            if rule == "extra_forbidden" or place.of_key:
                unknown.setdefault(place.path[:-1], []).append(str(place.path[-1]))
                self._unknown(place)
            elif rule == "missing":
                missing.append(place)
            else:
                wrong.setdefault(place.path, (place, set()))[1].add(rule)
        for place in missing:
            if not did_you_mean(str(place.path[-1]), unknown.get(place.path[:-1], ())):
                self._missing(place)
        for place, rules in wrong.values():
            self._wrong(place, rules)

    def _unknown(self, place: ErrorPlace) -> None:
        key, known = str(place.path[-1]), place.parent.keys
        keys_here = listing(sorted(known)) if len(known) <= MAX_KEYS_LISTED else f"such as `{known[0]}`"
        hint = self.advise(place.path, self._value(place.path))
        hint = hint or did_you_mean(key, known) or f"the keys here are {keys_here}"
        if re.match(r"->|[|+\[]", key):
            hint = "indent this line like the formula that it belongs to"
        self.findings.error(UNKNOWN_KEY, f"unknown key `{key}`", self.document.key_span(place.path), help=hint)

    def _missing(self, place: ErrorPlace) -> None:
        *above, key = place.path
        where = f"`{'.'.join(map(str, above))}`" if above else "the spec"
        span = self.document.key_span(tuple(above)) if above else self.document.value_span(())
        hint = self.advise(place.path, self._value(tuple(above))) or f"add `{key}:`"
        self.findings.error(MISSING_KEY, f"{where} has no key `{key}`", span, help=hint)

    def _wrong(self, place: ErrorPlace, rules: set[str]) -> None:
        value, key = self._value(place.path), place.path[-1]
        code, expected = INVALID_VALUE, place.type.expected
        limits = place.type.find(Range)
        if limits and rules & BOUNDS and (advice := _bounds(limits, value, expected)):
            code, expected = OUT_OF_BOUNDS, advice
        what = f"`{key}`" if isinstance(key, str) else f"an item of `{place.path[-2]}`"
        label = (
            ""
            if type_name(value).split()[-1] in expected or (place.type.words and isinstance(value, str))
            else f"this is {type_name(value)}"
        )
        if isinstance(value, str) and "characters" in expected:
            label = f"this has {len(value):,}"
        hint = self.advise(place.path, value) or self._hint(place, value, expected)
        self.findings.error(code, f"{what} must be {expected}", self.document.value_span(place.path), label, help=hint)

    def _hint(self, place: ErrorPlace, value: Any, expected: str) -> str:
        key = place.path[-1]
        if place.type.fields:
            names = place.type.fields["name"].words if "name" in place.type.fields else []
            short = f"write {listing(names, 'or')}, or a mapping; " if names and isinstance(value, str) else ""
            return f"{short}its keys are {listing(place.type.keys)}"
        if key in ("layers", "graph", "reported") and not isinstance(value, str):
            what = "formula" if key == "graph" else "table"
            return f"write `{key}: |`, and the {what} on the lines below it"
        if "string" in expected and isinstance(value, int | float):
            return f'write `"{self.document.text(place.path).text}"`'
        if isinstance(value, str):
            return elsewhere.suggest(value, re.findall("`(.+?)`", expected), elsewhere.FOREIGN_VALUES)
        return ""

    def _value(self, path: KeyPath) -> Any:
        value: Any = self.document.data
        for part in path:
            value = value[part]
        return value


def _bounds(limits: Range, value: Any, expected: str) -> str:
    """What a number, or the numbers of a list, must be to be in bounds; empty where they are not numbers."""
    numbers = value if isinstance(value, list) else [value]
    if any(isinstance(number, bool) or not isinstance(number, int | float) for number in numbers):
        return ""
    if all(limits.low <= number <= limits.high for number in numbers):
        return limits.advice(tuple(value) if isinstance(value, list) else value)
    return expected if isinstance(value, list) else f"{expected} from {limits.low:,g} to {limits.high:,.10g}"
