"""Pooling: the maximum and the average under a window; and unpooling, to the places of the maxima."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from inception_dsl.diagnostics.codes.values import UNPOOLED_SHAPE
from inception_dsl.ir.op import Op
from inception_dsl.ir.shapes import (
    Pair,
    ReceptiveFields,
    ShapeError,
    TensorType,
    Window,
    joined_receptive_field,
    pool_shape,
    transposed_receptive_field,
    window_receptive_field,
)


@dataclass(frozen=True)
class MaxPool(Op):
    """The maximum under a sliding window, each channel by itself; `maxpool global` takes the whole image."""

    name = "maxpool"
    window: Window | None

    def varying(self, axes: frozenset[int]) -> frozenset[int]:
        return axes - {1, 2} if self.window is None else axes

    def infer(self, *inputs: TensorType) -> TensorType:
        return pool_shape(self.window, inputs[0])

    def receptive_field(self, image: TensorType, before: ReceptiveFields) -> ReceptiveFields:
        return window_receptive_field(self.window, image.image, before)


@dataclass(frozen=True)
class AvgPool(Op):
    """The average under a sliding window, each channel by itself; `avgpool global` takes the whole image.

    Pixels of padding are left out of the average (TF-Slim, Keras) unless `count_pad` counts them as zeros (Caffe,
    torchvision). `avgpool to=4x4` covers an image of any size with 4x4 windows: on an axis of n pixels, window i reads
    from floor(i * n / 4) to ceil((i + 1) * n / 4) (torch's adaptive pool); `global` is `to=1x1`.
    """

    name = "avgpool"
    window: Window | None
    count_pad: bool = False
    to: Pair = (1, 1)

    def varying(self, axes: frozenset[int]) -> frozenset[int]:
        return axes - {1, 2} if self.window is None else axes

    def infer(self, *inputs: TensorType) -> TensorType:
        return pool_shape(self.window, inputs[0], self.to)

    def receptive_field(self, image: TensorType, before: ReceptiveFields) -> ReceptiveFields:
        return window_receptive_field(self.window, image.image, before, self.to)


@dataclass(frozen=True)
class Unpool(Op):
    """The pixels of an image where a max pool of another, `pooled`, finds its maxima, and 0 elsewhere.

    The pool has this window, and its output the shape of the image that arrives. Of several equal pixels a window takes
    the first, row by row. Where windows overlap and several have their maximum in one pixel, the last window counts, as
    in torch and onnxruntime on a CPU; torch does not promise it elsewhere. The switches of 1311.2901, section 2.1, the
    pooling indices of SegNet (1511.00561, section 3), and ENet's (1606.02147).
    """

    name = "unpool"
    operands = ("pooled",)
    window: Window

    def infer(self, *inputs: TensorType) -> TensorType:
        x, pooled = inputs
        if (wanted := pool_shape(self.window, pooled)) != x:
            message = f"the pool gives {wanted.described} of {pooled}, and {x.described} arrives"
            raise ShapeError(UNPOOLED_SHAPE, message, "`pooled` is what the pool read, whose window `unpool` has")
        return pooled

    def receptive_field_of(self, types: Sequence[TensorType], before: Sequence[ReceptiveFields]) -> ReceptiveFields:
        cut = [axis.before for axis in self.window.axes(types[1].image)]
        neighbours = zip(before[1], self.window.reach, strict=True)
        height, width = (field.through(2 * reach - 1, 1, reach - 1) for field, reach in neighbours)
        fields = transposed_receptive_field(self.window, cut, before[0]), (height, width)
        return joined_receptive_field(fields, (types[1], types[1]))
