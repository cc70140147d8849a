"""Activations: functions of one element, and softmax, of all channels."""

from __future__ import annotations

import math
from typing import Final

from inception_dsl.emit.onnx.node import OnnxNode, Site, Spelling, over_image
from inception_dsl.emit.rules import Rules
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops import activations as act

GELU: Final = 20
MISH: Final = 18
"""The first opsets with an op for these."""

rules: Final = Rules[Spelling]("ONNX")

PLAIN: Final = {
    act.ReLU: OnnxNode("Relu"),
    act.ReLU6: OnnxNode("Clip", constants={"min": 0.0, "max": 6.0}),
    act.Hardswish: OnnxNode("HardSwish"),
    act.Hardsigmoid: OnnxNode("HardSigmoid", {"alpha": 1 / 6, "beta": 0.5}),
    act.Sigmoid: OnnxNode("Sigmoid"),
    act.Tanh: OnnxNode("Tanh"),
    act.ELU: OnnxNode("Elu"),
    act.Softmax: OnnxNode("Softmax", {"axis": 1}),
}
"""The ops that are one node in every opset."""


@rules(*PLAIN)
def _plain(op: Op, site: Site) -> OnnxNode:
    return PLAIN[type(op)]


@rules(act.LeakyReLU)
def _leaky(op: act.LeakyReLU, site: Site) -> OnnxNode:
    return OnnxNode("LeakyRelu", {"alpha": op.slope})


@rules(act.PReLU)
def _prelu(op: act.PReLU, site: Site) -> Spelling:
    if not op.per_channel or len(site.types[0].shape) == 1:
        return OnnxNode("PRelu")
    return [over_image("weight"), OnnxNode("PRelu", inputs=("x", "weight_image"))]


@rules(act.SiLU)
def _silu(op: act.SiLU, site: Site) -> Spelling:
    # opset 24 has Swish, but onnxruntime 1.32 does not run it in the opsets after that
    return [OnnxNode("Sigmoid", inputs=("x",), name="sigmoid"), OnnxNode("Mul", inputs=("x", "sigmoid"))]


@rules(act.Mish)
def _mish(op: act.Mish, site: Site) -> Spelling:
    if site.opset >= MISH:
        return OnnxNode("Mish")
    return [
        OnnxNode("Softplus", inputs=("x",), name="softplus"),
        OnnxNode("Tanh", inputs=("softplus",), name="tanh"),
        OnnxNode("Mul", inputs=("x", "tanh")),
    ]


@rules(act.GELU)
def _gelu(op: act.GELU, site: Site) -> Spelling:
    if site.opset >= GELU:
        return OnnxNode("Gelu")
    return [
        OnnxNode("Mul", constants={"scale": math.sqrt(0.5)}, inputs=("x", "scale"), name="scaled"),
        OnnxNode("Erf", inputs=("scaled",), name="erf"),
        *_gated("erf"),
    ]


@rules(act.GELUTanh)
def _gelu_tanh(op: act.GELUTanh, site: Site) -> Spelling:
    if site.opset >= GELU:
        return OnnxNode("Gelu", {"approximate": "tanh"})
    return [
        OnnxNode("Mul", inputs=("x", "x"), name="square"),
        OnnxNode("Mul", constants={"cubic": 0.044715}, inputs=("square", "cubic"), name="bent"),
        OnnxNode("Add", constants={"one": 1.0}, inputs=("bent", "one"), name="slope"),
        OnnxNode("Mul", constants={"scale": math.sqrt(2 / math.pi)}, inputs=("x", "scale"), name="scaled"),
        OnnxNode("Mul", inputs=("scaled", "slope"), name="angle"),
        OnnxNode("Tanh", inputs=("angle",), name="tanh"),
        *_gated("tanh"),
    ]


def _gated(gate: str) -> list[OnnxNode]:
    """Half of the input, times 1 and the value of an earlier node."""
    return [
        OnnxNode("Mul", constants={"half": 0.5}, inputs=("x", "half"), name="halved"),
        OnnxNode("Mul", inputs=("halved", gate), name="gated"),
        OnnxNode("Add", inputs=("halved", "gated")),
    ]
