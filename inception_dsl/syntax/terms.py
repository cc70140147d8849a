"""The syntax tree of the layer algebra: nothing resolved, no defaults added."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from inception_dsl.ir.values import Name, Value, is_reference, names

Dimensions = tuple[Value, Value]
"""Height and width, as written."""


class Fraction(NamedTuple):
    """`1/2`: which part, from 1, and of how many."""

    part: Value
    parts: Value


@dataclass(frozen=True)
class Term:
    """A part of a formula. `at` are its offsets in the formula's text, which equality ignores."""

    at: tuple[int, int] = field(default=(0, 0), compare=False, kw_only=True)


@dataclass(frozen=True)
class WordTerm(Term):
    """A word on a layer (`same`), or a setting (`groups=3`)."""

    text: str
    value: Value | Dimensions | str | None = None


@dataclass(frozen=True)
class Use(Term):
    """A use of a layer or a module: its name, kernel, stride, width (or size, or share), words and fraction (`1/2`)."""

    name: str | Value
    kernel: Dimensions | None = None
    stride: Dimensions | None = None
    width: Value | None = None
    words: tuple[WordTerm, ...] = ()
    fraction: Fraction | None = None

    @property
    def sizes(self) -> tuple[Value | None, ...]:
        """The values of its kernel, stride, fraction and width."""
        return (*(self.kernel or ()), *(self.stride or ()), *(self.fraction or ()), self.width)

    @property
    def size_at(self) -> tuple[int, int]:
        """The offsets of its kernel, fraction and width, or of the whole use where it has none of them."""
        values = [value for value in self.sizes if value]
        return (values[0].at[0], values[-1].at[1]) if values else self.at


@dataclass(frozen=True)
class Reference(Term):
    """`@name`: the value that an earlier row, or a labelled step of the same formula, has already given."""

    name: str


@dataclass(frozen=True)
class Chain(Term):
    """`a -> b`: at least two steps."""

    steps: tuple[Term, ...]


@dataclass(frozen=True)
class Branches(Term):
    """`a | b` (concatenated along channels), `a + b` (added) or `a * b` (multiplied): at least two branches."""

    join: str
    branches: tuple[Term, ...]


@dataclass(frozen=True)
class Scaled(Term):
    """`0.17 * a`, or `{value} * a`, whose value may also name a layer: then it is a product."""

    factor: Value
    term: Term


@dataclass(frozen=True)
class Repeated(Term):
    """`4 of a`."""

    count: Value
    term: Term


@dataclass(frozen=True)
class Labelled(Term):
    """`label: a`."""

    label: str
    term: Term


def children(term: Term) -> tuple[Term, ...]:
    """The terms directly inside a term, from left to right."""
    match term:
        case Chain(terms) | Branches(_, terms):
            return terms
        case Scaled(_, inner) | Repeated(_, inner) | Labelled(_, inner):
            return (inner,)
        case _:
            return ()


def with_children(term: Term, change: Callable[[Term], Term]) -> Term:
    """A term with other terms in place of those directly inside it."""
    match term:
        case Chain(steps):
            return replace(term, steps=tuple(map(change, steps)))
        case Branches(_, branches):
            return replace(term, branches=tuple(map(change, branches)))
        case Scaled(_, inner) | Repeated(_, inner) | Labelled(_, inner):
            return replace(term, term=change(inner))
        case _:
            return term


def walk(term: Term) -> Iterator[Term]:
    """A term and every term inside it, from left to right."""
    ahead = [term]
    while ahead:
        inner = ahead.pop()
        yield inner
        ahead += reversed(children(inner))


def levels(term: Term) -> Iterator[tuple[int, Use | Reference]]:
    """Every use and reference in a term, and how many terms contain it, itself included."""
    ahead = [(1, term)]
    while ahead:
        level, outer = ahead.pop()
        if isinstance(outer, Use | Reference):
            yield level, outer
        ahead += [(level + 1, inner) for inner in children(outer)]


def renamed(term: Term, names: Mapping[str, str]) -> Term:
    """The term with new names for some of the modules (`name`) and rows (`@name`) that it uses."""
    match term:
        case Use(name, words=words):
            name = names.get(name, name) if isinstance(name, str) else name
            return replace(term, name=name, words=tuple(_renamed(word, names) for word in words))
        case Reference(name) if f"@{name}" in names:
            return replace(term, name=names[f"@{name}"][1:])
        case _:
            return with_children(term, lambda inner: renamed(inner, names))


def _renamed(word: WordTerm, names: Mapping[str, str]) -> WordTerm:
    """A word that passes on the value of a row, with the new name of the row."""
    row = word.value if isinstance(word.value, str) and is_reference(word.value) else ""
    return replace(word, value=names[row]) if row in names else word


def given_in(term: Term) -> Iterator[str]:
    """The names of the rows and steps whose values a term itself reads, without those of the terms inside it."""
    match term:
        case Reference(name):
            yield name
        case Use(words=words):
            yield from (word.value[1:] for word in words if isinstance(word.value, str) and is_reference(word.value))


def value_names(term: Term) -> Iterator[Name]:
    """Every name that the values of a term use, from left to right."""
    for inner in walk(term):
        for value in own_values(inner):
            yield from names(value)


def own_values(term: Term) -> Iterator[Value]:
    """The values of a term itself, without those of the terms inside it."""
    match term:
        case Use():
            yield from (part for part in (term.name, *term.sizes) if isinstance(part, Value))
            for word in term.words:
                values = word.value if isinstance(word.value, tuple) else (word.value,)
                yield from (value for value in values if isinstance(value, Value))
        case Scaled(value, _) | Repeated(value, _):
            yield value
