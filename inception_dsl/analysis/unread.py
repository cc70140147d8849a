"""Layers whose output nothing reads: a reference stands where it would have been read."""

from __future__ import annotations

from inception_dsl.diagnostics.codes.values import NOT_READ
from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.ir.typed import Typed


def unread(typed: Typed) -> list[Diagnostic]:
    """W206 for each layer from which no path leads to the output of the network or of a head."""
    names = [*typed.trunk[-1:], *typed.heads]
    left, reached = [typed.ends[name] for name in names], set[int]()
    while left:
        index = left.pop()
        if index >= 0 and index not in reached:
            reached.add(index)
            left.extend(typed.nodes[index].inputs)
    used = {index for node in typed.nodes for index in node.inputs}
    hint = "delete it, or read it: `@row`, or the label of a step, as in `a: conv 1x1 8 -> [ pass + @a ]`"
    found = {
        node.origin: Diagnostic(
            NOT_READ, f"`{node.row}`: nothing reads the output of this layer", node.origin, help=hint
        )
        for index, node in enumerate(typed.nodes)
        if index not in reached | used and node.origin
    }
    return list(found.values())
