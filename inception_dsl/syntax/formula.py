"""A layer formula, and the text it was parsed from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from inception_dsl.diagnostics.diagnostic import Findings, Span
from inception_dsl.syntax import algebra
from inception_dsl.syntax.algebra_errors import SyntaxFault
from inception_dsl.syntax.source import Fragment
from inception_dsl.syntax.terms import Labelled, Term, renamed, walk


@dataclass(frozen=True)
class Formula:
    """A layer formula and the text it was parsed from. `names` maps modules, and rows as `@row`, to their new names."""

    term: Term
    fragment: Fragment = field(compare=False, repr=False)
    names: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def text(self) -> str:
        """The formula on one line: as written, unless a module in it has a new name."""
        if not self.names:
            return " ".join(self.fragment.text.split())
        from inception_dsl.syntax.printer import spell_term

        return spell_term(self.term)

    @cached_property
    def labels(self) -> frozenset[str]:
        """The labels of its steps and branches."""
        return frozenset(term.label for term in walk(self.term) if isinstance(term, Labelled))

    def span(self, at: tuple[int, int]) -> Span:
        """The place of a part of the formula."""
        return self.fragment.span(*at)


def formula_of(part: Fragment, findings: Findings, names: Mapping[str, str] | None = None) -> Formula | None:
    """Parse a text as a formula, with new names for some modules; None after adding errors to `findings`."""
    try:
        formula = Formula(algebra.parse_formula(part.text), part)
        names = {old: new for old, new in (names or {}).items() if old[1:] not in formula.labels or old[0] != "@"}
        return Formula(renamed(formula.term, names), part, names) if names else formula
    except SyntaxFault as fault:
        last = part.span(len(part.text), len(part.text))
        cut = last.source.lines[last.line - 1][last.column - 1 :].lstrip().startswith("#")
        hint = "` #` starts a comment in YAML; put the formula on the lines below a `|`" if cut else fault.help
        findings.error(fault.code, fault.message, part.span(*fault.at), fault.label, help=hint)
        return None
