"""Activations: functions of one element, and softmax, of all channels."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.python import Expression
from inception_dsl.emit.pytorch.layers import LayerPrinter
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.activations import ReLU, Softmax
from inception_dsl.ir.values import Width

rules: Final = Rules[Expression]("PyTorch")


@rules(ReLU)
def _relu(op: ReLU, channels: Width, layers: LayerPrinter) -> Expression:
    return "nn.ReLU()"


@rules(Softmax)
def _softmax(op: Softmax, channels: Width, layers: LayerPrinter) -> Expression:
    return "nn.Softmax(dim=1)"
