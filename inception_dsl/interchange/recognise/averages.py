"""Averages that leave padding out, as the quotient of one that counts it by the average of ones."""

from __future__ import annotations

from inception_dsl.interchange.builder import Added, Builder
from inception_dsl.interchange.primitives import Binary, Ones, Pad
from inception_dsl.interchange.windows import PixelWindow, avg_pool
from inception_dsl.ir.ops.pooling import AvgPool


def uncounted(graph: Builder, added: Added) -> int | None:
    """The average pool that a quotient of two average pools with the same window is."""
    if added.op != Binary("div"):
        return None
    pooled, ones = (_pooled(graph, index) for index in added.inputs)
    if pooled is None or ones is None or pooled[1] != ones[1] or not isinstance(graph.op(ones[0]), Ones):
        return None
    return avg_pool(graph, added.name, pooled[1], False, pooled[0])


def _pooled(graph: Builder, index: int) -> tuple[int, PixelWindow] | None:
    """The image that an average pool reads, and its window with the padding that is counted."""
    node = graph.node(index)
    if node is None or not isinstance(node.op, AvgPool) or node.op.window is None:
        return None
    window, (x,) = node.op.window, node.inputs
    axes = window.axes(graph.type_of(x).image)
    before, after = (axes[0].before, axes[1].before), (axes[0].after, axes[1].after)
    padded = graph.node(x)
    if padded and isinstance(padded.op, Pad) and not any((*before, *after)):
        (_, *low), (_, *high) = padded.op.before, padded.op.after
        (x,), before, after = padded.inputs, (low[0], low[1]), (high[0], high[1])
    elif any((*before, *after)) and not node.op.count_pad:
        return None
    return x, PixelWindow(window.kernel, window.stride, window.dilation, before, after, window.padding.ceil)
