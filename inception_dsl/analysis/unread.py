"""Layers whose output nothing reads: a reference stands where it would have been read."""

from __future__ import annotations

from inception_dsl.diagnostics.codes.values import NOT_READ
from inception_dsl.diagnostics.diagnostic import Diagnostic
from inception_dsl.ir.typed import Typed


def unread(typed: Typed) -> list[Diagnostic]:
    """W206 for every layer whose output is neither read by another nor an output of the network or of a head."""
    outputs = {typed.ends[name] for name in (*typed.trunk[-1:], *typed.heads)}
    read = outputs.union(*(node.inputs for node in typed.nodes))
    hint = "delete it, or read it: `@row`, or the label of a step, as in `a: conv 1x1 8 -> [ pass + @a ]`"
    found = {
        node.origin: Diagnostic(
            NOT_READ, f"`{node.row}`: nothing reads the output of this layer", node.origin, help=hint
        )
        for index, node in enumerate(typed.nodes)
        if index not in read and node.origin
    }
    return list(found.values())
