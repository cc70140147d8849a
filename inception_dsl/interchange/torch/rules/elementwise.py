"""Functions of elements, and sums, products and the like."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Final

import numpy as np

from inception_dsl.interchange import primitives as prim
from inception_dsl.interchange.constant import Constant
from inception_dsl.interchange.graph import Unsupported
from inception_dsl.interchange.recognise.activations import UNARY
from inception_dsl.interchange.torch.rules.call import RULES, Call, Given
from inception_dsl.ir.op import Op
from inception_dsl.ir.ops import activations as act
from inception_dsl.ir.ops.joins import Add, Mul
from inception_dsl.ir.shapes import ShapeError

PLAIN: Final[dict[str, Op]] = {
    "relu": act.ReLU(),
    "relu6": act.ReLU6(),
    "silu": act.SiLU(),
    "hardswish": act.Hardswish(),
    "hardsigmoid": act.Hardsigmoid(),
    "sigmoid": act.Sigmoid(),
    "tanh": act.Tanh(),
    "mish": act.Mish(),
    **{kind: prim.Unary(kind) for kind in UNARY},
}


@RULES(*PLAIN)
def _plain(call: Call) -> int:
    return call.add(PLAIN[call.kind])


@RULES("elu", "leaky_relu", "gelu", "softmax", "hardtanh", "clamp", "clamp_min")
def _with_arguments(call: Call) -> int:
    given = call.arguments
    match call.kind:
        case "elu" if (given["alpha"], given["scale"], given["input_scale"]) == (1, 1, 1):
            return call.add(act.ELU())
        case "leaky_relu":
            return call.add(act.LeakyReLU(float(given["negative_slope"])))
        case "gelu":
            return call.add(act.GELUTanh() if given["approximate"] == "tanh" else act.GELU())
        case "softmax" if call.axis(given["dim"]) == 0:
            return call.add(act.Softmax())
        case "hardtanh":
            return call.add(prim.Clip(float(given["min_val"]), float(given["max_val"])))
        case "clamp" | "clamp_min":
            low, high = given.get("min"), given.get("max")
            return call.add(prim.Clip(-math.inf if low is None else low, math.inf if high is None else high))
    raise Unsupported(f"the language has no {call.kind} with these arguments")


@RULES("prelu")
def _prelu(call: Call) -> int:
    weights = call.tensors("weight")
    return call.add(act.PReLU(weights["weight"].size > 1), **weights)


@RULES("add", "sub", "mul", "div", "maximum", "minimum", "pow", "rsub")
def _elementwise(call: Call) -> int:
    one, other = call.arguments.get("self"), call.arguments.get("other", call.arguments.get("exponent"))
    if call.arguments.get("alpha", 1) != 1:
        raise Unsupported("it scales what it adds")
    if call.kind == "rsub":
        one, other = other, one
    kind = {"maximum": "max", "minimum": "min", "rsub": "sub"}.get(call.kind, call.kind)
    if isinstance(one, Given) and isinstance(other, Given):
        joins: dict[str, Op] = {"add": Add(), "mul": Mul()}
        op = joins.get(kind) or prim.Binary(kind)
        return call.add(op, *_broadcast(call, op, one.index, other.index))
    first = not isinstance(one, Given)
    value, number = (other, one) if first else (one, other)
    if not isinstance(value, Given):
        raise Unsupported("it reads no value that depends on the image")
    if number is None:
        raise Unsupported("it has one operand")
    constant = number if isinstance(number, Constant) else _number(number)
    return call.add(prim.WithConstant(kind, constant, first and kind not in ("add", "mul")), value.index)


def _broadcast(call: Call, op: Op, *values: int) -> list[int]:
    """Two values in one shape, where the op does not broadcast them itself."""
    types = [call.builder.type_of(value) for value in values]
    with suppress(ShapeError):
        op.infer(*types)
        return [*values]
    wanted = prim.broadcast(*(each.shape for each in types))
    expand = prim.Expand(wanted.shape)
    return [value if each == wanted else call.add(expand, value) for value, each in zip(values, types, strict=True)]


def _number(number: float) -> Constant:
    return Constant(f"{number:g}", (), lambda: np.array(number))
