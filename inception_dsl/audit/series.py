"""A network as a series: steps one after the other, of which a join has a series for every value that it joins.

The steps of a series are the dominators of its end: those that every way from its start to its end passes. Between a
join and the step before it lie the branches, and a branch is a series again. So every graph is a series, also one
whose branches share steps, which then stand in several of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Final

from inception_dsl.audit.prices import price
from inception_dsl.interchange.canonical import ASSOCIATIVE, COMMUTATIVE, Canonical, Step
from inception_dsl.interchange.description import Parameters
from inception_dsl.interchange.dominators import Dominators
from inception_dsl.interchange.graph import INPUT
from inception_dsl.ir.ops.shaping import Flatten

LONGEST: Final = 64
"""The earlier joins among which one is looked for that is a part of another."""


@dataclass(frozen=True, eq=False)
class Element:
    """A step of a series; `branches` are what a join joins, in order. Elements of one `key` have the same content."""

    step: int
    kind: str
    parameters: Parameters
    branches: tuple[Series, ...]
    key: int

    @cached_property
    def price(self) -> float:
        """What it costs to add or to leave out, with its branches."""
        return price(self.kind) + sum(branch.price for branch in self.branches)

    @cached_property
    def depth(self) -> int:
        """How many joins lie inside one another."""
        return max((1 + branch.depth for branch in self.branches), default=0)

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps of its branches, without repetition, and its own last."""
        return _steps([self])


@dataclass(frozen=True, eq=False)
class Series:
    """Elements, one after the other; none of them is the input itself."""

    elements: tuple[Element, ...]
    key: int

    @cached_property
    def price(self) -> float:
        """What it costs to add or to leave out."""
        return sum(element.price for element in self.elements)

    @cached_property
    def depth(self) -> int:
        """How many joins lie inside one another."""
        return max((element.depth for element in self.elements), default=0)

    @property
    def steps(self) -> tuple[int, ...]:
        """The steps, those of branches too, without repetition."""
        return _steps(self.elements)


def _steps(elements: Iterable[Element]) -> tuple[int, ...]:
    """The steps of elements and of their branches, in order: a step comes after all that it reads."""
    found: set[int] = set()
    waiting = [*elements]
    while waiting:
        element = waiting.pop()
        if element.step not in found:
            found.add(element.step)
            waiting += [each for branch in element.branches for each in branch.elements]
    return tuple(sorted(found))


class Contents:
    """Numbers of contents: equal contents have one number, in all networks that share it."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}

    def number(self, *content: Any) -> int:
        """The number of a content."""
        return self._numbers.setdefault(content, len(self._numbers))


class Decomposition:
    """The series of a network, in time quadratic in its depth at most."""

    def __init__(self, form: Canonical, contents: Contents) -> None:
        self.form = form
        passing = {index: step.inputs[0] for index, step in enumerate(form.steps) if _passes(step)}
        self.steps = _nested(form.steps, passing)
        self._end = form.output
        while self._end in passing:
            self._end = passing[self._end]
        self._contents = contents
        self._dominators = Dominators(step.inputs for step in self.steps)
        self._elements: dict[int, Element] = {}
        self._series: dict[tuple[int, int], Series] = {}
        for index in range(len(self.steps)):  # in order, so that no call goes deeper than one branch
            element = self._element(index)
            _ = element.price, element.depth

    @property
    def whole(self) -> Series:
        """The series from the input to the output."""
        return self._between(INPUT, self._end)

    def _between(self, start: int, end: int) -> Series:
        if (start, end) not in self._series:
            elements = tuple(map(self._element, self._dominators.chain(start, end)))
            key = self._contents.number(*(element.key for element in elements))
            self._series[start, end] = made = Series(elements, key)
            _ = made.price, made.depth
        return self._series[start, end]

    def _element(self, index: int) -> Element:
        if index not in self._elements:
            step, start = self.steps[index], self._dominators.above[index]
            several = len(step.inputs) > 1
            branches = tuple(self._between(start, end) for end in step.inputs) if several else ()
            parameters = tuple(each for each in step.parameters if each[0] != "out")  # it follows from the image
            key = self._contents.number(step.kind, parameters, tuple(branch.key for branch in branches))
            self._elements[index] = Element(index, step.kind, parameters, branches, key)
        return self._elements[index]


def _passes(step: Step) -> bool:
    """Whether a step says nothing: a vector instead of an image, which its reader demands, or a dropout of nothing."""
    return step.kind == Flatten.name or ("p", 0.0) in step.parameters


def _nested(steps: Sequence[Step], passing: Mapping[int, int]) -> tuple[Step, ...]:
    """The steps after which nothing reads one that passes its input on, and with joins of joins.

    A join that reads what an earlier join reads, and more, reads that join: so a chain of joins is a series again.
    """
    plain: list[Step] = []
    nested: list[Step] = []
    joins: dict[str, list[int]] = {kind: [] for kind in ASSOCIATIVE}
    for index, step in enumerate(steps):
        inputs = []
        for each in step.inputs:
            while each in passing:
                each = passing[each]  # noqa: PLW2901
            inputs.append(each)
        plain.append(replace(step, inputs=tuple(inputs)))
        nested.append(plain[-1])
        if (known := joins.get(step.kind)) is None:
            continue
        for earlier in known[: -LONGEST - 1 : -1]:
            inner = plain[earlier].inputs
            if len(inner) < len(inputs) and (rest := _rest(plain[-1], inner)) is not None:
                nested[index] = replace(step, inputs=(earlier, *rest))
                break
        known.append(index)
    return tuple(nested)


def _rest(step: Step, inner: tuple[int, ...]) -> tuple[int, ...] | None:
    """What a join reads beside what an inner one reads; None if it does not read all of that."""
    if step.kind not in COMMUTATIVE:
        return step.inputs[len(inner) :] if step.inputs[: len(inner)] == inner else None
    rest = Counter(step.inputs)
    rest.subtract(inner)
    return tuple(rest.elements()) if min(rest.values()) >= 0 else None
