"""Activations that a source composes of other functions: they are recognised by their values.

A graph may say SiLU as `x * sigmoid(x)`, GELU in a dozen ways, and hardswish with a bound, a sum and a quotient. All of
these are functions of one element, so a few numbers tell which function it is, whatever it is composed of.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from inception_dsl.interchange.builder import Added, Builder
from inception_dsl.interchange.primitives import Binary, Clip, Unary, WithConstant
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops import activations as act
from inception_dsl.ir.ops.joins import Add, Mul
from inception_dsl.ir.ops.scaling import Scale

Values = NDArray[np.float64]
Function = Callable[[Values], Values]

POINTS: Final[Values] = np.array([*np.arange(-9, 9.25, 0.25), -7.3, -0.6, 0.013, 0.7, 5.9])
"""Where functions are compared: on both sides of every bend of an activation, and at numbers of no pattern."""

TOLERANCE: Final = 2e-6
"""Constants in a graph are float32; GELU and its approximation by tanh differ by 5e-4."""

SMALL: Final = 1e-4
"""Lower bounds below this, and above 0, protect a quotient."""

DEEPEST: Final = 12
"""The longest chain of ops that one activation is composed of."""

_erf: Final[Function] = np.vectorize(math.erf, otypes=[np.float64])


def _sigmoid(x: Values) -> Values:
    return 1 / (1 + np.exp(-x))


def _softplus(x: Values) -> Values:
    return np.logaddexp(0, x)


ACTIVATIONS: Final[Mapping[type[Op], Function]] = {
    act.ReLU: lambda x: np.maximum(x, 0),
    act.ReLU6: lambda x: np.clip(x, 0, 6),
    act.Sigmoid: _sigmoid,
    act.SiLU: lambda x: x * _sigmoid(x),
    act.Hardsigmoid: lambda x: np.clip(x + 3, 0, 6) / 6,
    act.Hardswish: lambda x: x * np.clip(x + 3, 0, 6) / 6,
    act.Tanh: np.tanh,
    act.ELU: lambda x: np.where(x > 0, x, np.expm1(x)),
    act.GELU: lambda x: x / 2 * (1 + _erf(x / math.sqrt(2))),
    act.GELUTanh: lambda x: x / 2 * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    act.Mish: lambda x: x * np.tanh(_softplus(x)),
}
"""The activations without parameters."""

KNOWN: Final = {op: function(POINTS) for op, function in ACTIVATIONS.items()}
"""Their values at `POINTS`."""

NEVER_NEGATIVE: Final = tuple(op for op, values in KNOWN.items() if values.min() >= 0)
"""Those that give no number below 0, so that zeros around an image leave a maximum as it is."""

UNARY: Final[Mapping[str, Function]] = {
    "erf": _erf,
    "exp": np.exp,
    "log": np.log,
    "softplus": _softplus,
    "sqrt": np.sqrt,
    "abs": np.abs,
    "neg": np.negative,
    "reciprocal": np.reciprocal,
}
BINARY: Final[Mapping[str, Callable[[Any, Any], Values]]] = {
    "add": np.add,
    "mul": np.multiply,
    "sub": np.subtract,
    "div": np.divide,
    "max": np.maximum,
    "min": np.minimum,
    "pow": np.power,
}

ELEMENTWISE: Final = (Unary, Binary, WithConstant, Clip, Scale, Add, Mul, *ACTIVATIONS)
"""The ops that may be part of an activation."""


def composed(graph: Builder, added: Added) -> int | None:
    """The activation that an op completes, which is added in its place; a function that changes nothing is its input.

    The values that the op reads are functions of earlier values; the nearest for which it is an activation counts.
    """
    if _is_floor(added.op):
        return None
    known: dict[int, dict[int, Values]] = {}
    inputs = [_functions(graph, index, DEEPEST, known) for index in added.inputs]
    out = added.op.infer(*map(graph.type_of, added.inputs))
    for base, given in _composed(added.op, inputs).items():
        if graph.type_of(base) != out:
            continue
        if _close(given, POINTS):
            return base
        for op, wanted in KNOWN.items():
            if _close(given, wanted):
                return graph.add(added.name, op(), base)
        if leaky := _leaky(given):
            return graph.add(added.name, leaky, base)
    return None


def _functions(graph: Builder, index: int, depth: int, known: dict[int, dict[int, Values]]) -> dict[int, Values]:
    """A value as a function of itself and of those before it, the nearest first: its values at `POINTS`."""
    if index in known:
        return known[index]
    found = known[index] = {index: POINTS}
    op = graph.op(index)
    if op is not None and isinstance(op, ELEMENTWISE) and depth:
        inputs = [_functions(graph, each, depth - 1, known) for each in graph.nodes[index].inputs]
        found |= {base: values for base, values in _composed(op, inputs).items() if base not in found}
    return found


def _composed(op: Op, inputs: list[dict[int, Values]]) -> dict[int, Values]:
    """An op as a function of the values of which all its inputs are functions."""
    found = {}
    for base in inputs[0] if inputs else ():
        if all(base in each for each in inputs):
            with np.errstate(all="ignore"):
                values = _apply(op, [each[base] for each in inputs])
            if values is None:
                break
            found[base] = values
    return found


def _apply(op: Op, inputs: list[Values]) -> Values | None:
    """What an op gives for these inputs; None for an op that reads several elements."""
    match op:
        case WithConstant(kind, constant, first):
            number = constant.scalar
            if number is None:
                return None
            return BINARY[kind](number, inputs[0]) if first else BINARY[kind](inputs[0], number)
        case Binary(kind):
            return BINARY[kind](*inputs)
        case Unary(kind):
            return UNARY[kind](inputs[0])
        case Clip(low, high):
            return np.clip(inputs[0], low, high)
        case Scale(factor):
            return inputs[0] * factor
        case Add():
            return sum(inputs[1:], inputs[0])
        case Mul():
            return math.prod(inputs[1:], start=inputs[0])
        case _:
            return ACTIVATIONS[type(op)](inputs[0]) if type(op) in ACTIVATIONS else None


def _is_floor(op: Op) -> bool:
    """Whether an op keeps a divisor away from 0, which is near a ReLU."""
    match op:
        case WithConstant("max", constant):
            low = constant.scalar
        case Clip(number):
            low = number
        case _:
            return False
    return low is not None and 0 < low < SMALL


def _close(given: Values, wanted: Values) -> bool:
    return bool(np.allclose(given, wanted, rtol=TOLERANCE, atol=TOLERANCE))


def _leaky(given: Values) -> act.LeakyReLU | None:
    """The leaky ReLU with these values at `POINTS`, if they are those of one."""
    slope = float(given[0] / POINTS[0])
    return act.LeakyReLU(slope) if 0 < slope < 1 and _close(given, np.maximum(POINTS, slope * POINTS)) else None
