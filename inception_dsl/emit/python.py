"""Python source text: calls that wrap over several lines, and text of a spec escaped so that it stays text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from inception_dsl.ir.values import PRECEDENCE, Function, Name, Number, Operation, Value, Width

LINE_LENGTH: Final = 116
"""The length of a generated line, except where a call cannot be wrapped."""


@dataclass(frozen=True)
class CallExpr:
    """A call: `head(item, item)`. An item is an expression, or a pair of a keyword and an expression."""

    head: str
    items: tuple[Item, ...]

    def __str__(self) -> str:
        return f"{self.head}({', '.join(argument(item) for item in self.items)})"


Expression = str | CallExpr
"""An expression of Python."""

Item = Expression | tuple[str, Expression]
"""An argument, by position or by keyword."""


def argument(item: Item) -> str:
    """An argument as a call writes it."""
    return f"{item[0]}={item[1]}" if isinstance(item, tuple) else str(item)


def layout(code: Expression, indent: int, used: int = 0, after: int = 0) -> str:
    """Print an expression, wrapped where its line would be too long.

    The line starts with `indent` blanks and `used` characters, and `after` characters follow the expression.
    """
    flat = str(code)
    if isinstance(code, str) or indent + used + len(flat) + after <= LINE_LENGTH:
        return flat
    inner = " " * (indent + 4)
    lines = [f"{code.head}("]
    for item in code.items:
        key, value = (f"{item[0]}=", item[1]) if isinstance(item, tuple) else ("", item)
        lines.append(f"{inner}{key}{layout(value, indent + 4, len(key), 1)},")
    return "\n".join([*lines, " " * indent + ")"])


def signature(arguments: Iterable[str]) -> str:
    """The head of a constructor, wrapped where it is too long."""
    listed = ["self", *arguments]
    line = f"    def __init__({', '.join(listed)}) -> None:"
    if len(line) <= LINE_LENGTH:
        return line
    inner = f"        {', '.join(listed)}\n"
    if len(inner) > LINE_LENGTH + 1:
        inner = "".join(f"        {argument},\n" for argument in listed)
    return f"    def __init__(\n{inner}    ) -> None:"


def camel(name: str) -> str:
    """A class name: `reduction_a` is `ReductionA`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def literal(number: float) -> str:
    """A number as Python writes it."""
    return repr(number)


def single_line(text: str) -> str:
    """Text of a spec as one line of a docstring or comment; nothing in it ends the string, and nothing is invisible."""
    line = " ".join(text.split())
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
    # a single quote inside the text does not end the docstring
    return re.sub(r'""+|"$', lambda quotes: '\\"' * len(quotes[0]), shown.replace("\\", "\\\\"))


def quoted(text: str) -> str:
    """Text of a spec as a Python string literal."""
    return repr(text) if '"' in text else f'"{repr(text)[1:-1]}"'


def wrapped(text: str, first: str = "", other: str = "") -> list[str]:
    """Escaped text as lines; a long word stays whole, for a break could split an escape sequence."""
    from textwrap import wrap

    return wrap(text, LINE_LENGTH, initial_indent=first, subsequent_indent=other, break_long_words=False)


def width_expression(value: Width, names: Mapping[str, str]) -> str:
    """A number of channels as a Python expression; `names` maps its symbols to arguments."""
    if isinstance(value, int):
        return str(value)
    code = _value(value, names, 0)
    return code if all(map(_is_whole, _parts(value))) else f"int({code})"


def _is_whole(part: Value) -> bool:
    """Whether Python gives an `int` for it wherever those inside it are."""
    match part:
        case Number(number):
            return isinstance(number, int)
        case Operation(operator):
            return operator != "/"
        case _:
            return not isinstance(part, Function)


def _value(value: Value, names: Mapping[str, str], outer: int, right: bool = False) -> str:
    match value:
        case Number(number):
            return literal(number)
        case Name(name):
            return names[name]
        case Operation(operator, left, operand):
            own = PRECEDENCE[operator]
            code = f"{_value(left, names, own)} {operator} {_value(operand, names, own, right=True)}"
            return f"({code})" if own < outer or (own == outer and right) else code
        case Function(function, arguments):
            return _function(function, [_value(argument, names, 0) for argument in arguments])
        case _:
            raise TypeError(value)


def _function(function: str, arguments: list[str]) -> str:
    if function in ("min", "max"):
        return f"{function}({', '.join(arguments)})"
    number, multiple = f"({arguments[0]})", f"({arguments[1]})" if len(arguments) > 1 else ""
    scaled = f"{number} / {multiple}" if multiple else number
    # the language rounds half up; Python's round() rounds half to even
    rounded = f"math.floor({scaled} + 0.5)" if function == "round" else f"math.{function}({scaled})"
    return f"({rounded} * {multiple})" if multiple else rounded


def _parts(value: Value) -> list[Value]:
    match value:
        case Operation(_, left, right):
            return [value, *_parts(left), *_parts(right)]
        case Function(_, arguments):
            return [value, *(part for argument in arguments for part in _parts(argument))]
        case _:
            return [value]
