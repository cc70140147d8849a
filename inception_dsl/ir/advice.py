"""Advice about layers whose outputs do not fit together."""

from __future__ import annotations

from collections.abc import Iterable

from inception_dsl.ir.ops.linear import Conv
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool
from inception_dsl.ir.typed import Node


def keep_size(odd: Iterable[Node | None]) -> str:
    """A hint to give branches one size: `same`, where a layer lacks it."""
    for node in odd:
        window = node.op.window if node and isinstance(node.op, Conv | MaxPool | AvgPool) else None
        if node and node.origin and window and window.stride == (1, 1) and all(size % 2 for size in window.kernel):
            source, line, column, end = node.origin
            words = source.lines[line - 1][column - 1 : end - 1].split()
            kept = [word for word in words if word.partition("=")[0] not in ("valid", "ceil", "same_upper", "pad")]
            return f"write `{' '.join([*kept, 'same'])}`"
    return "give every branch the same strides, and padding that gives the same size"
