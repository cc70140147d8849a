"""Pooling: the maximum and the average under a window; and unpooling, to the places of the maxima."""

from __future__ import annotations

from typing import Final

from inception_dsl.diagnostics.codes.generated import NOT_EXPRESSIBLE
from inception_dsl.emit.onnx import protobuf as pb
from inception_dsl.emit.onnx.node import OnnxNode, Site, Spelling
from inception_dsl.emit.onnx.windows import window_attributes
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool, Unpool
from inception_dsl.ir.shapes import Pair, ShapeError, Window, adaptive_bins, uniform_window

CEIL: Final = 22  # the first opset whose shape inference drops a last pooling window that lies wholly in the padding

rules: Final = Rules[Spelling]("ONNX")


@rules(MaxPool)
def _max_pool(op: MaxPool, site: Site) -> OnnxNode:
    return OnnxNode("MaxPool", _pooling(op.window, site)) if op.window else OnnxNode("GlobalMaxPool")


@rules(AvgPool)
def _avg_pool(op: AvgPool, site: Site) -> OnnxNode:
    if op.window is None:
        return _adaptive(op.to, site)
    counted = {"count_include_pad": 1} if op.count_pad else {}
    return OnnxNode("AveragePool", {**_pooling(op.window, site), **counted})


@rules(Unpool)
def _unpool(op: Unpool, site: Site) -> list[OnnxNode]:
    """The pool again, for its places, and the unpooling to them, whose window says the size of the image.

    Where that is not known, it is an input, and the window must not say a larger one.
    """
    pooled = site.types[1]
    window = _pooling(op.window, site._replace(types=(pooled,)))
    pool = OnnxNode("MaxPool", window, {}, ("x2",), "largest", "places")
    axes = zip(op.window.axes(pooled.image), pooled.image, op.window.stride, strict=True)
    last = [1 - axis.before if site.dynamic else size - (axis.out - 1) * step for axis, size, step in axes]
    cut = [max(1 - pixels, 0) for pixels in last]  # of a last window that begins behind the image
    slides: dict[str, pb.Parameter] = {
        "kernel_shape": tuple(pixels + 2 * less for pixels, less in zip(last, cut, strict=True)),
        "strides": op.window.stride,
        "pads": (*cut, *cut),
    }
    if not site.dynamic:
        return [pool, OnnxNode("MaxUnpool", slides, {}, ("x", "places"))]
    shape = OnnxNode("Shape", {}, {}, ("x2",), "shape")
    return [pool, shape, OnnxNode("MaxUnpool", slides, {}, ("x", "places", "shape"))]


def _adaptive(to: Pair, site: Site) -> OnnxNode:
    """An ordinary pool if one reads the same pixels; otherwise a product with the share of each row and column."""
    if to == (1, 1):
        return OnnxNode("GlobalAveragePool")
    if site.dynamic:
        message = f"ONNX has no average pool to {to[0]}x{to[1]} for every image size"
        raise ShapeError(NOT_EXPRESSIBLE, message, "compile for one image size, or write `avgpool global`")
    image = site.types[0].image
    if window := uniform_window(image, to):
        return OnnxNode("AveragePool", window_attributes(window, site))
    rows, columns = (_shares(size, out) for size, out in zip(image, to, strict=True))
    return OnnxNode("Einsum", {"equation": "nchw,ih,jw->ncij"}, {"rows": rows, "columns": columns})


def _shares(size: int, out: int) -> pb.Array:
    """The weight of each pixel of an axis in the average of each window."""
    bins = adaptive_bins(size, out)
    return pb.Array((out, size), ((pixel in window) / len(window) for window in bins for pixel in range(size)))


def _pooling(window: Window, site: Site) -> dict[str, pb.Parameter]:
    padding = window.padding
    if not padding.ceil or padding.kind == "same_upper":
        return window_attributes(window, site)
    if window.may_end_in_padding and site.opset < CEIL:
        message = f"opset {site.opset} does not drop a last window that `ceil` lays wholly in the padding"
        raise ShapeError(NOT_EXPRESSIBLE, message, f"opset {CEIL} or newer")
    return {**window_attributes(window, site), "ceil_mode": 1}
