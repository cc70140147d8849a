"""Pooling: the maximum and the average under a window, and the place of the maximum."""

from __future__ import annotations

from dataclasses import dataclass

from inception_dsl.ir.op import Op
from inception_dsl.ir.shapes import (
    Pair,
    ReceptiveFields,
    TensorType,
    Window,
    pool_shape,
    window_receptive_field,
)


@dataclass(frozen=True)
class MaxPool(Op):
    """The maximum under a sliding window, each channel by itself; `maxpool global` takes the whole image."""

    name = "maxpool"
    window: Window | None

    @property
    def fixes_image(self) -> bool:
        return self.window is None

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

    @property
    def fixes_image(self) -> bool:
        return self.window is None

    def infer(self, *inputs: TensorType) -> TensorType:
        return pool_shape(self.window, inputs[0], self.to)

    def receptive_field(self, image: TensorType, before: ReceptiveFields) -> ReceptiveFields:
        return window_receptive_field(self.window, image.image, before, self.to)


@dataclass(frozen=True)
class MaxPlaces(Op):
    """1 at the place of the maximum under every window, the first of several, and 0 elsewhere; of the input's size.

    An image that is enlarged and multiplied by it is unpooled: every pixel goes where the maximum was (SegNet,
    1511.00561, section 3; the switches of 1311.2901).
    """

    name = "max_places"
    window: Window

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        self.window.out(x.image)
        return x

    def receptive_field(self, image: TensorType, before: ReceptiveFields) -> ReceptiveFields:
        axes = zip(before, self.window.reach, strict=True)
        height, width = (field.through(2 * reach - 1, 1, reach - 1) for field, reach in axes)
        return height, width
