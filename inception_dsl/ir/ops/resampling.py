"""Changes of an image's size without a window."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from inception_dsl.ir.op import Op
from inception_dsl.ir.shapes import Pair, ReceptiveField, ReceptiveFields, TensorType


@dataclass(frozen=True)
class Upsample(Op):
    """Enlarges an image by a whole `factor`: repeats every pixel, or interpolates between four of them (`bilinear`).

    The grids of input and output share their outer edges. With `align_corners` they share the centres of their corner
    pixels, so that the distance between the pixels of `bilinear` depends on the size of the image.
    """

    name = "upsample"
    factor: Pair
    bilinear: bool = False
    align_corners: bool = False

    def __post_init__(self) -> None:
        if not self.bilinear:  # `nearest` has no corners to align, whatever the defaults say
            object.__setattr__(self, "align_corners", False)

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        height, width = (size * factor for size, factor in zip(x.image, self.factor, strict=True))
        return TensorType((x.channels, height, width))

    def receptive_field(self, image: TensorType, before: ReceptiveFields) -> ReceptiveFields:
        height, width = (self._axis(field, factor) for field, factor in zip(before, self.factor, strict=True))
        return height, width

    def _axis(self, field: ReceptiveField, factor: int) -> ReceptiveField:
        """The union over the `factor` output pixels of an input pixel, whose fields lie differently beside them."""
        first, last = Fraction(1 - factor, factor), Fraction(0)
        if self.bilinear and factor > 1:
            first, last = Fraction(1 - factor // 2, factor) - 1, 1 - Fraction((factor + 1) // 2, factor)
            if self.align_corners:
                first, last = Fraction(1, factor) - 2, Fraction(1)
        stride = Fraction(field.stride) / factor
        return ReceptiveField(stride, field.first + first * field.stride, field.last + last * field.stride)
