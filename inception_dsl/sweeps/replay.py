"""Repeats the steps of one lowering (`ir.tape`) with other numbers, through the ops' own rules.

The structure stays: where other numbers may change it, or where the compiler would check a number that this does not
see, `NotThisStructure` leaves the decision to the compiler. A layer is costed once for its widths and what arrives.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from inception_dsl.analysis.cost import Work, work
from inception_dsl.elaborate.scope import MAX_CHANNELS
from inception_dsl.ir.op import Op
from inception_dsl.ir.shapes import ShapeError, TensorType, Weight
from inception_dsl.ir.tape import Entered, Tape
from inception_dsl.ir.typed import Typed
from inception_dsl.ir.values import MODULE_IN, Scalar, Value, ValueFault, Width, evaluate, names
from inception_dsl.lower import MOST_NUMBERS

MOST_REMEMBERED: Final = 100_000
"""The most results that are remembered; then they are forgotten."""


class NotThisStructure(Exception):
    """These values of some settings may leave a layer out, or exceed a limit."""

    def __init__(self, settings: Collection[str]) -> None:
        super().__init__()
        self.settings = frozenset(settings)


class Invalid(Exception):
    """The network cannot be compiled with these values; `row` is where the steps ended."""

    def __init__(self, row: str) -> None:
        super().__init__()
        self.row = row


class LayerCost(NamedTuple):
    """What an op gives for the shapes that arrive: its output, weights and work, and what it adds to the depth."""

    out: TensorType
    weights: Mapping[str, Weight]
    work: Work
    layers: int


class Enter(NamedTuple):
    """A call before `node`. Its arguments are checked, where the settings in them give a number by themselves."""

    node: int
    row: str
    scope: int
    outer: int
    args: tuple[tuple[str, Width, bool], ...]
    arriving: int


class Place(NamedTuple):
    """A node, and its op before its `widths` are bound; `number` is that of the op. `first` is its first use."""

    node: int
    row: str
    op: Op
    number: int
    widths: tuple[Value, ...]
    scope: int
    arriving: int
    inputs: tuple[int, ...]
    first: int


Step = Enter | Place


class Replay:
    """The steps that lowered a network, for other values of its `free` settings."""

    def __init__(self, typed: Typed, tape: Tape, free: Collection[str]) -> None:
        self._free = frozenset(free)
        self._env = typed.program.env
        self._entered = {step.scope: step for step in tape.steps if isinstance(step, Entered)}
        self._numbers: dict[Op, int] = {}
        self._known: dict[tuple[object, ...], LayerCost] = {}
        placed = {step.node: step for step in tape.steps if not isinstance(step, Entered)}
        first: dict[tuple[str, ...], int] = {}
        self.steps: list[Step] = []
        calls = iter([*self._entered.values(), None])
        call = next(calls)
        for index, node in enumerate(typed.nodes):
            while call and call.node <= index:
                self.steps.append(self._enter(call, node.row))
                call = next(calls)
            step = placed.get(index)
            op, scope, arriving = (step.op, step.scope, step.arriving) if step else (node.op, 0, -1)
            self.steps.append(
                Place(
                    *(index, node.row, op, self._numbers.setdefault(op, len(self._numbers))),
                    tuple(value for value in vars(op).values() if isinstance(value, Value)),
                    *(scope, arriving, node.inputs, first.setdefault(node.path, index)),
                )
            )
        last = typed.nodes[-1].row if typed.nodes else ""
        while call:
            self.steps.append(self._enter(call, last))
            call = next(calls)

    def settings_of(self, step: Step) -> set[str]:
        """The free settings that a step itself uses: those in the widths of rows and heads, and in their arguments."""
        scope, widths = (
            (step.outer, [arg for _, arg, _ in step.args]) if isinstance(step, Enter) else (step.scope, step.widths)
        )
        return {name.name for width in widths for name in names(width)} & self._free if scope == 0 else set()

    def run(self, steps: Iterable[Step], settings: Mapping[str, Scalar], outs: list[TensorType]) -> list[LayerCost]:
        """The costs of the nodes that some steps place, whose outputs are set in `outs`.

        Raises `Invalid` and `NotThisStructure`.
        """
        scopes: dict[int, dict[str, Scalar | None]] = {0: {**self._env, **settings}}
        results: dict[int, LayerCost] = {}
        for step in steps:
            try:
                if isinstance(step, Enter):
                    scopes[step.scope] = self._values(step, scopes[step.outer], outs)
                    continue
                results[step.node] = result = self._cost(step, scopes, outs)
            except (ShapeError, ValueFault):
                raise Invalid(step.row) from None
            if step.first != step.node and result.weights != results[step.first].weights:
                raise Invalid(step.row)
            outs[step.node] = result.out
        return [*results.values()]

    def _enter(self, call: Entered, row: str) -> Enter:
        """A call; the compiler checks the arguments that use only settings and `classes`, as it knows their values."""
        alone = {*self._env}
        args = []
        for param, width in call.args:
            used = {name.name for name in names(width)}
            args.append((param, width, bool(used & self._free) and used <= alone))
        return Enter(call.node, row, call.scope, call.outer, tuple(args), call.arriving)

    def _values(
        self, step: Enter, outer: dict[str, Scalar | None], outs: Sequence[TensorType]
    ) -> dict[str, Scalar | None]:
        """The values of names inside a call."""
        channels = outer["in"] = outs[step.arriving].channels
        inner: dict[str, Scalar | None] = {MODULE_IN: channels}
        for param, width, checked in step.args:
            number = width if isinstance(width, int) else evaluate(width, outer)
            if checked and param not in self._free:
                if not isinstance(number, int) or number < 0:
                    raise Invalid(step.row)
                if not 0 < number <= MAX_CHANNELS:
                    raise NotThisStructure(self._behind(width, step.outer))
            if number is not None:
                inner[param] = number
        return inner

    def _cost(
        self, step: Place, scopes: Mapping[int, dict[str, Scalar | None]], outs: Sequence[TensorType]
    ) -> LayerCost:
        """The cost of a node. Raises `ShapeError` and `ValueFault` as lowering does, and `NotThisStructure`."""
        types = tuple([outs[index] for index in step.inputs])
        env: dict[str, Scalar | None] = {}
        numbers: tuple[Scalar | None, ...] = ()
        if step.widths:
            env = scopes[step.scope]
            env["in"] = outs[step.arriving].channels
            numbers = tuple([evaluate(width, env) for width in step.widths])
        key = (step.number, numbers, types)
        found = self._known.get(key)
        if found is None:
            for width, number in zip(step.widths, numbers, strict=True):
                unsure = number == 0 or (isinstance(number, int) and number > MAX_CHANNELS)
                if unsure and (settings := self._behind(width, step.scope)):
                    raise NotThisStructure(settings)
            if len(self._known) >= MOST_REMEMBERED:
                self._known.clear()
            found = self._known[key] = _layer_cost(step.op.bind(env), types)
        return found

    def _behind(self, width: Width, scope: int) -> set[str]:
        """The free settings that a width in a scope depends on."""
        used = {name.name for name in names(width)}
        if scope == 0:
            return used & self._free
        call = self._entered[scope]
        return {name for param, arg in call.args if param in used for name in self._behind(arg, call.outer)}


def _layer_cost(op: Op, types: tuple[TensorType, ...]) -> LayerCost:
    out, weights = op.infer(*types), op.weights(*types)
    if max([out.size, *(math.prod(weight.shape) for weight in weights.values())]) > MOST_NUMBERS:
        raise Invalid("")
    return LayerCost(out, weights, work(op, types, weights.values()), op.layers(*types))
