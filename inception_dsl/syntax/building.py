"""Builds the terms of formulas, as the parser reduces the rules of `layers.lark`."""

from __future__ import annotations

import re
from typing import Any, Final

from lark import Token, Transformer

from inception_dsl.diagnostics.codes.syntax import INVALID_FORMULA, OUT_OF_BOUNDS
from inception_dsl.ir.values import FUNCTIONS, MAX_NUMBER, Function, Measurement, Name, Number, Operation, Value
from inception_dsl.syntax.algebra_errors import SyntaxFault, no_function
from inception_dsl.syntax.terms import (
    Branches,
    Chain,
    Dimensions,
    Fraction,
    Labelled,
    Reference,
    Repeated,
    Scaled,
    Term,
    Use,
    WordTerm,
)

DIGITS: Final = len(str(MAX_NUMBER))
"""The digits of the longest whole number."""


def builder(claims: bool = False) -> Transformer[Token, Any]:
    """What builds formulas and values; those of `claims` can measure networks, those of layers cannot."""
    return _Claims() if claims else _Terms()


class _Group:
    """A bracketed term. A label at its start names its first step, never the branch around it."""

    def __init__(self, term: Term, at: tuple[int, int]) -> None:
        self.term = term
        self.at = at


class _Terms(Transformer[Token, Any]):
    """Builds terms as the parser reduces rules; brackets that only group leave no trace."""

    def formula(self, items: list[Any]) -> Term:
        return _bare(items[0])

    def branches(self, items: list[Any]) -> Any:
        return _joined("|", items)

    def sum(self, items: list[Any]) -> Any:
        return _joined("+", items)

    def chain(self, items: list[Any]) -> Any:
        steps = [step for step in items if not isinstance(step, Token)]
        if len(steps) == 1:
            return steps[0]
        flat: list[Term] = []
        for step in map(_bare, steps):
            flat.extend(step.steps if isinstance(step, Chain) else (step,))
        chain = Chain(tuple(flat), at=_at(items))
        return _Group(chain, chain.at) if isinstance(steps[0], _Group) else chain

    def labelled(self, items: list[Any]) -> Term:
        return Labelled(str(items[0]), _bare(items[2]), at=_at(items))

    def plain(self, items: list[Any]) -> Any:
        return items[0]

    def scaled(self, items: list[Any]) -> Term:
        return Scaled(items[0], _bare(items[2]), at=_at(items))

    def multiplied(self, items: list[Any]) -> Term:
        """A product; a value alone on the left of `*` is taken for a factor, though it may name a layer."""
        match items[0]:
            case Use(Value() as factor, None, None, None, (), None):
                return Scaled(factor, _bare(items[2]), at=_at(items))
            case _:
                joined: Term = _joined("*", items)
                return joined

    def repeated(self, items: list[Any]) -> Term:
        return Repeated(items[0], _bare(items[2]), at=_at(items))

    def group(self, items: list[Any]) -> _Group:
        return _Group(_bare(items[1]), _at(items))

    def count(self, items: list[Any]) -> Value:
        return items[0] if isinstance(items[0], Value) else _number(items[0])

    def reference(self, items: list[Any]) -> Term:
        return Reference(str(items[0])[1:], at=_at(items))

    def use(self, items: list[Any]) -> Term:
        name, kernel, stride, width, fraction = items[0], None, None, None, None
        words: list[WordTerm] = []
        for item in items[1:]:
            if isinstance(item, WordTerm):
                if width and not words and (fault := _capital_x(item, width)):
                    raise fault
                words.append(item)
            elif isinstance(item, Value):
                width = item
            elif isinstance(item, Fraction):
                fraction = item
            else:
                kernel, stride = item
        name = str(name) if isinstance(name, Token) else name
        return Use(name, kernel, stride, width, tuple(words), fraction, at=_at(items))

    def size(self, items: list[Any]) -> tuple[Dimensions, Dimensions | None]:
        return items[0], items[2] if len(items) > 1 else None

    def kernel(self, items: list[Any]) -> Dimensions:
        return items[0], items[2]

    pair = kernel

    def stride(self, items: list[Any]) -> Dimensions:
        return items[0], items[-1]

    def fraction(self, items: list[Any]) -> Fraction:
        return Fraction(items[0], items[2])

    def word(self, items: list[Any]) -> WordTerm:
        if len(items) == 1:
            return WordTerm(str(items[0]), at=_at(items))
        setting = str(items[2]) if isinstance(items[2], Token) else items[2]
        return WordTerm(str(items[0]).strip('"'), setting, at=_at(items))

    def words(self, items: list[Any]) -> list[WordTerm]:
        return items

    def number(self, items: list[Any]) -> Value:
        return _number(items[0])

    def percent(self, items: list[Any]) -> Value:
        share = _number(Token("FLOAT", items[0][:-1]))
        return Number(share.value / 100, at=_at(items))

    def braced(self, items: list[Any]) -> Value:
        value: Value = items[1]
        return value

    atom = braced

    def name(self, items: list[Any]) -> Value:
        return Name(" ".join(items[0].split()), at=_at(items))

    def operation(self, items: list[Any]) -> Value:
        return Operation(str(items[1]), items[0], items[2], at=_at(items))

    def function(self, items: list[Any]) -> Value:
        name, arguments = str(items[0]), tuple(item for item in items if isinstance(item, Value))
        _, fewest, most = FUNCTIONS[name]
        if not fewest <= len(arguments) <= most:
            wanted = f"{fewest}" if fewest == most else f"{fewest} to {most}"
            raise SyntaxFault(INVALID_FORMULA, f"`{name}` takes {wanted} arguments, not {len(arguments)}", _at(items))
        return Function(name, arguments, at=_at(items))

    def measure(self, items: list[Any]) -> Value:
        raise no_function(_at(items[:1]))


class _Claims(_Terms):
    """Builds the formulas of claims, which can measure networks."""

    def measure(self, items: list[Any]) -> Value:
        keys = [item for item in items if isinstance(item, Token) and item.type == "KEY"]
        numbers = [item for item in items if isinstance(item, Number)]
        settings: dict[str, Number] = {}
        for key, number in zip(keys, numbers, strict=True):
            if key in settings:
                raise SyntaxFault(INVALID_FORMULA, f"`{key}` is given twice", _at([key]), help="delete one")
            settings[str(key)] = number
        place = Name(str(items[2]), at=_at(items[2:3]))
        return Measurement(str(items[0]), place, tuple(settings.items()), at=_at(items))


def _capital_x(word: WordTerm, width: Value) -> SyntaxFault | None:
    """The fault of a kernel such as `3X3`, which parses as the width 3 and the word `X3`."""
    if word.at[0] != width.at[1] or not isinstance(width, Number) or not re.fullmatch("X[0-9]+", word.text):
        return None
    side = word.text[1:]
    message, at = f"`{width.value}{word.text}` is not a kernel", (width.at[0], word.at[1])
    return SyntaxFault(INVALID_FORMULA, message, at, help=f"write `{width.value}x{side}`")


def _joined(join: str, items: list[Any]) -> Any:
    written = [item for item in items if not isinstance(item, Token)]
    if len(written) == 1:
        return written[0]
    flat: list[Term] = []
    for item in written:
        branch = _bare(item)
        if isinstance(branch, Branches) and branch.join == join:
            flat.extend(branch.branches)
        elif isinstance(branch, Chain) and not isinstance(item, _Group) and isinstance(branch.steps[0], Labelled):
            # a label right after a bar names the whole branch
            first = branch.steps[0]
            opened = first.term.steps if isinstance(first.term, Chain) else (first.term,)
            flat.append(Labelled(first.label, Chain((*opened, *branch.steps[1:]), at=branch.at), at=branch.at))
        else:
            flat.append(branch)
    return Branches(join, tuple(flat), at=_at(items))


def _bare(item: Any) -> Term:
    term: Term = item.term if isinstance(item, _Group) else item
    return term


def _at(items: list[Any]) -> tuple[int, int]:
    """The offsets of the items of a rule: tokens, terms, values, and tuples of those."""
    return _edge(items[0], 0), _edge(items[-1], 1)


def _edge(item: Any, side: int) -> int:
    if isinstance(item, Token):
        return (item.end_pos if side else item.start_pos) or 0
    if isinstance(item, tuple):
        return (max if side else min)(_edge(part, side) for part in item if part is not None)
    edge: int = item.at[side]
    return edge


def _number(token: Token) -> Number:
    at = (token.start_pos or 0, token.end_pos or 0)
    if token.type == "INT" and len(token) > DIGITS:
        raise SyntaxFault(OUT_OF_BOUNDS, "this number is too long for a width, kernel or count", at)
    number = int(token) if token.type == "INT" else float(token)
    if number > MAX_NUMBER:
        raise SyntaxFault(OUT_OF_BOUNDS, f"the largest number is {MAX_NUMBER:,}", at)
    return Number(number, at=at)
