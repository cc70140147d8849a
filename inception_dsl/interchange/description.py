"""What a node computes: its kind, and the parameters that matter on the image at hand."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from inception_dsl.interchange.graph import GraphNode
from inception_dsl.interchange.windows import reads_after
from inception_dsl.ir.op import concrete, single
from inception_dsl.ir.ops.activations import PReLU
from inception_dsl.ir.ops.channels import ChannelPart, ChannelShuffle, ChannelSlice
from inception_dsl.ir.ops.joins import Add, Concat, Mul
from inception_dsl.ir.ops.linear import Conv, ConvTranspose, FullyConnected, LinearLayer
from inception_dsl.ir.ops.norms import BatchNorm
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool, Unpool
from inception_dsl.ir.ops.resampling import PixelShuffle, PixelUnshuffle, Resize
from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.ir.ops.shaping import AXES, ORDERS, Crop, Flatten, Identity, Pad, Permute
from inception_dsl.ir.shapes import TensorType, Window, uniform_window

Parameters = tuple[tuple[str, Any], ...]


def passes(node: GraphNode) -> bool:
    """Whether a node gives its input as it is, in inference."""
    op, x = node.op, _arriving(node)
    match op:
        case _ if op.training_only:
            return True
        case Identity() | Scale(1.0):
            return True
        case Flatten():
            return x.size == x.channels
        case Add() | Concat() | Mul():
            return len(node.inputs) == 1
        case MaxPool(window) | AvgPool(window):
            return node.out == x and (window is None or window.reach == window.stride == (1, 1))
        case ChannelPart() | ChannelSlice():
            return node.out == x
        case ChannelShuffle(groups):
            return groups in (1, x.channels)
        case Resize() | PixelShuffle() | PixelUnshuffle():
            return node.out == x
        case Permute(order):
            return moving(order, x) == AXES
        case _:
            return False


def describe(node: GraphNode) -> tuple[str, Parameters]:
    """The kind of a node's op, and the parameters that matter for its value in inference, on the image that it reads.

    A convolution of one pixel is a fully connected layer, and a window over a whole image is `global`.
    """
    op, x = node.op, _arriving(node)
    match op:
        case Conv() | ConvTranspose() | FullyConnected():
            return _linear(op, x, node.out)
        case MaxPool(window):
            return op.name, _pool(window, x, (1, 1))
        case Unpool(window):
            return op.name, _parameters(**_window(window, node.types[1]))
        case AvgPool(window, count_pad, to):
            counted = {"count_pad": True} if window and count_pad and _reads_padding(window, x) else {}
            return "avgpool", (*_pool(window, x, to), *_parameters(**counted))
        case BatchNorm(eps):
            return "bn", _parameters(eps=eps)
        case PReLU(per_channel):
            return op.name, _parameters(per_channel=per_channel and x.channels > 1)
        case Resize(bilinear=bilinear, align_corners=align_corners):
            return op.name, _parameters(size=node.out.image, bilinear=bilinear, align_corners=align_corners)
        case ChannelPart((number, _)):
            return "slice", _parameters(width=node.out.channels, start=(number - 1) * node.out.channels)
        case ChannelSlice(width, start):
            return "slice", _parameters(width=concrete(width), start=concrete(start))
        case Permute(order):
            return op.name, _parameters(axes=moving(order, x))
        case Crop() | Pad():
            mirrored = {"reflect": True} if isinstance(op, Pad) and op.reflect else {}
            return op.name, _parameters(before=op.before, after=op.after, **mirrored)
        case _:
            return op.name, _parameters(
                **{field.name: getattr(op, field.name) for field in fields(op) if field.compare}
            )


def moving(order: str, x: TensorType) -> str:
    """The first of all orders of the axes that moves the elements of an image as this one does."""

    def moved(order: str) -> tuple[list[int], list[str]]:
        sizes = [x.shape[AXES.index(axis)] for axis in order]
        return sizes, [axis for axis, size in zip(order, sizes, strict=True) if size > 1]

    return next(each for each in (AXES, *ORDERS) if moved(each) == moved(order))


def _linear(op: LinearLayer, x: TensorType, out: TensorType) -> tuple[str, Parameters]:
    sums = {"width": concrete(op.width), "bias": op.bias}
    match op:
        case FullyConnected():
            return "fc", _parameters(**sums, groups=1)
        case Conv(_, window, groups) if x.shape[1:] == window.kernel == (1, 1) == out.shape[1:]:
            return "fc", _parameters(**sums, groups=concrete(groups))
        case Conv(_, window, groups):
            return op.name, _parameters(**sums, groups=concrete(groups), **_window(window, x))
        case ConvTranspose(_, window, groups):
            before = tuple(first for first, _ in op.cut)
            slides = {**_steps(window, x.image), "before": before, "out": out.image}
            return op.name, _parameters(**sums, groups=concrete(groups), **slides)


def _arriving(node: GraphNode) -> TensorType:
    """The shape of what a node reads first; of one that reads nothing, that of what it gives."""
    return node.types[0] if node.types else node.out


def _parameters(**values: Any) -> Parameters:
    return tuple((name, single(value) if isinstance(value, float) else value) for name, value in values.items())


def _window(window: Window, x: TensorType) -> dict[str, Any]:
    """A window by its pixels: the padding before the image and the number of its places, on either axis.

    What lies behind the image follows from these. A stride has no effect on one place, nor a dilation on one pixel.
    """
    axes = window.axes(x.image)
    places = tuple(axis.out for axis in axes)
    return {**_steps(window, places), "before": tuple(axis.before for axis in axes), "out": places}


def _steps(window: Window, places: tuple[int, ...]) -> dict[str, Any]:
    """The kernel of a window, and its steps from place to place and from weight to weight."""
    return {
        "kernel": window.kernel,
        "stride": tuple(step if count > 1 else 1 for step, count in zip(window.stride, places, strict=True)),
        "dilation": tuple(d if k > 1 else 1 for d, k in zip(window.dilation, window.kernel, strict=True)),
    }


def _pool(window: Window | None, x: TensorType, to: tuple[int, int]) -> Parameters:
    """The window of a pool; `to` where it covers the whole image with windows that are not alike."""
    window = window or uniform_window(x.image, to)
    if window is None:
        return _parameters(to=to)
    if _covers(window, x):
        return _parameters(to=(1, 1))
    return _parameters(**_window(window, x))


def _covers(window: Window, x: TensorType) -> bool:
    """Whether a window has one place and reads every pixel of the image there."""
    axes = window.axes(x.image)
    return window.dilation == (1, 1) and all(
        axis.out == 1 and kernel - axis.before >= size
        for axis, kernel, size in zip(axes, window.kernel, x.image, strict=True)
    )


def _reads_padding(window: Window, x: TensorType) -> bool:
    """Whether a place of a window reads padding: only there does it matter whether padding counts."""
    return any(axis.before for axis in window.axes(x.image)) or reads_after(window, x.image)
