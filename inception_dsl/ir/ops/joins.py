"""Joins of branches.

In the messages of their errors, `{}` stands for the module or row; without `help`, image sizes differ.
"""

from __future__ import annotations

from inception_dsl.diagnostics.codes.shapes import BRANCH_SIZES_DIFFER, SUM_SHAPES_DIFFER
from inception_dsl.diagnostics.codes.values import PRODUCT_SHAPES_DIFFER
from inception_dsl.ir.op import Op
from inception_dsl.ir.shapes import ShapeError, TensorType
from inception_dsl.ir.values import Function, Number, Operation, Value, Width


class Concat(Op):
    """Joins branches along the channels, in the order written: the papers' filter concatenation, DepthConcat."""

    name = "concat"

    def infer(self, *inputs: TensorType) -> TensorType:
        if len({x.shape[1:] for x in inputs}) != 1:
            raise ShapeError(BRANCH_SIZES_DIFFER, "branches of `{}` disagree on image size", _mixed(inputs))
        return TensorType((sum(x.channels for x in inputs), *inputs[0].shape[1:]))

    def channels(self, *inputs: Width) -> Width:
        total: Width = sum(width for width in inputs if isinstance(width, int))
        for width in inputs:
            if not isinstance(width, int):
                left = total if isinstance(total, Value) else Number(total)
                total = width if total == 0 else Operation("+", left, width)
        return total


class Add(Op):
    """Adds branches elementwise: the residual connection of 1512.03385."""

    name = "add"

    def infer(self, *inputs: TensorType) -> TensorType:
        if len(set(inputs)) != 1:
            sizes = {x.shape[1:] for x in inputs}
            hint = "give the terms the same width; a `conv 1x1` can replace `pass`" if len(sizes) == 1 else ""
            raise ShapeError(SUM_SHAPES_DIFFER, "terms of the sum in `{}` differ in shape", _mixed(inputs) or hint)
        return inputs[0]


class Mul(Op):
    """Multiplies branches elementwise: a gate that scales channels, as in squeeze-and-excitation (1709.01507).

    The branches have the same shape; an axis of one pixel, or of one channel, is repeated to that of the others.
    """

    name = "mul"

    def infer(self, *inputs: TensorType) -> TensorType:
        if len({len(x.shape) for x in inputs}) == 1:
            axes = [set(axis) - {1} or {1} for axis in zip(*(x.shape for x in inputs), strict=True)]
            if all(len(sizes) == 1 for sizes in axes):
                return TensorType(tuple(size for (size,) in axes))
        hint = (
            "give the factors the same width, or one of them the width 1"
            if len({x.channels for x in inputs}) > 1
            else ""
        )
        message = "factors of the product in `{}` differ in shape"
        raise ShapeError(PRODUCT_SHAPES_DIFFER, message, _mixed(inputs) or hint)

    def channels(self, *inputs: Width) -> Width:
        widths = [width for width in dict.fromkeys(inputs) if width != 1]
        known = [width for width in widths if isinstance(width, int)]
        if known or len(widths) < 2:
            return (known or widths or [1])[0]
        return Function("max", tuple(width for width in widths if isinstance(width, Value)))


def _mixed(inputs: tuple[TensorType, ...]) -> str:
    """What to do where images and vectors meet."""
    if len({len(x.shape) for x in inputs}) == 1:
        return ""
    return "a vector has no pixels: write `conv 1x1` in place of `fc`, without `flatten`"
