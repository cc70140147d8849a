"""Windows and matrix products."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import starmap

import numpy as np

from inception_dsl.interchange import primitives as prim
from inception_dsl.interchange.along_channels import channel_conv
from inception_dsl.interchange.constant import Constant
from inception_dsl.interchange.graph import Array, Unsupported
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
from inception_dsl.interchange.unpooling import unpool
from inception_dsl.interchange.windows import Axis, PixelWindow, avg_pool, conv, conv_transpose, max_indices, max_pool
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool
from inception_dsl.ir.shapes import adaptive_bins


@RULES("Conv", weights=1)
def _conv(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    weight, bias = constant_of(inputs, 1), constant_of(inputs, 2)
    if weight is None:
        raise Unsupported("its weight is computed")
    weights = {"weight": weight, **({"bias": bias} if bias else {})}
    groups = node.attributes.get("group", 1)
    if len(weight.shape) != 4:
        axes = _axes(reading, node, inputs, weight.shape[2:])
        return [channel_conv(reading.builder, node.name, groups, axes, image_of(inputs), weights)]
    window = _window(reading, node, inputs, weight.shape[2:])
    return [conv(reading.builder, node.name, weight.shape[0], groups, window, image_of(inputs), weights)]


def _axes(reading: Reading, node: OnnxNode, inputs: Inputs, kernel: Sequence[int]) -> list[Axis]:
    """How a kernel slides over its axes."""
    own, one, none = node.attributes, (1,) * len(kernel), (0,) * len(kernel)
    stride, dilation = own.get("strides", one), own.get("dilations", one)
    pads = own.get("pads", (*none, *none))
    before, after = pads[: len(kernel)], pads[len(kernel) :]
    auto = own.get("auto_pad", "NOTSET")
    if auto != "NOTSET":
        image = reading.builder.type_of(image_of(inputs)).shape[1:]
        if len(image) != len(kernel):
            raise Unsupported("its kernel has other axes than what it reads")
        sizes = zip(image, kernel, stride, dilation, strict=True)
        reach = [(-(-size // step) - 1) * step + each * (wide - 1) + 1 - size for size, wide, step, each in sizes]
        total = [0 if auto == "VALID" else max(each, 0) for each in reach]
        more, less = [-(-each // 2) for each in total], [each // 2 for each in total]
        before, after = (more, less) if auto == "SAME_LOWER" else (less, more)
    return [*starmap(Axis, zip(kernel, stride, dilation, before, after, strict=True))]


@RULES("ConvTranspose", weights=1)
def _conv_transpose(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    own, weight, bias = node.attributes, constant_of(inputs, 1), constant_of(inputs, 2)
    if weight is None or len(weight.shape) != 4:
        raise Unsupported("the language has convolutions of images only")
    strides, dilations = tuple(own.get("strides", (1, 1))), tuple(own.get("dilations", (1, 1)))
    added, pads = own.get("output_padding", (0, 0)), own.get("pads", (0, 0, 0, 0))
    cut = [(pads[axis], pads[axis + 2] - added[axis]) for axis in (0, 1)]
    auto, shape = own.get("auto_pad", "NOTSET"), own.get("output_shape")
    if shape is not None or auto.startswith("SAME"):
        axes = zip(reading.builder.type_of(image_of(inputs)).image, weight.shape[2:], strides, dilations, strict=True)
        for axis, (size, kernel, stride, dilation) in enumerate(axes):
            out = shape[axis] if shape is not None else size * stride
            total = (size - 1) * stride + dilation * (kernel - 1) + 1 + added[axis] - out
            before = total // 2 if auto == "SAME_UPPER" else total - total // 2
            cut[axis] = before, total - before - added[axis]
    (top, bottom), (left, right) = cut
    window = PixelWindow(weight.shape[2:], strides, dilations, (top, left), (bottom, right))
    weights = {"weight": weight, **({"bias": bias} if bias else {})}
    return [conv_transpose(reading.builder, node.name, own.get("group", 1), window, image_of(inputs), weights)]


@RULES("MaxPool", "AveragePool")
def _pool(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    window = _window(reading, node, inputs, node.attributes["kernel_shape"])
    if node.kind == "MaxPool":
        indices = [max_indices(reading.builder, node.name, window, image_of(inputs))] if len(node.outputs) > 1 else []
        return [max_pool(reading.builder, node.name, window, image_of(inputs)), *indices]
    counted = bool(node.attributes.get("count_include_pad", 0))
    return [avg_pool(reading.builder, node.name, window, counted, image_of(inputs))]


@RULES("MaxUnpool")
def _unpool(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    size = numbers_of(node, inputs, "output_shape", 2)
    if size is None:  # as large as the places that the windows have
        window, image = _window(reading, node, inputs, node.attributes["kernel_shape"]), image_of(inputs)
        places = zip(reading.builder.type_of(image).image, window.kernel, window.stride, strict=True)
        pads = (before + after for before, after in zip(window.before, window.after, strict=True))
        size = [(count - 1) * step + reach - pad for (count, reach, step), pad in zip(places, pads, strict=True)]
    height, width = size[-2:]
    return [unpool(reading.builder, node.name, image_of(inputs), image_of(inputs, 1), (height, width))]


def _window(reading: Reading, node: OnnxNode, inputs: Inputs, kernel: Sequence[int]) -> PixelWindow:
    return PixelWindow.over(_axes(reading, node, inputs, kernel), bool(node.attributes.get("ceil_mode", 0)))


@RULES("GlobalAveragePool", "GlobalMaxPool")
def _global(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    op = AvgPool(None) if node.kind == "GlobalAveragePool" else MaxPool(None)
    return [reading.builder.add(node.name, op, image_of(inputs))]


@RULES("Einsum")
def _einsum(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    """An average pool to bins that are not alike, as a product with the share of each row and column."""
    rows, columns = constant_of(inputs, 1), constant_of(inputs, 2)
    if node.attributes.get("equation") != "nchw,ih,jw->ncij" or rows is None or columns is None:
        raise Unsupported("the language has no general product of tensors")
    to = rows.shape[0], columns.shape[0]
    image = reading.builder.type_of(image_of(inputs)).image
    for size, out, given in zip(image, to, (rows, columns), strict=True):
        if not np.allclose(given.values, _shares(size, out), atol=1e-6):
            raise Unsupported("the language has no general product of tensors")
    return [reading.builder.add(node.name, AvgPool(None, to=to), image_of(inputs))]


@RULES("Gemm", weights=1)
def _gemm(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    own, weight, bias = node.attributes, constant_of(inputs, 1), constant_of(inputs, 2)
    if own.get("transA") or weight is None or (own.get("alpha", 1.0), own.get("beta", 1.0)) != (1.0, 1.0):
        raise Unsupported("it is not the product of a vector with a matrix")
    if not own.get("transB"):
        weight = weight.permuted(1, 0)
    return [_linear(reading, node.name, image_of(inputs), weight, bias)]


@RULES("MatMul", weights=1)
def _matmul(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    weight = constant_of(inputs, 1)
    if weight is None or len(weight.shape) != 2:
        raise Unsupported("it is not the product with a matrix of weights")
    return [_linear(reading, node.name, image_of(inputs), weight.permuted(1, 0), None)]


def _linear(reading: Reading, name: str, x: int, weight: Constant, bias: Constant | None) -> int:
    if bias is not None and bias.size != weight.shape[0]:
        raise Unsupported("its bias is not one number for each output")
    weights = {"weight": weight, **({"bias": bias.reshaped(bias.size)} if bias is not None else {})}
    return reading.builder.add(name, prim.Linear(weight.shape[0], bias is not None), x, **weights)


def _shares(size: int, out: int) -> Array:
    """The weight of each pixel of an axis in the average of each of `out` bins: out x size."""
    bins = adaptive_bins(size, out)
    return np.array([[(pixel in window) / len(window) for pixel in range(size)] for window in bins])
