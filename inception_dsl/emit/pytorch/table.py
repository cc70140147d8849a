"""The rules of PyTorch, one for each op."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.python import CallExpr, Expression
from inception_dsl.emit.pytorch.ops import (
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

RULES: Final = Rules[Expression](
    "PyTorch",
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
    gives=(str, CallExpr),
)
