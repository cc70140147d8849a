"""Layers that stand for others together: a dense convolution for a separable one, two 3x3 for a 5x5, or the reverse.

An alignment then has a pair of convolutions that differ in their kernels or groups, and convolutions without a partner
beside it. All of that is one edit.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Final, NamedTuple

from inception_dsl.audit.align import Alignment, Gap
from inception_dsl.interchange.canonical import Step
from inception_dsl.interchange.graph import INPUT
from inception_dsl.ir.ops.linear import Conv

SHAPING: Final = ("kernel", "groups")
"""The parameters that differ where a convolution stands for several."""


class Replaced(NamedTuple):
    """Steps of a spec, one after the other, and those of a target in their place."""

    spec: tuple[int, ...]
    target: tuple[int, ...]


def replaced(spec: Sequence[Step], target: Sequence[Step], found: Alignment) -> Iterator[Replaced]:
    """The steps that stand for others together, in the order of the spec."""
    ours = _Side(spec, found.pairs, found.missing)
    theirs = _Side(target, {other: step for step, other in found.pairs.items()}, found.extra)
    for step, other in sorted(found.pairs.items()):
        if not spec[step].kind == target[other].kind == Conv.name or not _differ(spec[step], target[other]):
            continue
        for one, two, at in ((ours, theirs, step), (theirs, ours, other)):
            run = one.run(at)
            partners = [one.partners[each] for each in run if each in one.partners]
            if len(partners) < len(run) and two.is_chain(partners):
                runs = _trimmed(one, run, two, partners)
                yield Replaced(*(runs if one is ours else runs[::-1]))
                break


class _Side:
    """The steps of one network, with their partners in the other and the convolutions that have none."""

    def __init__(self, steps: Sequence[Step], partners: Mapping[int, int], gaps: Sequence[Gap]) -> None:
        self.steps, self.partners = steps, partners
        self._readers: defaultdict[int, list[int]] = defaultdict(list)
        for index, step in enumerate(steps):
            for each in step.inputs:
                self._readers[each].append(index)
        self._gaps = {step: gap.steps for gap in gaps for step in gap.steps}

    def is_chain(self, run: Sequence[int]) -> bool:
        """Whether every step of a run is all that reads the one before, and reads nothing else."""
        return all(
            self._readers[before] == [step] and self.steps[step].inputs == (before,) for before, step in pairwise(run)
        )

    def run(self, at: int) -> list[int]:
        """A convolution with the steps before and after it, from and up to convolutions without a partner."""
        before, after = [at], [at]
        while len(inputs := self.steps[before[-1]].inputs) == 1 and self._continues(inputs[0], inputs[0], before[-1]):
            before.append(inputs[0])
        while len(readers := self._readers[after[-1]]) == 1 and self._continues(readers[0], after[-1], readers[0]):
            after.append(readers[0])
        return [*reversed(self._up_to_a_gap(before)), *self._up_to_a_gap(after)[1:]]

    def _continues(self, step: int, before: int, reader: int) -> bool:
        """Whether a run goes on with a step: one in a gap, or between it and the convolution."""
        if step == INPUT or not self.is_chain([before, reader]):
            return False
        return step in self._gaps or (step in self.partners and self.steps[step].kind != Conv.name)

    def _up_to_a_gap(self, way: Sequence[int]) -> Sequence[int]:
        """A way up to the last step in a gap with a convolution."""
        ends = [
            place
            for place, step in enumerate(way)
            if any(self.steps[each].kind == Conv.name for each in self._gaps.get(step, ()))
        ]
        return way[: max(ends, default=0) + 1]


def _differ(step: Step, other: Step) -> bool:
    one, two = dict(step.parameters), dict(other.parameters)
    return any(one[name] != two[name] for name in SHAPING)


def _trimmed(
    one: _Side, run: Sequence[int], two: _Side, others: Sequence[int]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Two runs without what both end with, such as a norm and an activation."""
    length = 0
    while length < min(len(run), len(others)) - 1 and _alike(
        one.steps[run[-1 - length]], two.steps[others[-1 - length]]
    ):
        length += 1
    return (*run[: len(run) - length],), (*others[: len(others) - length],)


def _alike(step: Step, other: Step) -> bool:
    return step.kind == other.kind != Conv.name and step.parameters == other.parameters
