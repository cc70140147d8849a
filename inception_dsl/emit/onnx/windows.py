"""The attributes of a window."""

from __future__ import annotations

from inception_dsl.diagnostics.codes.generated import NOT_EXPRESSIBLE
from inception_dsl.emit.onnx import protobuf as pb
from inception_dsl.emit.onnx.node import Site
from inception_dsl.ir.shapes import ShapeError, Window


def window_attributes(window: Window, site: Site) -> dict[str, pb.Parameter]:
    """Kernel, stride, dilation and padding. Raises `ShapeError` E401 for padding that ONNX has not."""
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
