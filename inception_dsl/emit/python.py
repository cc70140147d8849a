"""Python source text: calls that break over lines where they must, and spec text that can do nothing but be read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from inception_dsl.ir.values import PRECEDENCE, Function, Name, Number, Operation, Value, Width

WIDTH: Final = 116
"""Lines of generated code are not longer, where a call can be broken."""


@dataclass(frozen=True)
class Call:
    """A call to be printed: `head(item, item)`; an item is text, another call, or `key=` before one of these."""

    head: str
    items: tuple[Code | tuple[str, Code], ...]

    def __str__(self) -> str:
        return f"{self.head}({', '.join(_item(item) for item in self.items)})"


Code = str | Call
"""An expression of Python."""


def _item(item: Code | tuple[str, Code]) -> str:
    return f"{item[0]}={item[1]}" if isinstance(item, tuple) else str(item)


def layout(code: Code, indent: int, used: int = 0, after: int = 0) -> str:
    """Print an expression whose line starts with `indent` blanks and `used` characters, and ends with `after` more."""
    flat = str(code)
    if isinstance(code, str) or indent + used + len(flat) + after <= WIDTH:
        return flat
    inner = " " * (indent + 4)
    lines = [f"{code.head}("]
    for item in code.items:
        key, value = (f"{item[0]}=", item[1]) if isinstance(item, tuple) else ("", item)
        lines.append(f"{inner}{key}{layout(value, indent + 4, len(key), 1)},")
    return "\n".join([*lines, " " * indent + ")"])


def signature(arguments: Iterable[str]) -> str:
    """The first line of a constructor, or its first lines where it is long."""
    listed = ["self", *arguments]
    line = f"    def __init__({', '.join(listed)}):"
    if len(line) <= WIDTH:
        return line
    return "    def __init__(\n" + "".join(f"        {each},\n" for each in listed) + "    ):"


def camel(name: str) -> str:
    """A class name: `reduction_a` is `ReductionA`."""
    return "".join(part[:1].upper() + part[1:] for part in name.split("_"))


def literal(number: float) -> str:
    """A number as Python writes it."""
    return repr(number)


def prose(text: str) -> str:
    """Text of a spec as one line of a docstring or comment: nothing in it ends the string or hides on a screen."""
    line = " ".join(text.split())
    shown = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)
    # a quote alone, inside the text, ends nothing
    return re.sub(r'""+|"$', lambda quotes: '\\"' * len(quotes[0]), shown.replace("\\", "\\\\"))


def quoted(text: str) -> str:
    """Text of a spec as a Python string, which is that very text."""
    return repr(text) if '"' in text else f'"{repr(text)[1:-1]}"'


def wrapped(text: str, first: str = "", other: str = "") -> list[str]:
    """Escaped text as lines; a long word stays whole, or what is escaped in it would not be."""
    from textwrap import wrap

    return wrap(text, WIDTH, initial_indent=first, subsequent_indent=other, break_long_words=False)


def width(value: Width, names: Mapping[str, str]) -> str:
    """A number of channels as Python: open names by the arguments that hold them."""
    if isinstance(value, int):
        return str(value)
    code = _value(value, names, 0)
    exact = not any(isinstance(part, Function) or getattr(part, "operator", "") == "/" for part in _parts(value))
    return code if exact else f"int({code})"


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
    # half up, as the language rounds; Python's own round() goes to the even neighbour
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
