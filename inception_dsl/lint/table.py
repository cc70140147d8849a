"""All rules of lint, collected from the modules of `rules/`, and the pages of all codes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.diagnostics.codes.plugins import PLUGIN_LEFT_OUT, REMEDY
from inception_dsl.diagnostics.codes.table import CODES
from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.diagnostics.spelling import raised
from inception_dsl.lint import ignores
from inception_dsl.lint.rule import Finding, Rule
from inception_dsl.lint.rules import names, portability, principles, upkeep
from inception_dsl.lint.subject import Subject
from inception_dsl.plugins import offers
from inception_dsl.plugins.offers import Offer, wrong_type

MODULES: Final = (portability, principles, upkeep, names)

RULES: Final[tuple[Rule, ...]] = tuple(rule for module in MODULES for rule in module.RULES)
"""The rules of this package, in the order of their codes."""


def rules() -> tuple[Rule, ...]:
    """All rules that `lint` runs by default: ours, then those of plugins."""
    return (*RULES, *(_guarded(offer) for offer in offered() if not offer.problem))


def offered() -> list[Offer]:
    """What plugins offer as rules, each under its code."""
    ours = {*CODES, *(rule.code for rule in RULES), *ignores.CODES}
    return [offer for name in offers.names("lint") if (offer := offers.find("lint", name, ours, _problem))]


def _problem(name: str, rule: Any) -> str:
    if not isinstance(rule, Rule):
        return wrong_type(rule, "a `Rule`")
    code: Any = rule.code
    check: Any = rule.check
    if not isinstance(code, Code) or code != name:
        return f"its `code` is {code!r}: it must be the `Code` that the entry point is called by"
    if not re.fullmatch(r"[A-Z]{2,5}[0-9]{3}", name):
        return "a code of a plugin is two to five capitals of its own, and three digits"
    return "" if callable(check) else f"of its `check`, {wrong_type(check, 'a function')}"


def _guarded(offer: Offer) -> Rule:
    """The rule of a plugin; what it raises becomes a warning that names the plugin, and its other findings stay."""
    rule: Rule = offer.thing

    def check(subject: Subject) -> Iterator[Finding]:
        try:
            yield from map(_finding, rule.check(subject))
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything
            problem = f"it raises {raised(error)}"
            yield Finding(Diagnostic(PLUGIN_LEFT_OUT, offer._replace(problem=problem).message, help=REMEDY))

    return Rule(rule.code, check)


def _finding(found: object) -> Finding:
    if not isinstance(found, Finding):
        raise TypeError(wrong_type(found, "a `Finding`"))
    return found


def codes() -> tuple[Code, ...]:
    """All codes that `lint` reports: those of the rules, and those about the comments that ignore findings."""
    return (*(rule.code for rule in rules()), *ignores.CODES)


def selected(select: Iterable[str] = (), ignore: Iterable[str] = ()) -> frozenset[Code]:
    """The codes that begin with one of `select` (all by default), without those that begin with one of `ignore`."""
    chosen, left_out = tuple(select) or ("",), tuple(ignore)
    return frozenset(code for code in codes() if code.startswith(chosen) and not code.startswith(left_out))
