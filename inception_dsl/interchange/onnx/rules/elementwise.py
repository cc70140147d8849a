"""Functions of elements, and sums, products and the like."""

from __future__ import annotations

import math
from typing import Final

from inception_dsl.interchange import primitives as prim
from inception_dsl.interchange.constant import Constant, decimal
from inception_dsl.interchange.graph import Unsupported
from inception_dsl.interchange.onnx.model import OnnxNode, numbers_like
from inception_dsl.interchange.onnx.rules.rule import (
    RULES,
    Inputs,
    Reading,
    Value,
    constant_of,
    image_of,
    numbers_of,
)
from inception_dsl.interchange.rules import axis_of
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops import activations as act
from inception_dsl.ir.ops.joins import Add, Mul
from inception_dsl.ir.ops.regularisation import Dropout
from inception_dsl.ir.ops.scaling import Scale
from inception_dsl.ir.shapes import TensorType

PLAIN: Final[dict[str, Op]] = {
    "Relu": act.ReLU(),
    "Sigmoid": act.Sigmoid(),
    "Tanh": act.Tanh(),
    "HardSwish": act.Hardswish(),
    "Mish": act.Mish(),
    **{
        kind: prim.Unary(kind.lower()) for kind in ("Erf", "Exp", "Log", "Softplus", "Sqrt", "Abs", "Neg", "Reciprocal")
    },
}


@RULES(*PLAIN)
def _plain(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    return [reading.builder.add(node.name, PLAIN[node.kind], image_of(inputs))]


@RULES("Elu", "LeakyRelu", "HardSigmoid", "Gelu", "Swish", "Softmax")
def _with_attributes(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    own, x = node.attributes, image_of(inputs)
    match node.kind:
        case "Elu" if own.get("alpha", 1.0) == 1.0:
            op: Op = act.ELU()
        case "LeakyRelu":
            op = act.LeakyReLU(decimal(own.get("alpha", 0.01)))
        case "HardSigmoid" if math.isclose(own.get("alpha", 0.2), 1 / 6, rel_tol=1e-5) and own.get("beta", 0.5) == 0.5:
            op = act.Hardsigmoid()
        case "HardSigmoid" if own.get("alpha", 0.2) > 0 and own.get("beta", 0.5) == 0.5:  # paddle's and keras' slope
            x = reading.builder.add(f"{node.name}/scale", Scale(decimal(6 * own.get("alpha", 0.2))), x)
            op = act.Hardsigmoid()
        case "Gelu":
            op = act.GELUTanh() if own.get("approximate") == "tanh" else act.GELU()
        case "Swish" if own.get("alpha", 1.0) == 1.0:
            op = act.SiLU()
        case "Softmax" if _is_over_channels(reading, node, reading.builder.type_of(x)):
            op = act.Softmax()
        case _:
            raise Unsupported(f"the language has no {node.kind} with {own}")
    return [reading.builder.add(node.name, op, x)]


def _is_over_channels(reading: Reading, node: OnnxNode, x: TensorType) -> bool:
    """Whether a softmax is over the channels: before opset 13, it is over all axes from its own on."""
    return axis_of(node.attributes.get("axis", -1), x) == 0 and (reading.opset > 12 or len(x.shape) == 1)


@RULES("PRelu", weights=1)
def _prelu(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    slope, x = constant_of(inputs, 1), image_of(inputs)
    channels = reading.builder.type_of(x).channels
    if slope is None or slope.size not in (1, channels):
        raise Unsupported("its slopes are not one for all channels, or one for each")
    weight = slope.reshaped(slope.size)
    return [reading.builder.add(node.name, act.PReLU(slope.size > 1), x, weight=weight)]


@RULES("Clip")
def _clip(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    low, high = (numbers_of(node, inputs, name, at) for at, name in enumerate(("min", "max"), 1))
    op = prim.Clip(low[0] if low else -math.inf, high[0] if high else math.inf)
    return [reading.builder.add(node.name, op, image_of(inputs))]


BINARY: Final = {"Sub": "sub", "Div": "div", "Max": "max", "Min": "min", "Pow": "pow", "Add": "add", "Mul": "mul"}
JOINS: Final[dict[str, type[Op]]] = {"Add": Add, "Sum": Add, "Mul": Mul}


@RULES(*BINARY, "Sum")
def _elementwise(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    values = [each for each in inputs if isinstance(each, int)]
    constants = [each for each in inputs if isinstance(each, Constant)]
    if not constants:
        if len(values) == 1:
            return [*values]
        if node.kind in JOINS:
            return [reading.builder.add(node.name, JOINS[node.kind](), *values)]
        return [reading.builder.add(node.name, prim.Binary(BINARY[node.kind]), *values)]
    if len(values) != 1 or len(constants) != 1:
        raise Unsupported("it joins several constants with a value")
    first = isinstance(inputs[0], Constant) and node.kind not in JOINS
    op = prim.WithConstant(BINARY[node.kind], constants[0], first)
    return [reading.builder.add(node.name, op, *values)]


FLOATS: Final = (1, 10, 11, 16)
"""The types of ONNX that are floating point: float, float16, double and bfloat16."""


@RULES("Dropout")
@RULES("Identity", "Cast", forms=True)
def _identity(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    value = inputs[0]
    if value is None:
        raise Unsupported("it has no input")
    if node.kind == "Cast" and isinstance(value, int) and node.attributes.get("to") not in FLOATS:
        raise Unsupported("it rounds to whole numbers")
    if node.kind == "Cast" and isinstance(value, Constant):
        return [value.cast(numbers_like(node.attributes["to"]))]
    if node.kind == "Dropout" and isinstance(value, int):
        ratio = numbers_of(node, inputs, "ratio", 1) or [0.5]
        return [reading.builder.add(node.name, Dropout(decimal(ratio[0])), value)]
    return [value]
