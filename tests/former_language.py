"""The layer algebra before it had products: its grammar and what it read, frozen, so that no text changes its meaning.

Fault messages are left out: a text that was an error may become a formula.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

from lark import Lark, Token, Transformer, UnexpectedInput
from lark.exceptions import VisitError

from inception_dsl.ir.values import FUNCTIONS, MAX_NUMBER, Function, Name, Number, Operation, Value
from inception_dsl.syntax.terms import Branches, Chain, Labelled, Repeated, Scaled, Term, Use, WordTerm

GRAMMAR = Path(__file__).parent / "data" / "former_layers.lark"


def parse(text: str, start: str = "formula") -> Any:
    """What the text meant: a term, the words of a default, or a value in braces; None where it was an error."""
    try:
        read = _parser().parse(text, start=start)
    except (UnexpectedInput, VisitError, ValueError):
        return None
    return read


@cache
def _parser() -> Lark:
    return Lark(
        GRAMMAR.read_text(encoding="utf-8"),
        parser="lalr",
        start=["formula", "words", "braced", "value"],
        transformer=_Terms(),
        keep_all_tokens=True,
        maybe_placeholders=False,
    )


class _Group:
    """A bracketed term."""

    def __init__(self, term: Term) -> None:
        self.term = term


class _Terms(Transformer[Token, Any]):
    def formula(self, items: list[Any]) -> Term:
        return _bare(items[0])

    def branches(self, items: list[Any]) -> Any:
        return _joined("|", items)

    def sum(self, items: list[Any]) -> Any:
        return _joined("+", items)

    def chain(self, items: list[Any]) -> Any:
        steps = _written(items)
        if len(steps) == 1:
            return steps[0]
        flat: list[Term] = []
        for step in map(_bare, steps):
            flat.extend(step.steps if isinstance(step, Chain) else (step,))
        chain = Chain(tuple(flat))
        return _Group(chain) if isinstance(steps[0], _Group) else chain

    def labelled(self, items: list[Any]) -> Term:
        return Labelled(str(items[0]), _bare(items[2]))

    def plain(self, items: list[Any]) -> Any:
        return items[0]

    def scaled(self, items: list[Any]) -> Term:
        return Scaled(items[0], _bare(items[2]))

    def repeated(self, items: list[Any]) -> Term:
        return Repeated(items[0], _bare(items[2]))

    def group(self, items: list[Any]) -> _Group:
        return _Group(_bare(items[1]))

    def factor(self, items: list[Any]) -> Value:
        return items[0] if isinstance(items[0], Value) else _number(items[0])

    count = factor

    def use(self, items: list[Any]) -> Term:
        name, kernel, stride, width = items[0], None, None, None
        words: list[WordTerm] = []
        for item in items[1:]:
            if isinstance(item, WordTerm):
                if (
                    width
                    and not words
                    and item.text[:1] == "X"
                    and item.text[1:].isdigit()
                    and isinstance(width, Number)
                ):
                    raise ValueError("a kernel with a capital X")
                words.append(item)
            elif isinstance(item, Value):
                width = item
            else:
                kernel, stride = item
        return Use(str(name) if isinstance(name, Token) else name, kernel, stride, width, tuple(words))

    def size(self, items: list[Any]) -> Any:
        return items[0], items[2] if len(items) > 1 else None

    def kernel(self, items: list[Any]) -> Any:
        return items[0], items[2]

    pair = kernel

    def stride(self, items: list[Any]) -> Any:
        return items[0], items[-1]

    def word(self, items: list[Any]) -> WordTerm:
        if len(items) == 1:
            return WordTerm(str(items[0]))
        setting = str(items[2]) if isinstance(items[2], Token) else items[2]
        return WordTerm(str(items[0]).strip('"'), setting)

    def words(self, items: list[Any]) -> tuple[WordTerm, ...]:
        return tuple(items)

    def number(self, items: list[Any]) -> Value:
        return _number(items[0])

    def percent(self, items: list[Any]) -> Value:
        return Number(_number(Token("FLOAT", items[0][:-1])).value / 100)

    def braced(self, items: list[Any]) -> Any:
        return items[1]

    def name(self, items: list[Any]) -> Value:
        return Name(" ".join(items[0].split()))

    def atom(self, items: list[Any]) -> Any:
        return items[1]

    def operation(self, items: list[Any]) -> Value:
        return Operation(str(items[1]), items[0], items[2])

    def function(self, items: list[Any]) -> Value:
        arguments = tuple(item for item in items if isinstance(item, Value))
        _, fewest, most = FUNCTIONS[str(items[0])]
        if not fewest <= len(arguments) <= most:
            raise ValueError("a function of another number of arguments")
        return Function(str(items[0]), arguments)

    def measure(self, items: list[Any]) -> Value:
        raise ValueError("formulas of layers measure nothing")


def _joined(join: str, items: list[Any]) -> Any:
    written = _written(items)
    if len(written) == 1:
        return written[0]
    flat: list[Term] = []
    for item in written:
        branch = _bare(item)
        if isinstance(branch, Branches) and branch.join == join:
            flat.extend(branch.branches)
        elif isinstance(branch, Chain) and not isinstance(item, _Group) and isinstance(branch.steps[0], Labelled):
            first = branch.steps[0]
            opened = first.term.steps if isinstance(first.term, Chain) else (first.term,)
            flat.append(Labelled(first.label, Chain((*opened, *branch.steps[1:]))))
        else:
            flat.append(branch)
    return Branches(join, tuple(flat))


def _written(items: list[Any]) -> list[Any]:
    return [item for item in items if not isinstance(item, Token)]


def _bare(item: Any) -> Term:
    term: Term = item.term if isinstance(item, _Group) else item
    return term


def _number(token: Token) -> Number:
    number = int(token) if token.type == "INT" and len(token) <= len(str(MAX_NUMBER)) else float(token)
    if number > MAX_NUMBER:
        raise ValueError("too large a number")
    return Number(number)
