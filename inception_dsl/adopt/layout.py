"""Graphs of modules on several lines, which the formatter indents."""

from __future__ import annotations

from typing import Final

from inception_dsl.spec.printer import print_graph
from inception_dsl.syntax.printer import spell_branch, spell_factor, spell_step
from inception_dsl.syntax.terms import Branches, Chain, Labelled, Scaled, Term

WIDEST: Final = 96
"""The longest line that is not broken."""


def graph_of(term: Term) -> str:
    """A term as the graph of a module."""
    short = print_graph(term)
    if max(map(len, short.splitlines())) <= WIDEST:
        return short
    text = _branches(term) if isinstance(term, Branches) else _broken(term)
    return f"{text}\n"


def _broken(term: Term, leads: bool = False) -> str:
    """A term on as many lines as it needs, as a step of a chain; `leads` says that it is a branch."""
    text = spell_step(term)
    if len(text) <= WIDEST - 20:
        return text
    match term:
        case Branches():
            return f"[ {_branches(term)} ]"
        case Chain(steps):
            return _chain(steps, leads)
        case Scaled(factor, inner):
            return f"{spell_factor(factor)}{_bracketed(inner)}"
        case Labelled(label, inner):
            return f"{label}: {_bracketed(inner)}"
        case _:
            return text


def _bracketed(term: Term) -> str:
    text = _branches(term) if isinstance(term, Branches) else _broken(term)
    return f"[ {text} ]"


def _branches(term: Branches) -> str:
    lines = []
    for branch in term.branches:
        short = spell_branch(term.join, branch, last=branch is term.branches[-1])
        if isinstance(branch, Labelled) and isinstance(branch.term, Chain) and len(short) > WIDEST:
            short = f"{branch.label}: {_chain(branch.term.steps)}"
        elif len(short) > WIDEST - 20:
            short = _bracketed(branch) if term.join == "*" else _broken(branch, leads=True)
        lines.append(short)
    return f"\n{term.join} ".join(lines)


def _chain(steps: tuple[Term, ...], leads: bool = False) -> str:
    first = _broken(steps[0])
    lines = [f"[ {first} ]" if leads and isinstance(steps[0], Labelled) else first]
    for step in steps[1:]:
        text = _broken(step)
        last = lines[-1].rpartition("\n")[2]
        if "\n" not in text and len(last) + len(text) + 4 <= WIDEST - 16:
            lines[-1] += f" -> {text}"
        else:
            lines.append(f"-> {text}")
    return "\n".join(lines)
