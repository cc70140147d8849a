"""Layers with windows, weights or statistics."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import starmap

from inception_dsl.interchange import primitives as prim
from inception_dsl.interchange.along_channels import channel_conv
from inception_dsl.interchange.constant import zeros
from inception_dsl.interchange.graph import Unsupported
from inception_dsl.interchange.torch.rules.call import RULES, Call, Given
from inception_dsl.interchange.unpooling import unpool
from inception_dsl.interchange.windows import Axis, PixelWindow, avg_pool, conv, conv_transpose, max_indices, max_pool
from inception_dsl.ir.ops.norms import BatchNorm, GroupNorm
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool
from inception_dsl.ir.ops.regularisation import Dropout
from inception_dsl.ir.shapes import Pair


def _pair(numbers: Sequence[int] | int, default: Pair = (0, 0)) -> Pair:
    """Height and width of one number or two; torch leaves out a stride that is the kernel."""
    if not isinstance(numbers, Sequence):
        return numbers, numbers
    return (numbers[0], numbers[-1]) if numbers else default


@RULES("conv2d")
def _conv(call: Call) -> int:
    weights = call.tensors("weight", "bias")
    window = PixelWindow.over(_axes(call, weights["weight"].shape[2:]))
    return conv(call.builder, call.name, weights["weight"].shape[0], call["groups"], window, call.x, weights)


@RULES("conv1d")
def _conv_of_series(call: Call) -> int:
    """A convolution along the channels of one pixel, or of a series, which is an image of height 1."""
    with suppress(Unsupported):
        found: int = _along_channels(call)
        return found
    if len(call.type.shape) != 2:
        raise Unsupported("it mixes the examples of a batch")
    (channels, steps), (width, depth, kernel) = call.type.shape, call["weight"].shape
    image = call.builder.add(f"{call.name}/image", prim.Reshape((channels, 1, steps)), call.x)
    padding = call["padding"] if isinstance(call["padding"], str) else (0, *call["padding"])
    given = {
        "input": Given(image),
        "weight": call.tensors("weight")["weight"].reshaped(width, depth, 1, kernel),
        "padding": padding,
        **{name: (1, *call[name]) for name in ("stride", "dilation")},
    }
    convolved = _conv(replace(call, arguments={**call.arguments, **given}))
    shape = call.builder.type_of(convolved).shape
    return call.builder.add(f"{call.name}/series", prim.Reshape((shape[0], shape[2])), convolved)


@RULES("conv_transpose2d")
def _conv_transpose(call: Call) -> int:
    weights = call.tensors("weight", "bias")
    (height, width), more = weights["weight"].shape[2:], _pair(call["output_padding"])
    cut = _pair(call["padding"])
    after = cut[0] - more[0], cut[1] - more[1]
    window = PixelWindow((height, width), _pair(call["stride"]), _pair(call["dilation"]), cut, after)
    return conv_transpose(call.builder, call.name, call["groups"], window, call.x, weights)


@RULES("conv3d")
def _along_channels(call: Call) -> int:
    weights = call.tensors("weight", "bias")
    axes = _axes(call, weights["weight"].shape[2:])
    return channel_conv(call.builder, call.name, call["groups"], axes, call.x, weights)


def _axes(call: Call, kernel: Sequence[int]) -> list[Axis]:
    """How the kernel of a convolution slides over its axes."""
    stride, dilation, padding = _each(call["stride"], kernel), _each(call["dilation"], kernel), call["padding"]
    reach = [step * (size - 1) for step, size in zip(dilation, kernel, strict=True)]
    pads = [total // 2 for total in reach] if padding == "same" else _each(0 if padding == "valid" else padding, kernel)
    after = [total - pad for total, pad in zip(reach, pads, strict=True)] if padding == "same" else pads
    return [*starmap(Axis, zip(kernel, stride, dilation, pads, after, strict=True))]


def _each(numbers: Sequence[int] | int, axes: Sequence[int]) -> Sequence[int]:
    """A number for every axis, of one for all or of as many."""
    numbers = [numbers] if isinstance(numbers, int) else numbers
    return numbers if len(numbers) == len(axes) else [*numbers] * len(axes)


@RULES("max_pool2d_with_indices")
def _pool_with_indices(call: Call) -> list[int]:
    window = _pool_window(call)
    indices = max_indices(call.builder, call.name, window, call.x)
    return [max_pool(call.builder, call.name, window, call.x), indices]


@RULES("max_unpool2d")
def _unpool(call: Call) -> int:
    indices = call["indices"]
    if not isinstance(indices, Given):
        raise Unsupported("its places are constants")
    return unpool(call.builder, call.name, call.x, indices.index, _pair(call["output_size"]))


def _pool_window(call: Call) -> PixelWindow:
    kernel, padding = _pair(call["kernel_size"]), _pair(call["padding"])
    stride, dilation = _pair(call["stride"], kernel), _pair(call.arguments.get("dilation", 1))
    return PixelWindow(kernel, stride, dilation, padding, padding, call["ceil_mode"])


@RULES("max_pool2d", "avg_pool2d")
def _pool(call: Call) -> int:
    window = _pool_window(call)
    if call.kind == "max_pool2d":
        return max_pool(call.builder, call.name, window, call.x)
    if call["divisor_override"]:
        raise Unsupported("it divides by a number of its own")
    return avg_pool(call.builder, call.name, window, call["count_include_pad"], call.x)


@RULES("adaptive_avg_pool2d")
def _adaptive(call: Call) -> int:
    return call.add(AvgPool(None, to=_pair(call["output_size"])))


@RULES("adaptive_max_pool2d")
def _largest(call: Call) -> list[int | None]:
    """The maxima, and their places, which no layer reads."""
    if _pair(call["output_size"]) != (1, 1):
        raise Unsupported("the language has the maximum of a whole image only")
    return [call.add(MaxPool(None)), None]


@RULES("avg_pool3d")
def _channel_mean(call: Call) -> int:
    """The mean over neighbouring channels, by which torch computes local response normalisation."""
    size, *one = call["kernel_size"]
    pad = call.builder.nodes[call.x]
    split = call.builder.nodes[pad.inputs[0]] if isinstance(pad.op, prim.Pad) and pad.inputs[0] >= 0 else None
    if split is None or not isinstance(split.op, prim.Reshape) or one != [1, 1] or any(call["padding"]):
        raise Unsupported("the language has no pool in three dimensions")
    (x,) = split.inputs
    shape = call.builder.type_of(x).shape
    if split.op.shape != (1, *shape) or pad.op != prim.Pad((0, size // 2, 0, 0), (0, (size - 1) // 2, 0, 0)):
        raise Unsupported("the language has no pool in three dimensions")
    mean = call.builder.add(call.name, prim.ChannelMean(size), x)
    return call.builder.add(call.name, prim.Reshape((1, *shape)), mean)


@RULES("matmul")
def _matmul(call: Call) -> int:
    """A product with a matrix, as keras' dense layers say it; a sum after it is its bias."""
    matrix = call.tensors("other").get("other")
    if matrix is None or len(matrix.shape) != 2:
        raise Unsupported("the language multiplies with a matrix of weights only")
    weight = matrix.permuted(1, 0)
    return call.add(prim.Linear(weight.shape[0]), weight=weight)


@RULES("linear")
def _linear(call: Call) -> int:
    weights = call.tensors("weight", "bias")
    return call.add(prim.Linear(weights["weight"].shape[0], "bias" in weights), **weights)


@RULES("batch_norm")
def _batch_norm(call: Call) -> int:
    weights = call.tensors("weight", "bias", "running_mean", "running_var")
    if call["training"] or not {"running_mean", "running_var"} <= weights.keys():
        raise Unsupported("it is not a batch norm with running statistics")
    width = call.type.channels
    weights.setdefault("bias", zeros(f"{call.name}.bias", width))
    return call.add(BatchNorm(call["eps"], "weight" in weights, call["momentum"]), **weights)


@RULES("layer_norm", "group_norm")
def _other_norm(call: Call) -> int:
    weights = call.tensors("weight", "bias")
    if len(weights) < 2 or len(call.arguments.get("normalized_shape", [1])) > 1:
        raise Unsupported("the language normalises over the channels, with a scale and a shift")
    if call.kind == "group_norm":
        return call.add(GroupNorm(call["num_groups"], call["eps"]), **weights)
    return call.add(prim.LastAxisNorm(call["eps"]), **weights)


@RULES("instance_norm")
def _instance_norm(call: Call) -> int:
    """With a scale and a shift, a group norm in which every channel is a group."""
    weights = call.tensors("weight", "bias")
    if len(weights) < 2 or not call["use_input_stats"] or len(call.type.shape) != 3:
        raise Unsupported("the language normalises the channels of an image by themselves with a scale and a shift")
    return call.add(GroupNorm(call.type.channels, call["eps"]), **weights)


@RULES("feature_dropout", "alpha_dropout", "feature_alpha_dropout")
def _other_dropout(call: Call) -> int:
    """What the language has no word for, and what does nothing in inference."""
    return call.x


@RULES("dropout")
def _dropout(call: Call) -> int:
    return call.add(Dropout(call["p"]))
