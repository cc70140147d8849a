"""Prints terms, values and tables in the language, with as few brackets as possible.

`algebra.formula` parses the output as an equal term, within its limits on length.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from inception_dsl.ir.values import Number, Value, spell
from inception_dsl.syntax.terms import (
    Branches,
    Chain,
    Dimensions,
    Labelled,
    Reference,
    Repeated,
    Scaled,
    Term,
    Use,
    WordTerm,
)
from inception_dsl.text.aligned import pad

MAX_CHAIN_LINE: Final = 100
"""The length at which a chain continues on the next line, where lines may break."""

SHARES: Final = frozenset({"dropout"})
"""The layers whose number is a share, printed in per cent."""

BRANCHES, SUM, CHAIN, STEP, TERM, OPERAND = range(6)
"""How tightly each kind of term binds, loosest first; a term in a tighter place is put in brackets."""


def spell_term(term: Term) -> str:
    """Print a term on one line."""
    return _inside(term, BRANCHES)


def spell_step(term: Term) -> str:
    """Print a term as a step of a chain."""
    return _inside(term, STEP)


def spell_branch(join: str, branch: Term, last: bool) -> str:
    """Print a term as a branch of a join, or as the last one, which differs for products."""
    match join:
        case "|":
            return _branch(branch, SUM)
        case "+":
            return _branch(branch, CHAIN)
        case _:
            return f"[{_spelled(branch)[1]}]" if _is_value(branch) and not last else _inside(branch, OPERAND)


def spell_factor(factor: Value) -> str:
    """Print a factor before what it scales."""
    return f"{_number(factor)} * "


def spell_graph(term: Term) -> str:
    """Print a term as the graph of a module: one line for each branch, and as many as it needs for a chain."""
    match term:
        case Branches("|", branches):
            labels = [f"{branch.label}: " if isinstance(branch, Labelled) else "" for branch in branches]
            width = max(map(len, labels))
            spelled = (_branch(branch, SUM).removeprefix(label) for label, branch in zip(labels, branches, strict=True))
            return "\n".join(f"| {label:{width}}{text}" for label, text in zip(labels, spelled, strict=True))
        case Chain(steps):
            return _wrapped([_inside(step, STEP) for step in steps])
        case _:
            return spell_term(term)


def spell_words(words: Iterable[WordTerm]) -> str:
    """Print the words of a layer: `same bn eps=0.001`."""
    return " ".join(map(_word, words))


def align(rows: Sequence[Sequence[str]]) -> str:
    """Print the lines of a table with aligned columns; the first row is the header."""
    return "\n".join(" | ".join(row).rstrip() for row in pad(rows))


def _wrapped(steps: list[str]) -> str:
    lines = [steps[0]]
    for step in steps[1:]:
        if len(lines[-1]) + len(step) + 4 <= MAX_CHAIN_LINE:
            lines[-1] += f" -> {step}"
        else:
            lines.append(f"-> {step}")
    return "\n".join(lines)


def _inside(term: Term, place: int) -> str:
    """The text of a term, in brackets unless it binds as tightly as `place`."""
    own, text = _spelled(term)
    return text if own >= place else f"[{text}]"


def _spelled(term: Term) -> tuple[int, str]:
    """How tightly a term binds, and its text."""
    match term:
        case Branches("|", branches):
            return BRANCHES, " | ".join(spell_branch("|", branch, last=False) for branch in branches)
        case Branches(join, (*branches, last)):
            spelled = [*(spell_branch(join, branch, last=False) for branch in branches), spell_branch(join, last, True)]
            return SUM if join == "+" else TERM, f" {join} ".join(spelled)
        case Chain(steps):
            return CHAIN, _chain(steps, STEP)
        case Labelled(label, inner):
            return STEP, f"{label}: {_inside(inner, TERM)}"
        case Scaled(factor, inner):
            return TERM, f"{spell_factor(factor)}{_inside(inner, TERM)}"
        case Repeated(count, inner):
            return TERM, f"{_int(count)} of {_inside(inner, TERM)}"
        case Use():
            return OPERAND, _use(term)
        case Reference(name):
            return OPERAND, f"@{name}"
        case _:
            raise TypeError(term)


def _is_value(term: Term) -> bool:
    """Whether a term is a value alone, which is read as a factor on the left of `*`."""
    return isinstance(term, Use) and isinstance(term.name, Value) and term == Use(term.name)


def _branch(term: Term, place: int) -> str:
    """The text of a term right after a bar or a plus, where a label names the whole branch, not its first step."""
    match term:
        case Chain(steps):
            return _chain(steps, TERM)
        case Labelled(label, Chain(steps)):
            return f"{label}: {_chain(steps, TERM)}"
        case _:
            return _inside(term, place)


def _chain(steps: tuple[Term, ...], first: int) -> str:
    return " -> ".join([_inside(steps[0], first), *(_inside(step, STEP) for step in steps[1:])])


def _use(use: Use) -> str:
    parts = [use.name if isinstance(use.name, str) else _braced(use.name)]
    if use.kernel:
        parts.append(_size(use.kernel, use.stride))
    if use.fraction:
        parts.append("/".join(map(_int, use.fraction)))
    if use.width is not None:
        parts.append((_percent(use.width) if use.name in SHARES else "") or _number(use.width))
    return " ".join([*parts, *map(_word, use.words)])


def _size(kernel: Dimensions, stride: Dimensions | None) -> str:
    if stride is None:
        return _pair(kernel)
    return f"{_pair(kernel)}/{_int(stride[0]) if stride[0] == stride[1] else _pair(stride)}"


def _pair(dimensions: Dimensions) -> str:
    return "x".join(map(_int, dimensions))


def _word(word: WordTerm) -> str:
    key = word.text if re.fullmatch(r"[\w#]+", word.text) else f'"{word.text}"'
    match word.value:
        case None:
            return word.text
        case str(text):
            return f"{key}={text}"
        case Value() as value:
            return f"{key}={_number(value)}"
        case dimensions:
            return f"{key}={_pair(dimensions)}"


def _braced(value: Value) -> str:
    return f"{{{spell(value)}}}"


def _number(value: Value) -> str:
    return spell(value) if isinstance(value, Number) else _braced(value)


def _int(value: Value) -> str:
    return spell(value) if isinstance(value, Number) and isinstance(value.value, int) else _braced(value)


def _percent(width: Value) -> str:
    """A share such as 0.4 as `40%`, where that is exactly the same number; else empty."""
    if isinstance(width, Number) and isinstance(width.value, float) and 0 < width.value < 1:
        percent = f"{width.value * 100:g}"
        if re.fullmatch(r"[\d.]+", percent) and float(percent) / 100 == width.value:
            return f"{percent}%"
    return ""
