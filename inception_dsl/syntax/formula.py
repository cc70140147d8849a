"""A layer formula, and the text it was read from."""

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
    """A layer formula and the text it was read from, with the other `names` that variants gave to modules."""

    term: Term
    fragment: Fragment = field(compare=False, repr=False)
    names: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)

    @property
    def text(self) -> str:
        """It on one line, as written where no module in it has another name."""
        if not self.names:
            return " ".join(self.fragment.text.split())
        from inception_dsl.syntax.printer import spell_term

        return spell_term(self.term)

    @cached_property
    def labels(self) -> frozenset[str]:
        """The labels of its steps and branches."""
        return frozenset(term.label for term in walk(self.term) if isinstance(term, Labelled))

    def span(self, at: tuple[int, int]) -> Span:
        """The place of a part of it."""
        return self.fragment.span(*at)


def formula_of(part: Fragment, findings: Findings, names: Mapping[str, str] | None = None) -> Formula | None:
    """Read a text as a formula, with other names for some modules; what is wrong goes to `findings`."""
    try:
        term = algebra.formula(part.text)
        return Formula(renamed(term, names), part, names) if names else Formula(term, part)
    except SyntaxFault as fault:
        last = part.span(len(part.text), len(part.text))
        cut = last.source.lines[last.line - 1][last.column - 1 :].lstrip().startswith("#")
        hint = "` #` starts a comment in YAML: write the formula on the lines below a `|`" if cut else fault.help
        findings.error(fault.code, fault.message, part.span(*fault.at), fault.label, help=hint)
        return None
