"""The same elements in other shapes: joins, reshapes, ranges, padding; and reductions."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

import numpy as np

from inception_dsl.interchange import primitives as prim
from inception_dsl.interchange.constant import Constant
from inception_dsl.interchange.graph import Unsupported
from inception_dsl.interchange.onnx.model import OnnxNode
from inception_dsl.interchange.onnx.rules.rule import (
    RULES,
    Inputs,
    Reading,
    Value,
    constant_of,
    image_of,
    numbers_of,
)
from inception_dsl.interchange.recognise.channels import joined
from inception_dsl.interchange.recognise.margins import reflected
from inception_dsl.interchange.rules import axis_of


@RULES("Concat")
def _concat(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    values = [value if isinstance(value, Constant) else image_of(inputs, at) for at, value in enumerate(inputs)]
    first = next((value for value in values if isinstance(value, int)), None)
    if first is None:
        raise Unsupported("it joins constants")
    axis = axis_of(node.attributes["axis"], reading.builder.type_of(first))
    return [joined(reading.builder, node.name, axis, values)]


@RULES("Flatten", "Reshape", "Squeeze", "Unsqueeze", forms=True)
def _reshape(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    value = inputs[0]
    if isinstance(value, Constant):
        return [value.reshaped(*_new_shape(node, inputs, value.shape))]
    x = reading.builder.type_of(image_of(inputs))
    wanted = _new_shape(node, inputs, (reading.batch, *x.shape), kept={0})
    if not wanted or wanted[0] != reading.batch:
        raise Unsupported("it mixes the examples of a batch")
    return [reading.builder.add(node.name, prim.Reshape(tuple(wanted[1:])), image_of(inputs))]


def _new_shape(node: OnnxNode, inputs: Inputs, shape: Sequence[int], kept: Collection[int] = ()) -> list[int]:
    """What a node makes of a shape; a squeeze leaves the axes `kept` as they are."""
    axes = numbers_of(node, inputs, "axes", 1)
    match node.kind:
        case "Flatten":
            axis = node.attributes.get("axis", 1) % (len(shape) + 1)
            return [math.prod(shape[:axis]), math.prod(shape[axis:])]
        case "Reshape":
            sizes = enumerate(numbers_of(node, inputs, "shape", 1) or [])
            wanted = [shape[at] if size == 0 and at < len(shape) else size for at, size in sizes]
            free = math.prod(shape) // max(math.prod(size for size in wanted if size != -1), 1)
            return [free if size == -1 else size for size in wanted]
        case "Squeeze":
            places = {axis % len(shape) for axis in axes or [at for at, size in enumerate(shape) if size == 1]}
            return [size for at, size in enumerate(shape) if at not in places or at in kept]
        case _:
            wanted = [*shape]
            for axis in sorted(axis % (len(shape) + len(axes or ())) for axis in axes or ()):
                wanted.insert(axis, 1)
            return wanted


@RULES("Transpose", forms=True)
def _transpose(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    value = inputs[0]
    if isinstance(value, Constant):
        order = tuple(node.attributes.get("perm", range(len(value.shape))[::-1]))
        return [value.permuted(*order)]
    x = reading.builder.type_of(image_of(inputs))
    order = tuple(node.attributes.get("perm", range(len(x.shape) + 1)[::-1]))
    if order[0] != 0:
        raise Unsupported("it moves the axis of the batch")
    return [reading.builder.add(node.name, prim.Permute(tuple(axis - 1 for axis in order[1:])), image_of(inputs))]


@RULES("Slice")
def _slice(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    index = image_of(inputs)
    starts, ends = (numbers_of(node, inputs, name, at) or [] for at, name in enumerate(("starts", "ends"), 1))
    axes = numbers_of(node, inputs, "axes", 3) or [*range(len(starts))]
    steps = numbers_of(node, inputs, "steps", 4) or [1] * len(starts)
    for axis, start, stop, step in sorted(zip(axes, starts, ends, steps, strict=True)):
        place = axis_of(axis, reading.builder.type_of(index))
        index = reading.builder.add(node.name, prim.Slice(place, start, stop, step), index)
    return [index]


@RULES("Split")
def _split(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    index = image_of(inputs)
    x = reading.builder.type_of(index)
    axis = axis_of(node.attributes.get("axis", 0), x)
    count = len(node.outputs)
    sizes = numbers_of(node, inputs, "split", 1) or [-(-x.shape[axis] // count)] * count
    given: list[Value] = []
    start = 0
    for size in sizes:
        given.append(reading.builder.add(node.name, prim.Slice(axis, start, start + size), index))
        start += size
    return given


@RULES("Gather")
def _gather(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    indices = constant_of(inputs, 1)
    x = reading.builder.type_of(image_of(inputs))
    if indices is None or not indices.known or len(indices.shape) != 1:
        raise Unsupported("it takes elements by an index")
    axis = axis_of(node.attributes.get("axis", 0), x)
    places = tuple(int(each) % x.shape[axis] for each in indices.values)
    return [reading.builder.add(node.name, prim.Gather(axis, places), image_of(inputs))]


@RULES("Pad")
def _pad(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    mode = node.attributes.get("mode", "constant")
    x = reading.builder.type_of(image_of(inputs))
    pads = numbers_of(node, inputs, "pads", 1) or []
    value = numbers_of(node, inputs, "value", 2) or [0.0]
    axes = numbers_of(node, inputs, "axes", 3) or [*range(len(pads) // 2)]
    before, after = [0] * (len(x.shape) + 1), [0] * (len(x.shape) + 1)
    for at, axis in enumerate(axes):
        before[axis], after[axis] = pads[at], pads[len(axes) + at]
    if before[0] or after[0]:
        raise Unsupported("it pads the batch")
    if mode == "reflect":
        return [reflected(reading.builder, node.name, tuple(before[1:]), tuple(after[1:]), image_of(inputs))]
    if mode not in ("constant", "edge"):
        raise Unsupported(f"the language pads with zeros or reflects, and has no `{mode}`")
    op = prim.Pad(tuple(before[1:]), tuple(after[1:]), float(value[0]) if mode == "constant" else None)
    return [reading.builder.add(node.name, op, image_of(inputs))]


@RULES("ReduceMean", "ReduceMax", "ReduceSum", "ReduceL2")
def _reduce(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    x = reading.builder.type_of(image_of(inputs))
    axes = numbers_of(node, inputs, "axes", 1)
    if axes is None:
        raise Unsupported("it reduces the batch")
    places = tuple(sorted(axis_of(axis, x) for axis in axes))
    op = prim.Reduce(node.kind.removeprefix("Reduce").lower(), places, bool(node.attributes.get("keepdims", 1)))
    return [reading.builder.add(node.name, op, image_of(inputs))]


@RULES("Expand")
def _expand(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    shape = numbers_of(node, inputs, "shape", 1) or []
    rank = len(reading.builder.type_of(image_of(inputs)).shape) + 1
    shape = [1] * (rank - len(shape)) + shape
    if len(shape) > rank or shape[0] not in (1, reading.batch):
        raise Unsupported("it repeats the examples of a batch")
    return [reading.builder.add(node.name, prim.Expand(tuple(shape[1:])), image_of(inputs))]


@RULES("Shape")
def _shape(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    sizes = np.array((reading.batch, *reading.builder.type_of(image_of(inputs)).shape), np.int64)
    sizes = sizes[node.attributes.get("start", 0) : node.attributes.get("end", len(sizes))]
    return [Constant(node.outputs[0], sizes.shape, lambda: sizes)]
