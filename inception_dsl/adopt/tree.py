"""The structure of a network as the language writes it: chains, joins of branches, and values given before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Layer:
    """One layer, by its unit."""

    unit: int


@dataclass(frozen=True)
class Join:
    """Branches that read the same value; `unit` is the join itself, also where it stands for a part of one."""

    unit: int
    branches: tuple[Chain, ...]


@dataclass(frozen=True)
class Given:
    """The value of a unit that stands to the left, or of an earlier row."""

    unit: int


@dataclass(frozen=True)
class Again:
    """A layer with the weights of the unit `first`, which stands to the left."""

    unit: int
    first: int


Step = Layer | Join | Given | Again


@dataclass(frozen=True)
class Chain:
    """Steps, one after the other; none is the value that arrives."""

    steps: tuple[Step, ...]


def steps_of(chain: Chain) -> Iterator[Step]:
    """Every step in a chain, from left to right; a join after its branches."""
    for step in chain.steps:
        if isinstance(step, Join):
            for branch in step.branches:
                yield from steps_of(branch)
        yield step


def made_in(chain: Chain) -> list[int]:
    """The units that a chain makes, from left to right."""
    return [step.unit for step in steps_of(chain) if isinstance(step, Layer | Join)]


def without_idle_start(chain: Chain) -> Chain:
    """Without a first value that nothing reads: where a join follows whose branches all begin with values of theirs."""
    steps = tuple(
        Join(step.unit, tuple(map(without_idle_start, step.branches))) if isinstance(step, Join) else step
        for step in chain.steps
    )
    match steps:
        case (Given(), Join() as join, *_) if _reads_given(Chain((join,))):
            return Chain(steps[1:])
        case _:
            return Chain(steps)


def _reads_given(chain: Chain) -> bool:
    """Whether a chain reads nothing of what arrives."""
    match chain.steps:
        case (Given(), *_):
            return True
        case (Join(_, branches), *_):
            return all(map(_reads_given, branches))
        case _:
            return False
