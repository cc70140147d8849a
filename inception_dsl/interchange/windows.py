"""Windows whose padding is given in pixels on every side, as windows of the language."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import NamedTuple

from inception_dsl.diagnostics.codes.shapes import WRONG_RANK
from inception_dsl.interchange.builder import Added, Builder
from inception_dsl.interchange.constant import Constant
from inception_dsl.interchange.graph import Unsupported
from inception_dsl.interchange.primitives import Pad, Primitive
from inception_dsl.interchange.recognise.activations import NEVER_NEGATIVE
from inception_dsl.interchange.unpooling import MaxIndices
from inception_dsl.ir.ops.linear import Conv, ConvTranspose
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool
from inception_dsl.ir.ops.shaping import Shift
from inception_dsl.ir.shapes import Padding, Pair, ShapeError, TensorType, Window


class Axis(NamedTuple):
    """How a kernel slides over one axis: its size, the steps from place to place and from weight to weight, padding."""

    kernel: int
    stride: int
    dilation: int
    before: int
    after: int


@dataclass(frozen=True)
class PixelWindow:
    """A kernel sliding over an image that is padded by pixels before and after it. All pairs are (height, width).

    `ceil` keeps a last place that reaches over the padded image, as in torch.
    """

    kernel: Pair
    stride: Pair
    dilation: Pair
    before: Pair
    after: Pair
    ceil: bool = False

    @classmethod
    def over(cls, axes: Sequence[Axis], ceil: bool = False) -> PixelWindow:
        """The window that slides over two axes. Raises `Unsupported` for others, which no image has."""
        if len(axes) != 2:
            raise Unsupported("the language has windows of images only")
        kernel, stride, dilation, before, after = zip(*axes, strict=True)
        return cls(kernel, stride, dilation, before, after, ceil)

    @property
    def padded(self) -> bool:
        """Whether it pads the image."""
        return any((*self.before, *self.after))

    def places(self, image: Pair) -> Pair:
        """How many places the kernel has on either axis."""
        ceil = self.ceil, self.ceil
        rows, columns = map(_places, image, self.kernel, self.stride, self.dilation, self.before, self.after, ceil)
        return rows, columns

    def on(self, image: Pair, counted: bool = False) -> Window:
        """The window of the language that reads the same pixels; padding that no place reads is free.

        `counted` tells that padding counts as pixels, so that as many must lie behind the image. Raises `ShapeError`
        where the language has none.
        """
        places = self.places(image)
        plainest_first = Padding("pad", self.before), Padding("pad", self.before, ceil=True), Padding("same_upper")
        for padding in plainest_first:
            window = Window(self.kernel, self.stride, padding, self.dilation)
            try:
                axes = window.axes(image)
            except ShapeError:
                continue
            if tuple(axis.out for axis in axes) != places or tuple(axis.before for axis in axes) != self.before:
                continue
            if not counted or tuple(axis.after for axis in axes) == self.after or not reads_after(window, image):
                return window
        raise ShapeError(WRONG_RANK, f"the language has no padding of {self.before} and {self.after}")

    def transposed(self, width: int, groups: int, bias: bool) -> ConvTranspose | None:
        """The transposed convolution that cuts off the pixels of this padding, if the language has it."""
        (top, left), (bottom, right) = self.before, self.after
        if min(self.before) < 0:
            return None
        window = Window(self.kernel, self.stride, Padding("pad", self.before), self.dilation)
        plain = ConvTranspose(width, window, groups, bias, (max(top - bottom, 0), max(left - right, 0)))
        others = plain, replace(plain, window=replace(window, padding=Padding("same_upper")), output_padding=(0, 0))
        return next((op for op in others if op.cut == ((top, bottom), (left, right))), None)


def _places(size: int, kernel: int, stride: int, dilation: int, before: int, after: int, ceil: bool) -> int:
    room = size + before + after - (dilation * (kernel - 1) + 1)
    if not ceil:
        return room // stride + 1
    places = -(-room // stride) + 1
    return places - 1 if (places - 1) * stride >= size + before else places


@dataclass(frozen=True)
class Average(Primitive):
    """The average over a window whose padding the language does not have; `counted` tells that padding counts."""

    name = "average"
    window: PixelWindow
    counted: bool

    @property
    def called(self) -> str:
        return AvgPool.name

    @property
    def parameters(self) -> str:
        return f"the language has no padding of {self.window.before} and {self.window.after} for it"

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        places = self.window.places(x.image)
        if min(places) < 1:
            raise ShapeError(WRONG_RANK, f"its window does not fit in an image of {x.image}")
        return TensorType((x.channels, *places))


def reads_after(window: Window, image: Pair) -> bool:
    """Whether a place of a window reads padding behind the image."""
    return any(
        (axis.out - 1) * step + reach - axis.before > size
        for axis, step, reach, size in zip(window.axes(image), window.stride, window.reach, image, strict=True)
    )


# --- layers with a window; padding that a source adds before them becomes their own -----------------------------------


def conv(
    graph: Builder, name: str, width: int, groups: int, window: PixelWindow, x: int, weights: Mapping[str, Constant]
) -> int:
    """Add a convolution, and give its index."""
    x = _absorb_cut(graph, name, x, window)
    x, window = _absorb_padding(graph, x, window, (0.0,))
    x, own = _placed(graph, name, x, window, 0.0)
    return graph.add(name, Conv(width, own, groups, "bias" in weights), x, **weights)


def conv_transpose(
    graph: Builder, name: str, groups: int, window: PixelWindow, x: int, weights: Mapping[str, Constant]
) -> int:
    """Add a transposed convolution, of which `before` and `after` are the pixels cut off, and give its index."""
    width = groups * weights["weight"].shape[1]
    image, around = _absorb_padding(graph, x, replace(window, before=(0, 0), after=(0, 0)), (0.0,))
    before = _less(window.before, around.before, window.stride)
    after = _less(window.after, around.after, window.stride)
    for source, places in ((image, replace(window, before=before, after=after)), (x, window)):
        with suppress(ShapeError):
            if op := places.transposed(width, groups, "bias" in weights):
                return graph.add(name, op, source, **weights)
    raise ShapeError(WRONG_RANK, f"the language does not cut off {window.before} and {window.after} pixels")


def _less(cut: Pair, padded: Pair, stride: Pair) -> Pair:
    """The pixels that are still cut off where some empty ones before a transposed convolution are left out."""
    return cut[0] - padded[0] * stride[0], cut[1] - padded[1] * stride[1]


def max_pool(graph: Builder, name: str, window: PixelWindow, x: int) -> int:
    """Add a maximum pool, and give its index; padding that has no effect on a maximum is its own."""
    x, window = _absorb_padding(graph, x, window, _neutral(graph, x, window))
    x, own = _placed(graph, name, x, window, -math.inf)
    return graph.add(name, MaxPool(own), x)


def max_indices(graph: Builder, name: str, window: PixelWindow, x: int) -> int:
    """Add the places of the maxima of a pool, and give its index."""
    return graph.add(f"{name}/indices", MaxIndices(window.on(graph.type_of(x).image)), x)


def avg_pool(graph: Builder, name: str, window: PixelWindow, counted: bool, x: int) -> int:
    """Add an average pool, and give its index; `counted` tells whether its padding counts as pixels of value 0."""
    source, absorbed = _absorb_padding(graph, x, window, (0.0,))
    if source != x and (counted or not window.padded):
        with suppress(ShapeError):  # then the padded image is a value of its own
            return _avg_pool(graph, name, absorbed, True, source)
    with suppress(ShapeError):
        return _avg_pool(graph, name, window, counted, x)
    return graph.add(name, Average(window, counted), x)


def _avg_pool(graph: Builder, name: str, window: PixelWindow, counted: bool, x: int) -> int:
    own = window.on(graph.type_of(x).image, counted)
    return graph.add(name, AvgPool(own, counted), x)


def absorbed(graph: Builder, added: Added) -> int | None:
    """A layer whose window reads an image that was padded or cut, and can read the image before that."""
    op, (x,) = added.op, added.inputs
    if not isinstance(op, Conv | MaxPool | AvgPool) or op.window is None or not isinstance(graph.op(x), Pad):
        return None
    rows, columns = op.window.axes(graph.type_of(x).image)
    sides = (rows.before, columns.before), (rows.after, columns.after)
    window = PixelWindow(op.window.kernel, op.window.stride, op.window.dilation, *sides)
    match op:
        case Conv() if (source := _absorb_cut(graph, added.name, x, window)) != x:
            return graph.add(added.name, op, source, **added.weights)
        case AvgPool(count_pad=False) if window.padded:
            return None
        case AvgPool():
            op = replace(op, count_pad=True)
    values = _neutral(graph, x, window) if isinstance(op, MaxPool) else (0.0,)
    source, wider = _absorb_padding(graph, x, window, values)
    if source == x:
        return None
    with suppress(ShapeError):
        own = wider.on(graph.type_of(source).image, isinstance(op, AvgPool))
        return graph.add(added.name, replace(op, window=own), source, **added.weights)
    return None


def _neutral(graph: Builder, x: int, window: PixelWindow) -> Sequence[float | None]:
    """The numbers with which an image may be padded before a maximum over windows that leaves padding out.

    Repeated borders, which are None, are read with the border itself.
    """
    padded = graph.node(x)
    if padded is None or not isinstance(padded.op, Pad):
        return ()
    values: list[float | None] = [-math.inf]
    if isinstance(graph.op(padded.inputs[0]), NEVER_NEGATIVE):
        values.append(0.0)
    if window.dilation == (1, 1) and not window.padded:
        values += [None] if max(padded.op.before + padded.op.after) < min(window.kernel) else []
    return values


def _placed(graph: Builder, name: str, x: int, window: PixelWindow, value: float) -> tuple[int, Window]:
    """The window of the language, and the image that it reads: where no padding of the language fits, a padded one."""
    image = graph.type_of(x).image
    try:
        return x, window.on(image)
    except ShapeError:
        bare = replace(window, before=(0, 0), after=(0, 0))
        pad = Pad((0, *window.before), (0, *window.after), value)
        padded = graph.add(name, pad, x) if window.padded else x
        return padded, bare.on(graph.type_of(padded).image)


def cut_by(pad: Pad) -> int:
    """The pixels that a padding cuts off above and on the left, as many, if that is all that it does; otherwise 0."""
    return -pad.before[-1] if pad == Pad((0, pad.before[-1], pad.before[-1]), (0, 0, 0)) and pad.before[-1] < 0 else 0


def _absorb_cut(graph: Builder, name: str, x: int, window: PixelWindow) -> int:
    """The image before pixels were cut off, shifted by as many, if a window does not read those that enter."""
    node = graph.node(x)
    pixels = cut_by(node.op) if node and isinstance(node.op, Pad) else 0
    if node is None or not pixels or window.padded:
        return x
    (image,) = node.inputs
    sizes = graph.type_of(image).image, graph.type_of(x).image
    whole, cut = ([axis.out for axis in window.on(size).axes(size)] for size in sizes)
    return graph.add(f"{name}/shift", Shift(pixels), image) if whole == cut else x


def _absorb_padding(
    graph: Builder, x: int, window: PixelWindow, values: Sequence[float | None]
) -> tuple[int, PixelWindow]:
    """The image before a `Pad` with one of some values, and the window with the padding added."""
    pad = graph.op(x)
    if not isinstance(pad, Pad) or pad.value not in values or len(pad.before) != 3:
        return x, window
    if pad.before[0] or pad.after[0] or min(*pad.before, *pad.after) < 0:
        return x, window
    (_, top, left), (_, bottom, right) = pad.before, pad.after
    before = window.before[0] + top, window.before[1] + left
    after = window.after[0] + bottom, window.after[1] + right
    return graph.nodes[x].inputs[0], replace(window, before=before, after=after)
