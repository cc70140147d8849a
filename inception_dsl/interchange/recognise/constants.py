"""Sums and products with constants: scales, biases, and learnt scales of the channels."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import numpy as np

from inception_dsl.interchange.builder import Added, Builder
from inception_dsl.interchange.constant import Constant
from inception_dsl.interchange.graph import INPUT, Array
from inception_dsl.interchange.primitives import Normalised, Permute, WithConstant
from inception_dsl.interchange.recognise.activations import BINARY
from inception_dsl.interchange.recognise.layout import LAST, channels_first
from inception_dsl.ir.ops.linear import Conv, FullyConnected
from inception_dsl.ir.ops.norms import GroupNorm, LayerNorm
from inception_dsl.ir.ops.scaling import Affine, Scale
from inception_dsl.ir.shapes import TensorType


def trained(graph: Builder, added: Added) -> int | None:
    """A trained number of an image of one channel is that channel's, whatever its value is at the moment."""
    op, (index,) = added.op, added.inputs
    assert isinstance(op, WithConstant)
    if not op.constant.trained or op.constant.size > 1:
        return None
    shape = graph.type_of(index).shape
    image = channels_first(graph, index) if len(shape) == 3 and shape[0] > 1 == shape[2] else None
    if image is None:
        return channels(graph, added)
    found = channels(graph, replace(added, inputs=(image,)))
    return None if found is None else graph.add(f"{added.name}/layout", Permute(LAST), found)


def number(graph: Builder, added: Added) -> int | None:
    """A product or quotient with a number is `Scale`; a sum with 0 is its input."""
    op = added.op
    assert isinstance(op, WithConstant)
    value = op.constant.scalar
    if value is None:
        return None
    if op.kind in ("add", "sub") and value == 0 and not op.first:
        return added.inputs[0]
    if op.kind == "mul" or (op.kind == "div" and not op.first and value != 0):
        factor = value if op.kind == "mul" else 1 / value
        return added.inputs[0] if factor == 1 else graph.add(added.name, Scale(factor), *added.inputs)
    return None


def channels(graph: Builder, added: Added) -> int | None:
    """A product with a number for each channel, and the sum that follows it: the end of a norm, or `Affine`.

    A sum after a layer without bias is the layer's bias.
    """
    op = added.op
    assert isinstance(op, WithConstant)
    (index,) = added.inputs
    per_channel = by_channel(op, graph.type_of(index))
    if per_channel is None:
        return None
    before = graph.node(index)
    if op.kind == "mul":
        return graph.add(added.name, Affine(bias=False), index, weight=per_channel)
    if op.kind != "add" or before is None:
        return None
    match before.op:
        case Affine(bias=False) if isinstance(inner := graph.op(before.inputs[0]), Normalised):
            norm = LayerNorm(inner.eps) if inner.groups is None else GroupNorm(inner.groups, inner.eps)
            source = graph.nodes[before.inputs[0]].inputs
            return graph.add(added.name, norm, *source, weight=before.weights["weight"], bias=per_channel)
        case Affine(bias=False):
            return graph.add(before.name, Affine(), *before.inputs, **before.weights, bias=per_channel)
        case Conv(width, window, groups, False):
            layer = Conv(width, window, groups, bias=True)
            return graph.add(before.name, layer, *before.inputs, **before.weights, bias=per_channel)
        case FullyConnected(width, False):
            return graph.add(before.name, FullyConnected(width), *before.inputs, **before.weights, bias=per_channel)
    return None


SCALING: Final = "the scale and shift of the images"


def at_input(graph: Builder, added: Added) -> int | None:
    """What shifts and scales the image before the first layer is one `Affine`, whose weights are computed."""
    assert isinstance(added.op, Conv)
    (index,), chain = added.inputs, list[Added]()
    while (node := graph.node(index)) and isinstance(node.op, WithConstant | Scale | Affine):
        chain.append(node)
        (index,) = node.inputs
    if index != INPUT or not any(isinstance(node.op, WithConstant) for node in chain):
        return None
    image = graph.input

    def values() -> tuple[Array, Array]:
        scale, shift = np.ones(image.channels), np.zeros(image.channels)
        for node in reversed(chain):
            match node.op:
                case Scale(factor):
                    scale, shift = scale * factor, shift * factor
                case Affine():
                    by = node.weights["weight"].values
                    scale, shift = scale * by, shift * by + (node.weights["bias"].values if node.op.bias else 0)
                case WithConstant(kind, constant, first):
                    by = np.asarray(constant.values, np.float64).reshape(-1)
                    scale = BINARY[kind](scale, by) if kind in ("mul", "div") else -scale if first else scale
                    shift = by - shift if first else BINARY[kind](shift, by)
        return scale, shift

    for node in chain:
        if isinstance(node.op, WithConstant) and not _shifts(node.op, image):
            return None
    name, shape = chain[0].name, (image.channels,)
    weight = Constant(f"{name}.weight", shape, lambda: values()[0], computed=SCALING)
    bias = Constant(f"{name}.bias", shape, lambda: values()[1], computed=SCALING)
    first = graph.add(name, Affine(), INPUT, weight=weight, bias=bias)
    return graph.add(added.name, added.op, first, **added.weights)


def _shifts(op: WithConstant, image: TensorType) -> bool:
    """Whether an op shifts or scales every channel by a number."""
    if not op.constant.known or (op.constant.size > 1 and by_channel(op, image) is None):
        return False
    return op.kind in ("add", "sub") or (op.kind in ("mul", "div") and not op.first)


def by_channel(op: WithConstant, x: TensorType) -> Constant | None:
    """The constant with a number for each channel, if it is one for an image or vector of this shape."""
    shape = op.aligned(x)
    if op.constant.size != x.channels or len(shape) > len(x.shape):
        return None
    padded = (1,) * (len(x.shape) - len(shape)) + tuple(shape)
    if padded != (x.channels, *(1 for _ in x.shape[1:])):
        return None
    return op.constant.reshaped(x.channels)
