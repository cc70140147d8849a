"""Joins of branches."""

from __future__ import annotations

from inception_dsl.diagnostics.codes.shapes import BRANCH_SIZES_DIFFER, SUM_SHAPES_DIFFER
from inception_dsl.ir.op import Op
from inception_dsl.ir.shapes import (
    ShapeError,
    TensorType,
)
from inception_dsl.ir.values import Number, Operation, Value, Width


class Concat(Op):
    """Joins branches along the channels, in the order written: the papers' filter concatenation, DepthConcat."""

    name = "concat"

    def infer(self, *inputs: TensorType) -> TensorType:
        if len({x.shape[1:] for x in inputs}) != 1:
            raise ShapeError(BRANCH_SIZES_DIFFER, "the branches disagree on image size")
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
            raise ShapeError(SUM_SHAPES_DIFFER, "the terms of a sum differ in shape")
        return inputs[0]
