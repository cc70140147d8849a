"""The rules of ONNX, one for each op."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.onnx.node import OnnxNode, Spelling
from inception_dsl.emit.onnx.ops import (
    activations,
    channels,
    joins,
    linear,
    norms,
    pooling,
    regularisation,
    resampling,
    scaling,
    shaping,
)
from inception_dsl.emit.rules import Rules

RULES: Final = Rules[Spelling](
    "ONNX",
    linear.rules,
    norms.rules,
    activations.rules,
    pooling.rules,
    regularisation.rules,
    joins.rules,
    shaping.rules,
    channels.rules,
    resampling.rules,
    scaling.rules,
    gives=(OnnxNode,),
)
