"""Removes parts without effect: `pass` steps, factors and repeats of 1, the one part of one, joins of one branch."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from functools import partial

from inception_dsl.ir.dataflow import split_source, steps_read
from inception_dsl.ir.ops.channels import ChannelPart, ChannelShuffle
from inception_dsl.ir.ops.resampling import PixelShuffle, PixelUnshuffle
from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.ir.ops.shaping import Identity
from inception_dsl.ir.program import Body, Join, Layer, Part, Program, Repeat, Sequence
from inception_dsl.passes.rewrite import bodies, bottom_up


def simplify(program: Program) -> Program:
    """Rewrite `1 of a`, `1.0 * a`, `[a]` to `a`, and `a -> pass` to `a`; labelled parts stay.

    A label moves behind the reference that its step begins with: `b: [@a -> c]` is `[@a -> b: c]`.
    """
    return bodies(program, lambda body: bottom_up(partial(_simplify, steps_read(body)))(body))


def _simplify(read: Collection[str], body: Body) -> Body:
    match body:
        case Layer((Scale(1.0) | Identity() | ChannelPart((_, 1)),)):
            return Sequence((), origin=body.origin)
        case Layer((ChannelShuffle(1) | PixelShuffle(1) | PixelUnshuffle(1),)):
            return Sequence((), origin=body.origin)
        case Repeat(_, Sequence(())):
            return Sequence((), origin=body.origin)
        case Repeat(1, inner):
            return inner
        case Join(_, (Part(label="", body=only),)):
            return only
        case Join(_, (only,)):  # a label still names the one branch that is left
            return Sequence((only,), origin=body.origin)
        case Sequence(parts) if parts:
            return _flattened(body, read)
        case Join(_, branches):
            return replace(body, branches=tuple(_behind_reference(part) for part in branches))
        case _:
            return body


def _behind_reference(part: Part) -> Part:
    """A part with its label on what follows the reference that it begins with."""
    source, rest = split_source(part.body)
    if not part.label or source is None or rest == Sequence(()):
        return part
    return Part("", Sequence((Part("", source), Part(part.label, rest)), origin=part.body.origin))


def _flattened(body: Sequence, read: Collection[str]) -> Body:
    parts: list[Part] = []
    for part in map(_behind_reference, body.parts):
        if isinstance(part.body, Sequence) and not part.label:
            parts.extend(part.body.parts)
        elif part.label in read or not (isinstance(part.body, Sequence) and not part.body.parts):
            parts.append(part)
    if len(parts) == 1 and not parts[0].label:
        return parts[0].body
    return replace(body, parts=tuple(parts))
