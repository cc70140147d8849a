"""Types of the command line's values, and options that several commands have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

F = TypeVar("F", bound=Callable[..., Any])


class Size(click.ParamType[Any]):
    """An image size: `224`, `224x320` (height x width) or `dynamic`."""

    name = "size"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The size as height and width, or `dynamic`."""
        if value == "dynamic" or isinstance(value, tuple):
            return value
        sides = str(value).split("x")
        if not all(side.isdecimal() and 0 < int(side) <= 65536 for side in sides) or len(sides) > 2:
            self.fail(f"{value!r} is not a size; write 224, 224x320 (height x width) or dynamic", param, ctx)
        return int(sides[0]), int(sides[-1])


class Names(click.ParamType[Any]):
    """Names with commas between them; none is empty, and each is kept once."""

    name = "names"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, ...]:
        """The names, in the order given."""
        if isinstance(value, tuple):
            return value
        names = [name.strip() for name in str(value).split(",")]
        if not all(names):
            self.fail(f"{value!r} has an empty name; write names with commas between them", param, ctx)
        return tuple(dict.fromkeys(names))


def taps_option(command: F) -> F:
    """Give a command the option for the rows that become outputs of the ONNX graph."""
    hint = "Give the outputs of these rows (or heads) in the ONNX graph too."
    return click.option("--taps", type=Names(), metavar="ROW,...", default=(), help=hint)(command)
