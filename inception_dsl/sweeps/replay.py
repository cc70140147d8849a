"""The steps of one lowering (`ir.tape`), to be repeated with other numbers through the ops' own rules.

Every width is written as a formula of the free settings, by following the calls, and perhaps of the channels of earlier
nodes. The structure stays: where other numbers may change it, or where the compiler would check a number that is not
seen here, `NotThisStructure` leaves the decision to the compiler.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import fields, replace
from typing import Any, Final, NamedTuple

from inception_dsl.analysis.cost import Work, work
from inception_dsl.elaborate.scope import MAX_CHANNELS
from inception_dsl.ir.op import Op
from inception_dsl.ir.shapes import TensorType, Weight
from inception_dsl.ir.tape import Entered, Tape
from inception_dsl.ir.typed import Typed
from inception_dsl.ir.values import (
    MODULE_IN,
    Name,
    Number,
    Scalar,
    Value,
    ValueFault,
    Width,
    evaluate,
    names,
    substitute,
)
from inception_dsl.lower import MOST_NUMBERS

MOST_REMEMBERED: Final = 10_000
"""The most results of one kind that are remembered; then they are forgotten."""

MOST_NAMES: Final = 200
"""The most names in a formula: following calls in calls can make it grow without end."""

CHANNELS: Final = "channels of "
"""With the index of a node, the name of its channels in a formula."""


class NotThisStructure(Exception):
    """These values of some settings may leave a layer out, or exceed a limit."""

    def __init__(self, settings: Collection[str]) -> None:
        super().__init__()
        self.settings = frozenset(settings)


class Invalid(Exception):
    """The network cannot be compiled with these values; `row` is where costing stopped, if it is known."""

    def __init__(self, row: str) -> None:
        super().__init__()
        self.row = row


class TooLong(Exception):
    """A formula has too many names."""


class LayerCost(NamedTuple):
    """What an op gives for the shapes that arrive: its output, weights and work, and what it adds to the depth."""

    out: TensorType
    weights: Mapping[str, Weight]
    work: Work
    layers: int


class Place(NamedTuple):
    """A node: its op with names for its `widths`, which are formulas. `first` is the node of its layer's first use."""

    node: int
    row: str
    op: Op
    widths: tuple[Value, ...]
    inputs: tuple[int, ...]
    first: int


class Replay:
    """How a network was lowered: its nodes, and by row the arguments of calls that the compiler checks.

    It checks those of which it knows the values: of settings and `classes` alone.
    """

    def __init__(self, typed: Typed, tape: Tape, free: Collection[str]) -> None:
        self._free = frozenset(free)
        self._constants = {name: value for name, value in typed.program.env.items() if name not in self._free}
        self._entered = {step.scope: step for step in tape.steps if isinstance(step, Entered)}
        placed = {step.node: step for step in tape.steps if not isinstance(step, Entered)}
        first: dict[tuple[str, ...], int] = {}
        self.places: list[Place] = []
        for index, node in enumerate(typed.nodes):
            op: Op = node.op
            widths: tuple[Value, ...] = ()
            if index in placed:
                _, op, scope, arriving = placed[index]
                op, widths = self._open(op, scope, arriving)
            same = first.setdefault(node.path, index)
            self.places.append(Place(index, node.row, op, widths, node.inputs, same))
        last = typed.nodes[-1].row if typed.nodes else ""
        self.checks: dict[str, list[Value]] = {}
        for call in self._entered.values():
            row = typed.nodes[call.node].row if call.node < len(typed.nodes) else last
            self.checks.setdefault(row, []).extend(self._checked(call))

    def settings_of(self, width: Value) -> frozenset[str]:
        """The free settings in a formula."""
        return self._free.intersection(name.name for name in names(width))

    def _open(self, op: Op, scope: int, arriving: int) -> tuple[Op, tuple[Value, ...]]:
        """An op with the names `0`, `1`, ... for its widths, and their formulas."""
        opened: dict[str, Any] = {}
        widths: list[Value] = []
        for field in fields(op):
            value = getattr(op, field.name)
            if isinstance(value, Value):
                resolved = self._resolved(value, scope, arriving)
                opened[field.name] = Name(str(len(widths))) if isinstance(resolved, Value) else resolved
                widths += [resolved] if isinstance(resolved, Value) else []
        return replace(op, **opened) if opened else op, tuple(widths)

    def _checked(self, call: Entered) -> Iterator[Value]:
        for param, arg in call.args:
            used = {name.name for name in names(arg)}
            if param not in self._free and used & self._free and used <= self._free | self._constants.keys():
                resolved = self._resolved(arg, call.outer, call.arriving)
                if isinstance(resolved, Value):
                    yield resolved

    def _resolved(self, width: Width, scope: int, arriving: int) -> Width:
        """A width in a scope as a formula of free settings and of channels of nodes."""
        known: dict[str, Width] = {"in": Name(f"{CHANNELS}{arriving}")}
        if scope == 0:
            known |= {name: _literal(value) for name, value in self._constants.items()}
        elif isinstance(width, Value):
            call = self._entered[scope]
            used = {name.name for name in names(width)}
            known[MODULE_IN] = Name(f"{CHANNELS}{call.arriving}")
            known |= {
                param: self._resolved(arg, call.outer, call.arriving) for param, arg in call.args if param in used
            }
        resolved = substitute(width, known)
        if sum(1 for _ in names(resolved)) > MOST_NAMES:
            raise TooLong
        return resolved


def _literal(value: Scalar) -> Width:
    assert not isinstance(value, str)
    return value if isinstance(value, int) else Number(value)


def nodes_of(width: Value) -> Iterator[int]:
    """The nodes whose channels a formula uses."""
    return (int(name.name.removeprefix(CHANNELS)) for name in names(width) if name.name.startswith(CHANNELS))


class Layers:
    """Costs layers, each once for the numbers of its widths and the shapes that arrive."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], LayerCost] = {}
        self._numbers: dict[Op, int] = {}

    def number(self, op: Op) -> int:
        """The number of an op, by which it is found faster."""
        return self._numbers.setdefault(op, len(self._numbers))

    def cost(self, number: int, op: Op, widths: tuple[Any, ...], types: tuple[TensorType, ...]) -> LayerCost:
        """The cost of an op with these widths. Raises `ShapeError` and `ValueFault` as lowering does."""
        key = (number, widths, types)
        found = self._known.get(key)
        if found is None:
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            bound = op.bind({str(index): width for index, width in enumerate(widths)}) if widths else op
            found = self._known[key] = _layer_cost(bound, types)
        return found


def _layer_cost(op: Op, types: tuple[TensorType, ...]) -> LayerCost:
    out, weights = op.infer(*types), op.weights(*types)
    if max([out.size, *(math.prod(weight.shape) for weight in weights.values())]) > MOST_NUMBERS:
        raise Invalid("")
    return LayerCost(out, weights, work(op, types, weights.values()), op.layers(*types))


def evaluated(width: Value, env: Mapping[str, Scalar | None]) -> Scalar | ValueFault | None:
    """The number of a formula, or why it has none."""
    try:
        return evaluate(width, env)
    except ValueFault as fault:
        return fault


def check(number: object, settings: Collection[str]) -> int:
    """The number itself, if it is a width; `settings` are the free ones that it depends on.

    Raises `NotThisStructure` where a layer may be left out, and `Invalid` for what is never a width.
    """
    if not isinstance(number, int) or number < 0 or (number == 0 and not settings):
        raise Invalid("")
    if settings and not 0 < number <= MAX_CHANNELS:
        raise NotThisStructure(settings)
    return number
