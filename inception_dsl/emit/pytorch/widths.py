"""Formulas for channels, which a module's layers build on each other's: kept short."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Final

from inception_dsl.ir.op import Op
from inception_dsl.ir.values import Function, Name, Operation, Value, Width, substitute

UNKNOWN: Final = Name("?")
"""The channels of what arrives, where a formula for them would be too long."""

MOST_PARTS: Final = 60
"""Numbers, names and operators in a formula; a layer that doubles what arrives would double it."""


def short(width: Width) -> Width:
    """A number of channels as it is, or as unknown where its formula is too long."""
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


def closed_by(channels: Width, op: Op) -> Op:
    """An op with `in` closed by the channels that arrive."""
    values = {each.name: getattr(op, each.name) for each in fields(op)}
    changed = {name: substitute(value, {"in": channels}) for name, value in values.items() if isinstance(value, Value)}
    return replace(op, **changed) if changed else op
