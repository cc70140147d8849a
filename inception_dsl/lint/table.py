"""All rules of lint, collected from the modules of `rules/`, and the pages of all codes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.lint import ignores
from inception_dsl.lint.rule import Rule
from inception_dsl.lint.rules import names, portability, principles, upkeep

MODULES: Final = (portability, principles, upkeep, names)

RULES: Final[tuple[Rule, ...]] = tuple(rule for module in MODULES for rule in module.RULES)
"""The rules of this package, in the order of their codes."""


def rules() -> tuple[Rule, ...]:
    """All rules that `lint` runs by default."""
    return RULES


def codes() -> tuple[Code, ...]:
    """All codes that `lint` reports: those of the rules, and those about the comments that ignore findings."""
    return (*(rule.code for rule in rules()), *ignores.CODES)


def selected(select: Iterable[str] = (), ignore: Iterable[str] = ()) -> frozenset[Code]:
    """The codes that begin with one of `select` (all by default), without those that begin with one of `ignore`."""
    chosen, left_out = tuple(select) or ("",), tuple(ignore)
    return frozenset(code for code in codes() if code.startswith(chosen) and not code.startswith(left_out))
