"""Layers that drop whole examples where nothing else carries them on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from inception_dsl.diagnostics.codes.values import DROPPED_EXAMPLES
from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.ir.ops.regularisation import DropPath
from inception_dsl.ir.typed import Node, Typed


def dropped(typed: Typed) -> list[Diagnostic]:
    """W208 for every `drop_path` on all paths through the trunk, or through a head."""
    rows = {node.row for node in typed.nodes if isinstance(node.op, DropPath) and node.op.p}
    groups = (typed.trunk, *((head,) for head in typed.heads))
    nodes = (node for group in groups if not rows.isdisjoint(group) for node in on_all_paths(typed, group))
    found = {node.origin: node for node in nodes if isinstance(node.op, DropPath) and node.op.p and node.origin}
    hint = "write it at the end of a branch of a sum: `[pass + conv 3x3 {in} same -> drop_path 10%]`"
    message = "`{}`: nothing goes past this layer, so the examples that it drops are zero from here on"
    return [Diagnostic(DROPPED_EXAMPLES, message.format(node.row), origin, help=hint) for origin, node in found.items()]


def on_all_paths(typed: Typed, rows: Iterable[str]) -> Iterator[Node]:
    """The nodes of some rows that every path through the rows goes through, in time linear in the nodes."""
    names = {*rows}
    nodes = [(index, node) for index, node in enumerate(typed.nodes) if node.row in names]
    last_reader = {read: index for index, node in nodes for read in node.inputs}
    first = nodes[0][0] if nodes else 0
    furthest = max((index for read, index in last_reader.items() if read < first), default=0)
    for index, node in nodes:
        if furthest <= index:  # no node behind it reads one before it
            yield node
        furthest = max(furthest, last_reader.get(index, 0))
