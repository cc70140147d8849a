"""A layer formula, and the text it was read from."""

from __future__ import annotations

from dataclasses import dataclass, field

from inception_dsl.diagnostics import Findings, Span
from inception_dsl.syntax import algebra
from inception_dsl.syntax.algebra_errors import SyntaxFault
from inception_dsl.syntax.source import Fragment
from inception_dsl.syntax.terms import Term


@dataclass(frozen=True)
class Formula:
    """A layer formula and the text it was read from."""

    term: Term
    fragment: Fragment = field(compare=False, repr=False)

    def span(self, at: tuple[int, int]) -> Span:
        """The place of a part of it."""
        return self.fragment.span(*at)


def formula_of(fragment: Fragment, findings: Findings, start: int = 0, end: int | None = None) -> Formula | None:
    """Read a part of a text as a formula; what is wrong goes to `findings`."""
    part = fragment if end is None else fragment.slice(start, end)
    try:
        return Formula(algebra.formula(part.text), part)
    except SyntaxFault as fault:
        last = part.span(len(part.text), len(part.text))
        cut = last.source.lines[last.line - 1][last.column - 1 :].lstrip().startswith("#")
        hint = "` #` starts a comment in YAML: write the formula on the lines below a `|`" if cut else fault.help
        findings.error(fault.code, fault.message, part.span(*fault.at), fault.label, help=hint)
        return None
