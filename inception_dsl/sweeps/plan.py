"""A network lowered once with some settings left free, and costed for many values of these.

Its rows are divided into segments. A segment is costed once for the numbers of its widths and the shapes that arrive,
whatever settings gave them; and formulas that use the same settings are evaluated once for the same values. Plans of
one sweep share what they remember.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from inception_dsl.analysis.class_scores import wrong_ends
from inception_dsl.analysis.cost import Depths, RowCost, depths, storage
from inception_dsl.ir.program import Program
from inception_dsl.ir.shapes import ShapeError, TensorType
from inception_dsl.ir.tape import Tape
from inception_dsl.ir.typed import Typed
from inception_dsl.ir.values import Scalar, Value, ValueFault
from inception_dsl.sweeps.replay import (
    CHANNELS,
    MOST_REMEMBERED,
    Invalid,
    LayerCost,
    Layers,
    NotThisStructure,
    Place,
    Replay,
    check,
    evaluated,
    nodes_of,
)

Sums = tuple[int, int, int, int]
"""Parameters, biases, multiply-adds and activations."""

Numbers = tuple[Any, ...]
"""The numbers of some formulas; in place of one, why it has none."""


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


@dataclass
class Memory:
    """What the plans of a sweep remember: layers, the numbers of formulas, and segments."""

    layers: Layers = field(default_factory=Layers)
    numbers: dict[object, dict[tuple[Scalar, ...], Numbers]] = field(default_factory=dict)
    segments: dict[object, dict[tuple[object, ...], SegmentCost | Exception]] = field(default_factory=dict)


class _Width(NamedTuple):
    """A formula, the free settings in it, and its `number` among those of its segment; None if it uses channels."""

    formula: Value
    settings: frozenset[str]
    number: int | None


class _Segment:
    """Some rows or heads: their nodes, the formulas whose numbers they use, and the nodes that they read and give.

    `layers` are the nodes with the numbers of their ops and their widths, `checks` the arguments that are checked.
    """

    def __init__(self) -> None:
        self.names: list[str] = []
        self.places: list[Place] = []
        self.arguments: list[Value] = []
        self.formulas: list[Value] = []
        self.layers: list[tuple[Place, int, tuple[_Width, ...]]] = []
        self.checks: list[_Width] = []
        self.settings: tuple[str, ...] = ()
        self.reads: tuple[int, ...] = ()
        self.gives: tuple[int, ...] = ()
        self.known: dict[tuple[object, ...], SegmentCost | Exception] = {}
        self.pick: tuple[int, ...] = ()


class Plan:
    """The costs of a program for any values of its `free` settings; `typed` is the program lowered for some of them.

    `fixed_by` is the row, if any, that does not keep its weights at the size of this image: then no values are valid.
    """

    def __init__(self, typed: Typed, tape: Tape, free: Collection[str], memory: Memory, fixed_by: str = "") -> None:
        self.typed, self._fixed_by, self._memory = typed, fixed_by, memory
        self._replay = Replay(typed, tape, free)
        self._training = storage(typed.nodes)
        self._depths: dict[tuple[tuple[int, ...], ...], Depths] = {}
        self._outs = [*(node.out for node in typed.nodes), typed.input]  # node -1 is the input
        self._segments = self._segmented()
        self._trunk = sum(1 for segment in self._segments if segment.names[0] not in typed.heads)
        self._groups = self._grouped()

    def cost(self, settings: Mapping[str, Scalar]) -> PlanCost:
        """The cost for some values of all free settings. Raises `Invalid` and `NotThisStructure`."""
        numbers: list[Any] = []
        for names, formulas, known in self._groups:
            values = tuple([settings[name] for name in names])
            got = known.get(values)
            if got is None:
                _make_room(known)
                got = known[values] = tuple([evaluated(formula, settings) for formula in formulas])
            numbers += got
        outs, found = self._outs, []
        for segment in self._segments:
            key = (
                *[numbers[index] for index in segment.pick],
                *[outs[index] for index in segment.reads],
                *[settings[name] for name in segment.settings],
            )
            result = segment.known.get(key)
            if result is None:
                _make_room(segment.known)
                result = segment.known[key] = self._cost(segment, key, settings)
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
        totals = [result.total for result in found[: self._trunk]]
        params, biases, macs, activations = map(sum, zip(*totals, strict=True))
        depth, fields = self._depths_of(found).trunk, self.typed.sees(last)
        trunk = RowCost(outs[ends[last]], params, biases, macs, depth, activations, fields)
        return PlanCost(self, tuple(found), trunk)

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
            _make_room(self._depths)
            self._depths[key] = depths(self.typed, [layers for part in key for layers in part])
        return self._depths[key]

    # --- one segment --------------------------------------------------------------------------------------------------

    def _cost(
        self, segment: _Segment, key: Sequence[Any], settings: Mapping[str, Scalar]
    ) -> SegmentCost | Invalid | NotThisStructure:
        """The cost of a segment for the numbers and shapes in a key; or why it has none."""
        row, costs, sums = segment.names[0], {}, dict.fromkeys(segment.names, (0, 0, 0, 0))
        try:
            for width in segment.checks:
                self._number(width, key, settings)
            for place, number, widths in segment.layers:
                row = place.row
                numbers = tuple([self._number(width, key, settings) for width in widths])
                types = tuple([self._outs[index] for index in place.inputs])
                costs[place.node] = cost = self._memory.layers.cost(number, place.op, numbers, types)
                if place.first != place.node and cost.weights != costs[place.first].weights:
                    return Invalid(row)
                self._outs[place.node] = cost.out
                sums[row] = _plus(sums[row], self._own(place, cost))
        except (ShapeError, ValueFault, Invalid):
            return Invalid(row)
        except NotThisStructure as reason:
            return reason
        total = (0, 0, 0, 0)
        for own in sums.values():
            total = _plus(total, own)
        outs = tuple(self._outs[index] for index in segment.gives)
        return SegmentCost(outs, tuple(sums.values()), total, tuple(cost.layers for cost in costs.values()))

    def _number(self, width: _Width, key: Sequence[Any], settings: Mapping[str, Scalar]) -> int:
        """The number of a width. Raises `Invalid` and `NotThisStructure`."""
        if width.number is not None:
            return check(key[width.number], width.settings)
        nodes = nodes_of(width.formula)
        channels: dict[str, Scalar | None] = {f"{CHANNELS}{i}": self._outs[i].channels for i in nodes}
        return check(evaluated(width.formula, {**settings, **channels}), width.settings)

    def _own(self, place: Place, cost: LayerCost) -> Sums:
        """What a node adds to its row; weights that are used again count once."""
        params, biases, macs = cost.work
        written = cost.out.size if self._training[place.node] == place.node else 0
        return (params, biases, macs, written) if place.first == place.node else (0, 0, macs, written)

    # --- the parts of a plan ------------------------------------------------------------------------------------------

    def _segmented(self) -> list[_Segment]:
        """The rows with formulas, each with those after it that have none; and heads likewise."""
        places: dict[str, list[Place]] = {name: [] for name in (*self.typed.trunk, *self.typed.heads)}
        for place in self._replay.places:
            places[place.row].append(place)
        segments: list[_Segment] = []
        first_head = next(iter(self.typed.heads), "")
        for name, own in places.items():
            checks = self._replay.checks.get(name, [])
            if not segments or name == first_head or checks or any(place.widths for place in own):
                segments.append(_Segment())
            segments[-1].names.append(name)
            segments[-1].places += own
            segments[-1].arguments += checks
        read = {*self.typed.ends.values()}
        for segment in reversed(segments):
            self._connect(segment, read)
            read |= {*segment.reads}
        return segments

    def _connect(self, segment: _Segment, read: Collection[int]) -> None:
        """Set what a segment depends on and gives, and what is known of it; others read these nodes."""
        used = [*segment.arguments, *(width for place in segment.places for width in place.widths)]
        segment.formulas = [*dict.fromkeys(width for width in used if not [*nodes_of(width)])]
        index = {formula: i for i, formula in enumerate(segment.formulas)}
        widths = {width: _Width(width, self._replay.settings_of(width), index.get(width)) for width in used}
        number = self._memory.layers.number
        segment.checks = [widths[width] for width in segment.arguments]
        segment.layers = [
            (place, number(place.op), tuple(widths[width] for width in place.widths)) for place in segment.places
        ]
        others = [width for width in used if width not in index]
        segment.settings = tuple(sorted({name for width in others for name in widths[width].settings}))
        inside = {place.node for place in segment.places}
        needed = {index for place in segment.places for index in place.inputs}
        needed |= {index for width in others for index in nodes_of(width)}
        segment.reads = tuple(sorted(needed - inside))
        segment.gives = tuple(sorted(inside.intersection(read)))
        first = min(inside, default=0)
        where = {index: index - first for index in inside} | {index: (i,) for i, index in enumerate(segment.reads)}
        written = tuple(self._training[index] == index for index in sorted(inside))
        shape = tuple(
            (place.row, place.op, place.widths, tuple(where[i] for i in place.inputs), place.first - first)
            for place in segment.places
        )
        absolute = first if others else None  # their formulas name nodes
        signature = (
            *(tuple(segment.names), shape, tuple(segment.arguments), written, absolute),
            tuple(index - first for index in segment.gives),
        )
        segment.known = self._memory.segments.setdefault(signature, {})

    def _grouped(self) -> list[tuple[tuple[str, ...], list[Value], dict[tuple[Scalar, ...], Numbers]]]:
        """The formulas of all segments by the settings that they use; sets the places of a segment's among all."""
        groups: dict[tuple[str, ...], dict[Value, None]] = {}
        for segment in self._segments:
            for formula in segment.formulas:
                groups.setdefault(tuple(sorted(self._replay.settings_of(formula))), {})[formula] = None
        places = {formula: i for i, formula in enumerate(formula for group in groups.values() for formula in group)}
        for segment in self._segments:
            segment.pick = tuple(places[formula] for formula in segment.formulas)
        known = self._memory.numbers
        return [(names, [*group], known.setdefault(tuple(group), {})) for names, group in groups.items()]


def _make_room(known: dict[Any, Any]) -> None:
    if len(known) >= MOST_REMEMBERED:
        known.clear()


def _plus(a: Sums, b: Sums) -> Sums:
    return a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3]
