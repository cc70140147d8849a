"""Norms that a source composes of means, quotients and reshapes."""

from __future__ import annotations

from typing import Final

from inception_dsl.interchange.builder import Added, Builder
from inception_dsl.interchange.primitives import (
    Binary,
    ChannelMean,
    Clip,
    InstanceNorm,
    LastAxisNorm,
    Normalised,
    Reduce,
    Reshape,
    Unary,
    WithConstant,
)
from inception_dsl.ir.ops.norms import LRN, L2Norm, LayerNorm
from inception_dsl.ir.ops.scaling import Scale

LEAST_LENGTH: Final = 1e-12
"""What torch and keras divide by where a vector has no length."""


def ungroup(graph: Builder, added: Added) -> int | None:
    """Groups of channels, as the channels of another image, normalised by themselves: the values of a group norm."""
    op, (index,) = added.op, added.inputs
    assert isinstance(op, Reshape)
    inner = graph.node(index)
    if inner is None or not isinstance(inner.op, InstanceNorm):
        return None
    split = graph.node(inner.inputs[0])
    if split is None or not isinstance(split.op, Reshape) or graph.type_of(split.inputs[0]).shape != op.shape:
        return None
    groups = split.op.shape[0]
    return graph.add(added.name, Normalised(groups, inner.op.eps), *split.inputs) if op.shape[0] % groups == 0 else None


def vector_norm(graph: Builder, added: Added) -> int | None:
    """Layer normalisation over the last axis is that of a vector, where there is no other axis."""
    assert isinstance(added.op, LastAxisNorm)
    if len(graph.type_of(added.inputs[0]).shape) > 1:
        return None
    return graph.add(added.name, LayerNorm(added.op.eps), *added.inputs, **added.weights)


def quotient(graph: Builder, added: Added) -> int | None:
    """A value by its length is `L2Norm`; one less its mean, by its deviation, is the value of a layer norm."""
    if added.op != Binary("div"):
        return None
    x, by = added.inputs
    if _length(graph, x, by) == (0,):
        return graph.add(added.name, L2Norm(), x)
    if response := _response(graph, x, by):
        return graph.add(added.name, response, x)
    return _deviation(graph, added, x, by)


def _response(graph: Builder, x: int, by: int) -> LRN | None:
    """The local response normalisation of a value by `(k + alpha * mean of squares) ^ beta`."""
    match graph.op(by):
        case WithConstant("pow", power) if (beta := power.scalar) is not None:
            (summed,) = graph.nodes[by].inputs
        case _:
            return None
    match graph.op(summed):
        case WithConstant("add", constant) if (k := constant.scalar) is not None:
            (scaled,) = graph.nodes[summed].inputs
        case _:
            return None
    match graph.op(scaled):
        case Scale(alpha):
            (mean,) = graph.nodes[scaled].inputs
        case _:
            return None
    match graph.op(mean):
        case ChannelMean(size) if _squares(graph, graph.nodes[mean].inputs[0], x):
            return LRN(size, alpha, beta, k)
    return None


def _length(graph: Builder, x: int, by: int) -> tuple[int, ...] | None:
    """The axes over which a divisor is the length of a value, at least 1e-12."""
    match graph.op(by):
        case WithConstant("max", constant) if constant.scalar is not None and constant.scalar <= 2 * LEAST_LENGTH:
            pass
        case Clip(low) if 0 < low <= 2 * LEAST_LENGTH:
            pass
        case _:
            return None
    (length,) = graph.nodes[by].inputs
    match graph.op(length):
        case Reduce("l2", axes, True) if graph.nodes[length].inputs == (x,):
            return axes
    return None


def _deviation(graph: Builder, added: Added, x: int, by: int) -> int | None:
    """The division of a layer norm: of `x - mean(x)` by the root of `mean((x - mean(x))^2) + eps`."""
    if graph.op(by) != Unary("sqrt") or graph.op(x) != Binary("sub"):
        return None
    value, mean = graph.nodes[x].inputs
    (shifted,) = graph.nodes[by].inputs
    match graph.op(shifted):
        case WithConstant("add", constant) if (eps := constant.scalar) is not None:
            (variance,) = graph.nodes[shifted].inputs
        case _:
            return None
    match graph.op(mean), graph.op(variance):
        case Reduce("mean", axes, True), Reduce("mean", others, True) if axes == others:
            (square,) = graph.nodes[variance].inputs
        case _:
            return None
    if axes != (0,) or graph.nodes[mean].inputs != (value,) or not _squares(graph, square, x):
        return None
    return graph.add(added.name, Normalised(None, eps), value)


def _squares(graph: Builder, index: int, x: int) -> bool:
    """Whether a value is the square of another."""
    match graph.op(index):
        case WithConstant("pow", constant):
            return constant.scalar == 2 and graph.nodes[index].inputs == (x,)
        case _:
            return index >= 0 and graph.nodes[index].inputs == (x, x)
