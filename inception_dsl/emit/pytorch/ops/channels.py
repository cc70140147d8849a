"""Groups of channels."""

from __future__ import annotations

from typing import Final

from inception_dsl.emit.python import CallExpr, Expression
from inception_dsl.emit.pytorch.layers import LayerPrinter
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.ops.channels import ChannelPart, ChannelShuffle
from inception_dsl.ir.values import Width

rules: Final = Rules[Expression]("PyTorch")


@rules(ChannelPart)
def _part(op: ChannelPart, channels: Width, layers: LayerPrinter) -> Expression:
    return layers.helper("ChannelPart", *map(str, op.part))


@rules(ChannelShuffle)
def _shuffle(op: ChannelShuffle, channels: Width, layers: LayerPrinter) -> Expression:
    return CallExpr("nn.ChannelShuffle", (str(op.groups),))
