"""Changes of an image's size without a window."""

from __future__ import annotations

import math
from dataclasses import dataclass
from fractions import Fraction

from inception_dsl.diagnostics.codes.shapes import UNEVEN_GROUPS
from inception_dsl.ir.op import Op, single
from inception_dsl.ir.shapes import Pair, ReceptiveField, ReceptiveFields, ShapeError, TensorType
from inception_dsl.ir.values import Number, Operation, Width


def nearest_pixels(size: int, out: int) -> tuple[int, ...]:
    """The pixels of an axis that stand for those of another size; torch computes them in float32, and so do we."""
    ratio = single(size / out)
    return tuple(min(int(single(i * ratio)), size - 1) for i in range(out))


@dataclass(frozen=True)
class Resize(Op):
    """An image enlarged by a whole `factor`, or brought to a size: by pixels of it, or `bilinear` between four of them.

    Without `bilinear`, pixel i of m is pixel floor(i * n / m) of n. With it, the grids of both share their outer edges.
    With `align_corners` they share the centres of their corner pixels, so that the distance between the pixels of
    `bilinear` depends on the size of the image.
    """

    name = "resize"
    factor: Pair | None = None
    to: Pair | None = None
    bilinear: bool = False
    align_corners: bool = False

    def __post_init__(self) -> None:
        if not self.bilinear:  # `nearest` has no corners to align, whatever the defaults say
            object.__setattr__(self, "align_corners", False)

    def varying(self, axes: frozenset[int]) -> frozenset[int]:
        return axes - {1, 2} if self.to is not None else axes

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        factor = self.factor or (1, 1)
        height, width = self.to or (size * by for size, by in zip(x.image, factor, strict=True))
        return TensorType((x.channels, height, width))

    def receptive_field(self, image: TensorType, before: ReceptiveFields) -> ReceptiveFields:
        axes = zip(before, image.image, self.infer(image).image, strict=True)
        height, width = (self._axis(*axis) for axis in axes)
        return height, width

    def _axis(self, field: ReceptiveField, size: int, out: int) -> ReceptiveField:
        """The union over the output pixels, which lie differently between those that they read."""
        stride = Fraction(size, out)
        phases = out // math.gcd(size, out)  # the output pixels from one to the next that lies alike
        first, last = Fraction(1 - phases, phases), Fraction(0)
        if self.bilinear and size != out:
            # pixel i lies at i * stride + centre, and reads the whole numbers on either side
            centre = (stride - 1) / 2
            rests = [(Fraction(i, phases) + centre) % 1 for i in range(phases)]
            first = centre - max(rests)
            last = max(centre + (1 - rest if rest else 0) for rest in rests)
            if self.align_corners:  # at i * stride, or up to a stride less one pixel beside it
                first, last = min(stride, Fraction(1)) - 2, max(stride, Fraction(1))
        step = Fraction(field.stride) * stride
        return ReceptiveField(step, field.first + first * field.stride, field.last + last * field.stride)


@dataclass(frozen=True)
class PixelShuffle(Op):
    """An image enlarged by `factor` from its channels: every factor x factor of them are the pixels of a square.

    Channel (c * factor + i) * factor + j is row i and column j of the squares of channel c (1609.05158, section 2.2).
    """

    name = "pixel_shuffle"
    factor: int

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        height, width = x.image
        square = self.factor**2
        if x.channels % square:
            message = f"`{self.name} {self.factor}` needs a multiple of {square} channels, not {x.channels}"
            hint = f"write a width such as {max(x.channels // square, 1) * square} before it"
            raise ShapeError(UNEVEN_GROUPS, message, hint)
        return TensorType((x.channels // square, height * self.factor, width * self.factor))

    def receptive_field(self, image: TensorType, before: ReceptiveFields) -> ReceptiveFields:
        return Resize((self.factor, self.factor)).receptive_field(image, before)

    def channels(self, *inputs: Width) -> Width:
        (width,), square = inputs, self.factor**2
        return width // square if isinstance(width, int) else Operation("//", width, Number(square))


@dataclass(frozen=True)
class PixelUnshuffle(Op):
    """The inverse of `pixel_shuffle`: the pixels of every square of `factor` x `factor` become channels.

    TensorFlow and ONNX order them the other way round, as `pixel_unshuffle 2 -> shuffle {in // 4}` does: all channels
    of the first pixel, then all of the second (the space to depth of TResNet, 2003.13630, section 2.1).
    """

    name = "pixel_unshuffle"
    factor: int

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        height, width = x.image
        if height % self.factor or width % self.factor:
            message = f"`{self.name} {self.factor}` does not divide an image of {height}x{width}"
            raise ShapeError(UNEVEN_GROUPS, message, "bring the image to a multiple of it, or write another factor")
        return TensorType((x.channels * self.factor**2, height // self.factor, width // self.factor))

    def receptive_field(self, image: TensorType, before: ReceptiveFields) -> ReceptiveFields:
        height, width = (field.through(self.factor, self.factor, 0) for field in before)
        return height, width

    def channels(self, *inputs: Width) -> Width:
        (width,), square = inputs, self.factor**2
        return width * square if isinstance(width, int) else Operation("*", width, Number(square))
