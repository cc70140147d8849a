"""Batch norms that a source composes of arithmetic with its running statistics, which are constants.

keras says `(x - mean) * (gamma * rsqrt(variance + eps)) + beta`; torchvision's frozen norms say `x * scale + shift`,
with `scale = gamma * rsqrt(variance + eps)` and `shift = beta - mean * scale`. A tool that computes the scale before it
writes a file leaves `(x - mean) * scale + beta`: the norm then is part of the convolution before it, or an `Affine`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from inception_dsl.interchange.builder import Added, Builder
from inception_dsl.interchange.constant import Constant, zeros
from inception_dsl.interchange.graph import Array
from inception_dsl.interchange.primitives import WithConstant
from inception_dsl.interchange.recognise.constants import by_channel
from inception_dsl.ir.ops.linear import Conv, FullyConnected
from inception_dsl.ir.ops.norms import BatchNorm
from inception_dsl.ir.ops.scaling import Affine

NOT_YET: Final = ("zeros", ())
"""The formula of a shift that nothing has added."""


class Scaling(NamedTuple):
    """What a batch norm multiplies with: `gamma / sqrt(variance + eps)`, where gamma may be left out."""

    variance: Constant
    eps: float
    gamma: Constant | None


def composed(graph: Builder, added: Added) -> int | None:
    """The batch norm that a product, a quotient or a sum completes."""
    op, (index,) = added.op, added.inputs
    assert isinstance(op, WithConstant)
    before = graph.node(index)
    constant = by_channel(op, graph.type_of(index))
    if before is None or constant is None or op.first:
        return None
    match op.kind, before.op:
        case (("mul" | "div"), WithConstant("sub", _, False)):
            mean = by_channel(before.op, graph.type_of(before.inputs[0]))
            scaling = scaling_of(constant) if op.kind == "mul" else _quotient(None, constant)
            if mean is None or scaling is None:
                return None
            return _norm(graph, added.name, before.inputs[0], mean, scaling, None)
        case "mul", BatchNorm(_, False) if before.weights["bias"].formula == NOT_YET:
            scaling = Scaling(before.weights["running_var"], before.op.eps, constant)
            return _norm(graph, added.name, before.inputs[0], before.weights["running_mean"], scaling, None)
        case "add", BatchNorm() if before.weights["bias"].formula == NOT_YET:
            return graph.add(added.name, before.op, *before.inputs, **{**before.weights, "bias": constant})
        case "add", Affine(bias=False):
            scaling = scaling_of(before.weights["weight"])
            match constant.formula:
                case "sub", (Constant() as beta, Constant() as shift) if scaling is not None:
                    mean = _mean_of(shift, before.weights["weight"])
                    if mean is not None:
                        return _norm(graph, added.name, before.inputs[0], mean, scaling, beta)
            return _folded(graph, added.name, before, constant)
    return None


FOLDED: Final = "a norm as the weights of its layer"


def _folded(graph: Builder, name: str, scaled: Added, beta: Constant) -> int | None:
    """What `(x - mean) * scale + beta` is, where the scale was computed: a layer's own weights, or an `Affine`."""
    centred, scale = graph.node(scaled.inputs[0]), scaled.weights["weight"]
    if centred is None or not isinstance(centred.op, WithConstant) or centred.op.kind != "sub" or centred.op.first:
        return None
    (x,) = centred.inputs
    mean, layer = by_channel(centred.op, graph.type_of(x)), graph.node(x)
    if mean is None or not (mean.known and scale.known and beta.known):
        return None

    def shift() -> Array:
        return np.asarray(beta.values - mean.values * scale.values)

    if layer is None or not isinstance(layer.op, Conv | FullyConnected) or layer.op.bias:
        bias = Constant(f"{name}.bias", scale.shape, shift, computed=FOLDED)
        return graph.add(name, Affine(), x, weight=scale, bias=bias)
    own = layer.weights["weight"]

    def weight() -> Array:
        return own.values * scale.values.reshape(-1, *(1 for _ in own.shape[1:]))

    weights = {
        "weight": Constant(f"{own.name}.folded", own.shape, weight if own.known else None, computed=FOLDED),
        "bias": Constant(f"{own.name}.shift", scale.shape, shift, computed=FOLDED),
    }
    return graph.add(layer.name, replace(layer.op, bias=True), *layer.inputs, **weights)


def _norm(graph: Builder, name: str, x: int, mean: Constant, scaling: Scaling, beta: Constant | None) -> int | None:
    width = graph.type_of(x).channels
    found = {"running_mean": mean, "running_var": scaling.variance, "bias": beta or zeros(f"{name}.bias", width)}
    if scaling.gamma is not None:
        found["weight"] = scaling.gamma
    if any(each.size != width for each in found.values()):
        return None
    weights = {key: each.reshaped(width) for key, each in found.items()}
    return graph.add(name, BatchNorm(scaling.eps, scaling.gamma is not None), x, **weights)


def scaling_of(constant: Constant) -> Scaling | None:
    """The parts of `gamma * rsqrt(variance + eps)`, in the ways in which it is written."""
    match constant.formula:
        case "mul", (one, other):
            for gamma, root in ((one, other), (other, one)):
                if isinstance(root, Constant) and isinstance(gamma, Constant) and (found := scaling_of(root)):
                    if gamma.formula and gamma.formula[0] == "ones_like":  # of a norm of keras without a scale
                        return found
                    return found._replace(gamma=gamma) if found.gamma is None else None
        case "rsqrt", (Constant() as shifted,):
            return _shifted(shifted)
        case "pow", (Constant() as shifted, power) if _number(power) == -0.5:
            return _shifted(shifted)
        case "reciprocal", (Constant() as root,):
            return _quotient(None, root)
        case "div", (gamma, Constant() as root):
            return _quotient(None if _number(gamma) == 1 else gamma, root)
    return None


def _quotient(gamma: Constant | float | None, root: Constant) -> Scaling | None:
    match root.formula:
        case "sqrt", (Constant() as shifted,) if gamma is None or isinstance(gamma, Constant):
            found = _shifted(shifted)
            return found._replace(gamma=gamma) if found else None
    return None


def _shifted(constant: Constant) -> Scaling | None:
    """The parts of `variance + eps`."""
    match constant.formula:
        case "add", (Constant() as variance, eps) if (number := _number(eps)) is not None and number > 0:
            return Scaling(variance, number, None)
    return None


def _mean_of(shift: Constant, scale: Constant) -> Constant | None:
    """The mean in `mean * scale`."""
    match shift.formula:
        case "mul", (Constant() as one, Constant() as other):
            if other.name == scale.name:
                return one
            if one.name == scale.name:
                return other
    return None


def _number(operand: Constant | float) -> float | None:
    """A number, as float32 holds the shortest decimal."""
    return operand.scalar if isinstance(operand, Constant) else float(operand)
