"""Multiplication by constants and by learnt scales."""

from __future__ import annotations

from dataclasses import dataclass

from inception_dsl.ir.op import Op
from inception_dsl.ir.shapes import TensorType, Weight


@dataclass(frozen=True)
class Scale(Op):
    """Multiplies by `factor`: the residual scaling of 1602.07261, section 3.3."""

    name = "scale"
    factor: float


@dataclass(frozen=True)
class Affine(Op):
    """A learnt scale of every channel of an image or a vector, and unless `bias=none` a learnt shift.

    weight and bias: (channels,); they begin as 1 and 0 unless `init` says otherwise. Without bias it is the layer
    scale of 2103.17239, which ConvNeXt (2201.03545) begins as 1e-6.
    """

    name = "affine"
    bias: bool = True

    def weights(self, *inputs: TensorType) -> dict[str, Weight]:
        weight = Weight((inputs[0].channels,))
        return {"weight": weight, "bias": weight} if self.bias else {"weight": weight}
