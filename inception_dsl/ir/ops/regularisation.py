"""What acts in training only."""

from __future__ import annotations

from dataclasses import dataclass

from inception_dsl.ir.op import Op


@dataclass(frozen=True)
class Dropout(Op):
    """Sets a share `p` of the elements to zero in training and scales up the others; does nothing in inference."""

    name = "dropout"
    training_only = True
    p: float = 0.5
