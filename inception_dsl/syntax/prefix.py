"""What can follow the beginning of a formula, for editors."""

from __future__ import annotations

from typing import Literal

from lark import UnexpectedInput

from inception_dsl.syntax.algebra import parser
from inception_dsl.syntax.algebra_errors import SyntaxFault

Start = Literal["formula", "words", "braced"]


def follows(text: str, start: Start = "formula") -> frozenset[str]:
    """The terminals of `layers.lark` that can follow a text; none where it is the beginning of no formula.

    A word that could still become longer counts as whole.
    """
    state = parser().parse_interactive(text, start=start)
    try:
        for _ in state.iter_parse():
            pass
        return frozenset(state.accepts())  # type: ignore[no-untyped-call]
    except (UnexpectedInput, SyntaxFault):
        return frozenset()
