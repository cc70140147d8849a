"""The table of patterns: what may complete a layer, by the op that ends it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from inception_dsl.interchange import primitives as prim
from inception_dsl.interchange import windows
from inception_dsl.interchange.builder import Pattern
from inception_dsl.interchange.recognise import (
    averages,
    channels,
    constants,
    crops,
    expansion,
    gates,
    layout,
    margins,
    moves,
    norms,
    pixels,
    resampling,
    stacks,
    statistics,
)
from inception_dsl.interchange.recognise.activations import recognise_activation
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.channels import ChannelShuffle
from inception_dsl.ir.ops.joins import Add, Mul
from inception_dsl.ir.ops.linear import Conv
from inception_dsl.ir.ops.pooling import AvgPool, MaxPool
from inception_dsl.ir.ops.shaping import Crop, Pad

PATTERNS: Final[Mapping[type[Op], tuple[Pattern, ...]]] = {
    prim.WithConstant: (
        statistics.batch_norm,
        constants.trained,
        recognise_activation,
        constants.number,
        constants.channels,
    ),
    prim.Binary: (expansion.of_operand, recognise_activation, norms.quotient, averages.uncounted),
    prim.Unary: (recognise_activation,),
    prim.Clip: (recognise_activation, gates.bounded),
    Mul: (expansion.of_operand, expansion.of_image, recognise_activation, gates.shifted),
    Add: (expansion.of_image, recognise_activation),
    prim.Expand: (expansion.unneeded,),
    ChannelShuffle: (channels.shuffled_back,),
    prim.Reshape: (pixels.rearranged, norms.ungroup, stacks.unstack, layout.flatten, moves.moved),
    prim.Permute: (layout.permute, pixels.rearranged, moves.moved),
    prim.Reduce: (layout.reduce, stacks.total),
    prim.Linear: (layout.linear,),
    prim.LastAxisNorm: (norms.vector_norm,),
    prim.Slice: (layout.cut_last, channels.part, margins.cut, margins.every),
    prim.Gather: (resampling.nearest, channels.gather),
    prim.Join: (channels.concat,),
    **dict.fromkeys((Crop, Pad), (margins.of_layer,)),
    Conv: (windows.absorbed, constants.at_input),
    **dict.fromkeys((MaxPool, AvgPool), (windows.absorbed,)),
    prim.Pad: (margins.pad, crops.later, crops.of_transposed, channels.zeros),
}
