"""Ops below the language's: what other tools' graphs compose layers of. Shapes and axes leave out the batch.

None of them is in a finished graph: `recognise` makes layers of them, and what remains is written as layers of its own
or becomes `Opaque`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

from inception_dsl.diagnostics.codes.shapes import WRONG_RANK
from inception_dsl.interchange.constant import Constant
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops import shaping
from inception_dsl.ir.shapes import ShapeError, TensorType

MOST_SHOWN: Final = 8
"""The most numbers of a parameter that a report prints."""


class Primitive(Op):
    """An op that is not one of the language's."""

    @property
    def parameters(self) -> str:
        """Its parameters, as the report of an opaque node prints them beside its kind."""
        own = (field.name for field in fields(self) if field.name != "kind")
        return ", ".join(f"{name}={_shown(getattr(self, name))}" for name in own)

    @property
    def called(self) -> str:
        """What a report calls it: `sub`, `mean`, or its name."""
        return str(getattr(self, "kind", self.name))

    def written(self, *inputs: TensorType) -> tuple[Op, ...]:
        """The layers in a row that say the same by themselves, on inputs of some shapes; none for most."""
        return ()


@dataclass(frozen=True)
class Unary(Primitive):
    """A function of every element."""

    name = "unary"
    kind: str


@dataclass(frozen=True)
class Clip(Primitive):
    """Every element, kept between two numbers."""

    name = "clip"
    low: float
    high: float


@dataclass(frozen=True)
class WithConstant(Primitive):
    """Every element and that of a constant, which is broadcast: `kind` is add, mul, sub, div, max, min or pow.

    `first` tells that the constant is the first operand.
    """

    name = "with_constant"
    kind: str
    constant: Constant
    first: bool = False

    @property
    def parameters(self) -> str:
        shape = f" of shape {self.constant.shape}" if self.constant.shape else ""
        return f"with a constant{shape}{' as the first operand' if self.first else ''}"

    def infer(self, *inputs: TensorType) -> TensorType:
        (x,) = inputs
        return broadcast(x.shape, self.aligned(x))

    def aligned(self, x: TensorType) -> tuple[int, ...]:
        """The shape of the constant beside that of an example: without the axis of the batch."""
        shape = self.constant.shape
        if len(shape) == len(x.shape) + 1 and shape[0] == 1:
            return shape[1:]
        return shape


@dataclass(frozen=True)
class Binary(Primitive):
    """Every element of two inputs: `kind` is sub, div, max, min or pow."""

    name = "binary"
    kind: str

    def infer(self, *inputs: TensorType) -> TensorType:
        return broadcast(inputs[0].shape, inputs[1].shape)


@dataclass(frozen=True)
class Reshape(Primitive):
    """The same elements in another shape, row by row."""

    name = "reshape"
    shape: tuple[int, ...]

    def infer(self, *inputs: TensorType) -> TensorType:
        if math.prod(self.shape) != inputs[0].size:
            raise ShapeError(WRONG_RANK, f"{inputs[0].size} elements do not fill the shape {self.shape}")
        return TensorType(self.shape)

    def written(self, *inputs: TensorType) -> tuple[Op, ...]:
        (x,) = inputs  # axes of one element may only change places with others
        orders = map(shaping.Permute, shaping.ORDERS) if len(x.shape) == 3 else ()
        return next(((op,) for op in orders if op.keeps(x) and op.infer(x).shape == self.shape), ())


@dataclass(frozen=True)
class Permute(Primitive):
    """The axes in another order: axis i of the output is axis `order[i]` of the input."""

    name = "permute"
    order: tuple[int, ...]

    def infer(self, *inputs: TensorType) -> TensorType:
        return TensorType(tuple(inputs[0].shape[axis] for axis in self.order))

    def written(self, *inputs: TensorType) -> tuple[Op, ...]:
        return (shaping.Permute("".join(shaping.AXES[axis] for axis in self.order)),) if len(self.order) == 3 else ()


@dataclass(frozen=True)
class Slice(Primitive):
    """A range of an axis."""

    name = "slice"
    axis: int
    start: int
    stop: int
    step: int = 1

    def infer(self, *inputs: TensorType) -> TensorType:
        shape = [*inputs[0].shape]
        shape[self.axis] = len(range(*slice(self.start, self.stop, self.step).indices(shape[self.axis])))
        return TensorType(tuple(shape))


@dataclass(frozen=True)
class Gather(Primitive):
    """Some elements of an axis, in an order."""

    name = "gather"
    axis: int
    indices: tuple[int, ...]

    def infer(self, *inputs: TensorType) -> TensorType:
        shape = [*inputs[0].shape]
        shape[self.axis] = len(self.indices)
        return TensorType(tuple(shape))


@dataclass(frozen=True)
class Pad(Primitive):
    """Elements of one value added before and after every axis; a negative number removes elements.

    Without a value, the elements at the borders are repeated.
    """

    name = "pad"
    before: tuple[int, ...]
    after: tuple[int, ...]
    value: float | None = 0.0

    def infer(self, *inputs: TensorType) -> TensorType:
        return TensorType(
            tuple(low + size + high for low, size, high in zip(self.before, inputs[0].shape, self.after, strict=True))
        )

    def written(self, *inputs: TensorType) -> tuple[Op, ...]:
        if len(self.before) != 3 or self.before[0] or self.after[0]:
            return ()
        added, cut = ([max(sign * pixels, 0) for pixels in (*self.before[1:], *self.after[1:])] for sign in (1, -1))
        return (*shaping.Crop.around(*cut), *shaping.Pad.around(*added)) if self.value == 0 or not any(added) else ()


@dataclass(frozen=True)
class Reduce(Primitive):
    """The mean, sum, maximum or length (`l2`) over some axes, which stay with one element if `keep`."""

    name = "reduce"
    kind: str
    axes: tuple[int, ...]
    keep: bool = True

    def infer(self, *inputs: TensorType) -> TensorType:
        shape = enumerate(inputs[0].shape)
        if self.keep:
            return TensorType(tuple(1 if axis in self.axes else size for axis, size in shape))
        return TensorType(tuple(size for axis, size in shape if axis not in self.axes))


@dataclass(frozen=True)
class Expand(Primitive):
    """Axes of one element repeated until they have the sizes of a shape."""

    name = "expand"
    shape: tuple[int, ...]

    def infer(self, *inputs: TensorType) -> TensorType:
        return broadcast(inputs[0].shape, self.shape)


@dataclass(frozen=True)
class Join(Primitive):
    """Values one after the other along an axis."""

    name = "join"
    axis: int

    def infer(self, *inputs: TensorType) -> TensorType:
        shapes = [[*x.shape] for x in inputs]
        sizes = [shape.pop(self.axis) for shape in shapes]
        if any(shape != shapes[0] for shape in shapes):
            raise ShapeError(WRONG_RANK, f"values of shapes {[x.shape for x in inputs]} are joined along {self.axis}")
        return TensorType((*shapes[0][: self.axis], sum(sizes), *shapes[0][self.axis :]))


@dataclass(frozen=True)
class Ones(Primitive):
    """Ones in the shape of the input."""

    name = "ones"


@dataclass(frozen=True)
class ChannelMean(Primitive):
    """The mean over `size` neighbouring channels, with zeros beside the first and the last."""

    name = "channel_mean"
    size: int


@dataclass(frozen=True)
class InstanceNorm(Primitive):
    """Every channel of an example normalised by itself, without a scale."""

    name = "instance_norm"
    eps: float


@dataclass(frozen=True)
class Normalised(Primitive):
    """The normalised values of a group norm, or of a layer norm (None), before their scale and shift."""

    name = "normalised"
    groups: int | None
    eps: float


@dataclass(frozen=True)
class LastAxisNorm(Primitive):
    """Layer normalisation over the last axis."""

    name = "last_axis_norm"
    eps: float


@dataclass(frozen=True)
class Linear(Primitive):
    """A matrix product with a constant over the last axis: every output from every input of it."""

    name = "linear"
    width: int
    bias: bool = False

    def infer(self, *inputs: TensorType) -> TensorType:
        return TensorType((*inputs[0].shape[:-1], self.width))


def _shown(value: object) -> str:
    """A parameter: of a constant its shape, of many numbers the first."""
    if isinstance(value, tuple) and len(value) > MOST_SHOWN:
        return f"({', '.join(map(str, value[:MOST_SHOWN]))}, ... {len(value) - MOST_SHOWN:,} more ...)"
    return str(value.shape if isinstance(value, Constant) else value)


def broadcast(one: Sequence[int], other: Sequence[int]) -> TensorType:
    """The shape of two shapes broadcast. Raises `ShapeError` where they do not fit."""
    length = max(len(one), len(other))
    pairs = zip((1,) * (length - len(one)) + tuple(one), (1,) * (length - len(other)) + tuple(other), strict=True)
    shape = []
    for a, b in pairs:
        if a != b and 1 not in (a, b):
            raise ShapeError(WRONG_RANK, f"the shapes {tuple(one)} and {tuple(other)} do not fit")
        shape.append(max(a, b) if 0 not in (a, b) else 0)
    return TensorType(tuple(shape))
