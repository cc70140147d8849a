"""Changes of form that compute nothing."""

from __future__ import annotations

from inception_dsl.ir.op import Op
from inception_dsl.ir.shapes import (
    ReceptiveFields,
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


class Identity(Op):
    """`pass`: the input itself."""

    name = "pass"
    storage = "view"
