"""The table of patterns: what may complete a layer, by the op that ends it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from inception_dsl.interchange import primitives as prim
from inception_dsl.interchange import windows
from inception_dsl.interchange.builder import Pattern
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
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.channels import ChannelPart, ChannelShuffle, ChannelSlice
from inception_dsl.ir.ops.joins import Add, Mul
from inception_dsl.ir.ops.linear import Conv
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool
from inception_dsl.ir.ops.shaping import Crop, Pad, Permute

PATTERNS: Final[Mapping[type[Op], tuple[Pattern, ...]]] = {
    prim.WithConstant: (
        batch_norms.composed,  # `channels` would make an `Affine` of its scale
        constants.trained,  # the value of a trained number says nothing to those after it
        activations.composed,  # `number` would make a `Scale` of the `/ 6` that ends a hardswish
        constants.number,
        constants.channels,
    ),
    prim.Binary: (expansion.of_operand, activations.composed, norms.quotient, averages.uncounted),
    prim.Unary: (activations.composed,),
    prim.Clip: (activations.composed, gates.bounded),
    Mul: (
        expansion.of_operand,  # a product broadcasts a channel or a pixel by itself; what is left is copied
        expansion.of_image,
        activations.composed,
        gates.shifted,
    ),
    Add: (expansion.of_image, activations.composed),
    prim.Expand: (expansion.unneeded,),
    ChannelShuffle: (channels.shuffled_back,),
    prim.Reshape: (
        pixels.rearranged,  # the first three read a reshape before it, which `flatten` leaves out
        norms.ungroup,
        stacks.unstack,
        layout.flatten,
        moves.moved,  # the dearest: it follows every element
    ),
    prim.Permute: (layout.permute, pixels.rearranged, moves.moved),
    prim.Reduce: (layout.reduce, stacks.total),
    prim.Linear: (layout.linear, exchanges.over_columns),
    prim.LastAxisNorm: (norms.vector_norm, exchanges.over_columns),
    **dict.fromkeys((ChannelPart, ChannelSlice), (exchanges.part_of_rows,)),
    prim.Slice: (layout.slice_last, channels.part, margins.cut, resampling.every_nth),
    prim.Gather: (resampling.nearest, channels.gather),
    prim.Join: (channels.concat,),
    **dict.fromkeys((Crop, Pad), (margins.of_layer,)),
    Permute: (exchanges.of_layer,),
    Conv: (windows.absorbed, constants.at_input),
    **dict.fromkeys((MaxPool, AvgPool), (windows.absorbed,)),
    prim.Pad: (
        margins.pad,  # margins of margins are one before a layer cuts them off
        margins.begin_later,
        margins.cut_transposed,
        channels.zeros,
    ),
}
"""Of several, the first that finds a layer counts. Where their order matters, a comment says why.

`tests/test_recognise.py` has a form of every one, which is read in another way without it.
"""
