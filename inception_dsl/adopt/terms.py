"""Structures as terms of the layer algebra."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from itertools import count, groupby, product
from string import ascii_lowercase

from inception_dsl.adopt.tree import Again, Chain, Given, Join, Layer, Step
from inception_dsl.adopt.units import Units
from inception_dsl.elaborate.printer import PASS, SIGNS
from inception_dsl.elaborate.references import AGAIN
from inception_dsl.ir import names
from inception_dsl.ir.values import Number
from inception_dsl.syntax import terms
from inception_dsl.syntax.terms import (
    Branches,
    Labelled,
    Reference,
    Repeated,
    Scaled,
    Term,
    Use,
    WordTerm,
    given_in,
    renamed,
    walk,
    with_children,
)

Names = Mapping[int, str]
"""The names of values, by unit: labels of a formula, or rows."""


class Spelling:
    """Spells structures: `uses` are the layers by unit, `rows` the rows by the value that they end in."""

    def __init__(self, network: Units, uses: Mapping[int, Term], rows: Names) -> None:
        self.network, self.uses, self.rows = network, uses, rows
        self.calls: Mapping[int, Use] = {}
        """The calls of modules in place of joins, by the unit of the join."""

    def chain(self, chain: Chain, labels: Names) -> Term:
        """A chain as a term; values with labels get them where they are made."""
        steps: list[Term] = []
        for step in chain.steps:
            term = self._step(step, labels)
            if isinstance(term, Scaled) and term.term == PASS:
                term, steps = Scaled(term.factor, in_a_row(steps)), []
            if isinstance(step, Layer | Join) and step.unit in labels and not self._is_part(step):
                term = Labelled(labels[step.unit], term)
            steps.append(term)
        return in_a_row(steps)

    def _step(self, step: Step, labels: Names) -> Term:
        match step:
            case Layer(unit):
                return self._layer(unit, labels)
            case Join(unit) if unit in self.calls:
                return self.calls[unit]
            case Join(unit, branches):
                sign = SIGNS[type(self.network.units[unit].ops[0])]
                return Branches(sign, tuple(self.chain(branch, labels) for branch in branches))
            case Given(unit):
                return Reference(self._named(unit, labels))
            case Again(_, first):
                return Use("again", words=(WordTerm(labels[first]),))

    def _layer(self, unit: int, labels: Names) -> Term:
        use, operands = self.uses[unit], self.network.units[unit].operands
        if not operands:
            return use
        assert isinstance(use, Use)
        given = (WordTerm(word, f"@{self._named(value, labels)}") for word, value in operands.items())
        return replace(use, words=(*use.words, *given))

    def _named(self, unit: int, labels: Names) -> str:
        """The name of a value given before: its label in the formula, or its row."""
        return labels.get(unit) or self.rows[unit]

    def _is_part(self, step: Step) -> bool:
        """Whether a join stands for a part of its branches only."""
        return isinstance(step, Join) and _ends(step) < len(self.network.units[step.unit].inputs)


def _ends(join: Join) -> int:
    """How many inputs of its unit a join has."""
    return sum(
        _ends(last) if branch.steps and isinstance(last := branch.steps[-1], Join) and last.unit == join.unit else 1
        for branch in join.branches
    )


def in_a_row(steps: list[Term]) -> Term:
    """Steps as a chain."""
    flat = [inner for step in steps for inner in (step.steps if isinstance(step, terms.Chain) else (step,))]
    return terms.Chain(tuple(flat)) if len(flat) > 1 else flat[0] if flat else PASS


def with_runs(term: Term, calls: Collection[str]) -> Term:
    """A term with equal calls of modules in a row, and three equal layers or more, as runs."""
    if not isinstance(term, terms.Chain):
        return with_children(term, lambda inner: with_runs(inner, calls))
    steps: list[Term] = []
    for step, run in groupby(term.steps):
        count = len([*run])
        fewest = 2 if isinstance(step, Use) and step.name in calls else 3
        own = with_runs(step, calls)
        steps += [Repeated(Number(count), own)] if count >= fewest and not reads(step) else [own] * count
    return in_a_row(steps)


def reads(term: Term) -> bool:
    """Whether a term reads or makes labelled steps, or reads rows, which a repeat cannot."""
    return any(
        isinstance(inner, Labelled) or (isinstance(inner, Use) and inner.name == AGAIN) or any(given_in(inner))
        for inner in walk(term)
    )


def letters() -> Iterator[str]:
    """Labels in the order in which they are given: a to z, then aa, without an end; only those that can be names."""
    for length in count(1):
        for parts in product(ascii_lowercase, repeat=length):
            if not names.problem(label := "".join(parts)):
                yield label


def relabelled(term: Term) -> Term:
    """A term whose labels depend on their order alone."""
    labels = dict.fromkeys(inner.label for inner in walk(term) if isinstance(inner, Labelled))
    new = dict(zip(labels, letters(), strict=False))

    def changed(inner: Term) -> Term:
        match inner:
            case Labelled(label, labelled):
                return Labelled(new[label], changed(labelled))
            case Reference() | Use() if any(given_in(inner)):
                return renamed(inner, {f"@{old}": f"@{label}" for old, label in new.items()})
            case Use("again"):
                return replace(inner, words=tuple(replace(word, text=new[word.text]) for word in inner.words))
            case _:
                return with_children(inner, changed)

    return changed(term) if labels else term
