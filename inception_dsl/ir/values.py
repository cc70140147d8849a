"""The arithmetic inside `{...}`: expressions of columns, settings, `in` and `classes`.

A module's widths stay symbolic (`Value`) until a row calls the module. Nothing is ever evaluated as Python, and every
result is checked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import add, floordiv, mod, mul, sub, truediv
from typing import Any, Final, Literal, get_args

from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.diagnostics.codes.modules import CANNOT_EVALUATE, UNDEFINED_NAME

MODULE_IN: Final = "module.in"
"""The name of the channels that arrive at the module in whose graph it stands."""

Scalar = int | float | str
Env = Mapping[str, Scalar | None]
"""The values of names; None is an empty cell."""

MAX_NUMBER: Final = 10**9
"""The limit on numbers in a network."""


class ValueFault(Exception):
    """A value that cannot be evaluated: `code` and message; `at` are the offsets of the wrong part."""

    def __init__(
        self,
        code: Code,
        message: str,
        at: tuple[int, int] = (0, 0),
        name: str = "",
        help: str = "",  # noqa: A002 - what the printed line is called
    ) -> None:
        super().__init__(message)
        self.code, self.message, self.at, self.name, self.help = code, message, at, name, help


@dataclass(frozen=True)
class Value:
    """A value as written; `at` are its offsets in the text it was read from, which equality ignores."""

    at: tuple[int, int] = field(default=(0, 0), compare=False, kw_only=True)


@dataclass(frozen=True)
class Number(Value):
    """A literal."""

    value: int | float


@dataclass(frozen=True)
class Name(Value):
    """A column of the row (verbatim), a setting, `in` (channels arriving at the layer), `module.in` or `classes`."""

    name: str


@dataclass(frozen=True)
class Operation(Value):
    """`left operator right`, the operator one of + - * / // %."""

    operator: str
    left: Value
    right: Value


@dataclass(frozen=True)
class Function(Value):
    """`round(x)`, `ceil(x)`, `floor(x)`, each also to a multiple (`round(x, 8)`), `min`, `max`."""

    function: str
    arguments: tuple[Value, ...]


@dataclass(frozen=True)
class Measurement(Value):
    """In the formula of a claim, a measure of a network or of a part of it: `ops(googlenet.conv1)`.

    `settings` are settings of the network with their values; `size` among them is the size of its images.
    """

    measure: str
    place: Name
    settings: tuple[tuple[str, Number], ...] = ()


Width = int | Value
"""A number of channels: concrete, or symbolic until its module is called."""

UNKNOWN: Final = Name("?")
"""A number of channels that only the lowered network knows: a side of an image, or one with too long a formula."""


def _to_multiple(rounding: Callable[[float], float]) -> Callable[..., float]:
    def to_multiple(x: float, multiple: float = 1) -> float:
        return rounding(x / multiple) * multiple

    return to_multiple


# (function, fewest and most arguments); `round` is half up, as papers round, not half to even as Python does
FUNCTIONS: Final[dict[str, tuple[Callable[..., float], int, int]]] = {
    "round": (_to_multiple(lambda x: math.floor(x + 0.5)), 1, 2),
    "ceil": (_to_multiple(math.ceil), 1, 2),
    "floor": (_to_multiple(math.floor), 1, 2),
    "min": (min, 2, 8),
    "max": (max, 2, 8),
}
Measure = Literal["depth", "params", "ops", "receptive_field", "activations"]
MEASURE_FUNCTIONS: Final[tuple[Measure, ...]] = get_args(Measure)
"""The functions of a network or row in the formula of a claim: `params(googlenet.conv1)`."""

PART_COUNTS: Final = ("heads", "calls")
"""The functions of a claim that count parts of a network: `heads(googlenet)`, `calls(googlenet.inception)`."""

OPERATORS: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": add,
    "-": sub,
    "*": mul,
    "/": truediv,
    "//": floordiv,
    "%": mod,
}
PRECEDENCE: Final = {"+": 1, "-": 1, "*": 2, "/": 2, "//": 2, "%": 2}


def evaluate(value: Width | Scalar, env: Env) -> Scalar | None:
    """Evaluate a value; None is the content of an empty cell.

    Raises `ValueFault` E206 for an unknown name, E207 for arithmetic that has no result.
    """
    # not a `match`, which takes twice as long: a sweep evaluates millions of values
    if not isinstance(value, Value):
        return value
    if isinstance(value, Number):
        return value.value
    if isinstance(value, Name):
        if value.name not in env:
            raise ValueFault(UNDEFINED_NAME, f"undefined name `{value.name}`", value.at, value.name)
        return env[value.name]
    if isinstance(value, Operation):
        return _checked(OPERATORS[value.operator], (value.left, value.right), env, value.at)
    if isinstance(value, Function):
        return _checked(FUNCTIONS[value.function][0], value.arguments, env, value.at)
    raise TypeError(value)


def _checked(
    function: Callable[..., float], arguments: tuple[Value, ...], env: Env, at: tuple[int, int]
) -> Scalar | None:
    numbers: list[float] = []
    for argument in arguments:
        number = evaluate(argument, env)
        if number is None:
            return None  # a value computed from an empty cell is empty
        if isinstance(number, str):
            raise ValueFault(CANNOT_EVALUATE, f"`{number}` is text, not a number", argument.at)
        numbers.append(number)
    try:
        result = function(*numbers)
    except ZeroDivisionError:
        raise ValueFault(CANNOT_EVALUATE, f"this divides {numbers[0]:g} by 0", at) from None
    except (ValueError, OverflowError):
        raise ValueFault(CANNOT_EVALUATE, f"{show_operands(numbers)} give no number here", at) from None
    if abs(result) > MAX_NUMBER:
        raise ValueFault(CANNOT_EVALUATE, f"the result exceeds {MAX_NUMBER:,}", at)
    return int(result) if float(result).is_integer() else result


def show_operands(numbers: list[float]) -> str:
    """The operands of a failed operation, for its message."""
    return " and ".join(f"{number:g}" for number in numbers)


def is_reference(value: object) -> bool:
    """Whether the value of a column is `@name`: what an earlier row or step has given."""
    return isinstance(value, str) and value.startswith("@")


def names(value: Width | Scalar) -> Iterator[Name]:
    """The names in a value, from left to right."""
    match value:
        case Name():
            yield value
        case Operation(_, left, right):
            yield from names(left)
            yield from names(right)
        case Function(_, arguments):
            for argument in arguments:
                yield from names(argument)
        case _:
            return


def substitute(value: Width, known: Mapping[str, Width]) -> Width:
    """Replace known names; a value without other names becomes a number."""
    if isinstance(value, int):
        return value
    replaced = _substitute(value, known)
    if not any(names(replaced)):
        number = evaluate(replaced, {})
        if isinstance(number, int):
            return number
    return replaced


def _substitute(value: Value, known: Mapping[str, Width]) -> Value:
    match value:
        case Name(name) if name in known:
            new = known[name]
            return Number(new, at=value.at) if isinstance(new, int) else new
        case Operation(operator, left, right):
            return Operation(operator, _substitute(left, known), _substitute(right, known), at=value.at)
        case Function(function, arguments):
            return Function(function, tuple(_substitute(a, known) for a in arguments), at=value.at)
        case _:
            return value


def spell(value: Width | Scalar, outer: int = 0, right: bool = False) -> str:
    """Print a value in the language, without its braces; reading it back gives an equal value."""
    match value:
        case Number(number):
            return spell(number)
        case Name(name):
            return name
        case Operation(operator, left, operand):
            own = PRECEDENCE[operator]
            text = f"{spell(left, own)} {operator} {spell(operand, own, right=True)}"
            return f"({text})" if own < outer or (own == outer and right) else text
        case Function(function, arguments):
            return f"{function}({', '.join(spell(a) for a in arguments)})"
        case Measurement(measure, place, settings):
            return f"{measure}({', '.join([place.name, *(f'{key}={spell(number)}' for key, number in settings)])})"
        case _:
            return str(value)
