"""Layers that are linear in their input: convolution, its transpose, and the fully connected layer."""

from __future__ import annotations

from typing import Final

from inception_dsl.diagnostics.codes.generated import NOT_EXPRESSIBLE
from inception_dsl.diagnostics.codes.shapes import FIXED_IMAGE_SIZE
from inception_dsl.emit.onnx import protobuf as pb
from inception_dsl.emit.onnx.node import OnnxNode, Site, Spelling
from inception_dsl.emit.onnx.windows import window_attributes
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.op import concrete
from inception_dsl.ir.ops.linear import Conv, ConvTranspose, FullyConnected
from inception_dsl.ir.shapes import ShapeError

rules: Final = Rules[Spelling]("ONNX")


@rules(Conv)
def _conv(op: Conv, site: Site) -> OnnxNode:
    if op.window.padding.ceil:
        raise ShapeError(NOT_EXPRESSIBLE, "ONNX has no convolution with `ceil`", "say the padding in pixels: `pad=N`")
    grouped = {"group": concrete(op.groups)} if op.groups != 1 else {}
    return OnnxNode("Conv", {**window_attributes(op.window, site), **grouped})


@rules(ConvTranspose)
def _conv_transpose(op: ConvTranspose, site: Site) -> OnnxNode:
    (top, bottom), (left, right) = op.cut
    window = op.window
    slides: dict[str, pb.Parameter] = {"kernel_shape": window.kernel, "strides": window.stride}
    slides |= {"dilations": window.dilation} if window.dilation != (1, 1) else {}
    slides |= {"group": concrete(op.groups)} if op.groups != 1 else {}
    added = max(top - bottom, 0), max(left - right, 0)  # ONNX cuts off no fewer than 0
    slides |= {"output_padding": added} if added != (0, 0) else {}
    return OnnxNode("ConvTranspose", {**slides, "pads": (top, left, max(top, bottom), max(left, right))})


@rules(FullyConnected)
def _fully_connected(op: FullyConnected, site: Site) -> OnnxNode:
    if site.dynamic:
        raise ShapeError(
            FIXED_IMAGE_SIZE,
            "the weights of `fc` fix the network to one image size",
            "write `avgpool global` before it",
        )
    return OnnxNode("Gemm", {"transB": 1})
