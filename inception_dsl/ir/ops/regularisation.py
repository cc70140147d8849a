"""What acts in training only."""

from __future__ import annotations

from dataclasses import dataclass

from inception_dsl.ir.op import Op
from inception_dsl.ir.shapes import TensorType
from inception_dsl.ir.values import Value


@dataclass(frozen=True)
class Dropout(Op):
    """Sets a share `p` of the elements to zero in training and scales up the others; does nothing in inference."""

    name = "dropout"
    training_only = True
    p: float = 0.5


@dataclass(frozen=True)
class DropPath(Op):
    """Sets an example to zero with probability `p` in training and scales up the others; does nothing in inference.

    At the end of a residual branch, it leaves out the branch for some examples. Stochastic depth (1603.09382) drew once
    for a whole batch, and scaled in inference; EfficientNet and ConvNeXt draw as here.
    """

    name = "drop_path"
    training_only = True
    p: float | Value = 0.5

    def infer(self, *inputs: TensorType) -> TensorType:
        return TensorType((inputs[0].channels, *inputs[0].image))
