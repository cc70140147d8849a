"""Symbolic numbers of channels inside a module; each layer's may build on that of the layer before it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Final

from inception_dsl.ir.op import Op
from inception_dsl.ir.values import MODULE_IN, UNKNOWN, Function, Name, Operation, Value, Width, substitute

MOST_PARTS: Final = 60
"""Numbers, names and operators in a formula; each layer of `{in + in}` channels doubles it."""


def short(width: Width) -> Width:
    """The number of channels, or `UNKNOWN` if its formula is too long."""
    ahead, parts = [width], 0
    while ahead and parts <= MOST_PARTS:
        part = ahead.pop()
        parts += 1
        match part:
            case Name("?"):
                return UNKNOWN
            case Operation(_, left, right):
                ahead += (left, right)
            case Function(_, arguments):
                ahead += arguments
    return UNKNOWN if ahead else width


def here(width: Width, channels: Width) -> Width:
    """A width where `channels` arrive, inside a module: what arrives at the module itself is called `in`."""
    return substitute(width, {"in": channels, MODULE_IN: Name("in")})


def with_input(op: Op, channels: Width) -> Op:
    """The op with `channels` in place of the symbol `in`, inside a module."""
    values = {field.name: getattr(op, field.name) for field in fields(op)}
    changed = {name: here(value, channels) for name, value in values.items() if isinstance(value, Value)}
    return replace(op, **changed) if changed else op
