"""Normalisations."""

from __future__ import annotations

import numpy as np

from inception_dsl.interchange import primitives as prim
from inception_dsl.interchange.constant import decimal
from inception_dsl.interchange.graph import Unsupported
from inception_dsl.interchange.onnx.model import OnnxNode
from inception_dsl.interchange.onnx.rules.rule import (
    RULES,
    Inputs,
    Reading,
    Value,
    constant_of,
    image_of,
)
from inception_dsl.interchange.rules import axis_of
from inception_dsl.ir.ops.norms import LRN, BatchNorm


@RULES("BatchNormalization", weights=1)
def _batch_norm(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    names = ("weight", "bias", "running_mean", "running_var")
    weights = {name: found for at, name in enumerate(names, 1) if (found := constant_of(inputs, at)) is not None}
    if node.attributes.get("spatial", 1) != 1 or node.attributes.get("training_mode", 0) or len(weights) < len(names):
        raise Unsupported("it is not a batch norm of channels in inference")
    op = BatchNorm(eps=decimal(node.attributes.get("epsilon", 1e-5)))
    return [reading.builder.add(node.name, op, image_of(inputs), **weights)]


@RULES("InstanceNormalization")
def _instance_norm(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    scale, shift = constant_of(inputs, 1), constant_of(inputs, 2)
    op = prim.InstanceNorm(decimal(node.attributes.get("epsilon", 1e-5)))
    index = reading.builder.add(node.name, op, image_of(inputs))
    if scale is None or shift is None or not (scale.known and shift.known):
        raise Unsupported("its scale has no values")
    if not (np.all(scale.values == 1) and np.all(shift.values == 0)):
        raise Unsupported("the language has no instance norm with a scale")
    return [index]


@RULES("LayerNormalization", weights=1)
def _layer_norm(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    x, weight, bias = image_of(inputs), constant_of(inputs, 1), constant_of(inputs, 2)
    shape = reading.builder.type_of(x)
    axis = axis_of(node.attributes.get("axis", -1), shape)
    if axis != len(shape.shape) - 1 or weight is None or bias is None:
        raise Unsupported("the language normalises over one axis, with a scale and a shift")
    op = prim.LastAxisNorm(decimal(node.attributes.get("epsilon", 1e-5)))
    return [reading.builder.add(node.name, op, x, weight=weight, bias=bias)]


@RULES("LRN")
def _lrn(reading: Reading, node: OnnxNode, inputs: Inputs) -> list[Value]:
    own = node.attributes
    numbers = (own.get("alpha", 1e-4), own.get("beta", 0.75), own.get("bias", 1.0))
    return [reading.builder.add(node.name, LRN(own["size"], *map(decimal, numbers)), image_of(inputs))]
