"""A network lowered once with some settings left free, and costed for many values of these.

Its rows are divided into segments, which are runs of rows that use the same settings. A segment is costed once for the
values of these settings and the shapes that arrive; so a sweep of several axes repeats little.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from inception_dsl.analysis.class_scores import wrong_ends
from inception_dsl.analysis.cost import Depths, RowCost, depths, storage
from inception_dsl.ir.program import Program
from inception_dsl.ir.shapes import TensorType
from inception_dsl.ir.tape import Tape
from inception_dsl.ir.typed import Typed
from inception_dsl.ir.values import Scalar
from inception_dsl.sweeps.replay import MOST_REMEMBERED, Invalid, LayerCost, NotThisStructure, Place, Replay, Step

Sums = tuple[int, int, int, int]
"""Parameters, biases, multiply-adds and activations."""


class SegmentCost(NamedTuple):
    """What a segment gives: the outputs that others read, the sums of its rows, and what its nodes add to the depth."""

    outs: tuple[TensorType, ...]
    rows: tuple[Sums, ...]
    total: Sums
    layers: tuple[int, ...]


class PlanCost(NamedTuple):
    """The cost of one network that a plan gives."""

    plan: Plan
    segments: tuple[SegmentCost, ...]
    trunk: RowCost

    @property
    def program(self) -> Program:
        """The network, with the free settings in its widths."""
        return self.plan.typed.program

    @property
    def rows(self) -> dict[str, RowCost]:
        """The costs of its rows and heads."""
        return self.plan.rows(self.segments)


class _Segment:
    """Some rows, or some heads, the settings that they use, and the nodes that they read of others and give them."""

    def __init__(self, settings: frozenset[str]) -> None:
        self.settings = settings
        self.names: list[str] = []
        self.steps: list[Step] = []
        self.used: tuple[str, ...] = ()
        self.reads: tuple[int, ...] = ()
        self.gives: tuple[int, ...] = ()
        self.known: dict[tuple[object, ...], SegmentCost | Invalid | NotThisStructure] = {}


class Plan:
    """The costs of a program for any values of its `free` settings; `typed` is the program lowered for some of them.

    `fixed_by` is the row, if any, that does not keep its weights at the size of this image: then no values are valid.
    """

    def __init__(self, typed: Typed, tape: Tape, free: Collection[str], fixed_by: str = "") -> None:
        self.typed, self._fixed_by = typed, fixed_by
        self._replay = Replay(typed, tape, free)
        self._training = storage(typed.nodes)
        self._depths: dict[tuple[tuple[int, ...], ...], Depths] = {}
        self._outs = [*(node.out for node in typed.nodes), typed.input]  # node -1 is the input
        self._segments = self._segmented()
        self._trunk = sum(1 for segment in self._segments if segment.names[0] not in typed.heads)

    def cost(self, settings: Mapping[str, Scalar]) -> PlanCost:
        """The cost for some values of all free settings. Raises `Invalid` and `NotThisStructure`."""
        outs, found = self._outs, []
        for segment in self._segments:
            key = (*[settings[name] for name in segment.used], *[outs[index] for index in segment.reads])
            result = segment.known.get(key)
            if result is None:
                if len(segment.known) >= MOST_REMEMBERED:
                    segment.known.clear()
                result = segment.known[key] = self._cost(segment, settings)
            if not isinstance(result, SegmentCost):
                raise result.with_traceback(None)  # it is raised again and again
            for index, out in zip(segment.gives, result.outs):  # noqa: B905 - the innermost loop
                outs[index] = out
            found.append(result)
        if self._fixed_by:
            raise Invalid(self._fixed_by)
        program, ends = self.typed.program, self.typed.ends
        for entry, _ in wrong_ends(program, lambda name: outs[ends[name]]):
            raise Invalid(entry.name)
        last = program.rows[-1].name
        params, biases, macs, activations = map(
            sum, zip(*[result.total for result in found[: self._trunk]], strict=True)
        )
        depth = self._depths_of(found).trunk
        fields = self.typed.sees(last)
        return PlanCost(self, tuple(found), RowCost(outs[ends[last]], params, biases, macs, depth, activations, fields))

    def rows(self, segments: Sequence[SegmentCost]) -> dict[str, RowCost]:
        """The costs of the rows and heads, given those of all segments."""
        depth_of, outs = self._depths_of(segments), {-1: self.typed.input}
        rows: dict[str, RowCost] = {}
        for segment, result in zip(self._segments, segments, strict=True):
            outs |= zip(segment.gives, result.outs, strict=True)
            for name, (params, biases, macs, activations) in zip(segment.names, result.rows, strict=True):
                out, depth = outs[self.typed.ends[name]], depth_of.rows[name]
                rows[name] = RowCost(out, params, biases, macs, depth, activations, self.typed.sees(name))
        return rows

    def _depths_of(self, segments: Sequence[SegmentCost]) -> Depths:
        key = tuple([result.layers for result in segments])
        if key not in self._depths:
            self._depths[key] = depths(self.typed, [layers for part in key for layers in part])
        return self._depths[key]

    def _cost(self, segment: _Segment, settings: Mapping[str, Scalar]) -> SegmentCost | Invalid | NotThisStructure:
        try:
            costs = self._replay.run(segment.steps, settings, self._outs)
        except (Invalid, NotThisStructure) as reason:
            return reason
        sums: dict[str, Sums] = dict.fromkeys(segment.names, (0, 0, 0, 0))
        placed = [step for step in segment.steps if isinstance(step, Place)]
        for step, cost in zip(placed, costs, strict=True):
            sums[step.row] = _plus(sums[step.row], self._own(step, cost))
        total = (0, 0, 0, 0)
        for row in sums.values():
            total = _plus(total, row)
        outs = tuple(self._outs[index] for index in segment.gives)
        return SegmentCost(outs, tuple(sums.values()), total, tuple(cost.layers for cost in costs))

    def _own(self, step: Place, cost: LayerCost) -> Sums:
        """What a node adds to its row; weights that are used again count once."""
        params, biases, macs = cost.work
        written = cost.out.size if self._training[step.node] == step.node else 0
        return (params, biases, macs, written) if step.first == step.node else (0, 0, macs, written)

    def _segmented(self) -> list[_Segment]:
        steps: dict[str, list[Step]] = {name: [] for name in (*self.typed.trunk, *self.typed.heads)}
        for step in self._replay.steps:
            steps[step.row].append(step)
        segments: list[_Segment] = []
        first_head = next(iter(self.typed.heads), "")
        for name, own in steps.items():
            used = frozenset(setting for step in own for setting in self._replay.settings_of(step))
            if not segments or name == first_head or (segments[-1].settings and not used <= segments[-1].settings):
                segments.append(_Segment(used))
            segment = segments[-1]
            segment.settings |= used
            segment.names.append(name)
            segment.steps += own
        read = {*self.typed.ends.values()}
        for segment in reversed(segments):
            inside = {step.node for step in segment.steps if isinstance(step, Place)}
            needed = {index for step in segment.steps for index in _reads(step)}
            segment.used = tuple(sorted(segment.settings))
            segment.reads = tuple(sorted(needed - inside))
            segment.gives = tuple(sorted(read & inside))
            read |= {*segment.reads}
        return segments


def _reads(step: Step) -> tuple[int, ...]:
    return (*step.inputs, step.arriving) if isinstance(step, Place) else (step.arriving,)


def _plus(a: Sums, b: Sums) -> Sums:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]
