"""Changes of form that compute nothing."""

from __future__ import annotations

from dataclasses import dataclass

from inception_dsl.diagnostics.codes.shapes import KERNEL_TOO_LARGE
from inception_dsl.ir.op import Op
from inception_dsl.ir.shapes import (
    ReceptiveFields,
    ShapeError,
    TensorType,
    window_receptive_field,
)


class Flatten(Op):
    """The image as one vector, channel by channel, row by row."""

    name = "flatten"
    storage = "view"

    def infer(self, *inputs: TensorType) -> TensorType:
        return TensorType((inputs[0].size,))

    def receptive_field(self, image: TensorType, before: ReceptiveFields) -> ReceptiveFields:
        return window_receptive_field(None, image.image, before) if len(image.shape) == 3 else before


@dataclass(frozen=True)
class Shift(Op):
    """The image moved up and left by `pixels`, as a window with another start reads it; zeros enter below and right.

    NASNet (1707.07012) halves an image by every second pixel of it, beside every second pixel of it shifted by one.
    """

    name = "shift"
    pixels: int

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        if self.pixels >= min(x.image):
            message = f"`shift {self.pixels}` moves all pixels of {x} out of the image"
            raise ShapeError(KERNEL_TOO_LARGE, message, "shift by fewer pixels")
        return x

    def receptive_field(self, image: TensorType, before: ReceptiveFields) -> ReceptiveFields:
        height, width = (field.through(kernel=1, stride=1, before=-self.pixels) for field in before)
        return height, width


class Identity(Op):
    """`pass`: the input itself."""

    name = "pass"
    storage = "view"
