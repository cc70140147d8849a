"""What ties a network to one image size: a fully connected layer that reads an image, with a weight for each pixel."""

from __future__ import annotations

from dataclasses import dataclass, replace

from inception_dsl.diagnostics.codes.shapes import FIXED_IMAGE_SIZE
from inception_dsl.diagnostics.diagnostic import Diagnostic, Note
from inception_dsl.ir.ops import AvgPool, MaxPool
from inception_dsl.ir.program import Origin, Program
from inception_dsl.ir.shapes import Pair
from inception_dsl.ir.typed import Node, Typed
from inception_dsl.lower import lower


@dataclass(frozen=True)
class Tie:
    """A layer whose weights differ in shape between the network's `own` image size and `image`.

    `node` is the layer at its own size and `reads` what it would read at `image`; `cause` is the last layer before it
    that changes the image's size, at either size, None where none does; `origin` is the place of its row or head.
    """

    node: Node
    reads: int
    own: Pair
    image: Pair
    cause: tuple[Node, Node] | None
    origin: Origin


def ties(program: Program, image: Pair) -> tuple[Tie, ...]:
    """The first layer of each row and head that is tied to the network's own image size, if it is.

    Raises `SpecError` where the network cannot be lowered at `image`.
    """
    own, there = lower(program), lower(program, image)
    origins = {row.name: row.origin for row in program.rows} | {head.name: head.origin for head in program.heads}
    found: dict[str, Tie] = {}
    for node, moved in zip(own.nodes, there.nodes, strict=True):  # a size changes shapes, and never which ops there are
        if node.row not in found and node.weights != moved.weights:
            reads = moved.types[0].channels
            index = _cause(own, node)
            cause = (own.nodes[index], there.nodes[index]) if index >= 0 else None
            found[node.row] = Tie(node, reads, own.input.image, image, cause, origins[node.row])
    return tuple(found.values())


def tied(program: Program, image: Pair) -> Tie | None:
    """The first layer that is tied to the network's own image size; None where `image` serves as well.

    Raises `SpecError` where the network cannot be lowered at `image`.
    """
    return next(iter(ties(program, image)), None)


def untied(program: Program, image: Pair) -> Program:
    """The part of a network that takes `image` with the same weights: rows up to the first tie, heads without one.

    It may have no rows. Raises `SpecError` where the network cannot be lowered at `image`.
    """
    held = {tie.node.row for tie in ties(program, image)}
    first = next((i for i, row in enumerate(program.rows) if row.name in held), len(program.rows))
    rows = program.rows[:first]
    names = {row.name for row in rows}
    heads = tuple(head for head in program.heads if head.source in names and head.name not in held)
    return replace(program, rows=rows, heads=heads)


def tie_diagnostic(tie: Tie) -> Diagnostic:
    """Why a network cannot be compiled for another size (E218), and which pool would free it."""
    own, image = (f"{size[0]}x{size[1]}" for size in (tie.own, tie.image))
    name, features = ".".join(tie.node.owner), tie.node.types[0].channels
    notes = [Note(tie.node.origin, "the layer")] if tie.node.origin and _apart(tie) else []
    hint = "write `avgpool global` before it"
    if tie.cause and tie.cause[0].origin:
        op, here, there = tie.cause[0].op, *("x".join(map(str, each.out.image)) for each in tie.cause)
        notes.append(Note(tie.cause[0].origin, f"this gives {here} at {own}, and {there} at {image}"))
        if isinstance(op, AvgPool | MaxPool) and here == "1x1":
            hint = f"write `{op.name} global` there"
    return Diagnostic(
        FIXED_IMAGE_SIZE,
        f"`{name}` is tied to {own}: at {image} it would read {tie.reads:,} features, not {features:,}",
        tie.origin if _apart(tie) else tie.node.origin,
        notes=tuple(notes),
        help=hint,
    )


def _apart(tie: Tie) -> bool:
    """Whether the layer stands elsewhere than its row: in a module."""
    one, other = tie.node.origin, tie.origin
    return one is not None and other is not None and (one.source, one.line) != (other.source, other.line)


def _cause(typed: Typed, node: Node) -> int:
    index = node.inputs[0]
    while index >= 0:
        before = typed.nodes[index]
        if len(before.out.shape) == 3 and before.out.shape[1:] != before.types[0].shape[1:]:
            break
        index = before.inputs[0]
    return index
