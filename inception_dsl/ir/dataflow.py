"""What a body reads: the names in its widths, the values beside what arrives, and those of its own steps."""

from __future__ import annotations

from collections.abc import Iterator

from inception_dsl.ir.program import Again, Body, Call, Join, Layer, Part, Reference, Repeat, Sequence
from inception_dsl.ir.values import Value, names


def within(body: Body) -> Iterator[Body]:
    """A body and every body inside it, outer before inner, from left to right."""
    yield body
    match body:
        case Sequence(parts) | Join(_, parts):
            for part in parts:
                yield from within(part.body)
        case Repeat(_, inner):
            yield from within(inner)


def parts_of(body: Body) -> Iterator[Part]:
    """Every part inside a body, outer before inner, from left to right."""
    return (part for inner in within(body) if isinstance(inner, Sequence | Join) for part in own_parts(inner))


def own_parts(body: Sequence | Join) -> tuple[Part, ...]:
    """The steps of a chain, or the branches of a join."""
    return body.parts if isinstance(body, Sequence) else body.branches


def used_names(body: Body) -> set[str]:
    """The names in a body's symbolic widths."""
    used: list[object] = []
    for inner in within(body):
        match inner:
            case Layer(ops):
                used += (value for op in ops for value in vars(op).values())
            case Call(_, args):
                used += (width for _, width in args)
    return {name.name for value in used if isinstance(value, Value) for name in names(value)}


def references(body: Body) -> Iterator[Reference | Again]:
    """Every reference in a body, those that its layers read and its calls pass on included, from left to right."""
    for inner in within(body):
        match inner:
            case Reference() | Again():
                yield inner
            case Call(_, _, tensors) | Layer(_, tensors):
                yield from (reference for _, reference in tensors)


def steps_read(body: Body) -> frozenset[str]:
    """The labels of the steps that references in a body read, or apply again."""
    return frozenset(
        found.label if isinstance(found, Again) else found.name
        for found in references(body)
        if isinstance(found, Again) or found.kind == "step"
    )


def split_source(body: Body) -> tuple[Reference | None, Body]:
    """The value that a body reads in place of what arrives, if it begins with one, and the rest of the body."""
    match body:
        case Reference():
            return body, Sequence((), origin=body.origin)
        case Sequence((Part("", Reference() as source), Part("", only))):
            return source, only
        case Sequence((Part("", Reference() as source), *rest)):
            return source, Sequence(tuple(rest), origin=body.origin)
        case _:
            return None, body


def inputs(body: Body) -> tuple[str, tuple[str, ...]]:
    """The rows that a row or head reads: the one in place of what arrives ("" for none), then those that it passes."""
    source, rest = split_source(body)
    passed = rest.tensors if isinstance(rest, Call | Layer) else ()
    return source.name if source else "", tuple(reference.name for _, reference in passed)
