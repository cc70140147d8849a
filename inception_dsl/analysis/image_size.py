"""What fixes a network to one image size: a layer that has a weight for every pixel, or for every row or column.

A fully connected layer on an image has one per pixel, a layer whose channels are a side of the image one per row.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from inception_dsl.diagnostics.codes.shapes import FIXED_IMAGE_SIZE
from inception_dsl.diagnostics.diagnostic import Diagnostic, Note
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool
from inception_dsl.ir.program import Origin, Program
from inception_dsl.ir.shapes import Pair
from inception_dsl.ir.typed import Node, Typed
from inception_dsl.lower import lower


@dataclass(frozen=True)
class SizeConstraint:
    """A layer that is another at `image` than at the network's `own` image size: most have weights of another shape.

    `node` is the layer at its own size and `channels` what would arrive at `image`: of a vector its features. `cause`
    is the last layer before it that resizes the image, or that makes channels of a side of it, lowered at both sizes;
    None where there is none. `row` is where the row or head stands.
    """

    node: Node
    channels: int
    own: Pair
    image: Pair
    cause: tuple[Node, Node] | None
    row: Origin


def size_constraints(program: Program, image: Pair) -> tuple[SizeConstraint, ...]:
    """The first layer of each row and head that does not keep its weights at `image`.

    Raises `SpecError` where the network cannot be lowered at `image`.
    """
    own, other = lower(program), lower(program, image)
    origins = {entry.name: entry.origin for entry in program.entries}
    constraints: dict[str, SizeConstraint] = {}
    for node, resized in zip(own.nodes, other.nodes, strict=True):  # a size changes shapes, never which ops there are
        if node.row not in constraints and (node.op, node.weights) != (resized.op, resized.weights):
            channels = resized.types[0].channels
            index = _last_turn(own, other, node) if len(node.types[0].shape) == 3 else _last_resize(own, node)
            cause = (own.nodes[index], other.nodes[index]) if index >= 0 else None
            constraints[node.row] = SizeConstraint(node, channels, own.input.image, image, cause, origins[node.row])
    return tuple(constraints.values())


def fixed_by(program: Program, image: Pair) -> SizeConstraint | None:
    """The first layer that does not keep its weights at `image`; None where all do.

    Raises `SpecError` where the network cannot be lowered at `image`.
    """
    return next(iter(size_constraints(program, image)), None)


def part_at(program: Program, image: Pair) -> Program:
    """The part of a network that keeps its weights at `image`: rows up to the first that does not, heads that do.

    It may have no rows. Raises `SpecError` where the network cannot be lowered at `image`.
    """
    fixed = {constraint.node.row for constraint in size_constraints(program, image)}
    end = next((i for i, row in enumerate(program.rows) if row.name in fixed), len(program.rows))
    rows = program.rows[:end]
    names = {row.name for row in rows}
    heads = tuple(head for head in program.heads if head.source in names and head.name not in fixed)
    return replace(program, rows=rows, heads=heads)


def describe_constraint(constraint: SizeConstraint) -> Diagnostic:
    """Why a network cannot be compiled for another size (E218), and which layer would lift the constraint."""
    node, row = constraint.node, constraint.row
    own, image = (f"{height}x{width}" for height, width in (constraint.own, constraint.image))
    in_module = _other_line(node.origin, row)
    notes = [Note(node.origin, "the layer")] if node.origin and in_module else []
    turned = len(node.types[0].shape) == 3
    hint = "write `avgpool global` before it"
    if constraint.cause and constraint.cause[0].origin:
        op, x = constraint.cause[0].op, constraint.cause[0].types[0]
        outs = [cause.out for cause in constraint.cause]
        here, there = (f"{out.channels} channels" if turned else "x".join(map(str, out.image)) for out in outs)
        notes.append(Note(constraint.cause[0].origin, f"this gives {here} at {own}, and {there} at {image}"))
        if isinstance(op, AvgPool | MaxPool) and here == "1x1":
            hint = f"write `{op.name} global` there"
        if turned:
            hint = f"write `resize to={'x'.join(map(str, x.image))}` before that"
    return Diagnostic(
        FIXED_IMAGE_SIZE,
        f"`{'.'.join(node.path)}` fixes the image size to {own}: at {image} it would read "
        f"{constraint.channels:,} {'channels' if turned else 'features'}, not {node.types[0].channels:,}",
        row if in_module else node.origin,
        notes=tuple(notes),
        help=hint,
    )


def _other_line(layer: Origin, row: Origin) -> bool:
    """Whether a layer stands on another line than its row: in a module."""
    return layer is not None and row is not None and (layer.source, layer.line) != (row.source, row.line)


def _last_turn(own: Typed, other: Typed, node: Node) -> int:
    """The index of the last layer before `node` that makes channels of a side of the image; -1 where none does."""

    def differing(node: Node) -> int:
        return next((i for i in node.inputs if i >= 0 and own.nodes[i].out.channels != other.nodes[i].out.channels), -1)

    index = differing(node)
    while index >= 0 and (before := differing(own.nodes[index])) >= 0:
        index = before
    return index


def _last_resize(typed: Typed, node: Node) -> int:
    """The index of the last layer before `node` that resizes the image; -1 where none does."""
    index = node.inputs[0]
    while index >= 0:
        before = typed.nodes[index]
        if len(before.out.shape) == 3 and before.out.shape[1:] != before.types[0].shape[1:]:
            break
        index = before.inputs[0]
    return index
