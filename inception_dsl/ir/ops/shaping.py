"""Changes of form that compute nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import permutations
from typing import Final, Self

from inception_dsl.diagnostics.codes.shapes import KERNEL_TOO_LARGE
from inception_dsl.ir.op import Op
from inception_dsl.ir.shapes import (
    Pair,
    ReceptiveFields,
    ShapeError,
    TensorType,
    window_receptive_field,
)
from inception_dsl.ir.values import UNKNOWN, Width

AXES: Final = "CHW"
"""The axes of an image: channels, rows (the height) and columns (the width)."""

ORDERS: Final = tuple(map("".join, permutations(AXES)))[1:]
"""Every other order of the axes."""


def _moved(before: ReceptiveFields, pixels: Pair) -> ReceptiveFields:
    """The receptive field of an image with pixels added above it and on its left."""
    height, width = (field.through(1, 1, added) for field, added in zip(before, pixels, strict=True))
    return height, width


class Flatten(Op):
    """The image as one vector, channel by channel, row by row."""

    name = "flatten"
    storage = "view"

    def infer(self, *inputs: TensorType) -> TensorType:
        return TensorType((inputs[0].size,))

    def varying(self, axes: frozenset[int]) -> frozenset[int]:
        return frozenset({0}) if axes else axes

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
        return _moved(before, (-self.pixels, -self.pixels))


@dataclass(frozen=True)
class Margin:
    """A margin of an image on some sides, or on all where none is chosen: `pixels` are its rows and its columns."""

    pixels: Pair
    top: bool = False
    bottom: bool = False
    left: bool = False
    right: bool = False

    def __post_init__(self) -> None:
        if all((self.top, self.bottom, self.left, self.right)):
            for side in ("top", "bottom", "left", "right"):
                object.__setattr__(self, side, False)

    @property
    def before(self) -> Pair:
        """The rows above the image, and the columns on its left."""
        return self._on(self.top, self.left)

    @property
    def after(self) -> Pair:
        """The rows below the image, and the columns on its right."""
        return self._on(self.bottom, self.right)

    @classmethod
    def around(cls, top: int, left: int, bottom: int, right: int) -> Iterator[Self]:
        """The margins of these numbers of pixels: one where opposite sides have as many or none, or else two."""
        if (top and bottom and top != bottom) or (left and right and left != right):
            yield from cls.around(top, left, 0, 0)
            yield from cls.around(0, 0, bottom, right)
        elif any((top, left, bottom, right)):
            rows, columns = max(top, bottom), max(left, right)
            yield cls((rows or columns, columns or rows), top > 0, bottom > 0, left > 0, right > 0)

    def _on(self, rows: bool, columns: bool) -> Pair:
        everywhere = not any((self.top, self.bottom, self.left, self.right))
        height, width = self.pixels
        return height if rows or everywhere else 0, width if columns or everywhere else 0


@dataclass(frozen=True)
class Crop(Margin, Op):
    """Cuts a margin off an image: `crop 4` on all sides, as U-Net (1505.04597) does, `crop 1 bottom right` on two."""

    name = "crop"

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        height, width = (size - low - high for size, low, high in zip(x.image, self.before, self.after, strict=True))
        if min(height, width) < 1:
            raise ShapeError(KERNEL_TOO_LARGE, f"`crop` leaves no pixel of {x}", "crop by fewer pixels")
        return TensorType((x.channels, height, width))

    def receptive_field(self, image: TensorType, before: ReceptiveFields) -> ReceptiveFields:
        return _moved(before, (-self.before[0], -self.before[1]))


@dataclass(frozen=True)
class Pad(Margin, Op):
    """Adds a margin of zeros to an image, where no padding of a layer says it: `pad 1 top left -> avgpool 1x1/2`.

    With `reflect`, the margin mirrors the image; its outermost rows and columns are the mirrors, and occur once. The
    receptive field is then that of the image without its mirror images.
    """

    name = "pad"
    reflect: bool = False

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        sides = [*zip(x.image, self.before, self.after, strict=True)]
        if self.reflect and any(max(low, high) >= size for size, low, high in sides):
            message = f"`pad` reflects as many pixels of {x} as it has, or more"
            raise ShapeError(KERNEL_TOO_LARGE, message, "pad by fewer pixels")
        height, width = (size + low + high for size, low, high in sides)
        return TensorType((x.channels, height, width))

    def receptive_field(self, image: TensorType, before: ReceptiveFields) -> ReceptiveFields:
        return _moved(before, self.before)


@dataclass(frozen=True)
class Permute(Op):
    """The image with other axes in their places: `permute HCW` has the rows as channels, and the channels as rows.

    The letters are the axes of the input (channels C, rows H, columns W) that become channels, rows and columns. So
    DiCENet (1906.03516) convolves along every axis, and triplet attention (2010.03045) weighs every pair of them. A
    receptive field is that of all channels of a pixel: of the side that became channels it is the whole, with a stride
    of 0, as it does not move there.
    """

    name = "permute"
    storage = "view"
    order: str

    @property
    def axes(self) -> tuple[int, ...]:
        """The axes of the input by their numbers, from 0 for the channels."""
        return tuple(map(AXES.index, self.order))

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        sizes = (x.channels, *x.image)
        return TensorType(tuple(sizes[axis] for axis in self.axes))

    def keeps(self, x: TensorType) -> bool:
        """Whether the elements of an image stay in their order, row by row: only axes of one element change places."""
        moved = [axis for axis in self.axes if x.shape[axis] > 1]
        return moved == sorted(moved)

    def varying(self, axes: frozenset[int]) -> frozenset[int]:
        return frozenset(place for place, axis in enumerate(self.axes) if axis in axes)

    def receptive_field(self, image: TensorType, before: ReceptiveFields) -> ReceptiveFields:
        channels, *others = self.axes
        if channels == 0:
            return before[1], before[0]
        whole = before[channels - 1].through(image.shape[channels], 1, 0)._replace(stride=0)
        height, width = (before[axis - 1] if axis else whole for axis in others)
        return height, width

    def channels(self, *inputs: Width) -> Width:
        return inputs[0] if self.order[0] == AXES[0] else UNKNOWN


class Identity(Op):
    """`pass`: the input itself."""

    name = "pass"
    storage = "view"
