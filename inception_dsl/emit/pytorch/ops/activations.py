"""Activations: functions of one element, and softmax, of all channels."""

from __future__ import annotations

from typing import Final, NamedTuple

from inception_dsl.emit.python import CallExpr, Expression, literal
from inception_dsl.emit.pytorch.layers import LayerPrinter
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops import activations as act
from inception_dsl.ir.values import Width

rules: Final = Rules[Expression]("PyTorch")


class Function(NamedTuple):
    """An activation without arguments: its class in `torch.nn`, its function, the options of both, and `in_place`."""

    layer: str
    function: str
    options: str = ""
    in_place: bool = True

    def call(self, code: str, over: bool = False) -> str:
        """The function of an expression, whose value it may write `over`."""
        items = [code, *filter(None, [self.options, "inplace=True" if over and self.in_place else ""])]
        return f"{self.function}({', '.join(items)})"


FUNCTIONS: Final = {
    act.ReLU: Function("ReLU", "F.relu"),
    act.ReLU6: Function("ReLU6", "F.relu6"),
    act.SiLU: Function("SiLU", "F.silu"),
    act.Hardswish: Function("Hardswish", "F.hardswish"),
    act.Hardsigmoid: Function("Hardsigmoid", "F.hardsigmoid"),
    act.Sigmoid: Function("Sigmoid", "torch.sigmoid", in_place=False),
    act.Tanh: Function("Tanh", "torch.tanh", in_place=False),
    act.ELU: Function("ELU", "F.elu"),
    act.GELU: Function("GELU", "F.gelu", in_place=False),
    act.GELUTanh: Function("GELU", "F.gelu", 'approximate="tanh"', in_place=False),
    act.Mish: Function("Mish", "F.mish"),
}
"""The activations that `forward` applies as functions."""


@rules(*FUNCTIONS)
def _function(op: Op, channels: Width, layers: LayerPrinter) -> Expression:
    layer = FUNCTIONS[type(op)]
    return f"nn.{layer.layer}({layer.options})"


@rules(act.LeakyReLU)
def _leaky(op: act.LeakyReLU, channels: Width, layers: LayerPrinter) -> Expression:
    return CallExpr("nn.LeakyReLU", (("negative_slope", literal(op.slope)),))


@rules(act.PReLU)
def _prelu(op: act.PReLU, channels: Width, layers: LayerPrinter) -> Expression:
    return CallExpr("nn.PReLU", (layers.width(channels),) if op.per_channel else ())


@rules(act.Softmax)
def _softmax(op: act.Softmax, channels: Width, layers: LayerPrinter) -> Expression:
    return "nn.Softmax(dim=1)"
