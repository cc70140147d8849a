"""The table of patterns: each of them finds a layer that no other finds in its place, or else it would not be there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import pytest

from inception_dsl.interchange import primitives as prim
from inception_dsl.interchange import windows
from inception_dsl.interchange.builder import Builder, Pattern
from inception_dsl.interchange.constant import Constant
from inception_dsl.interchange.graph import INPUT
from inception_dsl.interchange.recognise import (
    activations,
    averages,
    batch_norms,
    channels,
    constants,
    exchanges,
    expansion,
    gates,
    layout,
    margins,
    moves,
    norms,
    pixels,
    resampling,
    stacks,
)
from inception_dsl.interchange.recognise.patterns import PATTERNS
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops import activations as act
from inception_dsl.ir.ops import shaping
from inception_dsl.ir.ops.channels import ChannelPart, ChannelShuffle, ChannelSlice
from inception_dsl.ir.ops.joins import Add, Mul
from inception_dsl.ir.ops.linear import Conv, ConvTranspose
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool
from inception_dsl.ir.shapes import Padding, TensorType, Window

Step = Op | tuple[Any, ...]
"""An op that reads the step before it; with numbers, those steps, where 0 is the input; with a dict, its weights."""


def constant(*shape: int, value: float = 2.0, trained: bool = False, formula: Any = None) -> Constant:
    return Constant("c", shape, lambda: np.full(shape, value), trained=trained, formula=formula)


def number(kind: str, value: float, first: bool = False) -> prim.WithConstant:
    return prim.WithConstant(kind, constant(value=value), first)


def weights(**shapes: tuple[int, ...]) -> dict[str, Constant]:
    return {name: Constant(name, shape) for name, shape in shapes.items()}


ROOT: Final = constant(4, formula=("rsqrt", (constant(4, formula=("add", (constant(4), 0.001))),)))
"""What a batch norm of four channels multiplies with."""
LAST: Final = prim.Permute((1, 2, 0))
FIRST: Final = prim.Permute((2, 0, 1))
SMALL: Final = Window((3, 3))
RELU: Final = act.ReLU()
FILTERS: Final = weights(weight=(4, 4, 3, 3))
MEAN: Final = prim.Reduce("mean", (0,))
HALVES: Final = prim.Slice(1, 0, 8, 2), prim.Slice(2, 0, 8, 2)
POOL: Final = AvgPool(SMALL, count_pad=True)
PADDED: Final = prim.Pad((0, 1, 1), (0, 1, 1))

FORMS: Final[list[tuple[type[Op], Pattern, tuple[int, ...], list[Step]]]] = [
    (
        prim.WithConstant,
        batch_norms.composed,
        (4, 8, 8),
        [
            prim.WithConstant("sub", constant(4, 1, 1)),
            prim.WithConstant("mul", ROOT.reshaped(4, 1, 1)),
        ],
    ),
    (prim.WithConstant, constants.trained, (1, 8, 8), [prim.WithConstant("mul", constant(1, trained=True))]),
    (prim.WithConstant, activations.composed, (4, 8, 8), [number("add", 3.0), prim.Clip(0, 6), number("div", 6.0)]),
    (prim.WithConstant, constants.number, (4, 8, 8), [number("mul", 3.0)]),
    (prim.WithConstant, constants.channels, (4, 8, 8), [prim.WithConstant("mul", constant(4, 1, 1))]),
    (
        prim.Binary,
        expansion.of_operand,
        (4, 8, 8),
        [
            prim.Reduce("max", (1, 2)),
            prim.Expand((4, 8, 8)),
            (prim.Binary("div"), 0, 2),
        ],
    ),
    (
        prim.Binary,
        activations.composed,
        (4, 8, 8),
        [
            prim.Unary("neg"),
            prim.Unary("exp"),
            number("add", 1.0),
            (prim.Binary("div"), 0, 3),
        ],
    ),
    (
        prim.Binary,
        norms.quotient,
        (4,),
        [
            prim.Reduce("l2", (0,)),
            number("max", 1e-12),
            (prim.Binary("div"), 0, 2),
        ],
    ),
    (
        prim.Binary,
        averages.uncounted,
        (4, 8, 8),
        [
            PADDED,
            POOL,
            (prim.Ones(), 0),
            PADDED,
            POOL,
            (prim.Binary("div"), 2, 5),
        ],
    ),
    (
        prim.Unary,
        activations.composed,
        (4, 8, 8),
        [
            prim.Unary("neg"),
            prim.Unary("exp"),
            number("add", 1.0),
            prim.Unary("reciprocal"),
        ],
    ),
    (prim.Clip, activations.composed, (4, 8, 8), [prim.Clip(0, 6)]),
    (prim.Clip, gates.bounded, (4, 8, 8), [prim.Clip(0, 1)]),
    (Mul, expansion.of_operand, (4, 8, 8), [prim.Reduce("max", (1, 2)), prim.Expand((4, 8, 8)), (Mul(), 0, 2)]),
    (Mul, expansion.of_image, (4, 8, 8), [prim.Reduce("max", (0,)), prim.Expand((4, 8, 8)), (Mul(), 2, 2)]),
    (Mul, activations.composed, (4, 8, 8), [act.Sigmoid(), (Mul(), 0, 1)]),
    (Mul, gates.shifted, (4, 8, 8), [RELU, number("add", 1.0), (Mul(), 0, 2)]),
    (Add, expansion.of_image, (4, 8, 8), [prim.Reduce("max", (0,)), prim.Expand((4, 8, 8)), (Add(), 0, 2)]),
    (
        Add,
        activations.composed,
        (4, 8, 8),
        [
            prim.Unary("exp"),
            number("sub", 1.0),
            number("min", 0.0),
            (RELU, 0),
            (Add(), 3, 4),
        ],
    ),
    (prim.Expand, expansion.unneeded, (4, 8, 8), [prim.Expand((4, 8, 8)), RELU]),
    (ChannelShuffle, channels.shuffled_back, (6, 8, 8), [ChannelShuffle(2), ChannelShuffle(3), RELU]),
    (
        prim.Reshape,
        pixels.rearranged,
        (4, 8, 8),
        [prim.Reshape((2, 2, 8, 8)), prim.Permute((2, 0, 3, 1)), prim.Reshape((1, 16, 16)), RELU],
    ),
    (
        prim.Reshape,
        norms.ungroup,
        (4, 8, 8),
        [
            prim.Reshape((2, 128)),
            prim.InstanceNorm(1e-5),
            prim.Reshape((4, 8, 8)),
            prim.WithConstant("mul", constant(4, 1, 1)),
            prim.WithConstant("add", constant(4, 1, 1)),
        ],
    ),
    (
        prim.Reshape,
        stacks.unstack,
        (4, 8, 8),
        [
            prim.Reshape((1, 4, 8, 8)),
            (RELU, 0),
            prim.Reshape((1, 4, 8, 8)),
            (prim.Join(0), 1, 3),
            RELU,
            prim.Reshape((8, 8, 8)),
            RELU,
        ],
    ),
    (prim.Reshape, layout.flatten, (4, 8, 8), [prim.Reshape((256,)), RELU]),
    (
        prim.Reshape,
        moves.moved,
        (4, 8, 8),
        [
            prim.Reshape((2, 2, 8, 8)),
            prim.Slice(0, 1, 2),
            prim.Reshape((2, 8, 8)),
            RELU,
        ],
    ),
    (prim.Permute, layout.permute, (4, 8, 8), [LAST, RELU, FIRST, RELU]),
    (
        prim.Permute,
        pixels.rearranged,
        (4, 8, 8),
        [LAST, prim.Reshape((8, 8, 2, 2)), prim.Permute((0, 2, 1, 3)), prim.Reshape((16, 16, 1)), FIRST, RELU],
    ),
    (
        prim.Permute,
        moves.moved,
        (4, 8, 8),
        [LAST, prim.Reshape((8, 8, 2, 2)), prim.Slice(3, 0, 1), prim.Reshape((8, 8, 2)), FIRST, RELU],
    ),
    (prim.Reduce, layout.reduce, (4, 8, 8), [prim.Reduce("mean", (1, 2)), RELU]),
    (prim.Reduce, stacks.total, (4, 8, 8), [prim.Reshape((2, 2, 8, 8)), prim.Reduce("sum", (0,), False), RELU]),
    (prim.Linear, layout.linear, (4,), [(prim.Linear(5), weights(weight=(5, 4)))]),
    (prim.Linear, exchanges.over_columns, (4, 8, 8), [(prim.Linear(5), weights(weight=(5, 8)))]),
    (prim.LastAxisNorm, norms.vector_norm, (4,), [(prim.LastAxisNorm(1e-5), weights(weight=(4,), bias=(4,)))]),
    (
        prim.LastAxisNorm,
        exchanges.over_columns,
        (4, 8, 8),
        [(prim.LastAxisNorm(1e-5), weights(weight=(8,), bias=(8,)))],
    ),
    (ChannelPart, exchanges.part_of_rows, (4, 8, 8), [LAST, ChannelPart((1, 2)), FIRST, RELU]),
    (ChannelSlice, exchanges.part_of_rows, (4, 8, 8), [LAST, ChannelSlice(4, 1), FIRST, RELU]),
    (prim.Slice, layout.slice_last, (4, 8, 8), [LAST, prim.Slice(2, 0, 2), FIRST, RELU]),
    (prim.Slice, channels.part, (4, 8, 8), [prim.Slice(0, 0, 2)]),
    (prim.Slice, margins.cut, (4, 8, 8), [prim.Slice(1, 1, 8)]),
    (prim.Slice, resampling.every_nth, (4, 8, 8), [*HALVES]),
    (prim.Gather, resampling.nearest, (4, 2, 2), [prim.Gather(1, (0, 0, 1, 1)), prim.Gather(2, (0, 0, 1, 1))]),
    (prim.Gather, channels.gather, (4, 2, 2), [prim.Gather(0, (0, 2, 1, 3))]),
    (prim.Join, channels.concat, (4, 2, 2), [RELU, (prim.Join(0), 0, 1)]),
    (shaping.Crop, margins.of_layer, (4, 8, 8), [shaping.Crop((1, 1)), shaping.Crop((1, 1))]),
    (shaping.Pad, margins.of_layer, (4, 8, 8), [shaping.Pad((1, 1)), shaping.Pad((1, 1))]),
    (shaping.Permute, exchanges.of_layer, (4, 8, 8), [shaping.Permute("HWC"), FIRST, RELU]),
    (Conv, windows.absorbed, (4, 8, 8), [PADDED, (Conv(4, SMALL, bias=False), FILTERS)]),
    (
        Conv,
        constants.at_input,
        (4, 8, 8),
        [
            prim.WithConstant("sub", constant(4, 1, 1)),
            (Conv(4, SMALL, bias=False), FILTERS),
        ],
    ),
    (MaxPool, windows.absorbed, (4, 8, 8), [RELU, PADDED, MaxPool(SMALL)]),
    (AvgPool, windows.absorbed, (4, 8, 8), [PADDED, AvgPool(SMALL, count_pad=True)]),
    (prim.Pad, margins.pad, (4, 8, 8), [PADDED, PADDED]),
    (
        prim.Pad,
        margins.begin_later,
        (4, 8, 8),
        [
            MaxPool(Window((3, 3), (1, 1), Padding("pad", (1, 1)))),
            prim.Pad((0, -1, -1), (0, 0, 0)),
        ],
    ),
    (
        prim.Pad,
        margins.cut_transposed,
        (4, 8, 8),
        [
            (ConvTranspose(4, Window((3, 3), (2, 2)), bias=False), FILTERS),
            prim.Pad((0, 0, 0), (0, -1, -1)),
        ],
    ),
    (prim.Pad, channels.zeros, (4, 8, 8), [prim.Pad((0, 0, 0), (4, 0, 0))]),
]


IDS: Final = [f"{kind.__name__}-{each.__module__.rpartition('.')[2]}.{each.__name__}" for kind, each, *_ in FORMS]


def read(shape: tuple[int, ...], steps: list[Step], patterns: Mapping[type[Op], tuple[Pattern, ...]]) -> list[Any]:
    """The nodes of the graph that is built of some steps."""
    builder, values = Builder(TensorType(shape), patterns), [INPUT]
    for step in steps:
        op, *more = step if isinstance(step, tuple) else (step,)
        own = more.pop() if more and isinstance(more[-1], dict) else {}
        inputs = [values[at] for at in more] or values[-1:]
        values.append(builder.add("op", op, *inputs, **own))
    return [(node.op, node.inputs) for node in builder.finish("steps", {"y": values[-1]}).nodes]


@pytest.mark.parametrize("at", range(len(FORMS)), ids=IDS)
def test_a_pattern_finds_what_no_other_finds(at: int) -> None:
    kind, pattern, shape, steps = FORMS[at]
    without = {**PATTERNS, kind: tuple(each for each in PATTERNS[kind] if each is not pattern)}

    assert read(shape, steps, PATTERNS) != read(shape, steps, without)


def test_every_pattern_has_a_form() -> None:
    assert {(kind, each) for kind, own in PATTERNS.items() for each in own} == {
        (kind, each) for kind, each, *_ in FORMS
    }
