"""Deviations of a target from a spec, and those of one kind together, with what they do to the numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

from inception_dsl.audit.effects import Count, effect
from inception_dsl.audit.repetition import Repetition, repetition
from inception_dsl.diagnostics.codes.audit_layers import STRIDE
from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.interchange.description import describe
from inception_dsl.interchange.graph import Graph
from inception_dsl.ir.op import Op
from inception_dsl.ir.program import Origin, Program
from inception_dsl.ir.shapes import sides

NOTHING: Final = "none"
"""What stands for a layer that one side does not have."""


@dataclass(frozen=True)
class Deviation:
    """One place where a target is not as the spec says: what differs, and what the one and the other have.

    `row` is the row or head of the spec, `layer` what the spec calls its layer and `found` what the target calls its
    own. `node` is the spec's node; `edit` its op with the deviation, ops of several nodes, or what the target counts
    more because of it. `repetition` is which one of a row that repeats something.
    """

    code: Code
    what: str
    spec: str
    target: str
    row: str
    layer: str
    found: str
    origin: Origin = field(default=None, compare=False, repr=False)
    node: int = -1
    edit: Op | Count | Mapping[int, Op] | None = field(default=None, repr=False)
    repetition: Repetition | None = None


@dataclass(frozen=True)
class Finding:
    """Deviations that differ in the same way, reported once.

    `effect` is what the target has more of because of them, in parameters and multiply-adds, heads included.
    """

    deviations: tuple[Deviation, ...]
    effect: Count

    @property
    def first(self) -> Deviation:
        """The first of them, which tells what differs."""
        return self.deviations[0]

    @cached_property
    def rows(self) -> tuple[str, ...]:
        """Their rows and heads, in order."""
        return tuple(dict.fromkeys(deviation.row for deviation in self.deviations))


def grouped(program: Program, spec: Graph, deviations: Sequence[Deviation]) -> tuple[Finding, ...]:
    """Deviations that differ in the same way, together; in the order of the first of them."""
    groups: dict[tuple[str, ...], list[Deviation]] = {}
    for each in _moves(spec, sorted(deviations, key=lambda deviation: deviation.node)):
        placed = replace(each, repetition=repetition(program, each.row, each.layer))
        groups.setdefault((each.code, each.what, each.spec, each.target), []).append(placed)
    return tuple(Finding(tuple(group), _effect(spec, group)) for group in groups.values())


def _effect(spec: Graph, group: Sequence[Deviation]) -> Count:
    """What deviations do together: edits with all that follows from them, and layers added or left out."""
    counts = [each.edit for each in group if isinstance(each.edit, Count)]
    ops = {each.node: each.edit for each in group if isinstance(each.edit, Op)}
    for each in group:
        ops |= each.edit if isinstance(each.edit, Mapping) else {}
    edits = effect(spec, ops) if ops else Count()
    return Count(sum((each.params for each in counts), edits.params), sum((each.macs for each in counts), edits.macs))


def _moves(spec: Graph, deviations: Sequence[Deviation]) -> Iterator[Deviation]:
    """Two strides that are exchanged are one that is moved."""
    waiting: Deviation | None = None
    for each in deviations:
        if each.code != STRIDE:
            yield each
        elif waiting and (waiting.spec, waiting.target) == (each.target, each.spec):
            places = [_window(spec, one.node) for one in (waiting, each)]
            if waiting.spec == "1":
                places.reverse()
            step = max(each.spec, each.target)
            yield replace(
                waiting, what="place of the stride", spec=f"{step} in {places[0]}", target=f"{step} in {places[1]}"
            )
            waiting = None
        else:
            if waiting:
                yield waiting
            waiting = each
    if waiting:
        yield waiting


def _window(spec: Graph, index: int) -> str:
    """A layer by its window, such as `the 3x3 conv`."""
    kind, parameters = describe(spec.nodes[index])
    return f"the {sides(dict(parameters)['kernel'])} {kind}"
