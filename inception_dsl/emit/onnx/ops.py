"""The ONNX node for each op. A rule refuses (E401) what ONNX or onnxruntime cannot express exactly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import repeat
from typing import Final, NamedTuple

from inception_dsl.diagnostics.codes.generated import NOT_EXPRESSIBLE
from inception_dsl.diagnostics.codes.shapes import FIXED_IMAGE_SIZE
from inception_dsl.emit.onnx import protobuf as pb
from inception_dsl.emit.rules import Rules
from inception_dsl.ir import ops
from inception_dsl.ir.op import concrete
from inception_dsl.ir.shapes import Pair, ShapeError, TensorType, Window, adaptive_bins, uniform_window

CEIL: Final = 22  # the first opset whose shape inference drops a last pooling window that lies wholly in the padding


class OnnxNode(NamedTuple):
    """How ONNX spells an op. Its inputs are the op's inputs, then `constants` by name, then the op's weights."""

    op_type: str
    attributes: Mapping[str, pb.Parameter] = {}
    constants: Mapping[str, pb.Constant] = {}

    @property
    def arrays(self) -> list[pb.Array]:
        """Its constants that are more than one number."""
        return [constant for constant in self.constants.values() if isinstance(constant, pb.Array)]


class Site(NamedTuple):
    """Where a node stands: its input types, whether their image size is dynamic, and the opset."""

    types: Sequence[TensorType]
    dynamic: bool
    opset: int


rules: Final = Rules[OnnxNode]("ONNX")


@rules(ops.Conv)
def _conv(op: ops.Conv, site: Site) -> OnnxNode:
    if op.window.padding.ceil:
        raise ShapeError(NOT_EXPRESSIBLE, "ONNX has no convolution with `ceil`", "say the padding in pixels: `pad=N`")
    grouped = {"group": concrete(op.groups)} if op.groups != 1 else {}
    return OnnxNode("Conv", {**_window(op.window, site), **grouped})


@rules(ops.BatchNorm)
def _batch_norm(op: ops.BatchNorm, site: Site) -> OnnxNode:
    gamma = {} if op.gamma else {"gamma": pb.Array((channels := site.types[0].channels,), repeat(1.0, channels))}
    return OnnxNode("BatchNormalization", {"epsilon": op.eps}, gamma)


@rules(ops.ReLU)
def _relu(op: ops.ReLU, site: Site) -> OnnxNode:
    return OnnxNode("Relu")


@rules(ops.LRN)
def _lrn(op: ops.LRN, site: Site) -> OnnxNode:
    if op.size % 2 == 0:
        raise ShapeError(
            NOT_EXPRESSIBLE, f"ONNX normalises over an odd number of channels, not {op.size}", "an odd size"
        )
    return OnnxNode("LRN", {"size": op.size, "alpha": op.alpha, "beta": op.beta, "bias": op.k})


@rules(ops.MaxPool)
def _max_pool(op: ops.MaxPool, site: Site) -> OnnxNode:
    return OnnxNode("MaxPool", _pooling(op.window, site)) if op.window else OnnxNode("GlobalMaxPool")


@rules(ops.AvgPool)
def _avg_pool(op: ops.AvgPool, site: Site) -> OnnxNode:
    if op.window is None:
        return _adaptive(op.to, site)
    counted = {"count_include_pad": 1} if op.count_pad else {}
    return OnnxNode("AveragePool", {**_pooling(op.window, site), **counted})


def _adaptive(to: Pair, site: Site) -> OnnxNode:
    """An ordinary pool if one reads the same pixels; otherwise a product with the share of each row and column."""
    if to == (1, 1):
        return OnnxNode("GlobalAveragePool")
    if site.dynamic:
        message = f"ONNX has no average pool to {to[0]}x{to[1]} for every image size"
        raise ShapeError(NOT_EXPRESSIBLE, message, "compile for one image size, or write `avgpool global`")
    image = site.types[0].image
    if window := uniform_window(image, to):
        return OnnxNode("AveragePool", _window(window, site))
    rows, columns = (_shares(size, out) for size, out in zip(image, to, strict=True))
    return OnnxNode("Einsum", {"equation": "nchw,ih,jw->ncij"}, {"rows": rows, "columns": columns})


def _shares(size: int, out: int) -> pb.Array:
    """The weight of each pixel of an axis in the average of each window."""
    bins = adaptive_bins(size, out)
    return pb.Array((out, size), ((pixel in window) / len(window) for window in bins for pixel in range(size)))


@rules(ops.Dropout)
def _dropout(op: ops.Dropout, site: Site) -> OnnxNode:
    return OnnxNode("Dropout", constants={"ratio": op.p})


@rules(ops.FullyConnected)
def _fully_connected(op: ops.FullyConnected, site: Site) -> OnnxNode:
    if site.dynamic:
        raise ShapeError(
            FIXED_IMAGE_SIZE,
            "the weights of `fc` fix the network to one image size",
            "write `avgpool global` before it",
        )
    return OnnxNode("Gemm", {"transB": 1})


@rules(ops.Softmax)
def _softmax(op: ops.Softmax, site: Site) -> OnnxNode:
    return OnnxNode("Softmax", {"axis": 1})


@rules(ops.Flatten)
def _flatten(op: ops.Flatten, site: Site) -> OnnxNode:
    return OnnxNode("Flatten", {"axis": 1})


@rules(ops.Scale)
def _scale(op: ops.Scale, site: Site) -> OnnxNode:
    return OnnxNode("Mul", constants={"factor": op.factor})


@rules(ops.Identity)
def _identity(op: ops.Identity, site: Site) -> OnnxNode:
    return OnnxNode("Identity")


@rules(ops.Concat)
def _concat(op: ops.Concat, site: Site) -> OnnxNode:
    return OnnxNode("Concat", {"axis": 1})


@rules(ops.Add)
def _add(op: ops.Add, site: Site) -> OnnxNode:
    return OnnxNode("Add" if len(site.types) == 2 else "Sum")


def _window(window: Window, site: Site) -> dict[str, pb.Parameter]:
    slides: dict[str, pb.Parameter] = {"kernel_shape": window.kernel, "strides": window.stride}
    dilated = window.dilation != (1, 1)
    if dilated:
        slides["dilations"] = window.dilation
    axes = list(zip(window.kernel, window.stride, strict=True))
    if window.padding.kind == "same_upper" and site.dynamic and any(kernel > 1 < step for kernel, step in axes):
        # Only here does the padding follow the size of the image. onnxruntime 1.31.1 refuses to work it out under a
        # dilation, and takes it as negative where a step is longer than the kernel.
        if dilated or any(step > kernel for kernel, step in axes):
            message = "ONNX has no dilated `same_upper` for every image size, nor one with a stride beyond the kernel"
            raise ShapeError(NOT_EXPRESSIBLE, message, "compile for one image size, or write `pad=N`")
        return {**slides, "auto_pad": "SAME_UPPER"}
    height, width = window.axes(site.types[0].image)
    return {**slides, "pads": (height.before, width.before, height.after, width.after)}


def _pooling(window: Window, site: Site) -> dict[str, pb.Parameter]:
    padding = window.padding
    if not padding.ceil or padding.kind == "same_upper":
        return _window(window, site)
    axes = window.axes(site.types[0].image)
    for axis, kernel, step in zip(axes, window.kernel, window.stride, strict=True):
        if axis.before + step > kernel and site.opset < CEIL:
            message = f"opset {site.opset} does not drop a last window that `ceil` lays wholly in the padding"
            raise ShapeError(NOT_EXPRESSIBLE, message, f"opset {CEIL} or newer")
    return {**_window(window, site), "ceil_mode": 1}
