"""The shapes of tensors and weights, and how a window changes the size of an image."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, Literal, NamedTuple

from inception_dsl.diagnostics.codes.code import Code
from inception_dsl.diagnostics.codes.shapes import KERNEL_TOO_LARGE, UNEVEN_GROUPS, WRONG_RANK

Pair = tuple[int, int]
"""Height and width."""


def sides(pair: tuple[float, float]) -> str:
    """Height and width as the language writes them: `3x3`, `1x7`."""
    return f"{pair[0]}x{pair[1]}"


MOST_STEPS: Final = 1000
"""The most numbers on either side among which a message looks for a divisor."""


class ShapeError(Exception):
    """A layer that cannot take its input; `help` says how to change it."""

    def __init__(self, code: Code, message: str, help: str = "") -> None:  # noqa: A002 - as in Diagnostic
        super().__init__(message)
        self.code, self.message, self.help = code, message, help


def check_even(channels: int, groups: int, what: str, owner: str) -> None:
    """Raise `ShapeError` E212 for channels that are not a whole number of equal groups."""
    if channels % groups:
        message = f"{groups} {what} of `{owner}` do not divide {channels} channels"
        hint = f"write a number of {what} that divides them, such as {nearest_divisor(channels, groups)}"
        raise ShapeError(UNEVEN_GROUPS, message, hint)


def nearest_divisor(number: int, wanted: int) -> int:
    """The divisor of a number that is nearest to another number; 1 where it is far from all of them."""
    steps = range(min(wanted, MOST_STEPS))
    return next((i for step in steps for i in (wanted - step, wanted + step) if number % i == 0), 1)


class TensorType(NamedTuple):
    """The shape of one example, without the batch: (channels, height, width), or (features,)."""

    shape: tuple[int, ...]

    @property
    def channels(self) -> int:
        """Channels of an image, or the features of a vector."""
        return self.shape[0]

    @property
    def image(self) -> Pair:
        """Height and width; raises `ShapeError` E215 for a vector."""
        if len(self.shape) != 3:
            message = f"this layer expects an image, but gets {self.described}"
            raise ShapeError(WRONG_RANK, message, "move it before the `fc` or `flatten` that makes the vector")
        return self.shape[1], self.shape[2]

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def described(self) -> str:
        """In a message, which tells a vector from an image of one pixel."""
        return str(self) if len(self.shape) == 3 else f"a vector of {self.channels:,}"

    def __str__(self) -> str:
        """As papers print it, height first: `28x28x256`; a vector is `1x1x1000`."""
        height, width = self.shape[1:] if len(self.shape) == 3 else (1, 1)
        return f"{height}x{width}x{self.channels}"


class Weight(NamedTuple):
    """A named tensor that an op owns; `trained` is False for the running statistics of a batch norm."""

    shape: tuple[int, ...]
    trained: bool = True


@dataclass(frozen=True)
class Padding:
    """How a window is padded.

    `same` pads equally on both sides so that out = ceil(in / stride) (odd kernels); `same_upper` gives the odd pixel to
    the right and bottom (TensorFlow's SAME); `pad` pads by `amount`, and `valid` is that with none. `ceil` keeps a last
    window that reaches over the border as long as it starts on the image (Caffe's pooling).
    """

    kind: Literal["same", "same_upper", "pad"] = "pad"
    amount: Pair = (0, 0)
    ceil: bool = False


class PaddedAxis(NamedTuple):
    """One axis of an image under a window: pixels padded before and after it, and output pixels."""

    before: int
    after: int
    out: int


@dataclass(frozen=True)
class Window:
    """A kernel sliding over an image. All pairs are (height, width)."""

    kernel: Pair
    stride: Pair = (1, 1)
    padding: Padding = field(default_factory=Padding)
    dilation: Pair = (1, 1)

    def axes(self, image: Pair) -> tuple[PaddedAxis, PaddedAxis]:
        """Padding and output size on an image. Raises `ShapeError` E209 for a kernel larger than the padded image."""
        height, width = (
            self._axis(size, *parameters)
            for size, parameters in zip(
                image, zip(self.kernel, self.stride, self.dilation, self.padding.amount, strict=True), strict=True
            )
        )
        return height, width

    @property
    def reach(self) -> Pair:
        """The pixels from the first to the last that one output pixel reads, on each axis."""
        height, width = (d * (k - 1) + 1 for k, d in zip(self.kernel, self.dilation, strict=True))
        return height, width

    @property
    def pads_unevenly(self) -> bool:
        """Whether `same_upper` may pad one side of an image more than the other: at a stride, or for an even kernel."""
        axes = zip(self.reach, self.stride, strict=True)
        return self.padding.kind == "same_upper" and any(
            reach > 1 and (step > 1 or reach % 2 == 0) for reach, step in axes
        )

    @property
    def may_end_in_padding(self) -> bool:
        """Whether a last window that `ceil` adds may lie wholly in the padding, on an image of some size."""
        pads = [(reach - 1) // 2 for reach in self.reach] if self.padding.kind == "same" else self.padding.amount
        axes = zip(pads, self.stride, self.reach, strict=True)
        return (
            self.padding.ceil
            and self.padding.kind != "same_upper"
            and any(pad + step > reach for pad, step, reach in axes)
        )

    def out(self, image: Pair) -> Pair:
        """Output height and width."""
        height, width = self.axes(image)
        return height.out, width.out

    def _axis(self, size: int, kernel: int, stride: int, dilation: int, amount: int) -> PaddedAxis:
        reach = dilation * (kernel - 1) + 1
        if self.padding.kind == "same_upper":
            out = -(-size // stride)
            total = max((out - 1) * stride + reach - size, 0)
            return PaddedAxis(total // 2, total - total // 2, out)
        pad = (reach - 1) // 2 if self.padding.kind == "same" else amount
        room = size + 2 * pad - reach
        if room < 0:
            read = f"{size} pixels" if pad == 0 else f"{size} pixels padded by {pad}"
            raise ShapeError(
                KERNEL_TOO_LARGE, f"a kernel of {reach} does not fit on {read}", "use a smaller kernel, or pad more"
            )
        if not self.padding.ceil:
            return PaddedAxis(pad, pad, room // stride + 1)
        out = -(-room // stride) + 1
        if (out - 1) * stride >= size + pad:  # the last window would lie wholly in the padding
            out -= 1
        return PaddedAxis(pad, pad, out)


class ReceptiveField(NamedTuple):
    """The pixels of the network's input that one output pixel depends on, along one axis.

    Output pixel i reads the input from `first + i * stride` to `last + i * stride`; over branches it is their union.
    After a `resize` these may be fractions, and the range is that of every pixel, larger than that of some.
    """

    stride: int | Fraction = 1
    first: int | Fraction = 0
    last: int | Fraction = 0

    @property
    def size(self) -> int:
        """The receptive field in input pixels."""
        return math.floor(self.last - self.first) + 1

    def through(self, kernel: int, stride: int, before: int, dilation: int = 1) -> ReceptiveField:
        """The receptive field after a window with `before` pixels of padding."""
        first = self.first - before * self.stride
        last = self.last + (dilation * (kernel - 1) - before) * self.stride
        return ReceptiveField(self.stride * stride, first, last)

    @staticmethod
    def union(fields: tuple[ReceptiveField, ...]) -> ReceptiveField:
        """The receptive field of joined branches."""
        return ReceptiveField(max(f.stride for f in fields), min(f.first for f in fields), max(f.last for f in fields))


ReceptiveFields = tuple[ReceptiveField, ReceptiveField]
"""The receptive field of one value: by height, by width."""

INPUT_PIXEL: Final[ReceptiveFields] = (ReceptiveField(), ReceptiveField())
"""The receptive field of the network's input."""


def joined_receptive_field(branches: Sequence[ReceptiveFields], types: Sequence[TensorType]) -> ReceptiveFields:
    """The receptive field of joined branches, whose outputs have these `types`."""
    sizes = [(*x.shape[1:], 1, 1)[:2] for x in types]
    height, width = map(_joined, zip(*branches, strict=True), zip(*sizes, strict=True))
    return height, width


def _joined(fields: tuple[ReceptiveField, ...], sizes: tuple[int, ...]) -> ReceptiveField:
    """The union; a branch of one pixel, which is repeated to the size of the others, has no say in the stride."""
    largest = max(sizes)
    strides = [field.stride for field, size in zip(fields, sizes, strict=True) if size == largest]
    return ReceptiveField.union(fields)._replace(stride=max(strides))


def adaptive_bins(size: int, out: int) -> Iterator[range]:
    """The pixels under each of the `out` windows of an adaptive pool on an axis of `size` pixels, as torch places them.

    Window i reads from floor(i * size / out) to ceil((i + 1) * size / out): neighbours may overlap, and differ in size.
    """
    return (range(i * size // out, -(-(i + 1) * size // out)) for i in range(out))


def largest_bin(size: int, out: int) -> int:
    """The pixels of the largest of the `adaptive_bins`."""
    step, rest = divmod(size, out)
    # The edges lie rest / out pixels further apart than the step: a window reaches over one pixel more where they fall
    # between pixels, and over two where the next edge passes the next pixel, as it does unless each falls on one.
    return step + (0 if rest == 0 else 1 if out % rest == 0 else 2)


def uniform_window(image: Pair, to: Pair) -> Window | None:
    """The sliding window that reads the same pixels as the `adaptive_bins` of an image; None where they are uneven."""
    (height, top), (width, left) = (divmod(size, out) for size, out in zip(image, to, strict=True))
    # with a step of n pixels and one over, window i reads from i * n to (i + 1) * n; no other rest is spread evenly
    if max(top, left) > 1 or min(height, width) < 1:
        return None
    return Window((height + top, width + left), (height if to[0] > 1 else 1, width if to[1] > 1 else 1))


def pool_shape(window: Window | None, x: TensorType, to: Pair = (1, 1)) -> TensorType:
    """The output shape of a pool with a window, or of an adaptive one (None) with `to` bins."""
    image = x.image
    return TensorType((x.channels, *(window.out(image) if window else to)))


def window_receptive_field(
    window: Window | None, image: Pair, before: ReceptiveFields, to: Pair = (1, 1)
) -> ReceptiveFields:
    """The receptive field after a window, or after the largest of `to` adaptive bins (None)."""
    if window is None:
        sizes = [largest_bin(size, out) for size, out in zip(image, to, strict=True)]
        steps = [max(1, size // out) for size, out in zip(image, to, strict=True)]
        return before[0].through(sizes[0], steps[0], 0), before[1].through(sizes[1], steps[1], 0)
    height, width = (
        field.through(kernel, stride, axis.before, dilation)
        for field, kernel, stride, axis, dilation in zip(
            before, window.kernel, window.stride, window.axes(image), window.dilation, strict=True
        )
    )
    return height, width


def transposed_receptive_field(window: Window, cut: Sequence[int], before: ReceptiveFields) -> ReceptiveFields:
    """The receptive field after the transpose of a window, which cuts off `cut` pixels above and on the left."""
    height, width = (
        ReceptiveField(
            Fraction(field.stride) / stride,
            field.first + Fraction(pixels - reach + 1, stride) * field.stride,
            field.last + Fraction(pixels, stride) * field.stride,
        )
        for field, stride, reach, pixels in zip(before, window.stride, window.reach, cut, strict=True)
    )
    return height, width


def image_receptive_field(image: Pair, before: ReceptiveFields) -> ReceptiveFields:
    """The receptive field where every output pixel reads the whole image, placed as the first pixel sees it."""
    height, width = (field.through(size, 1, 0) for field, size in zip(before, image, strict=True))
    return height, width
