"""The same elements in other shapes: joins, reshapes, ranges, padding; and reductions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from inception_dsl.interchange import primitives as prim
from inception_dsl.interchange.constant import Constant
from inception_dsl.interchange.graph import Unsupported
from inception_dsl.interchange.recognise.channels import joined
from inception_dsl.interchange.recognise.margins import reflected
from inception_dsl.interchange.rules import axis_of
from inception_dsl.interchange.torch.rules.call import RULES, Call, Given
from inception_dsl.ir.ops.channels import ChannelShuffle
from inception_dsl.ir.ops.joins import Add
from inception_dsl.ir.ops.scaling import Scale


@RULES("contiguous", "clone", "alias", "detach", "to", "_to_copy", "type_as")
def _same(call: Call) -> int:
    """The same values."""
    return call.x


@RULES("expand", "expand_as")
def _expand(call: Call) -> int:
    if call.kind == "expand_as":
        other = call["other"]
        if not isinstance(other, Given):
            raise Unsupported("it takes the shape of a constant")
        return call.add(prim.Expand(call.builder.type_of(other.index).shape))
    own = (1, *call.type.shape)
    sizes = call["size"]
    wanted = [own[at - len(sizes)] if size == -1 else size for at, size in enumerate(sizes)]
    if len(sizes) != len(own) or wanted[0] != 1:
        raise Unsupported("it repeats the examples of a batch")
    return call.add(prim.Expand(tuple(wanted[1:])))


@RULES("cat", "concat", "concatenate")
def _concat(call: Call) -> int:
    values = [value.index if isinstance(value, Given) else value for value in call["tensors"]]
    first = next((value for value in values if isinstance(value, int)), None)
    if first is None:
        raise Unsupported("it joins constants")
    axis = axis_of(call["dim"], call.builder.type_of(first))
    return joined(call.builder, call.name, axis, values)


@RULES("stack")
def _stack(call: Call) -> int | list[int]:
    """Values one after the other along a new axis."""
    values = call["tensors"]
    if not all(isinstance(value, Given) for value in values):
        raise Unsupported("it joins constants")
    shape = call.builder.type_of(values[0].index).shape
    axis = call["dim"] % (len(shape) + 2) - 1
    if axis < 0:  # before the batch
        return [value.index for value in values]
    single = prim.Reshape((*shape[:axis], 1, *shape[axis:]))
    return call.add(prim.Join(axis), *(call.add(single, value.index) for value in values))


@RULES("flatten", "view", "reshape", "_unsafe_view", "unsqueeze", "squeeze")
def _reshape(call: Call) -> int:
    shape = [1, *call.type.shape]
    match call.kind:
        case "flatten":
            start, end = call["start_dim"] % len(shape), call["end_dim"] % len(shape)
            wanted = [*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]]
        case "unsqueeze":
            at = call["dim"] % (len(shape) + 1)
            wanted = [*shape[:at], 1, *shape[at:]]
        case "squeeze":
            dims = call.arguments.get("dim", [*range(len(shape))])
            places = {each % len(shape) for each in (dims if isinstance(dims, list) else [dims])} - {0}
            wanted = [size for at, size in enumerate(shape) if at not in places or size != 1]
        case _:
            wanted = [*(call.arguments.get("size") or call.arguments["shape"])]
            known = math.prod(size for size in wanted if size != -1)
            wanted = [math.prod(shape) // known if size == -1 else size for size in wanted]
    if wanted[0] != 1:
        raise Unsupported("it mixes the examples of a batch")
    return call.add(prim.Reshape(tuple(wanted[1:])))


@RULES("permute", "transpose", "movedim")
def _permute(call: Call) -> int:
    rank = len(call.type.shape) + 1
    order = [*range(rank)]
    if call.kind == "permute":
        order = [axis % rank for axis in call["dims"]]
    elif call.kind == "movedim":
        order.insert(call["destination"] % rank, order.pop(call["source"] % rank))
    else:
        one, other = call["dim0"] % rank, call["dim1"] % rank
        order[one], order[other] = other, one
    if order[0] != 0:
        raise Unsupported("it moves the axis of the batch")
    return call.add(prim.Permute(tuple(axis - 1 for axis in order[1:])))


@RULES("chunk", "split", "split_with_sizes")
def _split(call: Call) -> list[int]:
    axis = call.axis(call["dim"])
    size = call.type.shape[axis]
    if call.kind == "split_with_sizes":
        sizes = call["split_sizes"]
    else:
        step = -(-size // call["chunks"]) if call.kind == "chunk" else call["split_size"]
        sizes = [min(step, size - start) for start in range(0, size, step)]
    starts = [sum(sizes[:number]) for number in range(len(sizes))]
    return [call.add(prim.Slice(axis, start, start + width)) for start, width in zip(starts, sizes, strict=True)]


@RULES("getitem")
def _item(call: Call) -> Any:
    return call["0"][call["1"]]


@RULES("slice")
def _slice(call: Call) -> int:
    axis = call["dim"] % (len(call.type.shape) + 1)
    start, stop, step = call["start"] or 0, call["end"], call["step"]
    if axis == 0:
        if (start, step) == (0, 1) and (stop is None or stop >= 1):
            return call.x
        raise Unsupported("it takes a part of the batch")
    size = call.type.shape[axis - 1]
    return call.add(prim.Slice(axis - 1, start, size if stop is None else min(stop, size), step))


@RULES("pad", "constant_pad_nd", "reflection_pad2d")
def _pad(call: Call) -> int:
    mode = "reflect" if call.kind == "reflection_pad2d" else call.arguments.get("mode", "constant")
    pads, rank = call["padding" if call.kind == "reflection_pad2d" else "pad"], len(call.type.shape)
    before, after = [0] * rank, [0] * rank
    for number in range(len(pads) // 2):
        before[rank - 1 - number], after[rank - 1 - number] = pads[2 * number], pads[2 * number + 1]
    if mode == "reflect":
        return reflected(call.builder, call.name, tuple(before), tuple(after), call.x)
    if mode not in ("constant", "replicate"):
        raise Unsupported(f"the language pads with zeros or reflects, and has no `{mode}`")
    value = float(call.arguments.get("value") or 0) if mode == "constant" else None
    return call.add(prim.Pad(tuple(before), tuple(after), value))


@RULES("mean", "amax", "sum", "linalg_vector_norm")
def _reduce(call: Call) -> int:
    axes = call.arguments.get("dim")
    if isinstance(values := call.arguments.get("self"), list) and call.kind in ("mean", "sum") and axes in (0, [0]):
        return _over_stack(call, values)
    if not axes or call.arguments.get("ord", 2) != 2:
        raise Unsupported("it reduces the batch")
    kinds = {"mean": "mean", "amax": "max", "sum": "sum", "linalg_vector_norm": "l2"}
    places = sorted(call.axis(axis) for axis in (axes if isinstance(axes, list) else [axes]))
    return call.add(prim.Reduce(kinds[call.kind], tuple(places), call["keepdim"]))


@RULES("max")
def _max(call: Call) -> Any:
    """The maximum over an axis, and its places, which no layer reads."""
    if "dim" not in call.arguments:
        raise Unsupported("it reduces the batch")
    return [call.add(prim.Reduce("max", (call.axis(call["dim"]),), call["keepdim"])), None]


def _over_stack(call: Call, values: Sequence[int]) -> int:
    """The sum or mean of values that are stacked before the batch, as FractalNet (1605.07648) joins its paths."""
    if call["keepdim"]:
        raise Unsupported("it makes a batch of values")
    if call.kind == "sum":
        return call.add(Add(), *values)
    total = call.builder.add(f"{call.name}/sum", Add(), *values)
    return call.add(Scale(1 / len(values)), total)


@RULES("ones_like")
def _ones(call: Call) -> int:
    return call.add(prim.Ones())


@RULES("zeros_like")
def _zeros(call: Call) -> int:
    """Zeros, as a recurrent state begins."""
    return call.add(Scale(0.0))


@RULES("channel_shuffle")
def _shuffle(call: Call) -> int:
    return call.add(ChannelShuffle(call["groups"]))


@RULES("index_select")
def _index_select(call: Call) -> int:
    index = call["index"]
    if not isinstance(index, Constant) or not index.known:
        raise Unsupported("it takes elements by an index")
    return call.add(prim.Gather(call.axis(call["dim"]), tuple(int(place) for place in index.values)))
