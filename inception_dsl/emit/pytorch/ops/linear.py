"""Layers that are linear in their input: convolution, its transpose, and the fully connected layer."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.python import Expression
from inception_dsl.emit.pytorch.layers import LayerPrinter
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops.linear import Conv, ConvTranspose, FullyConnected
from inception_dsl.ir.program import Layer
from inception_dsl.ir.values import Width

rules: Final = Rules[Expression]("PyTorch")


@rules(Conv, ConvTranspose, FullyConnected)
def _alone(op: Op, channels: Width, layers: LayerPrinter) -> Expression:
    return layers.layer(Layer((op,)), channels, layers.width(channels))
